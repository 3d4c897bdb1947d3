package plots

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// everyMetric is what the figure "metric" is asked for in tests.
var everyMetric = []string{"accuracy", "valid/loss", "code_perplexity/1", "ppl"}

// Every figure in every format, of several runs with gaps, is a valid file.
func TestEveryFormat(t *testing.T) {
	root := t.TempDir()
	logs := []runlog.Curves{small("good", false).make(t, root), small("spoiled", true).make(t, root)}
	for i, f := range Figures() {
		o := Options{Smoothing: 0.9, X: XAxis(i % 5), Units: Units(i % 2), Theme: Theme(i % 2), Legend: Legend(i % 4), Reference: i%2 == 0, DPI: 72, Metrics: everyMetric}
		o.Band = Band(i % 3)
		if i%2 == 1 {
			o.Groups = []string{"both", "both"}
		}
		checkXML(t, f.Name, render(t, "f.svg", logs, f.Name, o))
		pdf := render(t, "f.pdf", logs, f.Name, o)
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, []byte("%%EOF")) {
			t.Errorf("%s: not a PDF", f.Name)
		}
		if year := []byte(strconv.Itoa(time.Now().Year())); bytes.Contains(pdf, append([]byte("(D:"), year...)) {
			t.Errorf("%s: the PDF has today's date", f.Name)
		}
		image := render(t, "f.PNG", logs, f.Name, o)
		if c, err := png.DecodeConfig(bytes.NewReader(image)); err != nil || math.Abs(float64(c.Width)-f.Width/25.4*72) > 2 {
			t.Errorf("%s: PNG %+v, %v", f.Name, c, err)
		}
		checkEPS(t, f.Name, render(t, "f.eps", logs, f.Name, o))
		checkTeX(t, f.Name, render(t, "f.tex", logs, f.Name, o))
	}
}

// The same log gives the same bytes, also in another time zone and language, and with one processor.
func TestSameBytes(t *testing.T) {
	root := t.TempDir()
	logs := []runlog.Curves{small("a", false).make(t, root), small("b", true).make(t, root)}
	draw := func() map[string][]byte {
		files := map[string][]byte{}
		for i, figure := range []string{"losses", "codebook", "spectrogram", "time"} {
			for k, ext := range []string{".svg", ".pdf", ".png", ".eps", ".tex"} {
				if ext == ".pdf" && figure != "codebook" {
					continue // slow; this one has several images
				}
				dir := t.TempDir()
				o := Options{Smoothing: 0.5, X: []XAxis{Clock, Updates, Updates, Time}[i], DPI: 40, CSV: k == 0, JSON: k == 0}
				if err := Render(filepath.Join(dir, figure+ext), logs, figure, o); err != nil {
					t.Fatal(err)
				}
				entries, err := os.ReadDir(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range entries {
					data, err := os.ReadFile(filepath.Join(dir, e.Name()))
					if err != nil {
						t.Fatal(err)
					}
					files[figure+ext+": "+e.Name()] = data
				}
			}
		}
		return files
	}
	first := draw()
	zone, processors := time.Local, runtime.GOMAXPROCS(1)
	defer func() { time.Local = zone; runtime.GOMAXPROCS(processors) }()
	time.Local = time.FixedZone("far", 13*3600)
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	t.Setenv("TZ", "Pacific/Auckland")
	again := draw()
	if len(first) != len(again) || len(first) < 30 {
		t.Errorf("%d and %d files", len(first), len(again))
	}
	for name, data := range first {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s differs when drawn again", name)
		}
	}
}

// Every figure of runs with little in them: of one point, of NaN, of zeros, of nothing.
func TestEveryFigureOfLittle(t *testing.T) {
	root := t.TempDir()
	for name, value := range map[string]float64{"one": 0.5, "zero": 0, "nan": math.NaN(), "negative": -2, "large": 1e300} {
		log := pointRun(t, filepath.Join(root, name), value)
		for _, f := range Figures() {
			for _, o := range []Options{{Metrics: everyMetric}, {Metrics: everyMetric, LogX: true, LogY: true, Reference: true}} {
				path := filepath.Join(root, "f.svg")
				err := Render(path, []runlog.Curves{log}, f.Name, o)
				if name == "nan" {
					if f.Name != "codebook" && !errors.Is(err, ErrNoData) {
						t.Errorf("%s of %s: %v", f.Name, name, err)
					}
					continue
				}
				if errors.Is(err, ErrNoData) && f.Name == "spectrogram" {
					continue
				}
				if err != nil {
					t.Errorf("%s of %s: %v", f.Name, name, err)
					continue
				}
				svg, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				checkXML(t, f.Name+" of "+name, svg)
			}
		}
	}
	empty := pointRun(t, filepath.Join(root, "empty"))
	for _, f := range Figures() {
		err := Render(filepath.Join(root, "none.svg"), []runlog.Curves{empty}, f.Name, Options{Metrics: everyMetric})
		if !errors.Is(err, ErrNoData) || !strings.Contains(err.Error(), "empty has no") {
			t.Errorf("%s of an empty log: %v", f.Name, err)
		}
	}
}

// pointRun is a run with one record in which everything has the same value, or with nothing.
func pointRun(t *testing.T, dir string, value ...float64) *runlog.Reader {
	t.Helper()
	w, err := runlog.Create(dir, runlog.Meta{}, runlog.Options{NoTensorBoard: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range value {
		var values []runlog.Value
		for _, m := range runlog.Metrics() {
			values = append(values, runlog.Value{Name: m.Name, Value: v})
			if m.PerGroup {
				values = append(values, runlog.Value{Name: m.Name + "/0", Value: v}, runlog.Value{Name: m.Name + "/1", Value: v})
			}
		}
		for _, kind := range []string{runlog.Train, runlog.Valid, runlog.System} {
			w.Record(&runlog.Record{Step: 1, Kind: kind, Values: values})
		}
		w.Snapshot(&runlog.Snapshot{Step: 1, Codebook: &runlog.Codebook{Groups: 1, Entries: 3, Counts: []int64{0, 1, 0}, Updates: 1}}, nil)
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// open reads a run.
func open(t testing.TB, dir string) *runlog.Reader {
	t.Helper()
	r, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, _, err := r.Poll(runlog.Budget{}); err != nil {
		t.Fatal(err)
	}
	return r
}
