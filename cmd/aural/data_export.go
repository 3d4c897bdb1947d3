package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"aural/datasets"
	"aural/datasets/export"

	"github.com/spf13/cobra"
)

// exportResult is the outcome of an export as JSON.
type exportResult struct {
	Out string `json:"out"`
	export.Summary
}

func (a *app) dataExport() *cobra.Command {
	var out, format, codec string
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "export STORE --format FORMAT --out DIR",
		Short: "Write the rows of a store in the layout of another program",
		Long: `Export writes every row of a store into a new folder. The samples stay what they are; "aural data
import" takes each layout back.

Layouts (--format):
  folder    audio/ID.wav, and the transcript in ID.txt beside it
  fairseq   audio/ID.wav, SPLIT.tsv, and SPLIT.wrd, SPLIT.ltr and dict.ltr.txt when all rows of the
            split have transcripts
  nemo      ID.wav and manifest.json, or SPLIT_manifest.json where the store knows the split
  hf        data/SPLIT-00000-of-00001.parquet, for datasets.load_dataset

Rows without a split are called train in fairseq and hf. Slashes of an id make sub-folders; an id
that is no safe path is refused. DIR appears when it is complete.`,
		Example: "  aural data export stores/mine --format fairseq --out manifests\n  aural data export stores/mine --format hf --codec flac --out mine-hf",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		opt := export.Options{Format: export.Format(format), Codec: export.Codec(codec)}
		if err := opt.Check(); err != nil {
			return usage(err)
		}
		ctx, release := interruptible()
		defer release()
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		bar := newTicker(a.err, false)
		sum, err := export.Write(ctx, out, datasets.Selection{Store: s}, opt, func(done int) {
			bar.show(done == s.Len(), fmt.Sprintf("%s: %s/%s rows", filepath.Base(out), grouped(done), grouped(s.Len())))
		})
		bar.close()
		if errors.Is(err, context.Canceled) {
			return coded{exitAborted, errors.New("interrupted: nothing was written")}
		}
		if err != nil {
			return err
		}
		for _, n := range sum.Notes {
			a.say("note: %s", n)
		}
		if asJSON {
			return writeJSON(a.out, exportResult{out, sum})
		}
		a.print("%s: %s of audio in %s", out, audioText(float64(sum.Samples)/datasets.Rate), plural(sum.Rows, "recording"))
		return nil
	})
	var formats []string
	for _, f := range export.Formats() {
		formats = append(formats, string(f))
	}
	p := c.Flags()
	p.StringVar(&format, "format", "", "layout to write, `FORMAT`: folder, fairseq, nemo or hf (required)")
	p.StringVar(&out, "out", "", "new folder `DIR` (required)")
	p.StringVar(&codec, "codec", string(export.WAV), "how recordings are encoded: wav or flac")
	p.BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("format")
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("format", words(formats...))
	c.RegisterFlagCompletionFunc("codec", words(string(export.WAV), string(export.FLAC)))
	return c
}
