package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) man() *cobra.Command {
	var out string
	c := a.command(&cobra.Command{
		Use:     "man --out DIR",
		Short:   "Write manual pages",
		Example: "  aural man --out ~/.local/share/man/man1",
		Args:    cobra.NoArgs,
	}, func([]string) error {
		if err := os.MkdirAll(out, 0o755); err != nil {
			return err
		}
		root := a.root()
		root.DisableAutoGenTag = true
		date := time.Unix(0, 0) // pages do not differ from day to day
		if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "aural " + readVersion().Version, Manual: "aural", Date: &date}, out); err != nil {
			return err
		}
		a.print("%s", out)
		return nil
	})
	c.Flags().StringVar(&out, "out", "", "folder for the pages (required)")
	c.MarkFlagRequired("out")
	return c
}
