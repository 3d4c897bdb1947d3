package plots

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"aural/runlog"

	"gonum.org/v1/plot/vg"
	"pgregory.net/rapid"
)

func small(name string, spoiled bool) synthetic {
	return synthetic{name: name, seed: 1, updates: 20000, every: 100, speed: 10, spoiled: spoiled}
}

// render draws a figure into a fresh directory and returns the file.
func render(t *testing.T, name string, readers []runlog.Curves, figure string, o Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := Render(path, readers, figure, o); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkXML(t rapid.TB, figure string, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		_, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: bad SVG: %v", figure, err)
		}
	}
	svg = regexp.MustCompile(`base64,[^"]*`).ReplaceAll(svg, nil) // pictures spell anything
	if found := regexp.MustCompile(`(?i)(^|\n).*[^a-z](nan|[-+]?inf)[^a-z].*`).Find(svg); found != nil {
		t.Errorf("%s: a coordinate of the SVG is not finite: %s", figure, found)
	}
}

// texts returns the text of an SVG.
func texts(t *testing.T, svg []byte) string {
	t.Helper()
	var b strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.CharData); ok {
			b.Write(bytes.TrimSpace(s))
			b.WriteByte('\n')
		}
	}
}

func TestWhatTheFigureSays(t *testing.T) {
	root := t.TempDir()
	good, other := small("good", false).make(t, root), small("other", false).make(t, root)
	for _, c := range []struct {
		figure  string
		readers []runlog.Curves
		options Options
		says    []string
	}{
		{"loss", []runlog.Curves{good}, Options{Legend: Right}, []string{"total, valid"}},
		{"loss", []runlog.Curves{good}, Options{Legend: Below}, []string{"total, valid"}},
		{"loss", []runlog.Curves{good}, Options{}, []string{"Loss", "nats", "update", "total, valid", "chance, ln(K+1) = 4.615", "20k", "good"}},
		{"loss", []runlog.Curves{good}, Options{Units: Bits}, []string{"bits", "chance, ln(K+1) = 6.658"}},
		{"loss", []runlog.Curves{good, other}, Options{X: Time}, []string{"Total loss", "Contrastive loss", "other", "training time (h)"}},
		{"accuracy", []runlog.Curves{good}, Options{X: Hours, Smoothing: 0.5}, []string{"chance, 1/(K+1) = 0.0099", "audio seen (h)", "smoothed 0.5"}},
		{"perplexity", []runlog.Curves{good}, Options{}, []string{"all entries = 640", "prob, train", "codes", "600"}},
		{"gradient", []runlog.Curves{good}, Options{}, []string{"Gradient norm", "Learning rate", "Gumbel temperature"}},
		{"throughput", []runlog.Curves{good}, Options{}, []string{"TFLOP/s", "share of time"}},
		{"time", []runlog.Curves{good}, Options{}, []string{"waiting for data", "backward", "optimiser", "other", "ms"}},
		{"groups", []runlog.Curves{good}, Options{}, []string{"Perplexity of group 0", "Perplexity of group 1", "prob, valid"}},
		{"codebook", []runlog.Curves{good}, Options{}, []string{"Codebook group 1", "dead: not chosen once", "entries, most used first", "use, relative to even use"}},
		{"codebook", []runlog.Curves{good, other}, Options{ByIndex: true}, []string{"Codebook group 0: good", "Codebook group 1: other", "entries"}},
		{"masks", []runlog.Curves{good}, Options{}, []string{"Masked share", "Length of masked runs", "target, train", "distractor, valid"}},
		{"spectrogram", []runlog.Curves{good}, Options{}, []string{"Update 20000: 1089-134686-0007", "kHz", "code 0", "code 1", "masked", "target found", "seconds"}},
		{"spectrogram", []runlog.Curves{good}, Options{Update: 12000}, []string{"Update 10000: "}},
		{"finetuning", []runlog.Curves{good}, Options{}, []string{"Word error rate", "%", "CTC loss", "nats"}},
		{"probe", []runlog.Curves{good}, Options{}, []string{"Linear probe", "share of utterances", "the most frequent class = 0.0625"}},
		{"metric", []runlog.Curves{good}, Options{Metrics: everyMetric}, []string{"Accuracy", "chance = 0.0099", "Loss, valid", "Code perplexity, group 1", "Prob perplexity", "all entries = 640"}},
		{"accuracy", []runlog.Curves{good}, Options{Reference: true}, []string{"published, 8 seeds"}},
		{"accuracy", []runlog.Curves{good, other}, Options{Groups: []string{"seeds", "seeds"}, Smoothing: 0.5}, []string{"seeds (2 runs)", "mean, lowest and highest of the runs", "smoothed 0.5"}},
		{"accuracy", []runlog.Curves{good, other}, Options{Groups: []string{"seeds", "seeds"}, Band: Deviation}, []string{"1 standard deviation"}},
		{"accuracy", []runlog.Curves{good}, Options{X: Epochs}, []string{"epoch", "2.5"}},
		{"accuracy", []runlog.Curves{good}, Options{X: Clock}, []string{"time (UTC)", ":00"}},
	} {
		said := texts(t, render(t, "f.svg", c.readers, c.figure, c.options))
		for _, s := range c.says {
			if !strings.Contains(said, s) {
				t.Errorf("%s with %+v does not say %q", c.figure, c.options, s)
			}
		}
	}
}

// A constant of the log is one line of the legend, though means over updates give it different last bits in training and validation.
func TestConstantIsOneLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := runlog.Create(dir, runlog.Meta{}, runlog.Options{NoTensorBoard: true})
	if err != nil {
		t.Fatal(err)
	}
	chance := math.Log(101)
	for kind, v := range map[string]float64{runlog.Train: chance, runlog.Valid: math.Nextafter(chance, 5)} {
		w.Record(&runlog.Record{Step: 1, Kind: kind, Values: []runlog.Value{{Name: "contrastive_loss", Value: 4}, {Name: "chance_loss", Value: v}}})
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	out := filepath.Join(t.TempDir(), "loss.svg")
	if err := Render(out, []runlog.Curves{r}, "loss", Options{}); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(svg), "chance, ln(K+1)"); n != 1 {
		t.Errorf("the line of chance is named %d times", n)
	}
}

// A short run, a run whose numbers are all NaN, and a run with nothing.
func TestLittleData(t *testing.T) {
	root := t.TempDir()
	log := func(name string, records ...runlog.Record) *runlog.Reader {
		w, err := runlog.Create(filepath.Join(root, name), runlog.Meta{}, runlog.Options{NoTensorBoard: true})
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			w.Record(&records[i])
		}
		if err := w.Close(runlog.Finished, ""); err != nil {
			t.Fatal(err)
		}
		return open(t, filepath.Join(root, name))
	}
	record := func(step int64, loss float64) runlog.Record {
		return runlog.Record{Step: step, Kind: runlog.Train, Values: []runlog.Value{{Name: "loss", Value: loss},
			{Name: "gradient_norm", Value: loss}, {Name: "hours_seen", Value: float64(step) / (loss - 3)}}}
	}
	for name, r := range map[string]*runlog.Reader{
		"one point":       log("größe-✓", record(7, 3)), // a name that the PDF's code page has only in part
		"the same value":  log("same", record(1, 2), record(2, 2)),
		"zeros":           log("zeros", record(0, 0), record(1, 0)),
		"a point alone":   log("alone", record(1, math.NaN()), record(2, 1), record(3, math.Inf(1)), record(4, 1.7e308), record(5, -1.7e308)),
		"at the first":    log("first", record(0, 1)),
		"tiny and finite": log("tiny", record(1, 5e-324), record(2, 1e-320)),
		"every magnitude": log("every", record(1, 1e-290), record(2, 1e290)),
		"negative":        log("negative", record(1, -5), record(2, -1)),
	} {
		for _, f := range []string{"loss", "gradient", "overview"} {
			for _, file := range []string{"f.pdf", "f.png", "f.eps"} {
				if f != "loss" {
					continue
				}
				if err := Render(filepath.Join(root, file), []runlog.Curves{r}, f, Options{Smoothing: 0.6, DPI: 50}); err != nil {
					t.Errorf("%s, %s, %s: %v", name, f, file, err)
				}
			}
			checkXML(t, name+", "+f, render(t, "f.svg", []runlog.Curves{r}, f, Options{Smoothing: 0.6}))
		}
	}
	// Hours that are not finite are no place on the axis.
	hours := log("hours", record(1, 2), record(2, 3), record(3, math.NaN()), record(4, 1))
	checkXML(t, "hours", render(t, "f.svg", []runlog.Curves{hours}, "loss", Options{X: Hours}))
	for name, r := range map[string]*runlog.Reader{"nothing": log("nothing"), "only NaN": log("nan", record(1, math.NaN()), record(2, math.Inf(1)))} {
		err := Render(filepath.Join(root, "none.svg"), []runlog.Curves{r}, "loss", Options{})
		if !errors.Is(err, ErrNoData) || !strings.Contains(err.Error(), "train/contrastive_loss") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	root := t.TempDir()
	readers := []runlog.Curves{small("good", false).make(t, root)}
	path := filepath.Join(root, "f.svg")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, figure string
		readers      []runlog.Curves
		options      Options
		says         string
	}{
		"unknown figure": {path, "lost", readers, Options{}, "there are loss, losses"},
		"unknown format": {root + "/f.gif", "loss", readers, Options{}, ".svg"},
		"no run":         {path, "loss", nil, Options{}, "no run"},
		"smoothing":      {path, "loss", readers, Options{Smoothing: 1}, "below 1"},
		"NaN smoothing":  {path, "loss", readers, Options{Smoothing: math.NaN()}, "below 1"},
		"size":           {path, "loss", readers, Options{Width: 10}, "40 to 1000"},
		"font":           {path, "loss", readers, Options{FontSize: 99}, "4 to 40"},
		"line":           {path, "loss", readers, Options{LineWidth: -1}, "0.1 to 10"},
		"limits":         {path, "loss", readers, Options{XLimits: Limits{3, 2}}, "the first must be lower"},
		"no limit":       {path, "loss", readers, Options{YLimits: Limits{0, math.Inf(1)}}, "both finite"},
		"band":           {path, "loss", readers, Options{Band: 9}, "unknown band"},
		"legend":         {path, "loss", readers, Options{Legend: 9}, "unknown place"},
		"groups":         {path, "loss", readers, Options{Groups: []string{"a", "b"}}, "2 groups for 1 runs"},
		"no metric":      {path, "metric", readers, Options{}, "name the metrics"},
		"unknown metric": {path, "metric", readers, Options{Metrics: []string{"acuracy"}}, "did you mean accuracy"},
		"too small":      {path, "overview", readers, Options{Width: 60, Height: 60}, "make it at least"},
		"no directory":   {root + "/none/f.svg", "loss", readers, Options{}, "no such file"},
	} {
		if err := Render(c.path, c.readers, c.figure, c.options); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
		t.Errorf("a failed figure left %q, %v", data, err)
	}
}

// The size that is asked for in the error is enough.
func TestTooSmallTellsTheSize(t *testing.T) {
	root := t.TempDir()
	readers := []runlog.Curves{small("a", false).make(t, root), small("b", false).make(t, root)}
	b, err := newBuilder(readers, Options{})
	if err != nil {
		t.Fatal(err)
	}
	panels := overviewPanels(b)
	for _, p := range panels {
		for _, row := range legendRows(&p, 300, Options{}.style()) {
			var used vg.Length
			for _, e := range row {
				used += e.width
			}
			if used-12 > 300 && len(row) > 1 {
				t.Errorf("%s: a row of the legend is %v points wide, more than 300", p.title, used)
			}
		}
	}
	err = Render(filepath.Join(root, "f.svg"), readers, "overview", Options{Width: 60, Height: 60})
	if err == nil {
		t.Fatal("60 mm are enough for six panels?")
	}
	var n int
	var size [2]float64
	for _, word := range strings.Fields(err.Error()) {
		if v, err := strconv.ParseFloat(word, 64); err == nil && v > 10 {
			size[n%2] = v
			n++
		}
	}
	if err := Render(filepath.Join(root, "f.svg"), readers, "overview", Options{Width: size[0], Height: size[1]}); err != nil {
		t.Errorf("%v by %v mm: %v", size[0], size[1], err)
	}
}

// The table has every point of the figure in the units of the figure.
func TestCSV(t *testing.T) {
	root := t.TempDir()
	r := small("good", true).make(t, root)
	path := filepath.Join(root, "f.png")
	if err := Render(path, []runlog.Curves{r}, "loss", Options{CSV: true, Units: Bits, X: Hours, Smoothing: 0.5, DPI: 72}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "f.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	steps, values := r.Series("train/loss")
	_, hours := r.Series("train/hours_seen")
	want := smooth(values, 0.5)
	n := 0
	for _, row := range rows[1:] {
		if row[2] != "train/loss" {
			continue
		}
		number := func(s string) float64 {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		near := func(a, b float64) bool {
			return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-12*math.Abs(b)
		}
		if row[3] != strconv.FormatInt(steps[n], 10) || !near(number(row[4]), hours[n]) || !near(number(row[6]), values[n]/math.Ln2) ||
			!near(number(row[7]), want[n]/math.Ln2) || row[8] != "bits" || row[1] != "good" {
			t.Fatalf("row %q, want step %d, %v hours, %v nats", row, steps[n], hours[n], values[n])
		}
		n++
	}
	if n != len(steps) {
		t.Errorf("%d rows of %d points", n, len(steps))
	}
}

func BenchmarkOverview(b *testing.B) {
	root := b.TempDir()
	r := synthetic{name: "long", seed: 1, updates: 400000, every: 10, speed: 1}.make(b, root)
	for _, ext := range []string{".svg", ".pdf", ".png"} {
		b.Run(ext[1:], func(b *testing.B) {
			for b.Loop() {
				if err := Render(filepath.Join(root, "f"+ext), []runlog.Curves{r}, "overview", Options{Smoothing: 0.9}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
