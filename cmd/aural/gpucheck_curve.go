package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/kernels"
)

// curves trains the same model on the GPU in float32 and in bfloat16. Their losses may differ by no more than what a curve in float32 moves by itself: the means
// of the second half must lie within three standard errors of it.
func (c *gpuCheck) curves() error {
	var losses [2][]float64
	for i, precision := range []kernels.Precision{kernels.PrecisionFloat32, kernels.PrecisionBF16} {
		var err error
		if losses[i], err = c.curve(precision); err != nil {
			return err
		}
	}
	n := min(len(losses[0]), len(losses[1]))
	if n < c.f.curve {
		c.skip("bf16/curve", fmt.Sprintf("the time of the phase is over after %d of %d updates", n, c.f.curve))
		return nil
	}
	a, spread := moments(losses[0][n/2:])
	b, _ := moments(losses[1][n/2:])
	c.limit("bf16/curve", math.Abs(b-a), 3*spread/math.Sqrt(float64(n-n/2)), fmt.Sprintf("between mean losses of the second half of %d updates, %.5g in float32", n, a))
	return nil
}

// curve is the loss of each update.
func (c *gpuCheck) curve(precision kernels.Precision) (losses []float64, err error) {
	s, err := c.newSide(fmt.Sprintf("cuda:%d", c.f.ordinal), append(slices.Clone(c.f.sets), "precision="+string(precision)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for len(losses) < c.f.curve && !c.over() {
		loss, err := s.gradient()
		if err != nil {
			return nil, err
		}
		losses = append(losses, loss/s.measured.SampleSize)
		if err := s.update(); err != nil {
			return nil, err
		}
	}
	return losses, nil
}

// moments are the mean and the standard deviation.
func moments(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, math.Sqrt(deviation)
}
