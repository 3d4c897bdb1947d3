package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"aural/datasets"

	"github.com/spf13/cobra"
)

func (a *app) dataSplit() *cobra.Command {
	var f copyFlags
	var parts, by string
	var seed uint64
	c := a.command(&cobra.Command{
		Use:   "split STORE --out FOLDER",
		Short: "Divide a store into train, dev and test, by speaker",
		Long: `Split divides a store into several in FOLDER, which have every row once and share no speaker.
The division depends on --seed and the names of the speakers.`,
		Example: "  aural data split stores/all --out stores/parts\n  aural data split stores/all --parts train=0.9,dev=0.1 --by utterances --out stores/parts",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		want, err := parseParts(parts)
		if err != nil {
			return usage(err)
		}
		if by == "speaker" {
			by = string(datasets.SplitSpeakers)
		}
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
		views, mode, err := datasets.SplitInto(view, want, datasets.SplitMode(by), seed)
		if err != nil {
			return err
		}
		f.keepDuplicates = true
		infos := map[string]datasets.Info{}
		for i, p := range want {
			sum, err := a.copyStore(ctx, filepath.Join(f.out, p.Name), f, []datasets.Selection{{Store: s, Rows: &views[i]}},
				fmt.Sprintf("part %s of %s by %s with seed %d of", p.Name, parts, mode, seed))
			if err != nil {
				return err
			}
			infos[p.Name] = sum.Info
		}
		if f.json {
			return writeJSON(a.out, infos)
		}
		return nil
	})
	f.register(c, "`FOLDER` for the new stores (required)")
	p := c.Flags()
	p.StringVar(&parts, "parts", "train=0.8,dev=0.1,test=0.1", "names and `FRACTIONS` of the parts")
	p.StringVar(&by, "by", "speakers", "what stays together: speakers, utterances, or auto (speakers if there are ten)")
	p.Uint64Var(&seed, "seed", 0, "seed of the division")
	c.RegisterFlagCompletionFunc("by", words("speakers", "utterances", "auto"))
	return c
}

// parseParts reads "train=0.8,dev=0.1,test=0.1".
func parseParts(text string) ([]datasets.Part, error) {
	var out []datasets.Part
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		fraction, err := strconv.ParseFloat(number, 64)
		if err != nil || name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("part %q: want NAME=FRACTION, such as train=0.8", part)
		}
		out = append(out, datasets.Part{Name: name, Fraction: fraction})
	}
	return out, nil
}
