package tui

import (
	"fmt"
	"testing"

	"aural/tui/chart"
	"aural/tui/screen"
)

// manyPoints is a model of a run with n points in each of the metrics that a run of pretraining logs.
func manyPoints(tb testing.TB, n int) *model {
	tb.Helper()
	m := emptyModel(screen.Terminal{Colors: screen.Colors256})
	m.width, m.height = 200, 60
	values := make([]float64, n)
	for i := range values {
		values[i] = noise(int64(i)) + 2
	}
	for _, g := range groups() {
		for _, metric := range g.metrics {
			feed(m, g.kind+"/"+metric, values...)
		}
	}
	return m
}

// Budget: 20 ms for 12 charts of 20,000 points.
func BenchmarkTwelveCharts(b *testing.B) {
	m := manyPoints(b, 20000)
	press(m, "2", "s")
	if n := len(render(m, m.width, m.height).drawn); n < 12 {
		b.Fatalf("%d charts", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.View()
	}
}

// Budget: 5 ms from a key to the frame in the model, without the terminal; the overview, whose keys do the most.
func BenchmarkKeyToFrame(b *testing.B) {
	m := manyPoints(b, 20000)
	keys := []string{"+", "m", "left", "y", "u", "-", "o", "esc", "tab"}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		press(m, keys[i%len(keys)])
		m.View()
		i++
	}
}

// Budget: 33 ms a frame while a run of a million points is scrolled through.
func BenchmarkScrollMillion(b *testing.B) {
	for _, screens := range []string{"1", "2"} {
		b.Run("screen"+screens, func(b *testing.B) {
			m := manyPoints(b, 1e6/len(groups()[0].metrics)*4) // millions: 4 times the budget's
			press(m, screens, "s", "+", "+", "+", "f")
			i := 0
			for b.Loop() {
				key := "left"
				if i++; i/40%2 == 1 {
					key = "right"
				}
				press(m, key)
				m.View()
			}
		})
	}
}

// The time of a frame while several runs are compared.
func BenchmarkCompare(b *testing.B) {
	var runs []*runView
	for i := range 8 {
		runs = append(runs, newRunView(fmt.Sprintf("run%d", i), "", nil, i))
	}
	m := newModel(screen.Terminal{Colors: screen.Colors256}, Options{}, runs...)
	m.width, m.height = 160, 50
	values, steps := make([]float64, 20000), make([]int64, 20000)
	for i := range values {
		values[i], steps[i] = noise(int64(i)), int64(i)
	}
	for i := range runs {
		for _, name := range []string{"train/contrastive_loss", "train/accuracy", "train/code_perplexity", "train/prob_perplexity", "train/gradient_norm"} {
			m.take(pollMsg{run: i, at: fixtureTime, changes: []chart.Change{{Name: name, Steps: steps, Values: values}}})
		}
	}
	for b.Loop() {
		m.View()
	}
}
