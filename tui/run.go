package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"aural/runlog"
	"aural/tui/screen"

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
	Theme   string // a name of screen.Themes; "" takes what the environment suggests
	// ReadOnly leaves the trainer alone: no requests for checkpoints, pauses and stops.
	ReadOnly bool
	Screen   int // the first screen, from 1; 0 is the overview

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

// terminal is what the screen may use.
func (o *Options) terminal() (screen.Terminal, error) {
	t := screen.Detect(o.Environ)
	t.ASCII = t.ASCII || o.ASCII
	if o.NoColor {
		t.Colors = min(t.Colors, screen.NoColor)
	}
	if o.Theme != "" {
		theme, err := screen.ParseTheme(o.Theme)
		if err != nil {
			return t, fmt.Errorf("tui: %w", err)
		}
		t.Theme = theme
	}
	return t, nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}

// openRuns opens runs by their directories.
func openRuns(dirs []string, o Options) ([]*runView, error) {
	if len(dirs) == 0 {
		return nil, errors.New("tui: no run to show")
	}
	var runs []*runView
	for i, dir := range dirs {
		s, err := newFollower(dir, o.now)
		if err != nil {
			for _, r := range runs {
				r.source.close()
			}
			return nil, fmt.Errorf("tui: %w", err)
		}
		runs = append(runs, newRunView(runlog.RunName(dir), dir, s, i))
	}
	return runs, nil
}

// Run shows the runs in dirs until the user leaves or ctx is done, whose error it then returns. A run may live in this process
// or another one, or have ended; Run only reads, and leaving does not touch it. Signals are the caller's: a context of
// signal.NotifyContext puts the terminal back in order. Nothing else may write to the terminal meanwhile.
func Run(ctx context.Context, dirs []string, o Options) error {
	o.complete()
	if (o.Width <= 0 || o.Height <= 0) && !isTerminal(o.Output) {
		return fmt.Errorf("tui: the output is %w", ErrNotTerminal)
	}
	t, err := o.terminal()
	if err != nil {
		return err
	}
	runs, err := openRuns(dirs, o)
	if err != nil {
		return err
	}
	defer func() {
		for _, r := range runs {
			release(r.source)
		}
	}()
	m := newModel(t, o, runs...)
	m.width, m.height = o.Width, o.Height
	m.show(o.Screen - 1)
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(synchronized(o.Output)), tea.WithEnvironment(o.Environ),
		tea.WithAltScreen(), tea.WithMouseCellMotion(), tea.WithoutSignalHandler())
	if _, err = p.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("tui: %w", err)
	}
	return nil
}

// load reads everything that the runs have logged so far.
func (m *model) load() error {
	for i, r := range m.runs {
		for r.loading {
			msg := r.source.poll()
			if msg.err != nil {
				return fmt.Errorf("tui: %w", msg.err)
			}
			msg.run = i
			m.take(msg)
		}
	}
	return nil
}

// Frame returns one picture of the runs in dirs, for pipes and logs: Height lines (24 when it is 0) of at most Width columns
// (80). It has colours when Output, where it is meant to go, is a terminal.
func Frame(dirs []string, o Options) (text string, err error) {
	o.complete()
	t, err := o.terminal()
	if err != nil {
		return "", err
	}
	if !isTerminal(o.Output) {
		t.Colors = screen.NoStyle
	}
	runs, err := openRuns(dirs, o)
	if err != nil {
		return "", err
	}
	m := newModel(t, o, runs...)
	defer func() {
		for _, r := range runs {
			err = errors.Join(err, r.source.close())
		}
	}()
	if err := m.load(); err != nil {
		return "", err
	}
	m.show(o.Screen - 1)
	if read := m.listen(); read != nil {
		m.Update(read())
	}
	size := func(n, instead int) int {
		if n > 0 {
			return n
		}
		return instead
	}
	return render(m, size(o.Width, 80), size(o.Height, 24)).c.String() + "\n", nil
}
