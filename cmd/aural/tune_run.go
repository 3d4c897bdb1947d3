package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"aural/datasets"
	"aural/decode"
	"aural/infer"
	"aural/score"
	"aural/vocab"
)

// tuner decodes a development set with many weights.
type tuner struct {
	*app
	bar   *ticker
	rules score.Rules

	decoding   *decoding
	utterances []devUtterance
	order      []int             // of utterances, the longest first, so that no core is left with one at the end
	setup      map[string]string // what the trials depend on
	seconds    float64           // of audio
	words      int               // of references
	evaluated  int               // trials that were not in the file
	least      float64           // word error rate of the best of these
}

// devUtterance is what the model heard in one utterance, and what was said.
type devUtterance struct {
	id, reference string
	emissions     infer.Matrix
}

// open reads the development set and what decodes it, and runs the model over it unless that was done before.
func (t *tuner) open(ctx context.Context, f *tuneFlags) error {
	store, err := t.openStore(f.data)
	if err != nil {
		return err
	}
	defer store.Close()
	rows, err := t.rows(store, f.split, f.limit)
	if err != nil {
		return err
	}
	if err := t.describe(f, store, rows); err != nil {
		return err
	}
	v, err := t.hear(ctx, f, store, rows)
	if err != nil {
		return err
	}
	if t.decoding, err = f.decoder.open(v); err != nil {
		return err
	}
	if n := t.decoding.unspelt; n > 0 {
		t.say("note: %s of the language model cannot be spelt with the tokens of the model", plural(n, "word"))
	}
	t.checkReferences(v)
	t.order = make([]int, len(t.utterances))
	for i := range t.order {
		t.order[i] = i
	}
	slices.SortStableFunc(t.order, func(a, b int) int { return cmp.Compare(t.utterances[b].emissions.Rows, t.utterances[a].emissions.Rows) })
	return nil
}

// rows are the transcribed rows of the development set; utterances get their references.
func (t *tuner) rows(store *datasets.Store, split string, limit float64) ([]int, error) {
	var rows []int
	without := 0
	for row := range store.Len() {
		u, err := store.Utterance(row)
		switch {
		case err != nil:
			return nil, err
		case split != "" && u.Split != split:
			continue
		case strings.TrimSpace(u.Transcript) == "":
			without++
			continue
		}
		if limit > 0 && t.seconds >= limit {
			break
		}
		t.seconds += u.Seconds()
		rows = append(rows, row)
		t.utterances = append(t.utterances, devUtterance{id: u.ID, reference: u.Transcript})
	}
	of := ""
	if split != "" {
		of = fmt.Sprintf(" of split %q", split)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has no rows%s with a transcript: there is nothing to tune on", store.Where(), of)
	}
	if without > 0 {
		t.say("note: %s%s without transcript left out", plural(without, "row"), of)
	}
	return rows, nil
}

// describe names what trials depend on, by content.
func (t *tuner) describe(f *tuneFlags, store *datasets.Store, rows []int) (err error) {
	t.setup = map[string]string{
		"store": store.Info().Fingerprint, "split": f.split, "utterances": fmt.Sprint(len(rows)), "normalisation": f.normalise, "precision": f.precision,
		"decoder": f.decoder.search(), "lm": "", "lexicon": f.decoder.lexicon,
		"search": fmt.Sprintf("beam %d, beam-threshold %v, token-top %d, token-mass %v, unknown-word %v, unknown-score %v, log-add %v", f.decoder.Beam, f.decoder.BeamThreshold,
			f.decoder.TokenTop, f.decoder.TokenMass, f.decoder.UnknownWord, f.decoder.unknown, f.decoder.logAdd),
		"hotwords": strings.Join(f.decoder.hotwords, ", "),
	}
	if t.setup["model"], err = modelDigest(f.model); err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	if t.setup["lm"], err = fileDigest(f.decoder.lm); err != nil {
		return fmt.Errorf("--lm: %w", err)
	}
	if l := f.decoder.lexicon; l != "" && l != lmWords {
		if t.setup["lexicon"], err = fileDigest(l); err != nil {
			return fmt.Errorf("--lexicon: %w", err)
		}
	}
	return nil
}

// hear fills in the emissions, from the file beside the trials if it has them, and returns the vocabulary of the model.
func (t *tuner) hear(ctx context.Context, f *tuneFlags, store *datasets.Store, rows []int) (v *vocab.Vocabulary, err error) {
	var key map[string]string
	path := strings.TrimSuffix(f.out, ".json") + ".emissions"
	if f.out != "" {
		key = map[string]string{}
		for _, name := range []string{"model", "store", "split", "utterances", "precision"} {
			key[name] = t.setup[name]
		}
		if v, found, err := readEmissions(path, key, t.utterances); err != nil || found {
			return v, err
		}
	}
	heard := 0.0
	r, err := openRecogniser(f.model, f.precision, f.machine, infer.Options{Progress: func(seconds float64) {
		t.bar.show(false, fmt.Sprintf("running the model: %s of %s", audioText(heard+seconds), audioText(t.seconds)))
	}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	v = r.model.Vocabulary()
	for at := 0; at < len(rows); {
		first, samples := at, 0
		var group [][]float32
		for ; at < len(rows) && samples < groupSeconds*infer.Rate; at++ {
			n, err := store.Samples(rows[at])
			if err != nil {
				return nil, err
			}
			x := make([]float32, n)
			if err := store.Read(x, rows[at], 0); err != nil {
				return nil, err
			}
			group, samples = append(group, x), samples+n
		}
		list, err := r.model.EmissionsBatch(ctx, group)
		if err != nil {
			return nil, err
		}
		for i := range list {
			t.utterances[first+i].emissions = list[i]
		}
		heard += float64(samples) / infer.Rate
	}
	if f.out != "" {
		err = writeEmissions(path, key, v, t.utterances)
	}
	return v, err
}

// checkReferences warns when most references are not spelled as the model spells: then all trials are alike.
func (t *tuner) checkReferences(v *vocab.Vocabulary) {
	cannot := 0
	var first error
	for _, u := range t.utterances {
		if _, err := v.Encode(t.rules.Apply(u.reference)); err != nil {
			if cannot++; first == nil {
				first = fmt.Errorf("%s: %w", u.id, err)
			}
		}
	}
	if 2*cannot > len(t.utterances) {
		t.say("warning: the model cannot spell %d of %s (first %v): --normalise upper or lower may help", cannot, plural(len(t.utterances), "transcript"), first)
	}
}

// greedy is the word error rate of the most probable paths.
func (t *tuner) greedy() (float64, error) {
	texts := make([]string, len(t.utterances))
	for i, u := range t.utterances {
		h, err := decode.Greedy(t.decoding.vocab, u.emissions.Data, u.emissions.Rows, t.decoding.options.Ignore...)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", u.id, err)
		}
		texts[i] = h.Text
	}
	return t.rate(texts)
}

// evaluate is the word error rate with some weights.
func (t *tuner) evaluate(ctx context.Context, alpha, beta float64) (float64, error) {
	texts := make([]string, len(t.utterances))
	workers := min(runtime.GOMAXPROCS(0), len(t.utterances))
	errs := make([]error, workers)
	var next, done atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		d, err := t.decoding.decoder(alpha, beta)
		if err != nil {
			return 0, err
		}
		wait.Go(func() {
			for errs[w] == nil {
				k := int(next.Add(1)) - 1
				if k >= len(t.order) {
					return
				}
				u := &t.utterances[t.order[k]]
				texts[t.order[k]], errs[w] = t.text(ctx, d, u)
				t.bar.show(false, t.line(alpha, beta, int(done.Add(1))))
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	rate, err := t.rate(texts)
	if t.evaluated++; t.evaluated == 1 || rate < t.least {
		t.least = rate
	}
	return rate, err
}

func (t *tuner) line(alpha, beta float64, done int) string {
	s := fmt.Sprintf("trial %d: alpha %.3f, beta %.3f: %d of %s", t.evaluated+1, alpha, beta, done, plural(len(t.utterances), "utterance"))
	if t.evaluated > 0 {
		s += "; least " + percent2(t.least)
	}
	return s
}

// text decodes one utterance. One of which no text is possible, with a lexicon, has an empty one.
func (t *tuner) text(ctx context.Context, d decode.Decoder, u *devUtterance) (string, error) {
	list, err := t.decoding.whole(ctx, d, u.emissions.Data, u.emissions.Rows)
	switch {
	case errors.Is(err, decode.ErrNoHypothesis):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("%s: %w", u.id, err)
	}
	return list[0].Text, nil
}

// rate is the word error rate of texts as aural eval gives it.
func (t *tuner) rate(texts []string) (float64, error) {
	items := make([]score.Item, len(texts))
	for i, u := range t.utterances {
		items[i] = score.Item{ID: u.id, Ref: u.reference, Hyp: texts[i]}
	}
	r, err := score.Score(items, score.Options{Rules: t.rules})
	if err != nil {
		return 0, err
	}
	c := r.Total().Counts
	if t.words = c.Reference(); t.words == 0 {
		return 0, fmt.Errorf("the transcripts have no words after --normalise %s", t.setup["normalisation"])
	}
	return c.Rate(), nil
}

func (t *tuner) close() error {
	t.bar.close()
	return t.decoding.close()
}

// modelDigest names the content of a model folder: its settings, tokens and weights.
func modelDigest(dir string) (string, error) {
	var files []string
	for _, pattern := range []string{"config.json", "preprocessor_config.json", "vocab.json", "*.safetensors", "*.safetensors.index.json"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return "", fmt.Errorf("%s is no model folder", dir)
	}
	return filesDigest(files)
}
