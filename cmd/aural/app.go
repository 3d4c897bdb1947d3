package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes. Those of sysexits.h are used where batch systems know them.
const (
	exitDone     = 0
	exitError    = 1
	exitUsage    = 2
	exitRejects  = 3   // import, transcribe: done, but some recordings were left out
	exitWatch    = 4   // health: a run to look at
	exitBroken   = 5   // health: a run that is broken
	exitStopped  = 75  // EX_TEMPFAIL: stopped early with a good checkpoint; start again with --resume auto
	exitDiverged = 76  // the loss stayed not finite; the last good checkpoint is there
	exitAborted  = 130 // 128 + SIGINT: ended at once on request
)

const exitHelp = `Exit codes:
  0    done
  1    error
  2    the command line or the recipe is wrong; nothing was done
  3    import, transcribe: done, but some recordings were left out
  4    health: something to look at
  5    health: a run is broken
  75   stopped early with a good checkpoint: start again with --resume auto
  76   diverged: the loss stayed not finite; the last good checkpoint is kept
  130  aborted at once (second interrupt)
`

// app is what commands share: where to write, and what they were called with.
type app struct {
	out, err io.Writer
	args     []string // the command line, with the program
	began    bool     // the command line was understood
}

// coded is an error with an exit code of its own.
type coded struct {
	code int
	error
}

func (c coded) Unwrap() error { return c.error }

// usage marks an error, if it is one, as a mistake in what was asked for.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return coded{exitUsage, err}
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// run is the whole program: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	a := &app{out: stdout, err: stderr, args: append([]string{"aural"}, args...)}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitDone
	}
	code := exitError
	var c coded
	switch {
	case errors.As(err, &c):
		code = c.code
	case !a.began: // flags, arguments or the name of the command
		code = exitUsage
	}
	fmt.Fprintf(stderr, "aural: %s\n", strings.TrimSpace(err.Error()))
	if code == exitUsage {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "aural",
		Short: "Self-supervised speech pretraining (wav2vec 2.0)",
		Long: `aural pretrains wav2vec 2.0 on folders of audio.

  aural quickstart                             try everything on synthetic speech
  aural data import corpus/ --out store        recordings -> store
  aural pretrain --recipe tiny --data store    store -> run directory with checkpoints
  aural plot runs/20260101-1200-tiny           run directory -> figure
  aural transcribe talk.mp3 --model MODEL      recordings -> text, captions
  aural eval text hyp.txt                      transcripts -> error rates

` + exitHelp + `
Results go to standard output, messages and progress to standard error. NO_COLOR is respected.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	for _, g := range []struct {
		id, title string
		list      []*cobra.Command
	}{
		{"train", "Data and training:", []*cobra.Command{a.quickstart(), a.data(), a.pretrain(), a.finetune(), a.sweep(), a.vocab(), a.lm(), a.model(), a.recipes()}},
		{"use", "Using models:", []*cobra.Command{a.transcribe(), a.align(), a.tuneLM(), a.features(), a.probe()}},
		{"look", "Looking at runs and results:", []*cobra.Command{a.top(), a.health(), a.runs(), a.plot(), a.eval()}},
		{"machine", "The program and the machine:", []*cobra.Command{a.doctor(), a.bench(), a.gpucheck(), a.version(), a.man()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.list {
			c.GroupID = g.id
		}
		root = a.group(root, g.list...)
	}
	root.SetHelpCommandGroupID("machine")
	root.SetCompletionCommandGroupID("machine")
	return root
}

// command completes a command: do runs when the command line was understood.
func (a *app) command(c *cobra.Command, do func(args []string) error) *cobra.Command {
	c.RunE = func(_ *cobra.Command, args []string) error {
		a.began = true
		return do(args)
	}
	return c
}

// group completes a command that only holds others.
func (a *app) group(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.AddCommand(commands...)
	c.DisableFlagsInUseLine, c.SuggestionsMinimumDistance = true, 2
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf(", did you mean %q?", near[0])
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), hint)
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// say writes a message for people.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// print writes a result.
func (a *app) print(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// isTerminal reports whether w shows text to a person, and how wide it is.
func isTerminal(w io.Writer) (columns int, yes bool) {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return 0, false
	}
	columns, _, yes = terminalSize(f)
	return columns, yes
}

// paint colours text for a terminal: code is an SGR number.
func (a *app) paint(code int, text string) string {
	if _, ok := isTerminal(a.out); !ok || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}
