package tui

import (
	"math"
	"strings"
	"testing"

	"aural/runlog"

	"pgregory.net/rapid"
)

// oddValues are numbers that break charts.
var oddValues = []float64{0, 1, -1, 4.615, 4.615, 1e-300, -1e-300, 5e-324, 1e300, math.MaxFloat64, -math.MaxFloat64,
	math.NaN(), math.Inf(1), math.Inf(-1)}

// anyModel draws a model in any condition.
func anyModel(t *rapid.T) *model {
	m := newModel("20260101-1200-"+rapid.SampledFrom([]string{"tiny", "音声の実験", "x", strings.Repeat("long-", 50), "e\u0301\x1b[31m"}).Draw(t, "name"),
		terminal{colors(rapid.IntRange(0, 3).Draw(t, "colors")), rapid.Bool().Draw(t, "ascii")}, nil)
	m.view = view{
		help: rapid.Float64Range(0, 1).Draw(t, "help") > 0.9, zoom: rapid.IntRange(0, 4).Draw(t, "zoom"), log: rapid.Bool().Draw(t, "log"),
		bits: rapid.Bool().Draw(t, "bits"), hours: rapid.Bool().Draw(t, "hours"), smooth: rapid.SampledFrom([]float64{0, 0.9, 0.99}).Draw(t, "smooth"),
	}
	msg := pollMsg{at: fixtureTime, more: rapid.Bool().Draw(t, "loading")}
	msg.status = rapid.SampledFrom([]runlog.Status{"", "strange", runlog.Running, runlog.Stopped, runlog.Finished, runlog.Failed, runlog.Crashed}).Draw(t, "status")
	msg.state = runlog.State{Status: msg.status, Message: "why\nnot", Step: rapid.Int64Range(0, math.MaxInt64).Draw(t, "step"),
		TotalSteps: rapid.Int64Range(-1, math.MaxInt64).Draw(t, "total"), ETASeconds: rapid.Float64().Draw(t, "eta"), Dropped: rapid.Int64Range(0, 2).Draw(t, "dropped")}
	value := rapid.OneOf(rapid.SampledFrom(oddValues), rapid.Float64Range(-3, 3))
	for _, name := range followed() {
		if rapid.Bool().Draw(t, name) {
			continue
		}
		values := rapid.SliceOfN(value, 0, 30).Draw(t, "values")
		step := rapid.SampledFrom([]int64{0, 1, 1, 1e6, math.MaxInt64 - 1000}).Draw(t, "first")
		c := change{name: name, values: values}
		for range values {
			c.steps = append(c.steps, step)
			step += rapid.Int64Range(0, 3).Draw(t, "dx")
		}
		msg.changes = append(msg.changes, c)
	}
	if rapid.Bool().Draw(t, "events") {
		e := &runlog.Event{Step: 7, Time: fixtureTime, Kind: runlog.Alert, Severity: runlog.Error, Message: "loss is NaN"}
		msg.news = news{last: e, alert: e, alerts: 2}
	}
	m.take(msg)
	return m
}

// A frame has its size whatever is in it.
func TestAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		width, height := rapid.IntRange(1, 220).Draw(t, "width"), rapid.IntRange(1, 70).Draw(t, "height")
		frame := render(m, width, height)
		checkSize(t, frame, width, height)
		if i := strings.IndexFunc(frame, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' && r != '\x1b' }); m.terminal.ascii && i >= 0 {
			t.Fatalf("%q is not ASCII", frame[i:min(i+4, len(frame))])
		}
	})
}

func TestEverySize(t *testing.T) {
	m := newModel("run", terminal{}, nil)
	feed(m, "train/contrastive_loss", 4, 3, math.NaN(), 2)
	feed(m, "train/learning_rate", 1e-5, 2e-5)
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for width := 0; width <= 220; width += stride {
		for height := 0; height <= 70; height += stride {
			checkSize(t, render(m, width, height), width, height)
		}
	}
}

// What there is no room for is cut, but the name and the condition of the run come first.
func TestSmallest(t *testing.T) {
	m := newModel("run", terminal{}, nil)
	feed(m, "train/contrastive_loss", 4, 3)
	for _, size := range [][2]int{{16, 1}, {16, 3}, {20, 9}} {
		if frame := render(m, size[0], size[1]); !strings.HasPrefix(frame, "run  ● running") {
			t.Errorf("%v:\n%s", size, frame)
		}
	}
}
