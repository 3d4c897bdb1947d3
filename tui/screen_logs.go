package tui

import (
	"fmt"
	"slices"

	tea "github.com/charmbracelet/bubbletea"
)

// logPart is a part of the screen of logs.
type logPart int

const (
	findingsPart logPart = iota
	eventsPart
	linesPart
	logParts
)

// logsPane shows what the health rules found, what happened, and the log.
type logsPane struct {
	part   logPart
	chosen [logParts]entryID // the row with the cursor
	at     [logParts]int     // where it was, should it be gone
	fixed  [logParts]bool    // the cursor stays on its row; otherwise it is at the newest one, or the worst finding
	open   bool              // the chosen entry takes the whole screen
	top    int               // its first visible line
	filter filter
	alert  entryID // where n and N are
	left   filtered
	seen   map[*runView]map[entryID]bool
}

func (p *logsPane) title(m *model) string {
	if n := m.unseen(m.run()); n > 0 {
		return fmt.Sprintf("logs & alerts (%d)", n)
	}
	return "logs & alerts"
}

func (*logsPane) about(*model) string {
	return "What the health rules found with evidence and advice, the events of the run, and its log. n and N go from alert to alert, on all charts; " +
		"an opened alert shows the metrics around it."
}

func (p *logsPane) bindings(m *model) []binding {
	list := []binding{
		{[]string{"up", "down", "pgup", "pgdown", "home", "end"}, "↑ ↓", nil, "the entry above or below; end follows the newest", "",
			func(m *model, key string) tea.Cmd {
				p.move(m, key)
				return nil
			}},
		{[]string{"tab", "shift+tab"}, "tab", fixed("findings, events, log"), "the next part: findings, events, log", "next part",
			func(m *model, key string) tea.Cmd {
				step := logPart(1)
				if key == "shift+tab" {
					step = logParts - 1
				}
				p.part, p.open = (p.part+step)%logParts, false
				return nil
			}},
		{[]string{"enter"}, "enter", func(*model) string { return either(p.open, "list", "open") }, "open the entry: the whole text, and the metrics around an alert", "open entry",
			func(m *model, _ string) tea.Cmd {
				p.open, p.top = !p.open && len(p.list(m.run(), p.part)) > 0, 0
				return nil
			}},
		{[]string{"/"}, "/", func(*model) string { return either(p.filter.text == "", "filter", "filter "+p.filter.String()) },
			"show only entries that match: a regular expression, ! before it inverts, ~ matches loosely", "filter log",
			func(m *model, _ string) tea.Cmd { return m.editFilter(&p.filter) }},
		{[]string{"f"}, "f", func(*model) string { return either(p.fixed[p.part], "follow", "") }, "follow the newest entry, or stay", "follow log",
			func(m *model, _ string) tea.Cmd {
				p.stay(p.list(m.run(), p.part), !p.fixed[p.part])
				return nil
			}},
		{[]string{"a"}, "a", fixed("acknowledge"), "acknowledge the alert, or take that back (A: all alerts so far)", "acknowledge alert",
			func(m *model, _ string) tea.Cmd {
				p.toggle(m)
				return nil
			}},
		{[]string{"A"}, "A", nil, "", "", func(m *model, _ string) tea.Cmd {
			m.acknowledge()
			return nil
		}},
	}
	if p.open || p.filter.text != "" {
		list = append(list, binding{[]string{"esc"}, "esc", fixed("back"), "", "", func(*model, string) tea.Cmd {
			if p.open {
				p.open = false
			} else {
				p.filter = filter{}
			}
			return nil
		}})
	}
	return list
}

// list returns the entries of a part that the filter leaves.
func (p *logsPane) list(r *runView, part logPart) []entry {
	var all []entry
	switch part {
	case findingsPart:
		all = r.findings()
	case eventsPart:
		all = r.happenings()
	default:
		all = r.logLines()
	}
	if p.filter.text == "" || len(all) == 0 {
		return all
	}
	// There may be thousands of log lines, which never change.
	key := filteredKey{r, p.filter.text, len(all), all[0].id(), all[len(all)-1].id()}
	if part == linesPart && p.left.key == key {
		return p.left.list
	}
	out := slices.DeleteFunc(all, func(e entry) bool { return !p.filter.match(e.searched()) })
	if part == linesPart {
		p.left = filtered{key, out}
	}
	return out
}

// filtered is what a filter left of the log lines the last time: a key and the frame after it ask for it several times.
type filtered struct {
	key  filteredKey
	list []entry
}

type filteredKey struct {
	run         *runView
	filter      string
	n           int
	first, last entryID
}

// index is the row of the cursor; -1 in an empty list.
func (p *logsPane) index(list []entry) int {
	n := len(list)
	switch {
	case n == 0:
		return -1
	case p.fixed[p.part]:
		id := p.chosen[p.part]
		for i := n - 1; i >= 0; i-- {
			if list[i].id() == id {
				return i
			}
		}
		return min(p.at[p.part], n-1)
	case p.part == findingsPart:
		return 0
	}
	return n - 1
}

// stay keeps the cursor on its row, or lets it follow.
func (p *logsPane) stay(list []entry, fixed bool) {
	i := p.index(list)
	if fixed && i >= 0 {
		p.at[p.part], p.chosen[p.part] = i, list[i].id()
	}
	p.fixed[p.part] = fixed
}

// move takes an arrow key or a page key.
func (p *logsPane) move(m *model, key string) {
	page := max(m.height-10, 1)
	step := map[string]int{"up": -1, "down": 1, "pgup": -page, "pgdown": page, "home": -1 << 40, "end": 1 << 40}[key]
	list := p.list(m.run(), p.part)
	if len(list) == 0 {
		return
	}
	if p.open {
		lines := lay(m.explainEntry(list[p.index(list)], m.width), m.width)
		p.top = min(max(p.top+step, 0), max(len(lines)-page, 0))
		return
	}
	i := min(max(p.index(list)+step, 0), len(list)-1)
	p.at[p.part], p.chosen[p.part] = i, list[i].id()
	p.fixed[p.part] = p.part == findingsPart || i < len(list)-1
}

// choose puts the cursor on an alert.
func (p *logsPane) choose(e entry) {
	p.part = eventsPart
	if e.finding != nil {
		p.part = findingsPart
	}
	p.alert, p.chosen[p.part], p.fixed[p.part], p.top = e.id(), e.id(), true, 0
	if p.filter.text != "" && !p.filter.match(e.searched()) {
		p.filter = filter{}
	}
}

// acknowledged reports whether an alert was marked as seen.
func (p *logsPane) acknowledged(r *runView, e entry) bool { return p.seen[r][e.id()] }

func (p *logsPane) mark(r *runView, e entry, seen bool) {
	if p.seen == nil {
		p.seen = make(map[*runView]map[entryID]bool)
	}
	if p.seen[r] == nil {
		p.seen[r] = make(map[entryID]bool)
	}
	p.seen[r][e.id()] = seen
}

// toggle acknowledges the chosen alert, or takes that back.
func (p *logsPane) toggle(m *model) {
	list := p.list(m.run(), p.part)
	i := p.index(list)
	if i < 0 || !list[i].alarming() {
		m.tell("this is no alert", nil)
		return
	}
	p.mark(m.run(), list[i], !p.acknowledged(m.run(), list[i]))
	p.stay(list, true)
}
