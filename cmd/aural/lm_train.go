package main

import (
	"fmt"
	"time"

	"aural/lm"

	"github.com/spf13/cobra"
)

func (a *app) lmTrain() *cobra.Command {
	o := lm.Options{Order: 4}
	var out string
	var prune []uint
	memory := memoryFlag(lm.DefaultMemory)
	c := a.command(&cobra.Command{
		Use:   "train TEXT[.gz]...",
		Short: "Estimate an n-gram model from text by modified Kneser-Ney smoothing",
		Long: `Train reads texts with a sentence a line, plain or gzip, - for standard input, and writes an
interpolated modified Kneser-Ney model, the same as KenLM's lmplz. Words are what blanks separate;
nothing is changed, so bring the text to the spelling of the transcripts first.

What does not fit --memory is sorted in temporary files (--temp), which take 24 to 40 bytes for each
different n-gram of each order. The vocabulary is in memory always, a .trie model while it is made.
--prune leaves out n-grams that occur as often as their order's threshold or less. Where the text is
too small for discounts, 0.5, 1 and 1.5 are taken, with a warning (lmplz: --discount_fallback).`,
		Example: "  aural lm train news.txt.gz books.txt.gz --order 4 --prune 0,0,1 --out lm.arpa.gz\n" +
			"  aural lm train big.txt.gz --memory 4G --temp /scratch --out lm.trie",
		Args: cobra.MinimumNArgs(1),
	}, func(args []string) error {
		if _, err := lmOutput(out); err != nil {
			return err
		}
		for _, p := range prune {
			o.Prune = append(o.Prune, uint64(p))
		}
		o.Memory = int64(memory)
		if err := o.Check(); err != nil {
			return usage(err)
		}
		return a.trainLM(args, out, o)
	})
	p := c.Flags()
	p.IntVar(&o.Order, "order", o.Order, fmt.Sprintf("words of the longest n-grams, 1 to %d", lm.MaxOrder))
	p.UintSliceVar(&prune, "prune", nil, "`THRESHOLDS` from unigrams (0) on, the last for all longer n-grams, as in 0,0,1")
	p.Var(&memory, "memory", "memory for n-grams before they go to temporary files")
	p.StringVar(&o.TempDir, "temp", "", "`FOLDER` for temporary files (default: that of the system)")
	p.StringVar(&out, "out", "", "the model, `FILE`.arpa, .arpa.gz or .trie")
	c.MarkFlagRequired("out")
	return c
}

func (a *app) trainLM(texts []string, out string, o lm.Options) error {
	ctx, stop := interruptible()
	defer stop()
	began := time.Now()
	bar := newTicker(a.err, false)
	o.Progress = func(p lm.Progress) {
		rate := float64(p.Words) / time.Since(began).Seconds()
		if p.Order == 0 {
			bar.show(false, fmt.Sprintf("%s: %s sentences, %s words, %s words/s", p.Stage, grouped(p.Sentences), grouped(p.Words), grouped(int(rate))))
			return
		}
		bar.show(false, fmt.Sprintf("%s of %s words: order %d", p.Stage, grouped(p.Words), p.Order))
	}
	r, err := lm.Estimate(ctx, texts, out, o)
	bar.close()
	if err != nil {
		return interrupted(err)
	}
	for k, order := range r.Orders {
		if order.Fallback != "" {
			a.say("warning: %d-grams: %s, so discounts of 0.5, 1 and 1.5 are taken; more text would be better", k+1, order.Fallback)
		}
	}
	rows := [][]string{{">order", ">seen", ">kept", ">D1", ">D2", ">D3+"}}
	for k, order := range r.Orders {
		row := []string{fmt.Sprint(k + 1), grouped(order.Seen), grouped(order.Kept)}
		for _, d := range order.Discounts[1:] {
			row = append(row, fmt.Sprintf("%.4f", d))
		}
		rows = append(rows, row)
	}
	a.print("%s: %s words in %s sentences, vocabulary %s", out, grouped(r.Words), grouped(r.Sentences), grouped(r.Vocabulary))
	table(a.out, rows, nil)
	return nil
}
