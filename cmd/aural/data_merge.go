package main

import (
	"path/filepath"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataMerge() *cobra.Command {
	var f copyFlags
	c := a.command(&cobra.Command{
		Use:   "merge STORE... --out STORE",
		Short: "Make one store of several",
		Long: `Merge copies the rows of stores, in the order given, into a new one. Rows with the id, or with the
samples, of an earlier row are rejected as in an import. With one store it copies that, which brings
a store of an older format version, or with another codec, up to date.`,
		Example: "  aural data merge parts/1 parts/2 parts/3 --out stores/all\n  aural data merge stores/all --codec flac --out stores/small",
		Args:    cobra.MinimumNArgs(1),
	}, func(args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		ctx, release := interruptible()
		defer release()
		var from []datasets.Selection
		for _, dir := range args {
			s, err := a.openStore(dir)
			if err != nil {
				return err
			}
			defer s.Close()
			from = append(from, datasets.Selection{Store: s})
		}
		sum, err := a.copyStore(ctx, f.out, f, from, "merged from")
		if err != nil {
			return err
		}
		if f.json {
			return writeJSON(a.out, sum.Info)
		}
		if n := sum.Listed - sum.Accepted; n > 0 {
			a.say("%s left out because of their id or samples, see %s", plural(n, "row"), filepath.Join(f.out, "rejected.jsonl"))
		}
		return nil
	})
	f.register(c, "folder of the new `STORE` (required)")
	c.Flags().BoolVar(&f.keepDuplicates, "keep-duplicates", false, "keep rows whose samples are those of an earlier one")
	return c
}
