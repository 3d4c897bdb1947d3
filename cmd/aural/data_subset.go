package main

import (
	"fmt"
	"strconv"
	"time"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataSubset() *cobra.Command {
	var f copyFlags
	var cfg datasets.SubsetConfig
	var length, by string
	c := a.command(&cobra.Command{
		Use:   "subset STORE --hours N --out STORE",
		Short: "Take a random subset of a certain length, nested in longer ones",
		Long: `Subset takes utterances in a random order until they have the wanted length. The order depends on
--seed and --by alone, so 10 minutes are part of 1 hour, and that of 10 hours.

  speakers    all of one speaker, then of another: few people, much of each
  utterances  single utterances of anybody
  balanced    the next utterance of whom there is least of, as in the limited sets of Libri-light`,
		Example: "  aural data subset stores/all --hours 1 --out stores/1h\n  aural data subset stores/all --hours 10m --by balanced --seed 3 --out stores/10min",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		seconds, err := parseHours(length)
		if err != nil {
			return usage(err)
		}
		if by == "speaker" {
			by = string(datasets.SubsetSpeakers)
		}
		cfg.Seconds, cfg.By = seconds, datasets.SubsetMode(by)
		ctx, release := interruptible()
		defer release()
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		view, err := s.View()
		if err != nil {
			return err
		}
		rows, err := datasets.Subset(view, cfg)
		if err != nil {
			return err
		}
		f.keepDuplicates = true // the store was made with them
		sum, err := a.copyStore(ctx, f.out, f, []datasets.Selection{{Store: s, Rows: &rows}},
			fmt.Sprintf("subset of %s by %s with seed %d of", length, cfg.By, cfg.Seed))
		if err == nil && f.json {
			err = writeJSON(a.out, sum.Info)
		}
		return err
	})
	f.register(c, "folder of the new `STORE` (required)")
	p := c.Flags()
	p.StringVar(&length, "hours", "", "how much audio, `N` hours, or with a unit: 10m, 30s, 1h30m (required)")
	p.StringVar(&by, "by", "speakers", "in which order to take: speakers, utterances or balanced")
	p.Uint64Var(&cfg.Seed, "seed", 0, "seed of the order")
	c.MarkFlagRequired("hours")
	c.RegisterFlagCompletionFunc("by", words("speakers", "utterances", "balanced"))
	return c
}

// parseHours reads a number of hours, or a duration with units, in seconds.
func parseHours(text string) (float64, error) {
	hours, err := strconv.ParseFloat(text, 64)
	seconds := 3600 * hours
	if err != nil {
		d, durationErr := time.ParseDuration(text)
		if seconds = d.Seconds(); durationErr != nil {
			return 0, fmt.Errorf("%q is no length: want hours, such as 1 or 0.5, or a time with units, such as 10m", text)
		}
	}
	if !(seconds > 0) {
		return 0, fmt.Errorf("a length of %q: want more than 0", text)
	}
	return seconds, nil
}
