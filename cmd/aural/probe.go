package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"aural/probe"
	"aural/score"

	"github.com/spf13/cobra"
)

// probeVersion is the version of what --json prints.
const probeVersion = 1

type probeFlags struct {
	extractFlags
	task, alignment  string
	by, l2           string
	share            float64
	seconds          float64
	frames           int
	seed             uint64
	resamples        int
	figure           string
	json             bool
	options          probe.Options
	penalty          float64 // 0: chosen, or the default of the task
	classifiesFrames bool
	transcribes      bool
}

func (a *app) probe() *cobra.Command {
	var f probeFlags
	c := a.command(&cobra.Command{
		Use:   "probe --data STORE --model MODEL",
		Short: "Measure what layers of a model make easy to read: speakers, labels, phones, characters",
		Long: `Probe trains linear classifiers on frozen layers of a model with some utterances of a store, tests
them on others, and prints a line for each layer: where in the network is what?

Tasks (--task):
  speaker      who speaks, from the mean of an utterance over time
  label        which of few things is said, from the mean: the class is the transcript, as in a
               corpus of digits or commands
  frames       what is said in each frame, by an alignment: --alignment FILE, in CTM format, of
               phones, characters or words, as forced aligners write it
  characters   the transcript, by a linear layer trained with the CTC loss: character error rate of
               greedy transcripts, without a language model
  phones       the same for transcripts that are phones with blanks between: phone error rate

` + layersHelp + `

Classifiers are multinomial logistic regression on standardised features with an L2 penalty, at its
optimum: no random start, no learning rate. The penalty is chosen on a part of the training rows.
"characters" and "phones" have a fixed one, and their optimum is a local one.

A fifth of the utterances is held out: for speakers, other recordings of the same people, so that
the room and the microphone may help to tell them apart; for the rest, other speakers where there
are at least 4. Chance is to say always what is most frequent in training. Intervals are of 95 %,
by bootstrap over held-out utterances or speakers. A layer that is best of many on the same
utterances is a little flattered by that.`,
		Example: `  aural probe --data stores/mine --model runs/mine/best
  aural probe --data stores/digits --model wav2vec2-base --task label --figure layers.svg
  aural probe --data stores/dev --model runs/mine/last --task frames --alignment phones.ctm
  aural probe --data stores/dev --model runs/mine/last --task characters --layers 4,8,12 --json`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doProbe(f) })
	p, h := c.Flags(), probe.DefaultHoldOut()
	p.StringVar(&f.data, "data", "", "`STORE` with the utterances (required)")
	p.StringVar(&f.layers, "layers", "all", "`LIST` of layers with commas between: numbers, last, all, conv")
	p.StringVar(&f.task, "task", string(probe.Speaker), "speaker, label, frames, characters or phones")
	p.StringVar(&f.alignment, "alignment", "", "of the task frames: CTM `FILE` with the IDs of the store")
	p.Float64Var(&f.seconds, "seconds", 600, "take at most so much audio, `S`, chosen by the seed; 0: all")
	p.IntVar(&f.frames, "frames", 20000, "of the task frames: take at most `N` frames, evenly; 0: all")
	p.StringVar(&f.by, "split-by", string(probe.Auto), "what is never in both parts: auto, recording or speaker")
	p.Float64Var(&f.share, "hold-out", h.Share, "`SHARE` of the utterances that tests")
	p.StringVar(&f.l2, "l2", "auto", "weight of the L2 penalty, `W`, or auto")
	p.Uint64Var(&f.seed, "seed", h.Seed, "of the choice of rows, the split and the resamples")
	p.IntVar(&f.resamples, "bootstrap", score.DefaultResamples, "resamples for confidence intervals")
	p.StringVar(&f.figure, "figure", "", "draw the layers into this `FILE`: .svg, .pdf, .png, .eps or .tex")
	p.BoolVar(&f.json, "json", false, "print as JSON")
	extractFlagsOf(a, c, &f.extractFlags)
	c.MarkFlagRequired("data")
	var tasks []string
	for _, t := range probe.Tasks() {
		tasks = append(tasks, string(t))
	}
	c.RegisterFlagCompletionFunc("task", words(tasks...))
	c.RegisterFlagCompletionFunc("split-by", words(string(probe.Auto), string(probe.Recordings), string(probe.Speakers)))
	return c
}

// check turns flags into the options of a probe.
func (f *probeFlags) check() error {
	task := probe.Task(f.task)
	f.classifiesFrames, f.transcribes = task == probe.Frames, task == probe.Characters || task == probe.Phones
	if !f.classifiesFrames && !f.transcribes && task != probe.Speaker && task != probe.Label {
		return usagef("--task is %q, want speaker, label, frames, characters or phones", f.task)
	}
	if f.classifiesFrames != (f.alignment != "") {
		return usagef("--task frames and --alignment go together")
	}
	if f.l2 != "auto" {
		w, err := strconv.ParseFloat(f.l2, 64)
		if err != nil || !(w > 0) || w > 1e12 {
			return usagef("--l2 is %q, want a positive number or auto", f.l2)
		}
		f.penalty = w
	}
	switch {
	case f.by != string(probe.Auto) && f.by != string(probe.Recordings) && f.by != string(probe.Speakers):
		return usagef("--split-by is %q, want auto, recording or speaker", f.by)
	case !(f.share > 0 && f.share < 1):
		return usagef("--hold-out is %v, want a share between 0 and 1", f.share)
	case !(f.seconds >= 0) || f.frames < 0:
		return usagef("--seconds is %v and --frames %d, want 0 or more", f.seconds, f.frames)
	case f.resamples < 1 || f.resamples > score.MaxResamples:
		return usagef("--bootstrap is %d, want 1 to %d", f.resamples, score.MaxResamples)
	case f.layers == "none":
		return usagef("--layers none leaves nothing to read")
	}
	o := probe.DefaultOptions()
	o.HoldOut = task.HoldOut(probe.HoldOut{Share: f.share, Seed: f.seed, By: probe.By(f.by)})
	o.L2 = f.penalty
	o.Bootstrap = score.Bootstrap{Resamples: f.resamples, Seed: f.seed}
	f.options = o
	return nil
}

func (a *app) doProbe(f probeFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	store, err := a.openStore(f.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	e, err := a.newExtractor(f.extractFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	p := &prober{extractor: e, flags: f, store: store}
	if err := p.choose(); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	results, err := p.run(ctx)
	e.bar.close()
	if errors.Is(err, context.Canceled) {
		return coded{exitAborted, fmt.Errorf("interrupted")}
	}
	if err != nil {
		return err
	}
	if f.figure != "" {
		if err := p.draw(results); err != nil {
			return err
		}
	}
	if f.json {
		return writeJSON(a.out, p.report(results))
	}
	return p.print(results)
}
