package train

import (
	"fmt"
	"math"
	"path"
	"sort"
	"strings"

	"aural/internal/spelling"
)

// AdamWConfig are the settings of the optimiser.
type AdamWConfig struct {
	Betas       [2]float64 `yaml:"betas,flow" json:"betas"`
	Eps         float64    `yaml:"eps" json:"eps"`
	WeightDecay float64    `yaml:"weight_decay" json:"weight_decay"` // decoupled
	// Clip bounds the norm of the whole gradient, after division by the sample size. 0 means no bound; the norm is measured all the same.
	Clip   float64 `yaml:"clip" json:"clip"`
	Groups []Group `yaml:"groups,omitempty" json:"groups,omitempty"` // the first that matches a parameter decides
}

// Group gives some parameters settings of their own. A field that is nil leaves the common setting.
type Group struct {
	Match       string   `yaml:"match" json:"match"` // glob over parameter names as in path.Match; * also matches dots
	LRScale     *float64 `yaml:"lr_scale,omitempty" json:"lr_scale,omitempty"`
	WeightDecay *float64 `yaml:"weight_decay,omitempty" json:"weight_decay,omitempty"`
	Frozen      bool     `yaml:"frozen,omitempty" json:"frozen,omitempty"` // not trained, and left out of the gradient norm
	// From is how many updates are applied before these parameters are trained, as if their optimiser began then. Their gradient must be 0 until then.
	From uint64 `yaml:"from,omitempty" json:"from,omitempty"`
}

// DefaultAdamW is the optimiser of wav2vec 2.0 pretraining (Baevski et al. 2020; fairseq's recipe does not clip).
func DefaultAdamW() AdamWConfig {
	return AdamWConfig{Betas: [2]float64{0.9, 0.98}, Eps: 1e-6, WeightDecay: 0.01}
}

// Validate checks the settings, except that patterns match something.
func (c AdamWConfig) Validate() error {
	for i, b := range c.Betas {
		if !(b >= 0 && b < 1) {
			return fmt.Errorf("train: optimizer betas[%d] is %v, want a number in [0,1)", i, b)
		}
	}
	if !(c.Eps > 0) || math.IsInf(c.Eps, 0) {
		return fmt.Errorf("train: optimizer eps is %v, want a positive number", c.Eps)
	}
	if !notNegative(c.WeightDecay) || !notNegative(c.Clip) {
		return fmt.Errorf("train: optimizer weight_decay is %v and clip is %v, want finite numbers that are not negative", c.WeightDecay, c.Clip)
	}
	for _, g := range c.Groups {
		if _, err := path.Match(g.Match, ""); err != nil || g.Match == "" {
			return fmt.Errorf("train: optimizer group %q is not a pattern: want a glob over parameter names, such as *.bias", g.Match)
		}
		if g.LRScale != nil && !notNegative(*g.LRScale) || g.WeightDecay != nil && !notNegative(*g.WeightDecay) {
			return fmt.Errorf("train: optimizer group %q: lr_scale and weight_decay must be finite and not negative", g.Match)
		}
		if g.LRScale == nil && g.WeightDecay == nil && !g.Frozen && g.From == 0 {
			return fmt.Errorf("train: optimizer group %q changes nothing: give lr_scale, weight_decay, from or frozen", g.Match)
		}
	}
	return nil
}

func notNegative(x float64) bool { return x >= 0 && !math.IsInf(x, 1) }

// settings are what a parameter is trained with.
type settings struct {
	lrScale, decay float64
	frozen         bool
	from           uint64
}

// resolve finds the settings of every parameter. A group without effect is a mistake in the recipe, so it is an error.
func (c AdamWConfig) resolve(specs []Spec) ([]settings, error) {
	out := make([]settings, len(specs))
	matched, decided := make([]int, len(c.Groups)), make([]int, len(c.Groups))
	live := false
	for i, s := range specs {
		out[i] = settings{lrScale: 1, decay: c.WeightDecay}
		first := true
		for j, g := range c.Groups {
			if ok, _ := path.Match(g.Match, s.Name); !ok {
				continue
			}
			matched[j]++
			if !first {
				continue
			}
			first = false
			decided[j]++
			if g.LRScale != nil {
				out[i].lrScale = *g.LRScale
			}
			if g.WeightDecay != nil {
				out[i].decay = *g.WeightDecay
			}
			out[i].frozen, out[i].from = g.Frozen, g.From
		}
		live = live || !out[i].frozen
	}
	for j, g := range c.Groups {
		if matched[j] == 0 {
			return nil, fmt.Errorf("train: optimizer group %q matches no parameter; the nearest names are %s", g.Match, strings.Join(nearest(g.Match, specs), ", "))
		}
		if decided[j] == 0 {
			return nil, fmt.Errorf("train: optimizer group %q has no effect: earlier groups decide all %d parameters that it matches; put it before them",
				g.Match, matched[j])
		}
	}
	if !live {
		return nil, fmt.Errorf("train: the optimizer has nothing to train: all %d parameters are frozen", len(specs))
	}
	return out, nil
}

// nearest returns up to three parameter names that are most like pattern.
func nearest(pattern string, specs []Spec) []string {
	literal := strings.Map(func(r rune) rune {
		if strings.ContainsRune("*?[]\\", r) {
			return -1
		}
		return r
	}, pattern)
	names := make([]string, len(specs))
	far := make(map[string]int, len(specs))
	for i, s := range specs {
		names[i], far[s.Name] = s.Name, spelling.Within(literal, s.Name)
	}
	sort.SliceStable(names, func(i, j int) bool { return far[names[i]] < far[names[j]] })
	return names[:min(3, len(names))]
}
