package tui

import (
	"math"
	"slices"

	"aural/tui/chart"

	tea "github.com/charmbracelet/bubbletea"
)

// binding is a row of the key table: keys, what they do, and how they are called in the footer and the help.
type binding struct {
	keys  []string              // as Bubble Tea names them
	shown string                // the keys as they are shown
	label func(m *model) string // what the footer calls it, with the present setting; "" or nil leaves it out
	help  string
	name  string // in the command palette; "" leaves it out
	do    func(m *model, key string) tea.Cmd
}

// bindings returns the keys of all screens, most needed first. The footer, the help and the palette are made from it.
func bindings() []binding {
	set := func(change func(m *model)) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd {
			change(m)
			return nil
		}
	}
	return []binding{
		{[]string{"q", "ctrl+c"}, "q", fixed("quit"), "leave; the run goes on", "quit", (*model).leave},
		{[]string{"?", "f1"}, "?", fixed("help"), "show this help, or leave it; ↑ ↓ and space move through it", "help",
			set(func(m *model) { m.view.help, m.view.helpTop = !m.view.help, 0 })},
		{screenKeys, "1-9", fixed("screens"), "go to a screen", "",
			func(m *model, key string) tea.Cmd {
				m.show(slices.Index(screenKeys, key))
				return nil
			}},
		{[]string{":", "ctrl+p"}, ":", fixed("command"), "command palette: every key by name, and what has no key; up and down walk through earlier ones", "",
			func(m *model, _ string) tea.Cmd { return m.openPalette() }},
		{[]string{"/"}, "/", func(m *model) string { return either(m.filter.text == "", "filter", "filter "+m.filter.String()) },
			"show only the metrics (or log lines, or runs) that match: a regular expression; ! before it inverts, ~ before it matches loosely; tab changes the kind", "filter",
			func(m *model, _ string) tea.Cmd { return m.openFilter() }},
		{[]string{"esc"}, "esc", func(m *model) string { return either(m.inner(), "back", "") }, "one step out: help, enlarged chart, cursor, zoom, filter", "",
			set((*model).back)},
		{[]string{"tab"}, "tab", nil, "focus the next chart (shift+tab: the one before)", "", set(func(m *model) { m.focus[m.view.screen]++ })},
		{[]string{"shift+tab"}, "shift+tab", nil, "", "", set(func(m *model) { m.focus[m.view.screen] = max(m.focus[m.view.screen]-1, 0) })},
		{[]string{"enter"}, "enter", func(m *model) string { return either(m.view.full, "all charts", "enlarge") }, "enlarge the focused chart, or show all again", "enlarge",
			set(func(m *model) { m.view.full = !m.view.full })},
		{[]string{"s"}, "s", func(m *model) string { return smoothing(m.view.smooth) }, "more smoothing (S: less): debiased moving average, the raw curve stays faint", "smooth more",
			set(func(m *model) { m.smoothen(nextSmoothing(m.view.smooth, 1)) })},
		{[]string{"S"}, "S", nil, "", "smooth less", set(func(m *model) { m.smoothen(nextSmoothing(m.view.smooth, -1)) })},
		{[]string{"x"}, "x", func(m *model) string { return xUnits[m.view.axis] }, "x axis: updates, epochs, hours of training, time of day, hours of audio", "x axis",
			set(func(m *model) { m.setAxis((m.view.axis + 1) % chart.AxisKinds) })},
		{[]string{"y"}, "y", func(m *model) string { return either(m.view.logY, "log y", "") }, "linear or logarithmic y axes", "log y",
			set(func(m *model) { m.view.logY = !m.view.logY })},
		{[]string{"o"}, "o", func(m *model) string { return either(m.view.clip, "outliers cut", "") }, "leave outliers out of the y axis, or show all", "outliers",
			set(func(m *model) { m.view.clip = !m.view.clip })},
		{[]string{"u"}, "u", func(m *model) string { return either(m.view.bits, "bits", "") }, "losses in nats or in bits, as fairseq reports them", "bits",
			set(func(m *model) { m.view.bits = !m.view.bits })},
		{[]string{"b"}, "b", func(m *model) string { return either(m.view.bands, "", "no bands") }, "published runs of the same batch size as a band behind the curves", "bands",
			set(func(m *model) { m.view.bands = !m.view.bands })},
		{[]string{"+", "="}, "+ -", nil, "zoom into the x axis and out (also the wheel; with ctrl: the y axis of the focused chart)", "zoom in", set(func(m *model) { m.zoomX(0.5) })},
		{[]string{"-", "_"}, "-", nil, "zoom out", "zoom out", set(func(m *model) { m.zoomX(2) })},
		{[]string{"left", "right", "shift+left", "shift+right"}, "← →", nil, "move the cursor, or the zoomed x axis (with shift: ten times as far)", "",
			func(m *model, key string) tea.Cmd {
				m.move(key)
				return nil
			}},
		{[]string{"ctrl+up"}, "ctrl+↑ ctrl+↓", nil, "zoom the y axis of the focused chart", "", set(func(m *model) { m.view.yZoom = math.Max(m.view.yZoom/1.5, 1e-3) })},
		{[]string{"ctrl+down"}, "ctrl+down", nil, "", "", set(func(m *model) { m.view.yZoom = math.Min(m.view.yZoom*1.5, 8) })},
		{[]string{"m"}, "m", func(m *model) string { return either(math.IsNaN(m.view.cursor), "", "cursor") }, "cursor on all charts, linked; ← and → move it", "cursor",
			set((*model).toggleCursor)},
		{[]string{"f"}, "f", func(m *model) string { return either(m.view.zoom != nil && m.view.follow, "follow", "") }, "follow the end of the run while zoomed", "follow",
			set((*model).toggleFollow)},
		{[]string{" "}, "space", func(m *model) string { return either(m.view.frozen, "FROZEN", "") }, "freeze the view, or go on; training goes on", "freeze",
			set((*model).toggleFreeze)},
		{[]string{"[", "]"}, "[ ]", func(m *model) string { return either(len(m.runs) > 1, "run", "") }, "the run before or after, among several", "",
			func(m *model, key string) tea.Cmd {
				step := 1
				if key == "[" {
					step = -1
				}
				m.current = (m.current + step + len(m.runs)) % len(m.runs)
				return nil
			}},
		{[]string{"n", "N"}, "n N", nil, "the next alert, or the one before: the cursor goes there on all charts", "next alert",
			func(m *model, key string) tea.Cmd {
				m.nextAlert(key == "n")
				return nil
			}},
		{[]string{"a"}, "a", nil, "acknowledge the alerts so far", "acknowledge", set((*model).acknowledge)},
		{[]string{"c"}, "c", nil, "compare: the screen of runs", "compare", set(func(m *model) { m.show(runsScreen) })},
		{[]string{"e"}, "e", fixed("export"), "write what is visible as a figure (SVG, PDF, PNG, EPS, TeX)", "export", func(m *model, _ string) tea.Cmd { return m.openExport() }},
		{[]string{"t"}, "t", nil, "theme: dark, light, color-blind, mono", "theme", set(func(m *model) { m.nextTheme() })},
		{[]string{"C"}, "C", nil, "ask the trainer for a checkpoint now (confirm)", "checkpoint now", func(m *model, _ string) tea.Cmd { return m.askTrainer(checkpointNow) }},
		{[]string{"P"}, "P", nil, "pause the training, or let it go on (confirm)", "pause training", func(m *model, _ string) tea.Cmd { return m.askTrainer(m.pauseOrContinue()) }},
		{[]string{"X"}, "X", nil, "save and stop the training (confirm); aural pretrain --resume goes on", "stop training", func(m *model, _ string) tea.Cmd { return m.askTrainer(stopAndSave) }},
		{[]string{"ctrl+l"}, "ctrl+l", nil, "draw the screen anew", "redraw", func(*model, string) tea.Cmd { return tea.ClearScreen }},
		{[]string{"ctrl+z"}, "ctrl+z", nil, "suspend the view", "suspend", func(m *model, _ string) tea.Cmd { return m.suspend() }},
	}
}

// bindings are the keys of the present screen, and those of all screens that it leaves as they are.
func (m *model) bindings() []binding {
	list := slices.Clone(m.panes[m.view.screen].bindings(m))
	own := len(list)
	for _, b := range bindings() {
		taken := func(o binding) bool { return slices.Contains(o.keys, b.keys[0]) }
		if !slices.ContainsFunc(list[:own], taken) {
			list = append(list, b)
		}
	}
	return list
}

// pressEach takes keys one by one: those that come fast, or over a slow line, reach the program together. Text that was pasted
// is no keys: it may go into an input line only.
func (m *model) pressEach(msg tea.KeyMsg) tea.Cmd {
	switch {
	case msg.Paste && m.prompt != nil && m.prompt.input != nil:
		return m.press(msg)
	case msg.Paste:
		m.tell("pasted text is left out: paste into an input line", nil)
		return nil
	case len(msg.Runes) <= 1:
		return m.press(msg)
	}
	var cmds []tea.Cmd
	for _, r := range msg.Runes {
		one := msg
		one.Runes = []rune{r}
		cmds = append(cmds, m.press(one))
	}
	return tea.Batch(cmds...)
}

// press does what a key is bound to, if anything: an open prompt comes first, then the screen, then the common keys.
func (m *model) press(msg tea.KeyMsg) tea.Cmd {
	if m.prompt != nil && msg.String() != "ctrl+c" {
		return m.prompt.press(m, msg)
	}
	key := msg.String()
	if m.view.help && m.scrollHelp(key) {
		return nil
	}
	if !m.view.help {
		for _, b := range m.panes[m.view.screen].bindings(m) {
			if slices.Contains(b.keys, key) {
				return b.do(m, key)
			}
		}
	}
	for _, b := range bindings() {
		if slices.Contains(b.keys, key) {
			return b.do(m, key)
		}
	}
	return nil
}

// inner reports whether there is something to step out of.
func (m *model) inner() bool {
	v := &m.view
	return v.help || v.full || !math.IsNaN(v.cursor) || v.zoom != nil || m.filter.text != ""
}

// back steps out of one thing.
func (m *model) back() {
	v := &m.view
	switch {
	case v.help:
		v.help = false
	case v.full:
		v.full = false
	case !math.IsNaN(v.cursor):
		v.cursor = math.NaN()
	case v.zoom != nil || v.yZoom != 1:
		v.zoom, v.yZoom = nil, 1
	default:
		m.filter = filter{}
	}
}

func fixed(label string) func(*model) string { return func(*model) string { return label } }

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}
