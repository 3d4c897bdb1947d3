package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every value is in one bin, between its edges; values that are not finite are in none.
func TestBins(t *testing.T) {
	for name, values := range map[string][]float64{
		"one": {3}, "equal": {2.5, 2.5, 2.5}, "zero": {0, 0}, "two": {1, 30}, "negative": {-7, -3, 2, 2.01}, "far": {1e9, 1e9 + 1},
		"widest": {-math.MaxFloat64, math.MaxFloat64}, "spread": {0.01, 0.1, 1, 10, 16, 16, 16}, "spoiled": {1, math.NaN(), 2, math.Inf(1)},
	} {
		boxes := bins(values)
		if len(boxes) == 0 || len(boxes) > 2*histogramBins {
			t.Errorf("%s: %d bins", name, len(boxes))
			continue
		}
		sum, want := 0.0, 0.0
		for _, b := range boxes {
			sum += b.height
			slack := (b.right - b.left) * 1e-6
			n := 0.0
			for _, v := range values {
				if v >= b.left-slack && v < b.right+slack {
					n++
				}
			}
			if !(b.right > b.left) || b.height > n {
				t.Errorf("%s: bin %+v, %v values lie there", name, b, n)
			}
		}
		for _, v := range values {
			if finite(v) {
				want++
			}
		}
		if sum != want {
			t.Errorf("%s: %v values in bins, want %v", name, sum, want)
		}
	}
	boxes := bins([]float64{0, 1, 1, 60})
	if boxes[1].height != 2 || boxes[1].left != 1 || boxes[1].right != 2 || len(boxes) != 61 {
		t.Errorf("bins of 1: %+v", boxes[:3])
	}
}

// Figures of bars in every format are valid and the same twice.
func TestBarsFiles(t *testing.T) {
	var bars, many []Bar
	for i := range 8 {
		bars = append(bars, Bar{fmt.Sprintf("speaker%d", i), float64(i * i)})
	}
	for i := range 2000 {
		many = append(many, Bar{fmt.Sprint(i), 1 / float64(i+1)})
	}
	labels := Labels{Title: "The title", X: "below", Y: "beside", Note: "a note"}
	for name, drawn := range map[string]func(path string, o Options) error{
		"histogram": func(path string, o Options) error { return Histogram(path, []float64{1, 2, 2, 3, 9}, labels, o) },
		"bars":      func(path string, o Options) error { return Bars(path, bars, labels, o) },
		"many":      func(path string, o Options) error { return Bars(path, many, labels, o) },
		"zero":      func(path string, o Options) error { return Bars(path, []Bar{{"a", 0}}, labels, o) },
	} {
		for _, ext := range []string{".svg", ".pdf", ".png"} {
			var first []byte
			for range 2 {
				path := filepath.Join(t.TempDir(), name+ext)
				if err := drawn(path, Options{DPI: 72, Theme: Dark}); err != nil {
					t.Fatalf("%s%s: %v", name, ext, err)
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if first != nil && !bytes.Equal(first, data) {
					t.Errorf("%s%s differs when drawn again", name, ext)
				}
				first = data
			}
			switch ext {
			case ".svg":
				checkXML(t, name, first)
				for _, text := range []string{"The title", "below", "beside", "a note"} {
					if !strings.Contains(string(first), text) {
						t.Errorf("%s: %q is missing", name, text)
					}
				}
				if got := strings.Contains(string(first), "speaker7"); got != (name == "bars") {
					t.Errorf("%s: names of bars: %t", name, got)
				}
			case ".png":
				if _, err := png.Decode(bytes.NewReader(first)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// The longest bar comes first, whatever the order given; the caller's slice stays as it is.
func TestBarsOrder(t *testing.T) {
	bars := []Bar{{"small", 1}, {"nan", math.NaN()}, {"large", 3}}
	path := filepath.Join(t.TempDir(), "x.svg")
	if err := Bars(path, bars, Labels{}, Options{}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(data)
	if large, small := strings.Index(svg, ">large<"), strings.Index(svg, ">small<"); large < 0 || small < large || strings.Contains(svg, ">nan<") {
		t.Errorf("large at %d, small at %d", large, small)
	}
	if bars[0].Name != "small" {
		t.Error("the bars were sorted in place")
	}
}

func TestBarsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := Histogram(filepath.Join(dir, "x.svg"), []float64{math.NaN()}, Labels{}, Options{}); !errors.Is(err, ErrNoData) {
		t.Errorf("no data: %v", err)
	}
	if err := Bars(filepath.Join(dir, "x.svg"), nil, Labels{}, Options{}); !errors.Is(err, ErrNoData) {
		t.Errorf("no bars: %v", err)
	}
	if err := Bars(filepath.Join(dir, "x.gif"), []Bar{{"a", 1}}, Labels{}, Options{}); err == nil {
		t.Error("an unknown format is accepted")
	}
	if err := Histogram(filepath.Join(dir, "x.svg"), []float64{1}, Labels{}, Options{DPI: 1}); err == nil {
		t.Error("1 dot per inch is accepted")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
