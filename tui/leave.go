package tui

import (
	"errors"

	tea "github.com/charmbracelet/bubbletea"
)

// leave ends the view. In a program that trains the run itself, Ctrl-C is for the training: it asks whether to stop it, and a
// second Ctrl-C means yes.
func (m *model) leave(key string) tea.Cmd {
	if key != "ctrl+c" || m.options.Interrupt == nil {
		return tea.Quit
	}
	if p := m.prompt; p != nil && p.interrupt {
		m.prompt = nil
		return p.accept(m, "")
	}
	text := "finish the update, save and stop the training? q leaves it running"
	if m.interrupted {
		text = "end at once, without saving? the newest checkpoint stays"
	}
	m.question(text, func(m *model) tea.Cmd {
		m.interrupted = true
		m.tell("the training stops after this update", nil)
		m.options.Interrupt()
		return nil
	})
	m.prompt.interrupt = true
	return nil
}

// suspend gives the terminal back to the shell for a while; not in a program that trains, which would stop too.
func (m *model) suspend() tea.Cmd {
	if m.options.Interrupt != nil {
		m.tell("", errors.New("ctrl+z would halt the training: q leaves the view, and the training goes on"))
		return nil
	}
	return tea.Suspend
}
