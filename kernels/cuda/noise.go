package cuda

import (
	"math"

	"aural/kernels"
)

// noise is Noise of src/noise.cuh: which stream a launch draws from, and dropout's rule.
type noise struct {
	Key0, Key1   uint32
	Step0, Step1 uint32
	Site         uint32
	Threshold    uint32
	Keep         float32
	_            uint32
}

// at sets the stream of a step.
func (n *noise) at(s *kernels.Step) {
	n.Key0, n.Key1 = uint32(s.Seed), uint32(s.Seed>>32)
	n.Step0, n.Step1 = uint32(s.Update), uint32(s.Update>>32)
}

// dropout is the rule for a probability. A word w gives rng.Unit(w) = (w>>9 + 0.5)/2²³, so Unit(w) >= p exactly when w>>9 >= p·2²³ - 0.5.
// It is not ok where p is so close to 1 that no word is kept.
func dropout(p float64, site uint32) (n noise, ok bool) {
	lowest := max(0, math.Ceil(p*(1<<23)-0.5))
	return noise{Site: site, Threshold: uint32(int64(lowest) << 9), Keep: float32(1 / (1 - p))}, lowest < 1<<23
}
