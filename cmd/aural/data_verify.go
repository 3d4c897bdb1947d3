package main

import (
	"fmt"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataVerify() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:     "verify STORE",
		Aliases: []string{"fsck"},
		Short:   "Read a whole store and compare it with its checksums",
		Long: `Verify reads every byte of a store and reports each file that is not what was imported, and each row
that a damaged shard has lost. The exit code is 1 when there is one. Training trusts a store after
a quick look; run this after copying one, or when a disk is in doubt. "aural data repair" keeps
what is sound.`,
		Example: "  aural data verify stores/mine",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		ctx, release := interruptible()
		defer release()
		r, err := datasets.Verify(ctx, args[0])
		if err != nil {
			return err
		}
		if asJSON {
			if err := writeJSON(a.out, r); err != nil {
				return err
			}
		} else {
			for _, p := range r.Problems {
				if p.Row != nil {
					a.print("%s: row %d %q: %s", p.File, *p.Row, p.ID, p.What)
				} else {
					a.print("%s: %s", p.File, p.What)
				}
			}
		}
		if n := len(r.Problems); n > 0 {
			return fmt.Errorf("%s: %s: copy it again from where it came, or keep what is sound with: aural data repair %s", args[0], plural(n, "problem"), args[0])
		}
		if !asJSON {
			a.print("%s is sound: %s, %s, %s read", args[0], plural(r.Files, "file"), plural(r.Rows, "row"), bytesText(r.Bytes))
		}
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}
