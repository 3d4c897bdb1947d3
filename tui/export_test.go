package tui

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aural/plots"
	"aural/tui/chart"
	"aural/tui/screen"

	"pgregory.net/rapid"
)

func TestFigureFile(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]struct {
		path      string
		csv, json bool
	}{
		"a.svg": {"a.svg", false, false}, " b/c.PDF ": {"b/c.PDF", false, false}, "a.png+csv": {"a.png", true, false}, "a.tex+json+csv": {"a.tex", true, true},
		"~/a.eps": {filepath.Join(home, "a.eps"), false, false},
	} {
		path, o, err := figureFile(text)
		if err != nil || path != want.path || o.CSV != want.csv || o.JSON != want.json {
			t.Errorf("%q: %q %v %v (%v)", text, path, o.CSV, o.JSON, err)
		}
	}
	for text, want := range map[string]string{"": ".svg, .pdf", "a": "must end in", "a.gif": "must end in", "a.svg+txt": `csv or json, not "txt"`, "a+csv": "must end in"} {
		if _, _, err := figureFile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A figure has the panels of the screen, with their axes, and the points that can be seen.
func TestVisible(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	m.width, m.height = 160, 50
	press(m, "s", "y", "m")
	perform(m, "zoom 4000 8000")
	perform(m, "goto 5000")
	f := render(m, m.width, m.height)
	v, err := m.visible()
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Panels) != len(f.drawn) || v.Columns != 2 || v.Note != "base-librispeech, smoothing 0.6" {
		t.Fatalf("%d panels of %d in %d columns, note %q", len(v.Panels), len(f.drawn), v.Columns, v.Note)
	}
	for i, d := range f.drawn {
		p, ch := v.Panels[i], d.curves.chart
		if p.Title != ch.Title || p.X.Min != 4000 || p.X.Max != 8000 || p.X.Label != "updates" || p.Y.Min != d.curves.y.Low || p.Y.Max != d.curves.y.High || p.Y.Log != d.curves.y.Log {
			t.Errorf("panel %d: %+v, drawn with %+v", i, p, d.curves.y)
		}
		if len(p.Marks) != 1 || p.Marks[0].X != 5000 {
			t.Errorf("panel %d: marks %v", i, p.Marks)
		}
	}
	p := v.Panels[1] // accuracy, in percent
	if p.Title != "accuracy" || p.Y.Label != "%" || len(p.Curves) != 2 {
		t.Fatalf("panel %+v", p)
	}
	train, valid := p.Curves[0], p.Curves[1]
	s := m.run().data["train/accuracy"]
	if train.Series != "train/accuracy" || train.Run != "base-librispeech" || train.Steps[0] != 3950 || train.Steps[len(train.Steps)-1] != 8050 || train.Points {
		t.Errorf("curve %s %s from %d to %d", train.Run, train.Series, train.Steps[0], train.Steps[len(train.Steps)-1])
	}
	if train.Y[1] != 100*s.Raw.List()[79] || train.Smooth[1] != 100*s.Smooth.List()[79] || train.Colour != 0 {
		t.Errorf("values %v %v", train.Y[1], train.Smooth[1])
	}
	if valid.Smooth != nil || !valid.Points || valid.Colour != 1 || len(valid.X) != 5 {
		t.Errorf("the validation is %+v", valid)
	}
	// The data are copies: the figure is of this moment.
	was := train.Y[1]
	s.Apply(chart.Change{Name: "train/accuracy", Keep: 0, Steps: s.Steps, Values: make([]float64, s.Len()), Elapsed: s.Elapsed})
	if train.Y[1] != was {
		t.Error("the figure changes with the run")
	}
	if press(m, "8"); true {
		if _, err := m.visible(); err == nil || !strings.Contains(err.Error(), "no chart") {
			t.Errorf("a screen without charts: %v", err)
		}
	}
}

// What a curve of a figure holds is what lies in the visible range, and a point on each side.
func TestViewCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &chart.Series{}
		n := rapid.IntRange(0, 30).Draw(t, "n")
		c := chart.Change{Name: "a"}
		step := int64(0)
		for range n {
			step += rapid.Int64Range(0, 3).Draw(t, "step")
			c.Steps, c.Values = append(c.Steps, step), append(c.Values, rapid.Float64().Draw(t, "value"))
		}
		s.Apply(c)
		low := rapid.Float64Range(-5, 60).Draw(t, "low")
		x := chart.Scale{Low: low, High: low + rapid.Float64Range(0.1, 60).Draw(t, "width")}
		v := viewCurve(chart.Curve{Series: s, Style: screen.Line(3)}, x, 2)
		inside := 0
		for _, at := range c.Steps {
			if float64(at) >= x.Low && float64(at) <= x.High {
				inside++
			}
		}
		before, after, in := 0, 0, 0
		for i, at := range v.X {
			switch {
			case at < x.Low:
				before++
			case at > x.High:
				after++
			default:
				in++
			}
			if float64(v.Steps[i]) != at || i > 0 && at < v.X[i-1] {
				t.Fatalf("point %d at %v, update %d", i, at, v.Steps[i])
			}
		}
		if in != inside || before > 1 || after > 1 || n > 0 && in == 0 && len(v.X) == 0 || v.Colour != 3 {
			t.Fatalf("%d of %d points in %v, %d before, %d after", in, inside, x, before, after)
		}
	})
}

// Bands and lines are in the unit of the axis; lines beside the visible range are left out.
func TestBandPanel(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	ch := chart.NewChart("accuracy")
	ch.X, ch.Factor, ch.Cursor = chart.Scale{Low: 0, High: 10}, 100, 11
	ch.Lines = []chart.Reference{{Label: "chance", Value: 0.01}, {Label: "far", Value: 0.9}}
	ch.Band = &chart.Band{Label: "published", X: []float64{1, 9}, Low: []float64{0.1, 0.2}, High: []float64{0.3, 0.4}}
	p := m.curvesPanel(&curvesDrawing{chart: ch, y: chart.Scale{Low: 0, High: 50}})
	ch.Band.X[0] = 5
	if b := p.Bands[0]; len(p.Bands) != 1 || b.X[0] != 1 || b.Low[1] != 20 || b.High[0] != 30 || b.Colour != plots.Grey || b.Label != "published" {
		t.Errorf("bands %+v", p.Bands)
	}
	if len(p.Lines) != 1 || p.Lines[0] != (plots.ViewLine{Label: "chance", Value: 1}) || len(p.Marks) != 0 {
		t.Errorf("lines %v, marks %v", p.Lines, p.Marks)
	}
}

func TestHeatAndSoundPanels(t *testing.T) {
	h := heatPanel(&heatDrawing{title: "use", values: [][]float64{{1, 0}, {2, math.NaN()}}, rowsLabel: "code", xLabel: "update", left: 10, right: 30, unit: "share", low: 0, high: 2,
		log: true, zero: "dead"})
	if h.Title != "use" || h.X.Label != "update" || h.Heat.Left != 10 || h.Heat.Right != 30 || !h.Heat.MarkZero || h.Heat.Zero != "dead" || h.Heat.Values[1][0] != 2 || !h.Heat.Log {
		t.Errorf("heat map %+v", h.Heat)
	}
	d := &soundDrawing{title: "clip", view: chart.Span{From: 0.025, To: 0.06}, rate: 1000, waveform: make([]float32, 100),
		masked: []chart.Span{{From: 0, To: 0.03}, {From: 0.07, To: 0.09}}, codes: []codesDrawing{{chart.Span{From: 0.04, To: 0.06}, []int{3, 7}, true}},
		words: []wordDrawing{{chart.Span{From: 0, To: 0.1}, "word"}}}
	d.levels = chart.Levels{Hz: []float64{100, 200}, Seconds: 0.1, Range: 80}
	for i := range 10 {
		d.levels.Frames = append(d.levels.Frames, []float32{float32(-i), 10})
		d.waveform[i*10] = float32(i)
	}
	s := soundPanel(d).Spectrogram
	if s.Start != 0.025 || s.Hop != 0.01 || math.Abs(s.Lead-0.005) > 1e-9 || len(s.LogMel) != 3 || math.Abs(float64(s.LogMel[0][0])+3*math.Ln10/10) > 1e-6 {
		t.Errorf("frames %+v", s)
	}
	if len(s.Waveform) != 35 || s.Waveform[5] != 3 || len(s.Spans) != 1 || s.Spans[0] != (plots.Span{From: 0.025, To: 0.03}) || len(s.Codes) != 1 || s.Words[0].Text != "word" || s.Words[0].To != 0.06 {
		t.Errorf("waveform of %d samples, spans %v, words %v", len(s.Waveform), s.Spans, s.Words)
	}
	if err := plots.RenderView(filepath.Join(t.TempDir(), "a.svg"), plots.View{Panels: []plots.ViewPanel{h, soundPanel(d)}}, plots.Options{}); err != nil {
		t.Error(err)
	}
}

// e writes the figure and its data where the user says, and nothing over a file that is there without a question.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svg")
	m := shellModel(screen.Terminal{}, 1)
	press(m, "e")
	if got := m.prompt.input.Value(); got != "base-librispeech-overview-20000.svg" {
		t.Errorf("the name is %q", got)
	}
	write := func(text string) {
		press(m, "e")
		m.prompt.input.SetValue(text)
		deliver(t, m, "enter")
	}
	press(m, "esc")
	write(path + "+csv")
	if m.bad || m.notice != "wrote "+path+", "+filepath.Join(dir, "a.csv") {
		t.Fatalf("notice %q", m.notice)
	}
	svg, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(svg), "<svg") {
		t.Fatalf("%.40s (%v)", svg, err)
	}
	table, err := os.ReadFile(filepath.Join(dir, "a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll()
	if err != nil || len(rows) < 400 {
		t.Errorf("%d rows (%v)", len(rows), err)
	}
	if !strings.Contains(string(table), "train/contrastive_loss") || !strings.Contains(string(table), "large-lr") || !strings.Contains(string(table), strconv.Itoa(20000)) {
		t.Errorf("the table lacks a run or a series: %.300s", table)
	}
	// Again: a question, and no means no.
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(path)
	if m.prompt == nil || !strings.Contains(m.prompt.before, "exists: replace it?") {
		t.Fatalf("no question: %q", m.notice)
	}
	deliver(t, m, "n")
	if data, _ := os.ReadFile(path); string(data) != "mine" {
		t.Error("replaced without consent")
	}
	write(path)
	deliver(t, m, "y")
	if data, _ := os.ReadFile(path); string(data) == "mine" || m.bad {
		t.Errorf("not replaced: %q", m.notice)
	}
	write(filepath.Join(dir, "not", "there.svg"))
	if !m.bad || !strings.Contains(m.notice, "there.svg") {
		t.Errorf("a folder that is not there: %q", m.notice)
	}
	write("a.gif")
	if !m.bad || !strings.Contains(m.notice, "must end in") {
		t.Errorf("a bad format: %q", m.notice)
	}
}

// Figures go into the folder of the run, but not where the view is read only.
func TestFigureName(t *testing.T) {
	dir := writeRun(t, t.TempDir(), "20260314-1200-mine", "")
	m, closeRuns, err := openModel(context.Background(), screen.Terminal{}, []string{dir}, Options{now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer closeRuns()
	if got, want := m.figureName(), filepath.Join(dir, "plots", "mine-overview-0.svg"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.view.readonly = true
	m.show(logsScreen)
	if got, want := m.figureName(), "mine-logs-alerts-0.svg"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
