package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"aural/tui"

	"github.com/spf13/cobra"
)

func (a *app) top() *cobra.Command {
	var once bool
	var root string
	var o tui.Options
	c := a.command(&cobra.Command{
		Use:   "top RUN",
		Short: "Watch a run live in the terminal",
		Long: `Top shows the curves and numbers of a run while it goes on, or after it has ended. A run is a
directory, or the name of one in --runs. Top only reads: leaving it with q leaves the run alone.
? explains the keys.`,
		Example: "  aural top runs/20260101-1200-tiny\n  aural top tiny --once | less",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		dir, err := findRun(args[0], root)
		if err != nil {
			return err
		}
		if once {
			text, err := tui.Frame([]string{dir}, o)
			fmt.Fprint(a.out, text)
			return err
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		return tui.Run(ctx, []string{dir}, o)
	})
	p := c.Flags()
	p.BoolVar(&once, "once", false, "print one picture and end")
	p.BoolVar(&o.ASCII, "ascii", false, "use no characters beyond ASCII")
	p.BoolVar(&o.NoColor, "no-color", false, "use no colours, as with NO_COLOR")
	p.StringVar(&root, "runs", "runs", "`FOLDER` in which runs are looked up by name")
	return c
}
