package tui

import (
	"fmt"
	"slices"
	"strings"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"

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

// The sizes from which the chosen entry stands beside the list, or below it.
const (
	besideFrom = 120
	belowFrom  = 12
)

func (p *logsPane) draw(f *frame, area rect) {
	m := f.m
	r := m.run()
	p.drawHead(f, area.Top(1))
	list := p.list(r, p.part)
	i := p.index(list)
	switch {
	case i < 0:
		f.c.Text(area.X, area.Y+area.H/2, area.W, p.nothing(m), screen.Faint)
		return
	case p.open:
		p.drawOpen(f, area, list[i])
		return
	case area.W >= besideFrom:
		beside := area.Right(area.W / 2)
		area.Right(2)
		f.drawParagraphs(beside, f.m.explainEntry(list[i], beside.W), 0)
	case area.H >= belowFrom && p.part != linesPart:
		below := area.Bottom(max(area.H-max(len(list), 3), area.H/2) - 1)
		area.Bottom(1)
		f.drawParagraphs(below, f.m.explainEntry(list[i], below.W), 0)
	}
	p.drawList(f, area, list, i)
}

// drawHead names the parts.
func (p *logsPane) drawHead(f *frame, line rect) {
	if line.H == 0 {
		return
	}
	r := f.m.run()
	x := line.X
	for part, name := range []string{"findings", "events", "log"} {
		n := [logParts]int{len(r.findings()), len(r.latest.events), len(r.latest.lines)}[part]
		style := screen.Plain
		if logPart(part) == p.part {
			style = screen.Chosen
		}
		end := f.c.Text(x, line.Y, line.X+line.W-x, fmt.Sprintf("%s %d", name, n), style)
		f.hits = append(f.hits, hit{area: rect{X: x, Y: line.Y, W: end - x, H: 1}, chart: -1, click: func(*model) { p.part, p.open = logPart(part), false }})
		x = end + 3
	}
	note := ""
	switch {
	case p.filter.text != "":
		note = "filter " + p.filter.String()
	case p.part != findingsPart && !p.fixed[p.part]:
		note = "following"
	}
	if x < line.X+line.W {
		f.c.TextRight(x, line.Y, line.X+line.W-x, note, screen.Faint)
	}
}

// nothing says why a list is empty.
func (p *logsPane) nothing(m *model) string {
	r := m.run()
	switch {
	case p.filter.text != "":
		return "nothing matches " + p.filter.String()
	case r.loading:
		return "loading"
	case p.part == findingsPart && r.latest.report == nil:
		return "not judged yet"
	case p.part == findingsPart:
		return fmt.Sprintf("the health rules found nothing; %d could be judged", len(r.latest.report.Rules))
	case p.part == eventsPart:
		return "nothing has happened yet"
	}
	return "the log is empty"
}

// drawList draws the rows around the one with the cursor.
func (p *logsPane) drawList(f *frame, area rect, list []entry, at int) {
	first := min(max(at-area.H/2, 0), max(len(list)-area.H, 0))
	for i := first; i < len(list) && i < first+area.H; i++ {
		row := rect{X: area.X, Y: area.Y + i - first, W: area.W, H: 1}
		p.drawRow(f, row, list[i])
		if i == at {
			f.c.Restyle(row, func(s screen.Style) screen.Style { return s | screen.Selected })
		}
		e := list[i]
		f.hits = append(f.hits, hit{area: row, chart: -1,
			click: func(*model) { p.chosen[p.part], p.fixed[p.part] = e.id(), true },
			wheel: func(m *model, up bool) { p.move(m, either(up, "up", "down")) }})
	}
}

// drawRow writes an entry on one line: a mark, when it was, and what.
func (p *logsPane) drawRow(f *frame, row rect, e entry) {
	r := f.m.run()
	x := row.X
	put := func(text string, width int, s screen.Style) {
		f.c.Text(x, row.Y, min(width, row.X+row.W-x), text, s)
		x += width + 1
	}
	mark, style := e.sign()
	if e.alarming() && p.acknowledged(r, e) {
		mark, style = "✓", screen.Faint
	}
	put(mark, 1, style)
	switch {
	case e.finding != nil:
		put(e.finding.Level.String(), 7, style)
		put("since "+screen.Grouped(e.finding.Since), 14, screen.Faint)
		put(e.finding.Title, row.W, style)
	case e.event != nil:
		put(r.clock(e.event.Time), 11, screen.Faint)
		f.c.TextRight(x, row.Y, min(9, row.X+row.W-x), screen.Grouped(e.event.Step), screen.Faint)
		x += 10
		put(e.title(), row.W, style)
	default:
		put(r.clock(e.line.Time), 11, screen.Faint)
		put(e.line.Level.String(), 5, style)
		put(e.line.Message, row.X+row.W-x, style)
		x = min(x-1, row.X+6+12+2+screen.TextWidth(e.line.Message)+1)
		put(e.line.Attrs, row.W, screen.Faint)
	}
}

// sign is the mark of an entry and how it looks.
func (e entry) sign() (string, screen.Style) {
	style := screen.Plain
	switch {
	case e.finding != nil:
		style = levelOf(e.finding.Level)
	case e.event != nil && e.event.Superseded:
		return " ", screen.Faint
	case e.event != nil:
		if style = severityStyle(e.event.Severity); style == screen.Plain && e.event.Kind == runlog.Alert {
			style = screen.Warning
		}
	default:
		style = levelStyle(e.line.Level)
	}
	switch style {
	case screen.Bad:
		return "×", style
	case screen.Warning:
		return "▲", style
	}
	return " ", style
}

func levelOf(l health.Level) screen.Style {
	switch l {
	case health.Broken:
		return screen.Bad
	case health.Watch:
		return screen.Warning
	}
	return screen.Plain
}

// drawOpen draws one entry on the whole screen.
func (p *logsPane) drawOpen(f *frame, area rect, e entry) {
	list := f.m.explainEntry(e, area.W)
	f.drawParagraphs(area, list, p.top)
}

// explainEntry is all that is known of an entry, with the metrics around it.
func (m *model) explainEntry(e entry, width int) []paragraph {
	r := m.run()
	_, style := e.sign()
	var out []paragraph
	say := func(label, text string, s screen.Style) {
		if text != "" {
			out = append(out, paragraph{label: label, text: text, style: s})
		}
	}
	switch {
	case e.finding != nil:
		x := e.finding
		say("", x.Level.String()+": "+x.Title, style)
		say("since", "update "+screen.Grouped(x.Since)+", rule "+x.Rule, screen.Plain)
		say("evidence", x.Evidence, screen.Plain)
		say("advice", x.Advice, screen.Plain)
	case e.event != nil:
		x := e.event
		say("", eventText(*x), style)
		say("when", r.clock(x.Time)+", update "+screen.Grouped(x.Step)+either(x.Superseded, ", done again later", ""), screen.Plain)
		for _, key := range sortedKeys(x.Data) {
			say(key, x.Data[key], screen.Plain)
		}
	default:
		x := e.line
		say("", x.Message, style)
		say("when", r.clock(x.Time)+", "+x.Level.String(), screen.Plain)
		say("", strings.TrimSpace(x.Attrs), screen.Plain)
	}
	if step, ok := e.step(); ok && e.alarming() {
		out = append(out, paragraph{})
		out = append(out, m.around(step, width)...)
	}
	return out
}
