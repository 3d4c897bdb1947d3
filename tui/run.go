package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	_ "aural/tui/background" // before Bubble Tea is initialised

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"
)

// ErrNotTerminal is returned by Run when the output is not a terminal.
var ErrNotTerminal = errors.New("not a terminal")

// Options are the choices of a view. The zero value is good.
type Options struct {
	Input  io.Reader // of keys; nil is standard input
	Output io.Writer // nil is standard output

	// Width and Height are the first size of the screen in cells. 0 asks the terminal, which the output then must be; it
	// is asked again when its size changes.
	Width, Height int

	Environ []string // "NAME=value": TERM, COLORTERM, NO_COLOR and the locale choose colours and characters; nil is os.Environ
	ASCII   bool     // no characters beyond ASCII
	NoColor bool

	now func() time.Time // for tests; nil is time.Now
}

func (o *Options) complete() {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.now == nil {
		o.now = time.Now
	}
}

func (o *Options) terminal() terminal {
	t := detectTerminal(o.Environ)
	t.ascii = t.ascii || o.ASCII
	if o.NoColor {
		t.colors = min(t.colors, noColor)
	}
	return t
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}

// Run shows the run in dir until the user leaves or ctx is done, whose error it then returns. The run may live in this
// process or another one, or have ended; Run only reads, and leaving does not touch it. Signals are the caller's: a
// context of signal.NotifyContext puts the terminal back in order. Nothing else may write to the terminal meanwhile.
func Run(ctx context.Context, dir string, o Options) error {
	o.complete()
	if (o.Width <= 0 || o.Height <= 0) && !isTerminal(o.Output) {
		return fmt.Errorf("tui: show %s: the output is %w", dir, ErrNotTerminal)
	}
	f, err := newFollower(dir, o.now)
	if err != nil {
		return fmt.Errorf("tui: %w", err)
	}
	defer f.release()
	m := newModel(dir, o.terminal(), f.poll)
	m.width, m.height = o.Width, o.Height
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithEnvironment(o.Environ),
		tea.WithAltScreen(), tea.WithoutSignalHandler())
	if _, err = p.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("tui: show %s: %w", dir, err)
	}
	return nil
}

// Frame returns one picture of the run in dir, for pipes, logs and screen readers: Height lines (24 when it is 0) of at
// most Width columns (80). It has colours when Output, where it is meant to go, is a terminal.
func Frame(dir string, o Options) (text string, err error) {
	o.complete()
	f, err := newFollower(dir, o.now)
	if err != nil {
		return "", fmt.Errorf("tui: %w", err)
	}
	defer func() { err = errors.Join(err, f.close()) }()
	t := o.terminal()
	if !isTerminal(o.Output) {
		t.colors = noStyle
	}
	m := newModel(dir, t, f.poll)
	for m.loading {
		msg := f.poll()
		if msg.err != nil {
			return "", fmt.Errorf("tui: %w", msg.err)
		}
		m.take(msg)
	}
	size := func(n, instead int) int {
		if n > 0 {
			return n
		}
		return instead
	}
	return render(m, size(o.Width, 80), size(o.Height, 24)) + "\n", nil
}

// release closes the follower, but does not wait for a file system that hangs: the user wants to leave.
func (f *follower) release() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.close() // of files that were only read
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}
