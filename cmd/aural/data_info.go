package main

import (
	"slices"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataInfo() *cobra.Command {
	var asJSON, rejected bool
	var figures string
	c := a.command(&cobra.Command{
		Use:   "info STORE",
		Short: "Say what is in a store",
		Long: `Info prints what a store holds. With --rejected it lists what the import left out instead, by the
kind of reason. With --figures it also draws the lengths of the utterances and the hours of each
speaker.`,
		Example: "  aural data info stores/mine\n  aural data info stores/mine --rejected\n" +
			"  aural data info stores/mine --figures figures\n  aural data info stores/mine --json | jq .seconds",
		Args: cobra.ExactArgs(1),
	}, func(args []string) error {
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		switch {
		case rejected:
			err = a.listRejects(s, asJSON)
		case asJSON:
			err = writeJSON(a.out, s.Info())
		default:
			err = a.describeStore(s)
		}
		if err == nil && figures != "" {
			err = a.drawStore(s, figures)
		}
		return err
	})
	p := c.Flags()
	p.BoolVar(&asJSON, "json", false, "print as JSON")
	p.BoolVar(&rejected, "rejected", false, "list what was rejected, by the kind of reason")
	p.StringVar(&figures, "figures", "", "also draw lengths.svg and speakers.svg into `DIR`")
	c.MarkFlagDirname("figures")
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
