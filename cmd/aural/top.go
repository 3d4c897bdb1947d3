package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"aural/tui"
	"aural/tui/screen"

	"github.com/spf13/cobra"
)

type topFlags struct {
	once, plain, json bool
	root, screen      string
	interval          float64
	view              tui.Options
}

func (a *app) top() *cobra.Command {
	var f topFlags
	c := a.command(&cobra.Command{
		Use:   "top [RUN...]",
		Short: "Watch runs live in the terminal: curves, verdicts, codebooks, masks, audio",
		Long: `Top shows runs while they go on, or after they have ended: whether they are well and why not,
curves, codebooks, masks, the audio of a batch, throughput, the machine, logs, and how runs compare.
Several runs are drawn over each other.

A RUN is
  a directory, or the name of a run in --runs
  a folder of runs; without any RUN it is --runs. The newest are drawn, the others listed
  host:path or ssh://host/path: a run on another host, over ssh, which needs nothing there but sh
  a TensorBoard event file or a folder of them, of any program

Top only reads. Leaving it with q, or closing the terminal, leaves the run alone. C asks the trainer
for a checkpoint, P to pause or go on, X to save and stop; each is confirmed first, and --readonly
switches them off.

Keys:
  1-9        screens: overview, metrics, codebook, masks, audio, data, system, logs, runs
  ?  :       help on the present screen; command palette (every key by name, and more)
  /          filter metrics, log lines or runs; ! before it inverts, ~ matches loosely
  s x y o    smoothing, x axis, logarithmic y axes, outliers
  + - ← →    zoom; move.  m: a cursor on all charts, with the values there
  tab enter  focus the next chart; enlarge it
  n N a      next and last alert; acknowledge
  e          export exactly what is visible: SVG, PDF, PNG, EPS or TeX, with the data (a.svg+csv)
  q          leave

Where the output is no terminal, or with --plain, top writes plain sentences instead, which also
suit screen readers: a report, then a line for each record and event until the run ends. --json
writes an object at each of these times. --once stops after the report, the object or one picture.`,
		Example: `  aural top                                    # all runs in runs/
  aural top runs/20260101-1200-tiny
  aural top tiny small --x hours --smooth 0.9  # two runs, over hours of audio
  aural top node7:runs/base --readonly
  aural top tiny --once --plain
  aural top tiny --json | jq .verdict.level`,
	}, func(args []string) error { return a.doTop(f, args) })
	p, o := c.Flags(), &f.view
	p.BoolVar(&f.once, "once", false, "print one picture (or report, or JSON object) and end")
	p.BoolVar(&f.plain, "plain", false, "plain sentences, without a screen or characters that draw")
	p.BoolVar(&f.json, "json", false, "lines of JSON")
	p.BoolVar(&o.ReadOnly, "readonly", false, "ask nothing of the trainer")
	p.StringVar(&f.screen, "screen", "", "first screen, `NAME` or number: "+strings.Join(tui.Screens[:], ", "))
	p.StringVar(&o.Axis, "x", "", "horizontal `AXIS`: updates, epochs, relative (training time), wall (clock), hours (of audio)")
	p.Float64Var(&o.Smooth, "smooth", 0, "`WEIGHT` of the past in a debiased moving average, 0 to below 1")
	p.StringVar(&o.Theme, "theme", "", "`NAME` of the colours: "+strings.Join(screen.Themes[:], ", "))
	p.BoolVar(&o.ASCII, "ascii", false, "use no characters beyond ASCII")
	p.BoolVar(&o.NoColor, "no-color", false, "use no colours, as with NO_COLOR")
	p.Float64Var(&f.interval, "interval", 0, "with --plain and --json: at least so many `SECONDS` between two lines (0: every record)")
	p.StringVar(&f.root, "runs", "runs", "`FOLDER` in which runs are looked up by name")
	c.MarkFlagsMutuallyExclusive("plain", "json")
	c.RegisterFlagCompletionFunc("screen", words(tui.Screens[:]...))
	c.RegisterFlagCompletionFunc("x", words(tui.Axes[:]...))
	c.RegisterFlagCompletionFunc("theme", words(screen.Themes[:]...))
	return c
}

// doTop finds the runs and shows them in the way that was asked for.
func (a *app) doTop(f topFlags, args []string) error {
	o := f.view
	var err error
	if o.Screen, err = tui.ParseScreen(f.screen); err != nil {
		return usage(fmt.Errorf("--screen: %w", err))
	}
	if !(f.interval >= 0 && f.interval <= 86400) {
		return usagef("--interval is %v: want 0 to 86400 seconds", f.interval)
	}
	if !(o.Smooth >= 0 && o.Smooth < 1) {
		return usagef("--smooth is %v: want a weight from 0 (none) to below 1", o.Smooth)
	}
	if err := tui.CheckAxis(o.Axis); err != nil {
		return usage(fmt.Errorf("--x: %w", err))
	}
	if o.Theme != "" {
		if _, err := screen.ParseTheme(o.Theme); err != nil {
			return usage(fmt.Errorf("--theme: %w", err))
		}
	}
	o.Every = time.Duration(f.interval * float64(time.Second))
	o.Settings = settings
	targets, err := topTargets(args, f.root)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	_, onTerminal := isTerminal(a.out)
	switch {
	case f.json:
		err = tui.JSON(ctx, targets, a.out, f.once, o)
	case f.plain || !onTerminal && !f.once:
		err = tui.Plain(ctx, targets, a.out, f.once, o)
	case f.once:
		text, err := tui.Frame(targets, o)
		fmt.Fprint(a.out, text)
		return err
	default:
		return tui.Run(ctx, targets, o)
	}
	if ctx.Err() != nil {
		return nil // an interrupt is how one leaves
	}
	return err
}

// topTargets finds the runs that are meant: names are looked up in root, which is all of them when nothing is given.
func topTargets(args []string, root string) ([]string, error) {
	if len(args) == 0 {
		if _, err := os.Stat(root); err != nil {
			return nil, fmt.Errorf("there is no folder %s: give a run, or a folder of runs with --runs", root)
		}
		return []string{root}, nil
	}
	var targets []string
	for _, arg := range args {
		if !tui.IsRemote(arg) {
			dir, err := findRun(arg, root)
			if err != nil {
				return nil, err
			}
			arg = dir
		}
		targets = append(targets, arg)
	}
	return targets, nil
}
