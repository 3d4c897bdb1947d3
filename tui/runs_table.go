package tui

import (
	"math"
	"slices"
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// runColumn is a column of the table of runs.
type runColumn struct {
	name  string // by which the table is sorted; a series for numbers of the log
	head  string
	width int
	left  bool // text that begins at the left
	up    bool // the largest is the best
	cell  func(r *runView) (string, screen.Style)
	rank  func(r *runView) float64 // to sort by; NaN comes last. nil sorts by the text
}

// tableSeries are the numbers of the log that the table has room for, the first ones first.
var tableSeries = []struct{ name, head string }{
	{"valid/wer", "WER %"}, {"valid/cer", "CER %"}, {"valid/ctc_loss", "CTC"},
	{"valid/accuracy", "accuracy %"}, {"valid/contrastive_loss", "loss"}, {"train/code_perplexity", "codes"},
	{"train/contrastive_loss", "train loss"}, {"train/accuracy", "train acc %"}, {"train/ctc_loss", "train CTC"}, {"train/gradient_norm", "grad norm"},
	{"train/prob_perplexity", "prob perp"}, {rateSeries, "audio s/s"},
}

// columns returns the columns of the table for some runs, as many as width has room for.
func (p *runsPane) columns(m *model, runs []*runView, width int) []runColumn {
	name := 8
	for _, r := range runs {
		name = max(name, screen.TextWidth(r.name))
	}
	list := []runColumn{
		{name: "name", head: "run", width: min(name, max(width/4, 8)), left: true, cell: func(r *runView) (string, screen.Style) { return r.name, screen.Plain }},
		{name: "status", head: "status", width: 8, left: true, cell: func(r *runView) (string, screen.Style) {
			_, _, s := r.condition()
			return either(r.latest.status == "", "opening", string(r.latest.status)), s
		}},
		{name: "updates", head: "updates", width: 8, up: true, rank: func(r *runView) float64 { return float64(r.updates()) },
			cell: func(r *runView) (string, screen.Style) { return screen.Short(float64(r.updates())), screen.Plain }},
		{name: "hours", head: "audio h", width: 7, up: true, rank: func(r *runView) float64 { return p.valueAt(m, r, hoursSeries) },
			cell: func(r *runView) (string, screen.Style) {
				return numberOrDash(p.valueAt(m, r, hoursSeries)), screen.Plain
			}},
		{name: "verdict", head: "verdict", width: 7, left: true, up: true, rank: verdictRank,
			cell: func(r *runView) (string, screen.Style) {
				if r.latest.report == nil {
					return "–", screen.Faint
				}
				_, s := r.verdict()
				return r.latest.report.Level.String(), s
			}},
	}
	used := signColumn
	for _, c := range list {
		used += c.width + 1
	}
	for _, s := range p.series(runs) {
		c := p.seriesColumn(m, s.name, s.head)
		more := []runColumn{c}
		if p.baseline != nil {
			more = append(more, p.differenceColumn(m, c))
		}
		for _, c := range more {
			used += c.width + 1
		}
		if used > width {
			break
		}
		list = append(list, more...)
	}
	return list
}

// signColumn is the width of the mark, the letter and the signs of a run before its name.
const signColumn = 5

// series are the numbers that some of the runs have, that of the chart first when it is not one of the usual ones.
func (p *runsPane) series(runs []*runView) []struct{ name, head string } {
	all := slices.Clone(tableSeries)
	if p.metric != "" && !slices.ContainsFunc(all, func(s struct{ name, head string }) bool { return strings.HasSuffix(s.name, "/"+p.metric) }) {
		for _, kind := range []string{runlog.System, runlog.Host, runlog.Train, runlog.Valid} {
			all = slices.Insert(all, 0, struct{ name, head string }{kind + "/" + p.metric, words(p.metric)})
		}
		all = slices.Insert(all, 0, struct{ name, head string }{p.metric, words(p.metric)}) // of another program
	}
	return slices.DeleteFunc(all, func(s struct{ name, head string }) bool {
		return !slices.ContainsFunc(runs, func(r *runView) bool { return r.data[s.name].Len() > 0 })
	})
}

// seriesColumn shows the value of a series, smoothed as the charts are.
func (p *runsPane) seriesColumn(m *model, series, head string) runColumn {
	match, err := runlog.Lookup(series)
	c := runColumn{name: series, head: screen.CutText(head, 11), width: max(9, min(screen.TextWidth(head), 11)), up: err != nil || match.Metric.Better != runlog.Down}
	c.rank = func(r *runView) float64 { return p.valueAt(m, r, series) }
	c.cell = func(r *runView) (string, screen.Style) {
		v := c.rank(r)
		if r.data[series].Len() == 0 {
			return "–", screen.Faint
		}
		text, _ := quantity(v, match.Metric, m.view.bits)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return text, screen.Bad
		}
		return text, screen.Plain
	}
	return c
}

// differenceColumn shows by how much a series differs from that of the baseline.
func (p *runsPane) differenceColumn(m *model, of runColumn) runColumn {
	match, _ := runlog.Lookup(of.name)
	factor, _ := m.unitOf(strings.TrimPrefix(of.name[strings.IndexByte(of.name, '/')+1:], "/"))
	c := runColumn{name: "difference of " + of.name, head: "diff", width: 8, up: of.up}
	c.rank = func(r *runView) float64 { return of.rank(r) - of.rank(p.baseline) }
	c.cell = func(r *runView) (string, screen.Style) {
		v := c.rank(r)
		switch {
		case r == p.baseline:
			return "base", screen.Faint
		case math.IsNaN(v) || math.IsInf(v, 0):
			return "–", screen.Faint
		case v == 0 || match.Metric.Better == runlog.Neither:
			return signed(v * factor), screen.Plain
		case (v > 0) == (match.Metric.Better == runlog.Up):
			return signed(v * factor), screen.Good
		}
		return signed(v * factor), screen.Bad
	}
	return c
}

// valueAt is the value of a series at the cursor, or its last one; smoothed as the charts are. NaN when there is none.
func (p *runsPane) valueAt(m *model, r *runView, series string) float64 {
	s := r.data[series]
	if s.Len() == 0 {
		return math.NaN()
	}
	i := s.Len() - 1
	if !math.IsNaN(m.view.cursor) {
		if a := r.axis(m.view.axis); a.Available() {
			i = s.Nearest(a, m.view.cursor)
		}
	}
	if exactSeries(series) {
		return s.Raw.List()[i]
	}
	return s.Value(i)
}

// exactSeries reports whether the charts show a series as it was logged.
func exactSeries(name string) bool {
	return validSeries(name) || slices.Contains(exactMetrics, name[strings.IndexByte(name, '/')+1:])
}

func numberOrDash(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return screen.Number(v)
}

// verdictRank orders verdicts, the best last.
func verdictRank(r *runView) float64 {
	if r.latest.report == nil {
		return math.NaN()
	}
	return -float64(r.latest.report.Level)
}

// order returns the runs of the table: pinned ones first, then those that the query leaves, sorted.
func (p *runsPane) order(m *model) []*runView {
	var out []*runView
	for _, r := range m.runs {
		if r.pinned || p.query.match(r.name, r.valuesOf) {
			out = append(out, r)
		}
	}
	var by *runColumn
	for _, c := range p.columns(m, out, 1<<20) {
		if c.name == p.sort {
			by = &c
		}
	}
	slices.SortStableFunc(out, func(a, b *runView) int {
		switch {
		case a.pinned != b.pinned:
			return either(a.pinned, -1, 1)
		case by == nil:
			return 0
		}
		return by.compare(a, b, p.descending)
	})
	return out
}

// compare orders two runs by the column; those without a value come last either way.
func (c *runColumn) compare(a, b *runView, descending bool) int {
	order := 0
	if c.rank == nil {
		x, _ := c.cell(a)
		y, _ := c.cell(b)
		order = strings.Compare(x, y)
	} else {
		x, y := c.rank(a), c.rank(b)
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
			return either(math.IsNaN(x), 1, 0) - either(math.IsNaN(y), 1, 0)
		case x < y:
			order = -1
		case x > y:
			order = 1
		}
	}
	if descending {
		return -order
	}
	return order
}

// letter is the mark of a run at the right end of its curves, ' ' when it is not drawn.
func (m *model) letter(r *runView) rune {
	if i := slices.Index(m.shown(), r); i >= 0 {
		return runMark(i)
	}
	return ' '
}

// overlay is the chart of the runs' metric.
func (p *runsPane) overlay(m *model) chartDef {
	defs := metricCharts(m.shown())
	i := slices.IndexFunc(defs, func(d chartDef) bool { return d.metric == p.metric })
	switch {
	case i >= 0:
		return defs[i]
	case p.metric == "" && m.run().fineTuning():
		return overviewCharts(m.run())[0]
	}
	return contrastiveChart
}

// nextMetric goes to the next metric of the chart, or the one before.
func (p *runsPane) nextMetric(m *model, step int) {
	defs := metricCharts(m.shown())
	if len(defs) == 0 {
		return
	}
	now := p.overlay(m).metric
	i := slices.IndexFunc(defs, func(d chartDef) bool { return d.metric == now })
	p.metric = defs[(i+step+len(defs))%len(defs)].metric
}
