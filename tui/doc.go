// Package tui shows training runs in the terminal while they live, and after. It reads run directories through runlog and
// writes nothing into them but requests that the user confirmed, so it may run beside the trainer, in another process or on
// another machine, and leaving it leaves the run alone.
//
//	source.poll (one a run, own goroutine) ──> pollMsg ─┐
//	keyboard, mouse ─────── tea.KeyMsg, tea.MouseMsg ───┼─> model.Update ──> model ──> render(model, w, h) ──> text
//	terminal ────────────── tea.WindowSizeMsg ──────────┘
//
// A source polls in its own goroutine and hands over copies of what is new; the model owns them. So drawing is a pure
// function of the model and the size, a slow file system never blocks the keyboard, and tests need neither files nor a
// terminal.
//
//	screen   canvas, styles, themes, what terminals can show
//	chart    curves, heat maps, spectrograms on a canvas
//	tui      sources, model, keys, and one file screen_x.go for each screen
//
// Where a new thing goes: a curve in catalogue.go, a screen in a file of its own and in screens.go, a key in keys.go (help
// and footer follow), a message in messages.go.
package tui
