package tui

import "aural/tui/screen"

type runsPane struct{ empty }

type empty struct{}

func (empty) title(*model) string       { return "later" }
func (empty) draw(f *frame, area rect)  { f.c.Text(area.X, area.Y, area.W, "later", screen.Faint) }
func (empty) bindings(*model) []binding { return nil }
func (empty) about(*model) string       { return "" }
