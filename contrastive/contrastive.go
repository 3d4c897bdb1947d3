// Package contrastive is the training signal of wav2vec 2.0: for every masked frame, tell its true quantized features from distractors
// (Baevski et al. 2020 §3.2, eq. 3).
package contrastive

import (
	"errors"
	"fmt"
	"slices"

	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/rng"
)

// Config describes the loss.
type Config struct {
	// Distractors is K, drawn from the other masked frames of the same utterance.
	Distractors int `yaml:"distractors"`
	// CrossDistractors more are drawn from the masked frames of all rows of the micro-batch.
	CrossDistractors int     `yaml:"cross_distractors"`
	Temperature      float64 `yaml:"temperature"` // κ, divides the cosine similarities
}

// Default is the published recipe.
func Default() Config { return Config{Distractors: 100, Temperature: 0.1} }

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Distractors < 0 || c.CrossDistractors < 0 || c.Distractors+c.CrossDistractors < 1 {
		errs = append(errs, fmt.Errorf("contrastive: needs at least one distractor, got distractors %d and cross_distractors %d", c.Distractors, c.CrossDistractors))
	}
	if !(c.Temperature > 0) {
		errs = append(errs, fmt.Errorf("contrastive: temperature: %v is not positive", c.Temperature))
	}
	return errors.Join(errs...)
}

// Total is the number of distractors of a masked frame.
func (c Config) Total() int { return c.Distractors + c.CrossDistractors }

// Chance is the accuracy of guessing.
func (c Config) Chance() float64 { return 1 / float64(c.Total()+1) }

// Sampler draws distractors. It keeps its working memory; it is for one goroutine.
type Sampler struct {
	Config Config
	stream rng.Stream
}

// Draw fills dst (N, Total) with indices into the list of masked frames of a micro-batch. counts are the masked frames of each row, whose entries
// stand one row after the other; entries of dst beyond their sum become -1.
//
// Distractors are uniform with replacement, never the positive itself. Each row draws from its own stream, keyed by the update and its
// number in it, so that same-utterance distractors do not depend on how an update is cut into micro-batches. A row with one masked frame has no
// other to draw from and is an error.
func (s *Sampler) Draw(dst []int32, counts []int, seed, update uint64, firstRow int) error {
	k := s.Config.Total()
	all := 0
	for _, n := range counts {
		all += n
	}
	if len(dst) < all*k {
		return fmt.Errorf("contrastive: %d places for the distractors of %d masked frames x %d", len(dst), all, k)
	}
	start := 0
	for r, n := range counts {
		if n == 1 && s.Config.Distractors > 0 || n > 0 && all == 1 {
			return fmt.Errorf("contrastive: row %d has one masked frame and so no distractors; use longer crops or more spans", r)
		}
		s.stream.Reset(seed, update<<20|uint64(firstRow+r), rng.Site("distractors"))
		for i := range n {
			row := dst[(start+i)*k : (start+i+1)*k]
			for j := range row {
				if j < s.Config.Distractors {
					row[j] = int32(start + other(&s.stream, n, i))
				} else {
					row[j] = int32(other(&s.stream, all, start+i))
				}
			}
		}
		start += n
	}
	rest := dst[all*k:]
	for i := range rest {
		rest[i] = -1
	}
	return nil
}

// other draws from [0,n) without i.
func other(s *rng.Stream, n, i int) int {
	v := s.IntN(n - 1)
	if v >= i {
		v++
	}
	return v
}

// Result is the loss in a graph.
type Result struct {
	Loss *graph.Node // () summed over masked frames, in nats
	Hits *graph.Node // int32 (N,2): see kernels.InfoNCE
}

// Loss adds the contrastive loss: context c (N,D) and targets q (N,D) of the masked frames, distractors int32 (N,K), and codes int32 (N,G), by which
// distractors equal to the positive are found (nil to compare vectors).
func Loss(n *nn.Net, cfg Config, c, q, distractors, codes *graph.Node) Result {
	args := []*graph.Node{c, q, distractors}
	if codes != nil {
		args = append(args, codes)
	}
	var r Result
	n.Scope("contrastive", func() {
		r.Loss = n.Apply(kernels.InfoNCE{Temp: cfg.Temperature}, args...)
		r.Hits = n.Part(r.Loss, 2)
	})
	return r
}

// Score is what the hits of a micro-batch say.
type Score struct {
	Frames     int // masked frames
	Correct    int // frames whose positive has the largest logit
	Duplicates int // distractors equal to their positive
}

// ReadScore counts hits (N,2).
func ReadScore(hits []int32) Score {
	var s Score
	for pair := range slices.Chunk(hits, 2) {
		if pair[0] < 0 {
			continue
		}
		s.Frames++
		s.Correct += int(pair[0])
		s.Duplicates += int(pair[1])
	}
	return s
}
