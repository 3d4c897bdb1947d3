package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

type featureFlags struct {
	extractFlags
	out, format string
	mean, codes bool
	shard       int
}

// The formats of features.
const (
	arrowFeatures = "arrow"
	npyFeatures   = "npy"
)

func (a *app) features() *cobra.Command {
	var f featureFlags
	c := a.command(&cobra.Command{
		Use:   "features FILE... --model MODEL --out DIR",
		Short: "Write hidden states of a model: any layers, as Arrow or NumPy files",
		Long: `Features runs a model over recordings and writes its hidden states, for other programs. FILEs are
audio of any format that "aural data import" reads, at any rate, or folders of it; --data takes the
rows of a store instead. Long recordings go through the network in overlapping chunks.

` + layersHelp + `

Formats (--format):
  npy     ID.npy for each recording: float32 (frames, width), or (layers, frames, width) where
          several layers are asked for; conv in ID.conv.npy, codes in ID.codes.npy
  arrow   features-NNNNN.arrow of --shard recordings each, Arrow IPC files with a row for each
          recording and layer: id, layer, frames, dim, values (list of float32), codes

--mean writes the mean over time instead of frames. --codes adds the entries of the codebooks that
the quantizer chooses for each frame, int32 (frames, groups), for models of pretraining.

Files appear when they are complete. The same command again makes what is missing and leaves what
is there; other settings, or another model, need another DIR. DIR/features.json has the settings.

Recordings that cannot be read are named, the rest goes on, and the exit code is 3.`,
		Example: `  aural features talk.mp3 --model wav2vec2-base --layers 6,12 --out features
  aural features --data stores/mine --model runs/mine/best --layers all --mean --out means
  aural features --data stores/mine --model runs/mine/last --layers conv --codes \
      --format arrow --out codes`,
		Args: cobra.ArbitraryArgs,
	}, func(args []string) error { return a.doFeatures(f, args) })
	p := c.Flags()
	p.StringVar(&f.data, "data", "", "the rows of this `STORE` instead of files")
	p.StringVar(&f.layers, "layers", "last", "`LIST` of layers with commas between: numbers, last, all, conv; or none")
	p.StringVar(&f.out, "out", "", "`DIR` for the files (required)")
	p.StringVar(&f.format, "format", npyFeatures, "npy or arrow")
	p.BoolVar(&f.mean, "mean", false, "the mean over time instead of frames")
	p.BoolVar(&f.codes, "codes", false, "the codes of the quantizer too")
	p.IntVar(&f.shard, "shard", 100, "recordings in one Arrow file, `N`")
	p.StringVar(&f.channels, "channel-policy", "average", "how several channels become one, `HOW`: average, first, refuse, or a number from 0")
	extractFlagsOf(a, c, &f.extractFlags)
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("format", words(npyFeatures, arrowFeatures))
	return c
}

func (a *app) doFeatures(f featureFlags, files []string) (err error) {
	switch {
	case f.format != npyFeatures && f.format != arrowFeatures:
		return usagef("--format is %q, want npy or arrow", f.format)
	case f.shard < 1:
		return usagef("--shard is %d, want 1 or more recordings", f.shard)
	case f.layers == "none" && !f.codes:
		return usagef("--layers none writes nothing but --codes, which is not given")
	}
	list, err := f.recordings(a, files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.close()) }()
	e, err := a.newExtractor(f.extractFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.codes, e.total = f.codes, len(list.items)
	if groups, _ := e.model.Quantizer(); f.codes && groups == 0 {
		return fmt.Errorf("--codes: %s has no quantizer; checkpoints of pretraining have one", f.model)
	}
	w := &featureWriter{flags: f, extractor: e}
	if err := w.begin(list); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	if f.format == arrowFeatures {
		err = w.arrow(ctx, list)
	} else {
		err = w.npy(ctx, list)
	}
	e.bar.close()
	switch {
	case errors.Is(err, context.Canceled):
		return coded{exitAborted, fmt.Errorf("interrupted: %d of %s written; the same command goes on", e.done+w.there, plural(e.total, "recording"))}
	case err != nil:
		return err
	}
	a.say("%s, %s of audio, %d already there: %s", plural(e.done, "recording"), audioText(e.seconds), w.there, f.out)
	if e.failed > 0 && e.done+w.there == 0 {
		return fmt.Errorf("none of %s could be read", plural(e.failed, "recording"))
	} else if e.failed > 0 {
		return coded{exitRejects, fmt.Errorf("%d of %s could not be read", e.failed, plural(e.total, "recording"))}
	}
	return nil
}

// recordings finds what features are made of.
func (f *extractFlags) recordings(a *app, files []string) (*recordings, error) {
	t := transcribeFlags{data: f.data, split: f.split, channels: f.channels}
	return t.recordings(a, files)
}

// names are the layers as they are called, in order.
func (e *extractor) names() []string {
	list := []string{}
	for _, l := range e.layers {
		list = append(list, layerText(l))
	}
	return slices.Clip(list)
}
