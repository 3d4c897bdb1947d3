package main

import (
	"slices"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataInfo() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:     "info STORE",
		Short:   "Say what is in a store",
		Example: "  aural data info stores/mine\n  aural data info stores/mine --json | jq .seconds",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		if asJSON {
			return writeJSON(a.out, s.Info())
		}
		return a.describeStore(s)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

// openStore opens a store and says what had to be put right.
func (a *app) openStore(where string) (*datasets.Store, error) {
	s, err := openLocation(where)
	if err != nil {
		return nil, err
	}
	for _, n := range s.Notes() {
		a.say("note: %s", n)
	}
	return s, nil
}

func (a *app) describeStore(s *datasets.Store) error {
	view, err := s.View()
	if err != nil {
		return err
	}
	i := s.Info()
	bytes := int64(0)
	for _, shard := range i.Shards {
		bytes += shard.Bytes
	}
	lengths := make([]float64, 0, view.Len())
	for e := range view.All() {
		lengths = append(lengths, float64(e.Samples)/datasets.Rate)
	}
	slices.Sort(lengths)
	at := func(q float64) string { return audioText(lengths[int(q*float64(len(lengths)-1))]) }
	rows := [][]string{
		{"audio", audioText(i.Seconds)},
		{"utterances", grouped(i.Rows)},
		{"lengths", at(0) + " to " + at(1) + ", median " + at(0.5) + ", 90 % below " + at(0.9)},
		{"speakers", grouped(i.Speakers)},
		{"transcripts", grouped(i.Transcribed)},
		{"rejected", grouped(i.Rejected) + ", " + grouped(i.Warned) + " accepted with a warning"},
		{"size", bytesText(bytes) + " in " + plural(len(i.Shards), "shard") + ", " + string(i.Codec)},
		{"source", i.Settings.Source},
		{"fingerprint", i.Fingerprint},
	}
	table(a.out, rows, nil)
	return nil
}
