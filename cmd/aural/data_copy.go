package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"syscall"

	"aural/datasets"

	"github.com/spf13/cobra"
)

// copyFlags are shared by the commands that make stores of rows of other stores.
type copyFlags struct {
	out, codec     string
	overwrite      bool
	keepDuplicates bool
	json           bool
}

func (f *copyFlags) register(c *cobra.Command, out string) {
	p := c.Flags()
	p.StringVar(&f.out, "out", "", out)
	p.StringVar(&f.codec, "codec", "", "how the new store holds audio: pcm or flac (default: as the first store)")
	p.BoolVar(&f.overwrite, "overwrite", false, "replace a store that is there")
	p.BoolVar(&f.json, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("out")
}

// copyStore makes a store and tells about it.
func (a *app) copyStore(ctx context.Context, dir string, f copyFlags, from []datasets.Selection, what string) (datasets.Summary, error) {
	total := 0
	for _, s := range from {
		if s.Rows == nil {
			total += s.Store.Len()
		} else {
			total += s.Rows.Len()
		}
	}
	bar := newTicker(a.err, false)
	sum, err := datasets.Copy(ctx, dir, from, datasets.CopyOptions{Codec: datasets.Codec(f.codec), Overwrite: f.overwrite,
		KeepDuplicates: f.keepDuplicates, What: what}, func(done int) {
		bar.show(done == total, fmt.Sprintf("%s: %s/%s rows", filepath.Base(dir), grouped(done), grouped(total)))
	})
	bar.close()
	if errors.Is(err, context.Canceled) {
		return sum, coded{exitAborted, errors.New("interrupted: nothing was written")}
	}
	if err == nil && !f.json {
		a.print("%s: %s of audio in %s by %s, fingerprint %.12s", dir, audioText(sum.Info.Seconds), plural(sum.Accepted, "utterance"),
			plural(sum.Info.Speakers, "speaker"), sum.Info.Fingerprint)
	}
	return sum, err
}

func (f *copyFlags) check() error {
	if f.codec == "" {
		return nil
	}
	_, err := datasets.ParseCodec(f.codec)
	return usage(err)
}

// interruptible is a context that ends with SIGINT or SIGTERM.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}
