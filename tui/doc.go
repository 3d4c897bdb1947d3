// Package tui shows a training run in the terminal while it lives, and after. It reads the run directory through runlog
// and writes nothing, so it may run beside the trainer, in another process or on another machine, and leaving it leaves
// the run alone.
//
//	runlog.Reader ── follower.poll ──> pollMsg ─┐
//	keyboard ─────── tea.KeyMsg ────────────────┼─> model.Update ──> model ──> render(model, width, height) ──> text
//	terminal ─────── tea.WindowSizeMsg ─────────┘
//
// The follower polls in its own goroutine and hands over copies of what is new; the model owns them. So drawing is a pure
// function of the model and the size, a slow file system never blocks the keyboard, and tests need neither files nor a
// terminal. Curves are drawn by minimum and maximum of every dot column: a spike of one update is seen at any width.
//
// Where a new thing goes: a curve or a number in panels.go, a key in keys.go (the help screen and the footer follow), a
// message in messages.go.
package tui
