package tui

import tea "github.com/charmbracelet/bubbletea"

// pressKeys gives keys to the model by their names.
func pressKeys(m *model, keys ...string) {
	named := map[string]tea.KeyType{"esc": tea.KeyEsc, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "enter": tea.KeyEnter,
		"tab": tea.KeyTab, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "shift+left": tea.KeyShiftLeft, "shift+right": tea.KeyShiftRight}
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if kind, ok := named[k]; ok {
			msg = tea.KeyMsg{Type: kind}
		}
		m.Update(msg)
	}
}
func lookSound(m *model) {}
func alignWords(a, b string) []struct{reference, hypothesis string} { return nil }
