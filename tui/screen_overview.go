package tui

import (
	"math"
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// overviewPane shows the most important curves, a column of numbers, and what is wrong.
type overviewPane struct{}

func (*overviewPane) title(*model) string       { return "overview" }
func (*overviewPane) bindings(*model) []binding { return nil }
func (*overviewPane) about(m *model) string {
	return "The curves that tell whether a run works, the newest numbers, findings of the health rules, and the last event."
}

// overviewCharts are the charts of the overview, most important first.
func overviewCharts(r *runView) []chartDef {
	if r.fineTuning() {
		return []chartDef{metricChart("ctc_loss", []string{"train", "valid"}), metricChart("wer", []string{"valid"}), metricChart("cer", []string{"valid"}),
			gradientChart, rateChart, speedChart}
	}
	defs := []chartDef{contrastiveChart, accuracyChart, perplexityChart}
	if _, probed := r.data[runlog.Valid+"/"+probeChart.metric]; probed {
		defs = append(defs, probeChart)
	}
	return append(defs, gradientChart, rateChart, speedChart)
}

func (p *overviewPane) draw(f *frame, area rect) {
	m := f.m
	if area.H >= 12 {
		f.news(&area)
	}
	switch {
	case m.view.full:
	case area.W >= columnFrom:
		f.column(area.Right(columnWidth))
		area.Right(1)
	case area.H > chartHeight:
		// A narrow screen has the first numbers below the charts, but never more of them than of curves.
		area.H -= f.lines(area, min((area.H-chartHeight+1)/2, 6))
	}
	defs := overviewCharts(m.run())
	rows, columns := fit(area, len(defs), 2)
	if area.W >= 150 {
		rows, columns = fit(area, len(defs), 3)
	}
	f.grid(defs, area, rows, columns)
}

// news takes the last rows: what the health rules found, and the last thing that happened.
func (f *frame) news(area *rect) {
	r := f.m.run()
	text, s := r.lastEvent()
	line := area.Bottom(1)
	f.c.Text(line.X, line.Y, line.W, text, s)
	if rep := r.latest.report; rep != nil {
		for i := min(len(rep.Findings), max(area.H/8, 1)) - 1; i >= 0; i-- {
			line := area.Bottom(1)
			text, s := describeFinding(rep.Findings[i])
			f.c.Text(line.X, line.Y, line.W, text, s)
		}
	}
}

// group is a part of the column of numbers.
type group struct {
	kind    string
	metrics []string // the last ones give way on a small screen
}

// groups returns the column of numbers. Metrics that a run does not log are left out.
func groups() []group {
	return []group{
		{runlog.Train, []string{"contrastive_loss", "ctc_loss", "accuracy", "code_perplexity", "prob_perplexity", "gradient_norm", "learning_rate", "diversity_loss",
			"feature_penalty", "gumbel_temperature", "masked_share", "clip_rate", "skipped_steps", "duplicate_distractors", "codebook_cosine", "mask_run"}},
		{runlog.Valid, []string{"contrastive_loss", "accuracy", "code_perplexity", "prob_perplexity", "probe/accuracy", "wer", "wer_lm", "cer"}},
		{runlog.System, []string{"updates_per_second", "gflops", "data_wait", "memory/rss", "time/step"}},
	}
}

// reading is a row of the column.
type reading struct {
	kind, metric string
	value, unit  string
	style        screen.Style
}

// readings returns the last values of a group that the run logs, or those at the cursor.
func (m *model) readings(g group) []reading {
	var out []reading
	r := m.run()
	for _, name := range g.metrics {
		s := r.data[g.kind+"/"+name]
		v, ok := s.Last()
		if !math.IsNaN(m.view.cursor) {
			if i := s.Nearest(r.axis(m.view.axis), m.view.cursor); i >= 0 {
				v = s.Raw.List()[i]
			}
		}
		match, err := runlog.Lookup(name)
		if !ok || err != nil {
			continue
		}
		row := reading{kind: g.kind, metric: name, style: screen.Strong}
		row.value, row.unit = quantity(v, match.Metric, m.view.bits)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			row.style = screen.Bad
		}
		out = append(out, row)
	}
	return out
}

// column draws the groups with their heads. When they do not all fit, the longest gives up its last rows.
func (f *frame) column(area rect) {
	var lists [][]reading
	rows := 0
	for _, g := range groups() {
		if list := f.m.readings(g); len(list) > 0 {
			lists = append(lists, list)
			rows += len(list) + 1
		}
	}
	for rows > area.H {
		longest := 0
		for i := range lists {
			if len(lists[i]) > len(lists[longest]) {
				longest = i
			}
		}
		if len(lists) == 0 || len(lists[longest]) <= 1 {
			break
		}
		lists[longest] = lists[longest][:len(lists[longest])-1]
		rows--
	}
	for _, list := range lists {
		if area.H < 2 {
			return
		}
		head := area.Top(1)
		f.c.Text(head.X, head.Y, head.W, list[0].kind, screen.Accent)
		for _, r := range list {
			f.reading(area.Top(1), r)
		}
	}
}

// reading writes a row: name on the left, value and unit on the right. The unit gives way first.
func (f *frame) reading(area rect, r reading) {
	if area.H < 1 {
		return
	}
	name, value := words(r.metric), r.value
	if r.unit != "" && screen.TextWidth(name)+1+screen.TextWidth(value)+1+screen.TextWidth(r.unit) <= area.W {
		value += " " + r.unit
	}
	w := min(screen.TextWidth(value), area.W)
	f.c.Text(area.X, area.Y, area.W-w-1, name, screen.Plain)
	f.c.TextRight(area.X, area.Y, area.W, value, r.style)
}

// lines writes the first numbers of training into the lowest of at most limit rows, as many in a row as fit. It returns how
// many rows it took.
func (f *frame) lines(area rect, limit int) int {
	var rows []string
	for _, r := range f.m.readings(groups()[0]) {
		text := strings.TrimSpace(words(r.metric) + " " + r.value + " " + r.unit)
		last := len(rows) - 1
		if last >= 0 && screen.TextWidth(rows[last])+2+screen.TextWidth(text) <= area.W {
			rows[last] += "  " + text
		} else if len(rows) < limit {
			rows = append(rows, text)
		}
	}
	area = area.Bottom(len(rows))
	for i, row := range rows {
		f.c.Text(area.X, area.Y+i, area.W, row, screen.Plain)
	}
	return len(rows)
}

// quantity writes a value of a metric with its unit. Shares are written in percent.
func quantity(v float64, m runlog.Metric, bits bool) (value, unit string) {
	finite := !math.IsNaN(v) && !math.IsInf(v, 0)
	switch {
	case m.Nats && bits:
		return screen.Number(v * runlog.BitsPerNat), "bits"
	case m.Unit == "share" && finite:
		return screen.Number(100 * v), "%"
	case m.Unit == "bytes" && finite:
		for _, u := range []string{"B", "KiB", "MiB"} {
			if math.Abs(v) < 1024 {
				return screen.Number(v), u
			}
			v /= 1024
		}
		return screen.Number(v), "GiB"
	}
	return screen.Number(v), m.Unit
}
