package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"aural/train"
	"aural/tui"

	"github.com/spf13/cobra"
)

// lookFlags say how a training shows itself.
type lookFlags struct {
	plain bool // lines, also on a terminal
	noTUI bool // one line that is replaced
}

// lookFlagsOf adds the flags of a command that trains.
func lookFlagsOf(c *cobra.Command, f *lookFlags) {
	c.Flags().BoolVar(&f.plain, "plain", false, "plain lines of progress also on a terminal")
	c.Flags().BoolVar(&f.noTUI, "no-tui", false, "one line of progress instead of the full screen view of aural top")
}

// viewHelp describes the view in the help of commands that train.
const viewHelp = `On a terminal the view of aural top opens beside the training (--no-tui and --plain keep lines).
q leaves it: the training goes on with lines of progress, and aural top RUN shows it again from
anywhere. Ctrl-C in the view asks, and then does what SIGINT does. Nothing that happens to the view
harms the run.`

// stopping is how a person at the keyboard stops a training: first after the update in work, then at once, as signals do.
type stopping struct {
	stop  *train.Stop
	abort context.CancelCauseFunc
}

func (s stopping) interrupt() {
	if _, asked := s.stop.Asked(); asked {
		s.abort(train.AbortError{Signal: os.Interrupt})
		return
	}
	s.stop.Ask("signal: " + os.Interrupt.String() + " from the view")
}

// openView shows the run that this process trains, if there is a terminal to do so, until the user leaves or end is called.
// Meanwhile p keeps what it has to say. What goes wrong with the view is told, and the training goes on.
func (a *app) openView(f lookFlags, dir string, p *progress, s stopping) (end func()) {
	if _, ok := isTerminal(a.out); !ok || f.plain || f.noTUI || !stdinIsTerminal() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	p.hold()
	go func() {
		defer func() {
			what := recover()
			p.goOn()
			if what != nil {
				p.note(fmt.Sprintf("warning: the view failed, the training goes on: %v\n%s", what, debug.Stack()))
			}
			close(done)
		}()
		err := tui.Run(ctx, []string{dir}, tui.Options{Settings: settings, Interrupt: s.interrupt})
		p.goOn()
		switch {
		case ctx.Err() != nil: // the training has ended
		case err != nil && !errors.Is(err, context.Canceled):
			p.note("warning: the view ended, the training goes on: " + err.Error())
		default:
			p.note("left the view; the training goes on, and aural top " + dir + " shows it again")
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// stdinIsTerminal reports whether a person may press keys.
func stdinIsTerminal() bool {
	_, _, ok := terminalSize(os.Stdin)
	return ok
}
