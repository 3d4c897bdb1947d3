package tui

import (
	"strings"

	"aural/tui/screen"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// prompt is an open input line, or a question, in the last row. While it is open it takes all keys.
type prompt struct {
	before    string           // what it asks
	input     *textinput.Model // nil for a question, which is answered by y or n
	accept    func(m *model, text string) tea.Cmd
	changed   func(m *model, text string)             // at every key; nil for nothing
	cancel    func(m *model)                          // nil for nothing
	complete  func(m *model, text string) []string    // what the text may become; nil for nothing
	tab       func(m *model)                          // what tab does; nil completes
	above     func(m *model, text string) []paragraph // what is shown above the line; nil for nothing
	interrupt bool                                    // a question of Ctrl-C, which another one answers with yes
	recalls   bool                                    // up and down walk through the history
	recall    int                                     // how far back in the history
}

// ask opens an input line with a text in it.
func (m *model) ask(before, text string) *prompt {
	in := textinput.New()
	in.Prompt, in.CharLimit = "", 400
	in.SetValue(text)
	in.Focus()
	m.prompt = &prompt{before: before, input: &in}
	return m.prompt
}

// question opens a question of yes or no.
func (m *model) question(text string, yes func(m *model) tea.Cmd) {
	m.prompt = &prompt{before: text + " (y/n)", accept: func(m *model, _ string) tea.Cmd { return yes(m) }}
}

// page shows a text until a key is pressed.
func (m *model) page(text []paragraph) {
	m.prompt = &prompt{before: "any key goes on", above: func(*model, string) []paragraph { return text }}
}

// press takes a key.
func (p *prompt) press(m *model, msg tea.KeyMsg) tea.Cmd {
	key := msg.String()
	if p.input == nil {
		m.prompt = nil
		if p.accept == nil { // a page
			return nil
		}
		if key == "y" || key == "Y" {
			return p.accept(m, "")
		}
		m.tell("nothing was done", nil)
		return nil
	}
	switch key {
	case "esc", "ctrl+g":
		m.prompt = nil
		if p.cancel != nil {
			p.cancel(m)
		}
		return nil
	case "enter":
		m.prompt = nil
		return p.accept(m, p.input.Value())
	case "tab":
		switch {
		case p.tab != nil:
			p.tab(m)
		case p.complete != nil:
			p.input.SetValue(commonPrefix(p.complete(m, p.input.Value()), p.input.Value()))
			p.input.CursorEnd()
		}
		return nil
	case "up", "down":
		if p.recalls {
			p.walk(m, key == "up")
		}
		return nil
	}
	*p.input, _ = p.input.Update(msg)
	if p.changed != nil {
		p.changed(m, p.input.Value())
	}
	return nil
}

// walk recalls an earlier line.
func (p *prompt) walk(m *model, up bool) {
	n := len(m.history)
	if up {
		p.recall = min(p.recall+1, n)
	} else {
		p.recall = max(p.recall-1, 0)
	}
	text := ""
	if p.recall > 0 {
		text = m.history[n-p.recall]
	}
	p.input.SetValue(text)
	p.input.CursorEnd()
}

// draw writes the prompt into the last row, with what the text may become behind it.
func (p *prompt) draw(f *frame, area rect) {
	x := f.c.Text(area.X, area.Y, area.W, p.before+" ", screen.Accent)
	if p.input == nil {
		return
	}
	room := area.X + area.W - x
	before, after := []rune(p.input.Value()), []rune(nil)
	before, after = before[:p.input.Position()], before[p.input.Position():]
	for screen.TextWidth(string(before)) >= max(room, 1) && len(before) > 0 {
		before = before[1:] // the end of a long text, where the cursor is
	}
	x = f.c.Text(x, area.Y, room, string(before), screen.Strong)
	under := " "
	if len(after) > 0 {
		under, after = string(after[:1]), after[1:]
	}
	x = f.c.Text(x, area.Y, area.X+area.W-x, under, screen.Plain|screen.Selected)
	x = f.c.Text(x, area.Y, area.X+area.W-x, string(after), screen.Strong)
	if p.complete != nil && p.above == nil {
		f.c.Text(x+1, area.Y, area.X+area.W-x-1, strings.Join(p.complete(f.m, p.input.Value()), "  "), screen.Faint)
	}
}

// drawAbove draws what is shown above the line, from the bottom of the area, over what is there. Where the lines do not fit,
// the first ones count.
func (p *prompt) drawAbove(f *frame, area rect) {
	if p.above == nil || area.H < 2 {
		return
	}
	text := ""
	if p.input != nil {
		text = p.input.Value()
	}
	lines := lay(p.above(f.m, text), area.W)
	area = area.Bottom(min(len(lines)+1, max(area.H*2/3, 1)))
	f.c.Fill(area, ' ', screen.Plain)
	f.c.Fill(area.Top(1), f.c.Terminal.Character('─'), screen.Faint)
	f.drawParagraphs(area, lines, 0)
}

// commonPrefix is what all words begin with; text when there are none.
func commonPrefix(words []string, text string) string {
	if len(words) == 0 {
		return text
	}
	out := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, out) {
			out = out[:len(out)-1]
		}
	}
	if len(out) < len(text) {
		return text
	}
	return out
}
