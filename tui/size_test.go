package tui

import (
	"math"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
	"pgregory.net/rapid"
)

// oddValues are numbers that break charts.
var oddValues = []float64{0, 1, -1, 4.615, 4.615, 1e-300, -1e-300, 5e-324, 1e300, math.MaxFloat64, -math.MaxFloat64,
	math.NaN(), math.Inf(1), math.Inf(-1)}

// anyTerminal draws what a screen may use.
func anyTerminal(t *rapid.T) screen.Terminal {
	return screen.Terminal{Colors: screen.Colors(rapid.IntRange(0, 4).Draw(t, "colors")), ASCII: rapid.Bool().Draw(t, "ascii"),
		Theme: screen.Theme(rapid.IntRange(0, 3).Draw(t, "theme"))}
}

// anyPoll draws what a source may find.
func anyPoll(t *rapid.T, run int) pollMsg {
	msg := pollMsg{run: run, at: fixtureTime, more: rapid.Bool().Draw(t, "loading")}
	msg.status = rapid.SampledFrom([]runlog.Status{"", "strange", runlog.Running, runlog.Stopped, runlog.Finished, runlog.Failed, runlog.Crashed, runlog.Paused}).Draw(t, "status")
	msg.state = runlog.State{Status: msg.status, Message: "why\nnot", Step: rapid.Int64Range(0, math.MaxInt64).Draw(t, "step"),
		TotalSteps: rapid.Int64Range(-1, math.MaxInt64).Draw(t, "total"), ETASeconds: rapid.Float64().Draw(t, "eta"), Dropped: rapid.Int64Range(0, 2).Draw(t, "dropped")}
	msg.reset = rapid.Float64Range(0, 1).Draw(t, "reset") > 0.95
	if rapid.Bool().Draw(t, "sessions") {
		msg.sessions = []chart.Session{{Elapsed: 0, Unix: 1e9}, {Elapsed: 10, Unix: 2e9}}
	}
	value := rapid.OneOf(rapid.SampledFrom(oddValues), rapid.Float64Range(-3, 3))
	names := []string{"train/loss", "train/contrastive_loss", "train/chance_loss", "train/accuracy", "train/code_perplexity", "train/max_perplexity",
		"train/gradient_norm", "train/learning_rate", hoursSeries, epochSeries, rateSeries, "valid/accuracy", "system/time/step", "system/time/data",
		"host/disk_free", "train/audio_seconds", "odd", "other/tag/with/parts"}
	for _, name := range names {
		if rapid.Bool().Draw(t, name) {
			continue
		}
		values := rapid.SliceOfN(value, 0, 30).Draw(t, "values")
		c := chart.Change{Name: name, Keep: rapid.IntRange(0, 3).Draw(t, "keep"), Values: values}
		step, elapsed := rapid.SampledFrom([]int64{0, 1, 1, 1e6, math.MaxInt64 - 1000}).Draw(t, "first"), 0.0
		c.Keep = 0
		for range values {
			c.Steps, c.Elapsed = append(c.Steps, step), append(c.Elapsed, elapsed)
			step += rapid.Int64Range(0, 3).Draw(t, "dx")
			elapsed += rapid.SampledFrom([]float64{0, 0.5, 1e9}).Draw(t, "dt")
		}
		msg.changes = append(msg.changes, c)
	}
	if rapid.Bool().Draw(t, "events") {
		msg.events = []runlog.Event{{Step: 7, Time: fixtureTime, Kind: runlog.Alert, Severity: runlog.Error, Message: "loss is NaN"},
			{Step: math.MaxInt64, Kind: "new", Superseded: true}}
		msg.lines = []runlog.LogLine{{Time: fixtureTime, Message: "a\tb\x1b[31m", Attrs: "x=1"}}
	}
	return msg
}

// anyKeys are what a user, or a cat, may press.
var anyKeys = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "?", ":", "/", "esc", "tab", "shift+tab", "enter", "s", "S", "x", "y", "o", "u", "b", "+", "-",
	"left", "right", "up", "down", "pgup", "pgdown", "home", "end", "ctrl+up", "ctrl+down", "m", "f", " ", "[", "]", "n", "N", "a", "c", "t", "C", "P", "X",
	"g", "G", "r", "R", ",", ".", "d", "w", "v", "p", "l", "z", "!", "~", "(", "backspace", "音", "e"}

// Whatever is logged, pressed, pointed at and resized, a frame has its size and nothing panics.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		term := anyTerminal(t)
		var runs []*runView
		for i := range rapid.IntRange(1, 3).Draw(t, "runs") {
			name := rapid.SampledFrom([]string{"tiny", "音声の実験", "x", strings.Repeat("long-", 50), "e\u0301\x1b[31m"}).Draw(t, "name")
			runs = append(runs, newRunView(name, "", nil, i))
		}
		m := newModel(term, Options{}, runs...)
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			m.Update(tea.WindowSizeMsg{Width: rapid.IntRange(0, 400).Draw(t, "width"), Height: rapid.IntRange(0, 120).Draw(t, "height")})
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				m.Update(anyPoll(t, rapid.IntRange(0, len(runs)-1).Draw(t, "run")))
			case 1:
				m.Update(tea.MouseMsg{X: rapid.IntRange(-1, 400).Draw(t, "x"), Y: rapid.IntRange(-1, 120).Draw(t, "y"), Ctrl: rapid.Bool().Draw(t, "ctrl"),
					Button: tea.MouseButton(rapid.IntRange(0, 7).Draw(t, "button")), Action: tea.MouseAction(rapid.IntRange(0, 2).Draw(t, "action"))})
			default:
				for range rapid.IntRange(1, 5).Draw(t, "keys") {
					press(m, rapid.SampledFrom(anyKeys).Draw(t, "key"))
				}
			}
			frame := m.View()
			checkSize(t, frame, m.width, m.height)
			if i := strings.IndexFunc(frame, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' && r != '\x1b' }); m.terminal.ASCII && i >= 0 {
				t.Fatalf("%q is not ASCII", frame[i:min(i+4, len(frame))])
			}
		}
	})
}

// Every screen has a frame at every size: all small ones, where layouts change, and some large ones.
func TestEverySize(t *testing.T) {
	m := open(t, screen.Terminal{}, writeFixture(t).Dir())
	widths, heights := []int{69, 70, 80, 81, 120, 149, 150, 239, 400}, []int{24, 35, 50, 120}
	for i := range 60 {
		if !testing.Short() && i%4 == 0 || i < 8 {
			widths = append(widths, i)
		}
		if i < 14 && (!testing.Short() || i%3 == 0) {
			heights = append(heights, i)
		}
	}
	for i := range m.panes {
		m.show(i)
		for _, width := range widths {
			for _, height := range heights {
				m.width, m.height = width, height
				checkSize(t, m.View(), width, height)
			}
		}
	}
}

// What there is no room for is cut, but the name and the condition of the run come first.
func TestSmallest(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	feed(m, "train/contrastive_loss", 4, 3)
	for _, size := range [][2]int{{16, 1}, {16, 3}, {20, 9}} {
		m.width, m.height = size[0], size[1]
		if frame := m.View(); !strings.HasPrefix(frame, "run  ● running") {
			t.Errorf("%v:\n%s", size, frame)
		}
	}
}
