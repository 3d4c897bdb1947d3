package tui

import tea "github.com/charmbracelet/bubbletea"

func (m *model) openPalette() tea.Cmd { return nil }
func (m *model) openExport() tea.Cmd  { return nil }
