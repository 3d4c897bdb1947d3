package tui

import (
	"fmt"
	"strings"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"
)

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
