package tui

import (
	"slices"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"
)

// binding is a row of the key table: keys, what they do, and how they are called in the footer and the help.
type binding struct {
	keys  []string            // as Bubble Tea names them
	shown string              // the keys as they are shown
	label func(v view) string // what the footer calls it, with the present setting; "" leaves it out
	help  string
	do    func(m *model, key string) tea.Cmd
}

// bindings returns the key table, most needed first. The footer and the help screen are made from it.
func bindings() []binding {
	toggle := func(flip func(v *view)) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd {
			flip(&m.view)
			return nil
		}
	}
	return []binding{
		{[]string{"q", "ctrl+c"}, "q", fixed("quit"), "leave; the run goes on (also ctrl+c)",
			func(*model, string) tea.Cmd { return tea.Quit }},
		{[]string{"?"}, "?", fixed("help"), "show this help, or leave it",
			toggle(func(v *view) { v.help = !v.help })},
		{[]string{"esc"}, "esc", func(v view) string { return either(v.help || v.zoom > 0, "back", "") }, "leave the help or the enlarged chart",
			toggle(func(v *view) {
				if v.help {
					v.help = false
				} else {
					v.zoom = 0
				}
			})},
		{[]string{"l"}, "l", func(v view) string { return "log " + either(v.log, "on", "off") }, "linear or logarithmic y axes",
			toggle(func(v *view) { v.log = !v.log })},
		{[]string{"s"}, "s", smoothing, "smooth curves: off, 0.9, 0.99 (moving average; raw values stay behind it)",
			func(m *model, _ string) tea.Cmd {
				m.view.smooth = nextSmoothing(m.view.smooth)
				m.smoothen()
				return nil
			}},
		{[]string{"u"}, "u", func(v view) string { return either(v.bits, "bits", "nats") }, "losses in nats or in bits, as fairseq reports them",
			toggle(func(v *view) { v.bits = !v.bits })},
		{[]string{"x"}, "x", func(v view) string { return either(v.hours, "hours", "updates") }, "x axis: updates or hours of audio seen",
			toggle(func(v *view) { v.hours = !v.hours })},
		{panelKeys(), "1-" + strconv.Itoa(len(panels())), fixed("zoom"), "enlarge a chart",
			func(m *model, key string) tea.Cmd {
				n := slices.Index(panelKeys(), key) + 1
				if m.view.help = false; m.view.zoom == n {
					n = 0
				}
				m.view.zoom = n
				return nil
			}},
	}
}

// press does what a key is bound to, if anything.
func (m *model) press(key string) tea.Cmd {
	for _, b := range bindings() {
		if slices.Contains(b.keys, key) {
			return b.do(m, key)
		}
	}
	return nil
}

func panelKeys() []string {
	keys := make([]string, len(panels()))
	for i := range keys {
		keys[i] = strconv.Itoa(i + 1)
	}
	return keys
}

func fixed(label string) func(view) string { return func(view) string { return label } }

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// The weights of the moving average, in the order of the key.
const (
	someSmoothing = 0.9
	muchSmoothing = 0.99
)

func nextSmoothing(w float64) float64 {
	switch w {
	case 0:
		return someSmoothing
	case someSmoothing:
		return muchSmoothing
	}
	return 0
}

func smoothing(v view) string {
	if v.smooth == 0 {
		return "smooth off"
	}
	return "smooth " + short(v.smooth)
}
