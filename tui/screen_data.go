package tui

import (
	"fmt"
	"math"
	"strings"

	"aural/tui/screen"
)

// dataPane shows how fast the run is and where the time of an update goes.
type dataPane struct{}

func (*dataPane) title(*model) string       { return "data & speed" }
func (*dataPane) bindings(*model) []binding { return nil }
func (*dataPane) about(*model) string {
	return "Throughput, the parts of an update's time (waiting for data above 20 % means that the accelerator starves), and how batches are filled."
}

// dataCharts are the charts of the screen.
func dataCharts() []chartDef {
	return []chartDef{
		speedChart,
		{title: "time of an update", metric: "time/step", curves: []curveDef{{"system/time/step", "step", false}, {"system/time/forward", "forward", false},
			{"system/time/backward", "backward", false}, {"system/time/data", "data", false}, {"system/time/optimizer", "optimizer", false}}},
		{title: "waiting for data", metric: "data_wait", curves: []curveDef{{"system/data_wait", "wait", false}}},
		{title: "arithmetic", metric: "gflops", curves: []curveDef{{"system/gflops", "gflops", false}}, lines: []lineDef{{"system/peak_gflops", "peak", true}}},
		{title: "updates in a second", metric: "updates_per_second", curves: []curveDef{{"system/updates_per_second", "rate", false}}},
		{title: "audio in an update", metric: "audio_seconds", curves: []curveDef{{"train/audio_seconds", "audio", false}}},
	}
}

func (p *dataPane) draw(f *frame, area rect) {
	if !f.m.view.full && area.H >= 9 {
		f.breakdown(area.Top(2))
	}
	if !f.m.view.full && area.H >= 14 {
		f.pace(area.Top(1))
	}
	defs := f.m.known(dataCharts())
	rows, columns := fit(area, len(defs), 3)
	f.grid(defs, area, rows, columns)
}

// known leaves out the charts that no visible run has data for, unless that is all of them.
func (m *model) known(defs []chartDef) []chartDef {
	var out []chartDef
	for _, d := range defs {
		for _, r := range m.shown() {
			if r.has(d) {
				out = append(out, d)
				break
			}
		}
	}
	if len(out) == 0 {
		return defs
	}
	return out
}

func (r *runView) has(d chartDef) bool {
	for _, c := range d.curves {
		if r.data[c.series].Len() > 0 {
			return true
		}
	}
	return false
}

// parts are what the time of an update is made of, with the letters of the bar where there is no colour.
var parts = []struct{ series, label, letter string }{
	{"system/time/data", "data", "d"}, {"system/time/forward", "forward", "f"}, {"system/time/backward", "backward", "b"},
	{"system/time/optimizer", "optimizer", "o"}, {"system/time/other", "other", " "},
}

// breakdown draws the last update's time as a bar of its parts, and their names and shares below.
func (f *frame) breakdown(area rect) {
	r := f.m.run()
	step, ok := r.last("system/time/step")
	if !ok || !(step > 0) || math.IsInf(step, 0) {
		return
	}
	x := float64(area.X)
	bar := float64(max(area.W-14, 1))
	at := area.X
	for i, part := range parts {
		v, ok := r.last(part.series)
		if !ok || !(v >= 0) {
			continue
		}
		share := min(v/step, 1)
		from := int(math.Round(x))
		x += share * bar
		for c := from; c < min(int(math.Round(x)), area.X+int(bar)); c++ {
			char := '█'
			if f.c.Terminal.Colors < screen.Colors16 || f.c.Terminal.ASCII {
				char = rune(part.letter[0])
			}
			f.c.Set(c, area.Y, char, screen.Line(i))
		}
		text := fmt.Sprintf("%s %.0f %%", part.label, 100*share)
		if at+screen.TextWidth(text) <= area.X+area.W {
			at = f.c.Text(at, area.Y+1, area.W, text, screen.Line(i)) + 2
		}
	}
	f.c.TextRight(area.X, area.Y, area.W, screen.Number(step)+" ms/update", screen.Strong)
}

// pace tells the speed in the words of a plan: hours of audio in an hour, and when the run will be done.
func (f *frame) pace(area rect) {
	r := f.m.run()
	var words []string
	if v, ok := r.last(rateSeries); ok {
		words = append(words, screen.Number(v)+" h of audio in an hour")
	}
	if v, ok := r.last("train/audio_seconds"); ok {
		words = append(words, screen.Number(v)+" s of audio in an update")
	}
	if v, ok := r.last("system/mfu"); ok {
		words = append(words, fmt.Sprintf("%.0f %% of the peak arithmetic", 100*v))
	}
	if left := r.timeLeft(); left != "" {
		words = append(words, left)
	}
	f.c.Text(area.X, area.Y, area.W, strings.Join(words, " · "), screen.Plain)
}
