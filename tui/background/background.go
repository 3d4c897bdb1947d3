// Package background keeps programs that link Bubble Tea from talking to the terminal before they begin.
//
// When Bubble Tea 1 is initialised it asks the terminal for its background colour and waits up to five seconds for the
// answer, in every command of a program, whether it shows a screen or not. Package tui needs no answer: its colours suit
// dark and light ground. Lip Gloss does not ask once it has been told, which must happen earlier. Go initialises packages
// whose imports are ready in the order of their import paths (specification, "Package initialization"), and "aural/..."
// comes before "github.com/...". A test of package tui watches over it in a pseudo-terminal.
package background

import "github.com/charmbracelet/lipgloss"

// Dark is what Lip Gloss was told.
var Dark = tell(true)

func tell(dark bool) bool {
	lipgloss.SetHasDarkBackground(dark)
	return dark
}
