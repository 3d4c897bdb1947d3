// Package quantizer is the Gumbel product quantizer of wav2vec 2.0 (Baevski et al. 2020 §2, "Quantization module"): every masked frame picks one
// entry from each of G codebooks of V entries; the straight-through gradient makes the choice trainable.
package quantizer

import (
	"errors"
	"fmt"
	"math"

	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/rng"
)

// Config describes the quantizer.
type Config struct {
	Groups  int `yaml:"groups"`  // G
	Entries int `yaml:"entries"` // V
	Dim     int `yaml:"dim"`     // channels of the concatenated entries; each has Dim/Groups
	// Soft trains on the expected entry instead of the drawn one.
	Soft bool `yaml:"soft"`
	// The Gumbel temperature of update u is max(TempStart·TempDecay^u, TempEnd). It advances once an update, not once a micro-batch.
	TempStart float64 `yaml:"temp_start"`
	TempEnd   float64 `yaml:"temp_end"`
	TempDecay float64 `yaml:"temp_decay"`
	// HardEvalPerplexity takes the chosen codes instead of the soft distribution for the diversity loss in validation, as Hugging Face does.
	HardEvalPerplexity bool `yaml:"hard_eval_perplexity"`
}

// Default is the published base recipe.
func Default() Config {
	return Config{Groups: 2, Entries: 320, Dim: 256, TempStart: 2, TempEnd: 0.5, TempDecay: 0.999995}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("quantizer: "+format, args...))
		}
	}
	bad(c.Groups < 1, "groups: %d is less than 1", c.Groups)
	bad(c.Entries < 2, "entries: %d is less than 2", c.Entries)
	bad(c.Dim < 1 || c.Dim%max(c.Groups, 1) != 0, "dim %d must be a multiple of groups %d", c.Dim, c.Groups)
	bad(!(c.TempEnd > 0), "temp_end: %v is not positive", c.TempEnd)
	bad(!(c.TempStart >= c.TempEnd), "temp_start: %v is below temp_end %v", c.TempStart, c.TempEnd)
	bad(!(c.TempDecay > 0 && c.TempDecay <= 1), "temp_decay: %v is outside (0,1]", c.TempDecay)
	return errors.Join(errs...)
}

// Temperature is the Gumbel temperature τ of an update (counted from 0).
func (c Config) Temperature(update uint64) float64 {
	return math.Max(c.TempStart*math.Pow(c.TempDecay, float64(update)), c.TempEnd)
}

// Result is the quantizer in a graph, for N masked frames.
type Result struct {
	Quantized *graph.Node // (N, Dim)
	Codes     *graph.Node // int32 (N, G)
	// Diversity is the loss (G·V - perplexity)/(G·V), a scalar; Usage (G,V) the mean probability of each entry and Perplexity (G) the
	// prob perplexity of each group.
	Diversity, Usage, Perplexity *graph.Node
}

// Codevectors is the name of the parameter that holds the codebooks, (1, Groups·Entries, Dim/Groups).
const Codevectors = "quantizer.codevectors"

// Quantize adds the quantizer: features (N,C) of the masked frames, index int32 (N) their flat frames (-1 at padding), tau () the Gumbel
// temperature, frames the frames of a batch row. Without noise (in validation) the most probable entry is taken.
func Quantize(n *nn.Net, cfg Config, features, index, tau *graph.Node, frames int) Result {
	var r Result
	n.Scope("quantizer", func() {
		logits := nn.Linear(n, "quantizer.weight_proj", features, cfg.Groups*cfg.Entries, nn.Normal(1), nn.Constant(0))
		codebook := n.Weight(Codevectors, nn.Uniform(0, 1), 1, cfg.Groups*cfg.Entries, cfg.Dim/cfg.Groups)
		op := kernels.GumbelQuantize{
			Groups: cfg.Groups, Frames: frames, Noise: n.Noise, Hard: !cfg.Soft || !n.Training, Site: rng.Site("quantizer/gumbel"),
		}
		r.Quantized = n.Apply(op, logits, codebook, index, tau)
		r.Codes = n.Part(r.Quantized, 1)
		r.Diversity = n.Apply(kernels.Diversity{Groups: cfg.Groups, Hard: cfg.HardEvalPerplexity && !n.Training}, logits, index)
		r.Usage, r.Perplexity = n.Part(r.Diversity, 1), n.Part(r.Diversity, 2)
	})
	return r
}

// EntryCosine is the mean cosine between two different entries of a group, over all pairs and groups, from the values of [Codevectors]. An entry
// of zeros counts as at right angles to all others.
func EntryCosine(codevectors []float32, cfg Config) float64 {
	dim := cfg.Dim / cfg.Groups
	pairs := float64(cfg.Entries) * float64(cfg.Entries-1)
	sum, total := make([]float64, dim), 0.0
	for g := range cfg.Groups {
		// Σ over i ≠ j of ê_i·ê_j is |Σ ê_i|² less Σ |ê_i|².
		clear(sum)
		alone := 0.0
		for e := range cfg.Entries {
			x := codevectors[(g*cfg.Entries+e)*dim:][:dim]
			squares := 0.0
			for _, v := range x {
				squares += float64(v) * float64(v)
			}
			if squares == 0 {
				continue
			}
			alone++
			for i, v := range x {
				sum[i] += float64(v) / math.Sqrt(squares)
			}
		}
		together := 0.0
		for _, v := range sum {
			together += v * v
		}
		total += (together - alone) / pairs
	}
	return total / float64(cfg.Groups)
}

// CodeCounts adds the codes (N,G) of a micro-batch to counts (G,V); padding rows, with code -1, do not count.
func CodeCounts(counts []float64, codes []int32, groups, entries int) {
	for i, c := range codes {
		if c >= 0 {
			counts[i%groups*entries+int(c)]++
		}
	}
}

// Perplexity is exp of the entropy of the distribution that is proportional to counts: 1 when one entry is used, the number of entries when all are
// used equally. With no counts it is 0.
func Perplexity(counts []float64) float64 {
	total := 0.0
	for _, c := range counts {
		total += c
	}
	if total == 0 {
		return 0
	}
	h := 0.0
	for _, c := range counts {
		if p := c / total; p > 0 {
			h -= p * math.Log(p)
		}
	}
	return math.Exp(h)
}
