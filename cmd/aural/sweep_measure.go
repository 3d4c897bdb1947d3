package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"aural/datasets"
	"aural/decode"
	"aural/finetune"
	"aural/infer"
	"aural/score"
	"aural/sweep"
	"aural/vocab"
)

// reading is a way to read emissions.
type reading struct {
	name  string // in the results
	flags *decoderFlags
}

// readings are the ways that flags ask for: greedily always, and the search.
func readings(f *decoderFlags) ([]reading, error) {
	greedy := decoderFlags{kind: greedyDecoder, unknown: math.NaN(), Options: decode.DefaultOptions()}
	list := []reading{{sweep.Greedy, &greedy}}
	if err := f.check(); err != nil || f.search() == greedyDecoder {
		return list, err
	}
	name := f.search()
	var parts []string
	if f.lm != "" {
		name += " + LM"
		sum, err := checksum(f.lm)
		if err != nil {
			return nil, fmt.Errorf("--lm: %w", err)
		}
		parts = append(parts, fmt.Sprintf("lm %s %.8s alpha %.4g", filepath.Base(f.lm), sum, f.Alpha))
	}
	if f.lexicon == lmWords {
		parts = append(parts, "its words")
	} else if f.lexicon != "" {
		sum, err := checksum(f.lexicon)
		if err != nil {
			return nil, fmt.Errorf("--lexicon: %w", err)
		}
		parts = append(parts, fmt.Sprintf("lexicon %s %.8s", filepath.Base(f.lexicon), sum))
	}
	if !math.IsNaN(f.unknown) {
		parts = append(parts, fmt.Sprintf("unknown %.4g", f.unknown))
	}
	if f.logAdd {
		parts = append(parts, "log-add")
	}
	for _, h := range f.hotwords {
		parts = append(parts, "hotword "+h)
	}
	parts = append(parts, fmt.Sprintf("beta %.4g", f.Beta), fmt.Sprintf("beam %d threshold %.4g tokens %d mass %.4g", f.Beam, f.BeamThreshold, f.TokenTop, f.TokenMass))
	if f.search() == prefixDecoder && f.lm != "" {
		parts = append(parts, fmt.Sprintf("unknown words %.4g", f.UnknownWord))
	}
	return append(list, reading{name + ", " + strings.Join(parts, ", "), f}), nil
}

// reader reads the emissions of one model.
type reader struct {
	*decoding
	search decode.Decoder
}

func (r reading) open(v *vocab.Vocabulary) (*reader, error) {
	d, err := r.flags.open(v)
	if err != nil {
		return nil, err
	}
	s, err := d.decoder(r.flags.Alpha, r.flags.Beta)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return &reader{d, s}, nil
}

// read is the best text; none where no text survives the search.
func (r *reader) read(ctx context.Context, emissions []float32, frames int) (string, error) {
	list, err := r.whole(ctx, r.search, emissions, frames)
	if errors.Is(err, decode.ErrNoHypothesis) || err == nil && len(list) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return list[0].Text, nil
}

// measure transcribes the test store with the checkpoint of a cell, in the ways in which that was not done yet.
func (w *sweeping) measure(c sweep.Cell) error {
	o := w.results.Of(c)
	var open []reading
	for _, r := range w.readings {
		if _, done := o.By(r.name); !done {
			open = append(open, r)
		}
	}
	if len(open) == 0 {
		return nil
	}
	r, err := w.recipe(c)
	if err != nil {
		return err
	}
	ctx, release := interruptible()
	heard, took, err := w.transcribe(ctx, filepath.Join(w.root, c.Name(), o.Trained.Checkpoint), r.Labels, open)
	release()
	if errors.Is(err, context.Canceled) {
		return coded{exitStopped, errors.New("interrupted: the same command goes on from here")}
	}
	if err != nil {
		return fmt.Errorf("measuring %s: %w", c.Name(), err)
	}
	for i, how := range open {
		t := sweep.Tested{Decoder: how.name, Checkpoint: o.Trained.Checkpoint, Utterances: len(heard[i]), Took: took[i]}
		for unit, to := range map[score.Unit]*float64{score.Word: &t.WER, score.Char: &t.CER} {
			report, err := score.Score(heard[i], score.Options{Unit: unit})
			if err != nil {
				return err
			}
			*to = report.Total().Counts.Rate()
		}
		w.say("%s: WER %s, CER %s with %s (%s), %s", c.Name(), percent2(t.WER), percent2(t.CER), t.Checkpoint, o.Trained.Chosen, how.name)
		if err := w.results.Add(sweep.Record{Cell: c, Tested: &t}); err != nil {
			return err
		}
	}
	return nil
}

// transcribe reads every utterance of the test store in each way. took are the seconds of each, those of the network included.
func (w *sweeping) transcribe(ctx context.Context, dir string, l finetune.LabelConfig, ways []reading) (heard [][]score.Item, took []float64, err error) {
	store, err := openLocation(w.flags.test)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	be, err := newBackend(w.flags.machine)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	m, err := infer.Open(dir, infer.Options{Backend: be})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if m.Vocabulary() == nil {
		return nil, nil, fmt.Errorf("%s has no vocab.json: nothing says what its outputs mean", dir)
	}
	readers := make([]*reader, len(ways))
	for i, way := range ways {
		if readers[i], err = way.open(m.Vocabulary()); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, readers[i].close()) }()
	}
	heard, took = make([][]score.Item, len(ways)), make([]float64, len(ways))
	var audio, emissions []float32
	for row := range store.Len() {
		var u datasets.Utterance
		if u, audio, err = readUtterance(store, row, audio); err != nil {
			return nil, nil, err
		}
		began := time.Now()
		var frames int
		if emissions, frames, err = m.Emissions(ctx, audio, emissions); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", u.ID, err)
		}
		network := time.Since(began)
		for i := range ways {
			began := time.Now()
			text, err := readers[i].read(ctx, emissions, frames)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", u.ID, err)
			}
			took[i] += (network + time.Since(began)).Seconds()
			heard[i] = append(heard[i], score.Item{ID: u.ID, Speaker: u.Speaker, Ref: l.Normalize(u.Transcript), Hyp: text})
		}
	}
	return heard, took, nil
}

// readUtterance reads a row, into memory that is used again.
func readUtterance(s *datasets.Store, row int, audio []float32) (datasets.Utterance, []float32, error) {
	u, err := s.Utterance(row)
	if err != nil {
		return u, audio, err
	}
	if cap(audio) < u.Samples {
		audio = make([]float32, u.Samples)
	}
	audio = audio[:u.Samples]
	return u, audio, s.Read(audio, row, 0)
}
