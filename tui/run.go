package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"aural/tui/screen"

	_ "aural/tui/background" // before Bubble Tea is initialised

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"
)

// framesPerSecond is how often a frame is sent at most. More would only wake the processor.
const framesPerSecond = 30

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

	Axis   string  // what the x axis counts, a name of Axes; "" is updates
	Smooth float64 // weight of the past in the moving averages, from 0 (none) to below 1

	// Interrupt is set by a program that trains the run itself: Ctrl-C then asks whether to stop the training, and calls it,
	// and Ctrl-Z does not suspend the program. Nil leaves the view at Ctrl-C.
	Interrupt func()

	// Remote starts a shell on another host, as mirror.Options.Command does; nil is ssh. Cache is where copies of runs on
	// other hosts are; "" is the user's cache directory.
	Remote []string
	Cache  string

	// Every is the least time between two lines about a run in Plain and JSON; 0 is every record.
	Every time.Duration

	// Settings reads the recipe of a run, its config.yaml: values by their paths. Nil leaves recipes out of the comparison.
	Settings func(config []byte) (map[string]string, error)

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

// openModel opens runs and makes the view of them. close ends the reading.
func openModel(ctx context.Context, t screen.Terminal, targets []string, o Options) (m *model, close func(), err error) {
	axis, err := parseAxis(o.Axis)
	if err != nil {
		return nil, nil, fmt.Errorf("tui: %w", err)
	}
	if !(o.Smooth >= 0 && o.Smooth < 1) {
		return nil, nil, fmt.Errorf("tui: smoothing is %v: want a weight from 0 (none) to below 1", o.Smooth)
	}
	runs, watched, err := openTargets(ctx, targets, o)
	if err != nil {
		return nil, nil, err
	}
	m = newModel(t, o, runs...)
	m.compareScreen().folder = watched
	m.smoothen(o.Smooth)
	m.setAxis(axis)
	m.show(o.Screen - 1)
	return m, func() {
		for _, r := range m.runs {
			r.close()
		}
	}, nil
}

// Run shows runs until the user leaves or ctx is done, whose error it then returns. A target is a run directory, a folder of
// them, a run on another host (host:path or ssh://host/path), or event files of TensorBoard (a file or a folder). A run may live in this process or another one, or have ended; Run only reads, unless the user asks the trainer for
// something, and leaving does not touch the run. Signals are the caller's: a context of signal.NotifyContext puts the terminal
// back in order. Nothing else may write to the terminal meanwhile.
func Run(ctx context.Context, targets []string, o Options) error {
	o.complete()
	if (o.Width <= 0 || o.Height <= 0) && !isTerminal(o.Output) {
		return fmt.Errorf("tui: the output is %w", ErrNotTerminal)
	}
	t, err := o.terminal()
	if err != nil {
		return err
	}
	m, closeRuns, err := openModel(ctx, t, targets, o)
	if err != nil {
		return err
	}
	defer closeRuns()
	m.width, m.height = o.Width, o.Height
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(synchronized(o.Output)), tea.WithEnvironment(o.Environ),
		tea.WithAltScreen(), tea.WithMouseCellMotion(), tea.WithoutSignalHandler(), tea.WithFPS(framesPerSecond))
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

// Frame returns one picture of runs, given as for Run, for pipes and logs: Height lines (24 when it is 0) of at most Width columns
// (80). It has colours when Output, where it is meant to go, is a terminal.
func Frame(targets []string, o Options) (text string, err error) {
	o.complete()
	t, err := o.terminal()
	if err != nil {
		return "", err
	}
	if !isTerminal(o.Output) {
		t.Colors = screen.NoStyle
	}
	m, closeRuns, err := openModel(context.Background(), t, targets, o)
	if err != nil {
		return "", err
	}
	defer closeRuns()
	if err := m.load(); err != nil {
		return "", err
	}
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
