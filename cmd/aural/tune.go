package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"aural/decode"
	"aural/plots"
	"aural/score"

	"github.com/spf13/cobra"
)

// tuneVersion is the version of what --json prints.
const tuneVersion = 1

type tuneFlags struct {
	model, data, split   string
	out, figure          string
	normalise, precision string
	alphas, betas        string
	steps, rounds        int
	limit                float64
	json                 bool
	decoder              decoderFlags
	machine              machineFlags
	given                []string // flags of the decoder as they were given, for transcribe
}

func (a *app) tuneLM() *cobra.Command {
	var f tuneFlags
	g := decode.DefaultGrid()
	c := a.command(&cobra.Command{
		Use:   "tune-lm --model MODEL --data STORE --lm LM",
		Short: "Find the weights of a language model that give the fewest word errors",
		Long: `Tune-lm runs a model over the transcribed recordings of a development set once and decodes what it
heard with many pairs of alpha, the weight of the language model, and beta, which is added for each
word: a grid first, then the eight neighbours of the best at half the distance, --rounds times. It
prints the word error rate of every pair and the flags of "aural transcribe" for the best; of equal
ones the first counts. Errors are counted as by "aural eval".

Decoders are those of transcribe, without their weights:

` + decoderHelp + `

With --out FILE.json every trial is kept in that file as soon as it is known, and what the model
heard beside it, in FILE.emissions. An interrupted search goes on from there, and a longer one (more
--rounds) begins with what is known. Files of another model, store or decoder are refused.`,
		Example: `  aural tune-lm --model runs/mine/best --data stores/dev --lm 4gram.trie
  aural tune-lm --model runs/mine/best --data stores/dev --lm 4gram.trie --beam 100 \
      --out trials.json --figure trials.svg
  aural tune-lm --model wav2vec2-base-100h --data stores/dev --split dev --lm 4gram.trie \
      --lexicon lm --alphas 0,2 --betas -3,3 --steps 5 --json | jq .best`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doTune(f) })
	p := c.Flags()
	p.StringVar(&f.model, "model", "", "`MODEL` folder with a CTC head and its vocab.json (required)")
	p.StringVar(&f.data, "data", "", "`STORE` of the development set, with transcripts (required)")
	p.StringVar(&f.split, "split", "", "of the store, only the rows of this split, `NAME`")
	p.Float64Var(&f.limit, "seconds", 0, "take only as many rows, the first, as have so many `SECONDS` of audio (0: all)")
	p.StringVar(&f.out, "out", "", "keep trials in `FILE`.json, and go on from it")
	p.StringVar(&f.figure, "figure", "", "draw word errors over alpha and beta into `FILE` (.svg, .pdf, .png ...)")
	p.StringVar(&f.normalise, "normalise", "none", "`RULES` for both texts as in aural eval, with commas between, in order")
	p.StringVar(&f.alphas, "alphas", pair(g.AlphaMin, g.AlphaMax), "`RANGE` of alpha, LOW,HIGH (natural logarithms)")
	p.StringVar(&f.betas, "betas", pair(g.BetaMin, g.BetaMax), "`RANGE` of beta, LOW,HIGH")
	p.IntVar(&f.steps, "steps", g.Steps, "values of each weight in the first grid")
	p.IntVar(&f.rounds, "rounds", g.Rounds, "refinements around the best")
	p.BoolVar(&f.json, "json", false, "print as JSON")
	f.decoder.flags(c)
	for _, name := range []string{"alpha", "beta", "nbest"} { // what is looked for, and what has no meaning here
		p.MarkHidden(name)
	}
	machineFlagsOf(c, &f.machine)
	precisionFlag(c, &f.precision)
	c.MarkFlagRequired("model")
	c.MarkFlagRequired("data")
	c.MarkFlagRequired("lm")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		return f.read(c)
	}
	return c
}

func pair(low, high float64) string { return fmt.Sprintf("%.4g,%.4g", low, high) }

// decoderNames are the flags that decide what a decoder does; those that tune-lm shares with transcribe.
var decoderNames = []string{"decoder", "lm", "lexicon", "beam", "beam-threshold", "token-top", "token-mass", "unknown-word", "unknown-score", "log-add", "hotword"}

// read takes down which flags of the decoder were given, and refuses those that tune-lm looks for.
func (f *tuneFlags) read(c *cobra.Command) error {
	for _, name := range []string{"alpha", "beta", "nbest"} {
		if c.Flags().Changed(name) {
			return usagef("--%s is not for tune-lm, which looks for alpha and beta between --alphas and --betas", name)
		}
	}
	f.given = nil
	for _, name := range decoderNames {
		l := c.Flags().Lookup(name)
		if !l.Changed {
			continue
		}
		if list, ok := l.Value.(interface{ GetSlice() []string }); ok {
			for _, v := range list.GetSlice() {
				f.given = append(f.given, "--"+name, quoteShell(v))
			}
			continue
		}
		if l.Value.Type() == "bool" {
			f.given = append(f.given, "--"+name+"="+l.Value.String())
			continue
		}
		f.given = append(f.given, "--"+name, quoteShell(l.Value.String()))
	}
	return nil
}

// quoteShell writes a word as a POSIX shell reads it.
func quoteShell(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// grid is where to look.
func (f *tuneFlags) grid() (g decode.Grid, err error) {
	g.Steps, g.Rounds = f.steps, f.rounds
	for _, r := range []struct {
		flag, text string
		low, high  *float64
	}{{"alphas", f.alphas, &g.AlphaMin, &g.AlphaMax}, {"betas", f.betas, &g.BetaMin, &g.BetaMax}} {
		l, err := parseLimits(r.text)
		if err == nil && (r.text == "" || math.IsNaN(l[0]) || math.IsNaN(l[1])) {
			err = fmt.Errorf("%q: want LOW,HIGH", r.text)
		}
		if err != nil {
			return g, usagef("--%s: %w", r.flag, err)
		}
		*r.low, *r.high = l[0], l[1]
	}
	if f.steps < 2 || f.steps > 1000 || f.rounds < 0 || f.rounds > 40 {
		return g, usagef("--steps is %d and --rounds %d, want 2 to 1000 and 0 to 40", f.steps, f.rounds)
	}
	return g, nil
}

// tuned is what tune-lm finds, as JSON.
type tuned struct {
	Version    int            `json:"version"`
	Greedy     float64        `json:"greedy"` // word error rate without language model
	Utterances int            `json:"utterances"`
	Words      int            `json:"words"`
	Seconds    float64        `json:"seconds"` // of audio
	Best       decode.Trial   `json:"best"`    // value: word error rate
	Flags      string         `json:"flags"`   // of aural transcribe
	Trials     []decode.Trial `json:"trials"`
}

// doTune checks everything, runs the model, searches, and reports.
func (a *app) doTune(f tuneFlags) (err error) {
	g, err := f.grid()
	if err != nil {
		return err
	}
	if err := f.decoder.check(); err != nil {
		return err
	}
	if f.decoder.search() == greedyDecoder {
		return usagef("--decoder greedy has no weights to tune: take prefix or lexicon")
	}
	rules, err := score.ParseRules(f.normalise)
	switch {
	case f.normalise == "":
		return usagef("--normalise is empty; want rules, or none")
	case err != nil:
		return usagef("--normalise: %w", err)
	case f.out != "" && !strings.HasSuffix(f.out, ".json"):
		return usagef("--out %s: the name must end in .json", f.out)
	case !(f.limit >= 0):
		return usagef("--seconds is %v, want more than 0, or 0 for all", f.limit)
	}
	if err := checkFigure(f.figure); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	t := &tuner{app: a, bar: newTicker(a.err, false), rules: rules}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := t.open(ctx, &f); err != nil {
		return interrupted(err)
	}
	r := tuned{Version: tuneVersion, Utterances: len(t.utterances), Seconds: t.seconds}
	if r.Greedy, err = t.greedy(); err != nil {
		return err
	}
	r.Words = t.words
	began := time.Now()
	r.Best, r.Trials, err = decode.Tune(g, f.out, t.setup, func(alpha, beta float64) (float64, error) { return t.evaluate(ctx, alpha, beta) })
	t.bar.close()
	if errors.Is(err, context.Canceled) {
		kept := "they are lost; --out keeps them"
		if f.out != "" {
			kept = "the same command goes on from " + f.out
		}
		return coded{exitAborted, fmt.Errorf("interrupted after %s: %s", plural(len(r.Trials), "trial"), kept)}
	}
	if err != nil {
		return err
	}
	if n := t.evaluated; n > 0 {
		spent := time.Since(began).Seconds()
		a.say("%s of %s each in %.1f s: %.0f s of audio a second", plural(n, "trial"), audioText(t.seconds), spent, float64(n)*t.seconds/spent)
	}
	if b := r.Best; b.Alpha == g.AlphaMax || b.Beta == g.BetaMin || b.Beta == g.BetaMax {
		a.say("note: the best is at the edge of --alphas %s, --betas %s: a wider range may give fewer errors", f.alphas, f.betas)
	}
	r.Flags = strings.Join(append(f.given, "--alpha", exactly(r.Best.Alpha), "--beta", exactly(r.Best.Beta)), " ")
	if f.figure != "" {
		if err := drawTrials(f.figure, r); err != nil {
			return err
		}
	}
	if f.json {
		return writeJSON(a.out, r)
	}
	a.printTrials(r)
	if f.figure != "" {
		a.print("%s", f.figure)
	}
	return nil
}

// checkFigure refuses the name of a figure that cannot be written; "" is none.
func checkFigure(path string) error {
	if path == "" || slices.Contains(plots.Formats(), strings.ToLower(filepath.Ext(path))) {
		return nil
	}
	return usagef("--figure %s: the name must end in one of %s", path, strings.Join(plots.Formats(), ", "))
}

// exactly writes a number so that it reads back the same.
func exactly(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func (a *app) printTrials(r tuned) {
	rows := [][]string{{">trial", ">alpha", ">beta", ">WER", ""}}
	for i, t := range r.Trials {
		mark := ""
		if t == r.Best {
			mark = "best"
		}
		rows = append(rows, []string{grouped(i + 1), fmt.Sprintf("%.4f", t.Alpha), fmt.Sprintf("%.4f", t.Beta), percent2(t.Value), mark})
	}
	table(a.out, rows, nil)
	a.print("\n%s with %s, %s; without language model %s", plural(r.Utterances, "utterance"), plural(r.Words, "word"), audioText(r.Seconds), percent2(r.Greedy))
	a.print("best: %s with\n%s", percent2(r.Best.Value), r.Flags)
}

// drawTrials draws the heat map of a search.
func drawTrials(path string, r tuned) error {
	list, best := make([]plots.Measured, len(r.Trials)), 0
	for i, t := range r.Trials {
		list[i] = plots.Measured{X: t.Alpha, Y: t.Beta, Value: 100 * t.Value}
		if t == r.Best {
			best = i
		}
	}
	note := fmt.Sprintf("best %s at alpha %.3g, beta %.3g; without language model %s", percent2(r.Best.Value), r.Best.Alpha, r.Best.Beta, percent2(r.Greedy))
	return plots.Surface(path, list, best, plots.Labels{Title: "Word error rate of each trial and around it", X: "alpha", Y: "beta", Note: note}, "%", plots.Options{})
}
