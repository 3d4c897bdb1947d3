package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"aural/finetune"
	"aural/plots"
	"aural/sweep"
)

// The forms of a sweep's table.
const (
	textTable     = "text"
	csvTable      = "csv"
	markdownTable = "md"
)

// report prints the table and draws the figure, and fails when a cell did.
func (w *sweeping) report() error {
	rows := sweep.Table(w.plan, w.results)
	switch {
	case w.flags.json:
		if err := writeJSON(w.out, w.summary(rows)); err != nil {
			return err
		}
	case w.flags.table == csvTable:
		if err := writeSweepCSV(w.out, rows); err != nil {
			return err
		}
	case w.flags.table == markdownTable:
		writeMarkdown(w.out, sweepRows(rows))
		w.explainDecoders(rows)
	default:
		table(w.out, sweepRows(rows), nil)
		w.explainDecoders(rows)
	}
	if err := w.draw(rows); err != nil {
		return err
	}
	var failed []string
	for _, c := range w.plan.Cells() {
		if w.results.Of(c).Failed != "" {
			failed = append(failed, c.Name())
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s failed: %s (%s says why, --retry trains them again)", plural(len(failed), "cell"), strings.Join(failed, ", "), w.flags.out+"/"+sweep.ResultsFile)
	}
	return nil
}

// explainDecoders prints the whole names of decoders that the table shortens.
func (w *sweeping) explainDecoders(rows []sweep.Row) {
	short, last := shortDecoders(rows), ""
	for _, r := range rows {
		if name := short(r.Decoder); name != r.Decoder && r.Decoder != last {
			w.print("\n%s: %s", name, strings.TrimPrefix(r.Decoder, name+", "))
			last = r.Decoder
		}
	}
}

// sweepRows is the table for people. Rates are the mean and, behind it, the lowest and the highest of the seeds.
func sweepRows(rows []sweep.Row) [][]string {
	out := [][]string{{"labels", "mode", "decoder", ">seeds", ">WER %", ">lowest-highest", ">CER %", ">lowest-highest", ">against scratch", ">training"}}
	name := shortDecoders(rows)
	for _, r := range rows {
		seeds := fmt.Sprint(r.WER.N)
		if r.Failed > 0 {
			seeds += fmt.Sprintf(" (%d failed)", r.Failed)
		}
		gain := "-"
		if !math.IsNaN(r.Gain) {
			gain = fmt.Sprintf("%+.0f %%", -100*r.Gain)
		}
		took := "-"
		if r.Took.N > 0 {
			took = fmt.Sprintf("%.0f s", r.Took.Mean)
		}
		labels := r.Subset
		if !math.IsNaN(r.Seconds) {
			labels = fmt.Sprintf("%s (%s)", r.Subset, audioText(r.Seconds))
		}
		wer, werRange := spreadText(r.WER)
		cer, cerRange := spreadText(r.CER)
		out = append(out, []string{labels, string(r.Mode), name(r.Decoder), seeds, wer, werRange, cer, cerRange, gain, took})
	}
	return out
}

// shortDecoders gives decoders the beginning of their names where that tells them apart.
func shortDecoders(rows []sweep.Row) func(string) string {
	full := map[string]string{} // by the short name; "" for several
	for _, r := range rows {
		short, _, _ := strings.Cut(r.Decoder, ",")
		if was, ok := full[short]; ok && was != r.Decoder {
			full[short] = ""
		} else {
			full[short] = r.Decoder
		}
	}
	return func(name string) string {
		if short, _, _ := strings.Cut(name, ","); full[short] != "" {
			return short
		}
		return name
	}
}

func spreadText(s sweep.Spread) (mean, ends string) {
	if s.N == 0 {
		return "-", "-"
	}
	return fmt.Sprintf("%.1f", 100*s.Mean), fmt.Sprintf("%.1f-%.1f", 100*s.Low, 100*s.High)
}

// writeMarkdown writes rows as table does, for a text in Markdown.
func writeMarkdown(w io.Writer, rows [][]string) {
	for n, row := range rows {
		line := "|"
		for _, cell := range row {
			line += " " + strings.ReplaceAll(strings.TrimPrefix(cell, ">"), "|", `\|`) + " |"
		}
		fmt.Fprintln(w, line)
		if n > 0 {
			continue
		}
		line = "|"
		for _, cell := range row {
			if strings.HasPrefix(cell, ">") {
				line += " ---: |"
			} else {
				line += " --- |"
			}
		}
		fmt.Fprintln(w, line)
	}
}

// writeSweepCSV writes rates as shares; what is not known is empty.
func writeSweepCSV(w io.Writer, rows []sweep.Row) error {
	out := csv.NewWriter(w)
	out.Write([]string{"labels", "labelled_seconds", "mode", "decoder", "seeds", "failed", "open", "wer_mean", "wer_low", "wer_high", "cer_mean", "cer_low", "cer_high", "gain", "trained_seconds"})
	number := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return fmt.Sprintf("%.6g", x)
	}
	for _, r := range rows {
		out.Write([]string{r.Subset, number(r.Seconds), string(r.Mode), r.Decoder, fmt.Sprint(r.WER.N), fmt.Sprint(r.Failed), fmt.Sprint(r.Open), number(r.WER.Mean), number(r.WER.Low),
			number(r.WER.High), number(r.CER.Mean), number(r.CER.Low), number(r.CER.High), number(r.Gain), number(r.Took.Mean)})
	}
	out.Flush()
	return out.Error()
}

// summaryVersion is the version of what --json prints.
const summaryVersion = 1

// sweepSummary is a sweep as JSON. Rates are shares; what is not known is null.
type sweepSummary struct {
	Version int           `json:"version"`
	Plan    sweep.Plan    `json:"plan"`
	Rows    []summaryRow  `json:"rows"`
	Cells   []summaryCell `json:"cells"`
}

type summaryRow struct {
	Subset  string        `json:"subset"`
	Mode    finetune.Mode `json:"mode"`
	Decoder string        `json:"decoder"`
	Seconds *float64      `json:"labelled_seconds"`
	WER     summarySpread `json:"wer"`
	CER     summarySpread `json:"cer"`
	Gain    *float64      `json:"gain"`
	Took    *float64      `json:"trained_seconds"`
	Failed  int           `json:"failed"`
	Open    int           `json:"open"`
}

type summarySpread struct {
	Mean *float64 `json:"mean"`
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
	N    int      `json:"seeds"`
}

type summaryCell struct {
	sweep.Cell
	Trained *sweep.Trained `json:"trained"`
	Tested  []sweep.Tested `json:"tested"`
	Failed  string         `json:"failed,omitempty"`
}

func (w *sweeping) summary(rows []sweep.Row) sweepSummary {
	s := sweepSummary{Version: summaryVersion, Plan: w.plan}
	spread := func(s sweep.Spread) summarySpread {
		return summarySpread{defined(s.Mean), defined(s.Low), defined(s.High), s.N}
	}
	for _, r := range rows {
		s.Rows = append(s.Rows, summaryRow{r.Subset, r.Mode, r.Decoder, defined(r.Seconds), spread(r.WER), spread(r.CER), defined(r.Gain), defined(r.Took.Mean), r.Failed, r.Open})
	}
	for _, c := range w.plan.Cells() {
		o := w.results.Of(c)
		s.Cells = append(s.Cells, summaryCell{c, o.Trained, o.Tested, o.Failed})
	}
	return s
}

// draw draws the figure, when there is anything to draw.
func (w *sweeping) draw(rows []sweep.Row) error {
	view, ok := sweepView(rows)
	if !ok {
		return nil
	}
	path := cmp.Or(w.flags.figure, filepath.Join(w.flags.out, "label-efficiency.svg"))
	if err := plots.RenderView(path, view, plots.Options{Height: 80, CSV: w.flags.points}); err != nil {
		return err
	}
	w.say("figure     %s", path)
	return nil
}

// sweepView is error over labelled seconds: a colour a mode, dashes for all decoders but the first, the spread over seeds as bands of the first. ok is false
// without a measured row.
func sweepView(rows []sweep.Row) (v plots.View, ok bool) {
	v = plots.View{Title: "Label efficiency", Note: "mean, lowest and highest of the seeds", Columns: 2}
	for _, rate := range []struct {
		title string
		of    func(sweep.Row) sweep.Spread
	}{{"Word error rate", func(r sweep.Row) sweep.Spread { return r.WER }}, {"Character error rate", func(r sweep.Row) sweep.Spread { return r.CER }}} {
		p := plots.ViewPanel{Title: rate.title, X: plots.Axis{Label: "labelled audio, s", Log: true}, Y: plots.Axis{Label: "%"}}
		most := 0.0
		for _, l := range sweepLines(rows) {
			c := plots.ViewCurve{Label: l.decoder, Run: string(l.mode), Series: rate.title, Colour: l.colour, Dash: l.dash, Points: true}
			b := plots.ViewBand{Colour: l.colour}
			for _, r := range l.rows {
				s := rate.of(r)
				c.X, c.Y = append(c.X, r.Seconds), append(c.Y, 100*s.Mean)
				b.X, b.Low, b.High = append(b.X, r.Seconds), append(b.Low, 100*s.Low), append(b.High, 100*s.High)
				most = max(most, 100*s.High)
			}
			p.Curves = append(p.Curves, c)
			if l.dash == 0 {
				p.Bands = append(p.Bands, b)
			}
		}
		p.Y.Max = 1.03 * most
		v.Panels = append(v.Panels, p)
	}
	return v, len(v.Panels[0].Curves) > 0
}

// sweepLine is a mode with a decoder over the subsets.
type sweepLine struct {
	mode         finetune.Mode
	decoder      string
	colour, dash int
	rows         []sweep.Row
}

func sweepLines(rows []sweep.Row) []sweepLine {
	var lines []sweepLine
	var decoders []string
	name := shortDecoders(rows)
	for _, r := range rows {
		if r.WER.N == 0 || math.IsNaN(r.Seconds) {
			continue
		}
		dash := slices.Index(decoders, r.Decoder)
		if dash < 0 {
			dash, decoders = len(decoders), append(decoders, r.Decoder)
		}
		i := slices.IndexFunc(lines, func(l sweepLine) bool { return l.mode == r.Mode && l.decoder == r.Decoder })
		if i < 0 {
			i, lines = len(lines), append(lines, sweepLine{mode: r.Mode, decoder: r.Decoder, colour: slices.Index(sweepColours, r.Mode), dash: dash})
		}
		lines[i].rows = append(lines[i].rows, r)
	}
	for i := range lines {
		slices.SortStableFunc(lines[i].rows, func(a, b sweep.Row) int { return cmp.Compare(a.Seconds, b.Seconds) })
		lines[i].decoder = name(lines[i].decoder)
	}
	return lines
}

// sweepColours are the modes by their place in the palette, so that figures of several sweeps compare.
var sweepColours = []finetune.Mode{finetune.Full, finetune.Scratch, finetune.Frozen}
