package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aural/datasets"
	"aural/datasets/export"

	"github.com/spf13/cobra"
)

func (a *app) dataExport() *cobra.Command {
	var out, format, codec string
	c := a.command(&cobra.Command{
		Use:   "export STORE --format FORMAT --out FOLDER",
		Short: "Write the rows of a store for other tools",
		Long: `Export writes all rows as 16 kHz mono audio with their transcripts. FOLDER appears when it is
complete.

  folder   ID.wav (or .flac), and ID.txt with the transcript
  fairseq  train.tsv, and train.wrd, train.ltr and dict.ltr.txt if every row has a transcript
  nemo     manifest.json, a line of JSON for each row
  hf       Parquet files that datasets.load_dataset(FOLDER) reads; the store itself is read by
           datasets.load_from_disk(STORE) as it is`,
		Example: "  aural data export stores/1h --format nemo --codec flac --out nemo/1h",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		opt := export.Options{Format: export.Format(format), FLAC: codec == "flac"}
		if !slices.Contains(export.Formats(), opt.Format) {
			return usagef("--format %q: want one of %v", format, export.Formats())
		}
		if codec != "wav" && codec != "flac" {
			return usagef("--codec %q: want wav or flac", codec)
		}
		ctx, release := interruptible()
		defer release()
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		bar := newTicker(a.err, false)
		opt.Progress = func(done int) { bar.show(done == s.Len(), fmt.Sprintf("%s/%s rows", grouped(done), grouped(s.Len()))) }
		err = export.Write(ctx, out, datasets.Selection{Store: s}, opt)
		bar.close()
		if errors.Is(err, context.Canceled) {
			return coded{exitAborted, errors.New("interrupted: nothing was written")}
		}
		if err == nil {
			a.print("%s: %s, %s", out, plural(s.Len(), "recording"), audioText(s.Info().Seconds))
		}
		return err
	})
	p := c.Flags()
	p.StringVar(&format, "format", "", "`FORMAT` to write (required)")
	p.StringVar(&codec, "codec", "wav", "how audio is written: wav or flac")
	p.StringVar(&out, "out", "", "new `FOLDER` (required)")
	c.MarkFlagRequired("format")
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("format", words("folder", "fairseq", "nemo", "hf"))
	return c
}
