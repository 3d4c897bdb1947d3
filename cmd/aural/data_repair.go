package main

import (
	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataRepair() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "repair STORE",
		Short: "Drop what is damaged from a store and keep the rest",
		Long: `Repair verifies a store and, when something is damaged, replaces it by one with every row that its
checksums confirm. Rows that are dropped are listed here and in STORE/rejected.jsonl. Until the new
store is complete, and when the repair fails, the damaged one stays as it is. Shards that are sound
are not copied; each damaged one needs its own size on the disk for a moment.`,
		Example: "  aural data repair stores/mine",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		ctx, release := interruptible()
		defer release()
		r, err := datasets.Repair(ctx, args[0])
		for _, n := range r.Notes {
			a.say("%s", n)
		}
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(a.out, r)
		}
		for _, d := range r.Dropped {
			a.print("dropped %s: %s", d.ID, d.Reason)
		}
		switch dropped := r.Lost + len(r.Dropped); {
		case len(r.Notes) == 0 && dropped == 0:
			a.print("%s is sound: nothing was changed", args[0])
		case dropped == 0:
			a.print("%s is sound again: all of its %s are kept", args[0], plural(r.Rows, "row"))
		default:
			a.print("%s is sound again: %s kept, %s dropped, %d of them without a trace", args[0], plural(r.Rows, "row"), grouped(dropped), r.Lost)
		}
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}
