package tui

import (
	"math"
	"strings"
	"testing"

	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
	"pgregory.net/rapid"
)

// perform types a command into the palette.
func perform(m *model, text string) {
	press(m, ":")
	for _, r := range text {
		m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	press(m, "enter")
}

func TestPalette(t *testing.T) {
	for text, want := range map[string]func(m *model) bool{
		"screen metrics": func(m *model) bool { return m.view.screen == metricsScreen },
		"screen lo":      func(m *model) bool { return m.view.screen == logsScreen },
		"screen 9":       func(m *model) bool { return m.view.screen == runsScreen },
		"theme light":    func(m *model) bool { return m.terminal.Theme == screen.Light },
		"x hours":        func(m *model) bool { return m.view.axis == chart.Hours },
		"x axis":         func(m *model) bool { return m.view.axis == chart.Epochs }, // the key
		"smooth 0.8":     func(m *model) bool { return m.view.smooth == 0.8 },
		"smooth more":    func(m *model) bool { return m.view.smooth == 0.6 },
		"filter !perp":   func(m *model) bool { return m.filter.text == "!perp" },
		"zoom 5k 10,000": func(m *model) bool { return *m.view.zoom == chart.Scale{Low: 5000, High: 10000} },
		"goto 9000":      func(m *model) bool { return m.view.cursor == 9000 },
		"run large-lr":   func(m *model) bool { return m.run().name == "large-lr" && m.current == 1 },
		"run no":         func(m *model) bool { return m.run().name == "no-diversity" },
		"metric accuracy": func(m *model) bool {
			return m.view.screen == metricsScreen && m.view.full && m.focusedMetric() == "accuracy"
		},
		"metric gnorm":       func(m *model) bool { return m.focusedMetric() == "gradient_norm" },
		"explain ppl":        func(m *model) bool { return strings.Contains(m.View(), "entries 640") },
		"explain valid/wer":  func(m *model) bool { return strings.Contains(m.View(), "word error rate") },
		"freeze":             func(m *model) bool { return m.view.frozen },
		"fre":                func(m *model) bool { return m.view.frozen },
		"  log   y ":         func(m *model) bool { return m.view.logY },
		"help":               func(m *model) bool { return m.view.help },
		"checkpoint now":     func(m *model) bool { return m.prompt != nil && m.prompt.input == nil },
		"screen wiggle":      func(m *model) bool { return failed(m, `unknown screen "wiggle": want overview`) },
		"screen metrisc":     func(m *model) bool { return failed(m, "did you mean metrics?") },
		"theme":              func(m *model) bool { return m.terminal.Theme == screen.Light }, // the key: the next one
		"zoom":               func(m *model) bool { return failed(m, "zoom") },
		"zoom 5":             func(m *model) bool { return failed(m, "want two numbers") },
		"zoom a b":           func(m *model) bool { return failed(m, `"a" is no number`) },
		"zoom 7 3":           func(m *model) bool { return failed(m, "nothing between") },
		"goto 30000":         func(m *model) bool { return failed(m, "has 0 to 20,000") },
		"goto NaN":           func(m *model) bool { return failed(m, "is no number") },
		"smooth 1":           func(m *model) bool { return failed(m, "below 1") },
		"filter (":           func(m *model) bool { return failed(m, "missing closing") },
		"run zebra":          func(m *model) bool { return failed(m, `unknown run "zebra"`) },
		"smoth more":         func(m *model) bool { return failed(m, "did you mean smooth more?") },
		"chekpoint":          func(m *model) bool { return failed(m, "unknown command") },
		"s":                  func(m *model) bool { return failed(m, `"s" may be`) },
		"goto":               func(m *model) bool { return failed(m, "goto needs UPDATE") },
		"metric no such one": func(m *model) bool { return failed(m, "unknown metric") },
		"":                   func(m *model) bool { return m.notice == "" },
	} {
		m := shellModel(screen.Terminal{}, 2)
		perform(m, text)
		if !want(m) {
			t.Errorf("%q: not done; screen %d, notice %q", text, m.view.screen, m.notice)
		}
	}
}

func failed(m *model, text string) bool { return m.bad && strings.Contains(m.notice, text) }

// focusedMetric is the metric of the enlarged chart.
func (m *model) focusedMetric() string {
	defs := m.panes[metricsScreen].(*metricsPane).defs(m)
	return defs[m.focused(len(defs))].metric
}

// A metric that the filter hides is shown; on the screen of runs the metric is that of its chart.
func TestPaletteMetric(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	perform(m, "filter loss")
	perform(m, "metric accuracy")
	if m.focusedMetric() != "accuracy" || m.filter.text != "" {
		t.Errorf("focused %s, filter %q", m.focusedMetric(), m.filter.text)
	}
	press(m, "9")
	perform(m, "metric gradient_norm")
	if m.view.screen != runsScreen || m.compareScreen().overlay(m).metric != "gradient_norm" {
		t.Errorf("screen %d, chart %s", m.view.screen, m.compareScreen().overlay(m).metric)
	}
}

func TestPaletteHistory(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	perform(m, "goto 100")
	perform(m, "goto 200")
	perform(m, "goto 100")
	if got := strings.Join(m.history, "|"); got != "goto 200|goto 100" {
		t.Errorf("history %q", got)
	}
	press(m, ":", "up", "up", "up")
	if got := m.prompt.input.Value(); got != "goto 200" {
		t.Errorf("three up: %q", got)
	}
	press(m, "down", "enter")
	if m.view.cursor != 100 {
		t.Errorf("the cursor is at %v", m.view.cursor)
	}
	press(m, "/", "up")
	if got := m.prompt.input.Value(); got != "" {
		t.Errorf("a filter recalls %q", got)
	}
}

func TestPaletteCompletes(t *testing.T) {
	m := shellModel(screen.Terminal{}, 3)
	for text, want := range map[string]string{"scr": "screen ", "screen ov": "screen overview", "theme co": "theme color-blind", "run l": "run large-lr", "zzz": "zzz", "exp": "exp",
		"expl": "explain ", "x h": "x hours", "x r": "x relative"} {
		press(m, ":")
		for _, r := range text {
			m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
		}
		press(m, "tab")
		if got := m.prompt.input.Value(); got != want {
			t.Errorf("tab after %q: %q, want %q", text, got, want)
		}
		press(m, "esc")
	}
	press(m, ":", "e", "x", "p")
	if v := m.View(); !strings.Contains(v, "explain METRIC") || !strings.Contains(v, "what a metric means") || !strings.Contains(v, "export FILE") {
		t.Errorf("the proposals are not shown:\n%s", v)
	}
	press(m, "esc")
	perform(m, "explain accuracy")
	if v := m.View(); !strings.Contains(v, "chance accuracy") && !strings.Contains(v, "chance") {
		t.Errorf("no reference:\n%s", v)
	}
	press(m, "j")
	if m.prompt != nil {
		t.Error("a page stays after a key")
	}
}

// Every name does what its key does; none hides another, and each is found by itself.
func TestPaletteNames(t *testing.T) {
	m := shellModel(screen.Terminal{}, 1)
	for i := range m.panes {
		m.show(i)
		seen := make(map[string]bool)
		for _, c := range m.commands() {
			text := c.name
			if c.takes != "" {
				text += " argument"
			}
			if seen[text] {
				t.Errorf("screen %d: %s twice", i, text)
			}
			seen[text] = true
			if got, _, err := findCommand(m.commands(), text); err != nil || got.name != c.name || got.takes != c.takes {
				t.Errorf("screen %d: %q finds %q (%v)", i, text, got.name, err)
			}
			if c.help == "" {
				t.Errorf("screen %d: %s has no help", i, c.name)
			}
		}
	}
}

// Whatever is typed is done or answered, and a completion begins with what was typed.
func TestPaletteProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := shellModel(screen.Terminal{}, 2)
		m.show(rapid.IntRange(0, len(m.panes)-1).Draw(t, "screen"))
		var text string
		if rapid.Bool().Draw(t, "command") {
			c := rapid.SampledFrom(m.commands()).Draw(t, "name")
			text = c.name + rapid.SampledFrom([]string{"", " ", " 3", " 1e400 -2", " (", " acc", " \x00", " 100 200", " -1"}).Draw(t, "argument")
			if strings.HasPrefix(text, "export") || strings.HasPrefix(text, "open") {
				return // files
			}
		} else {
			text = rapid.StringN(0, 12, -1).Draw(t, "text")
		}
		for _, c := range m.completions(text) {
			if !strings.HasPrefix(strings.ToLower(c), strings.ToLower(strings.TrimRight(text, " "))) {
				t.Fatalf("%q completes %q", c, text)
			}
		}
		m.perform(text)
		if f := m.View(); f == "" {
			t.Fatal("nothing is drawn")
		}
		if z := m.view.zoom; z != nil && !(z.Low < z.High) {
			t.Fatalf("%q zooms to %v", text, *z)
		}
		if math.IsInf(m.view.cursor, 0) {
			t.Fatalf("%q puts the cursor at %v", text, m.view.cursor)
		}
	})
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]float64{"12": 12, "12k": 12000, "1.5M": 1.5e6, "20,000": 20000, "-3": -3, "1e3": 1000} {
		if got, err := number(text); err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "x", "Inf", "NaN", "1e400", "1 2"} {
		if v, err := number(text); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
}
