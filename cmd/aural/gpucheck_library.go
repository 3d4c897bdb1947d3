package main

import (
	"fmt"

	"aural/kernels"
	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
)

// library holds cuBLASLt's linear layers against the reference, and its times against those of this program's kernels, at the shapes of the base model.
func (c *gpuCheck) library() error {
	x, err := findBLAS(c.api)
	if err != nil {
		c.skip("cublaslt", err.Error())
		return nil
	}
	c.add(checkLine{Status: "PASS", Name: "cublaslt", Note: x.Name()})
	for _, k := range []kernelCheck{
		{"float32", cuda.Options{BLAS: x}, 0, 0, isLinear, false},
		{"bf16", cuda.Options{BLAS: x, Precision: kernels.PrecisionBF16}, 1e-2, 2.5e-2, isLinear, true},
	} {
		if err := c.kernelsIn(k); err != nil {
			return err
		}
	}
	for _, precision := range []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionFloat32} {
		var times [2]map[string]float64
		for i, library := range []driver.BLAS{nil, x} {
			err := c.withBackend(cuda.Options{Precision: precision, BLAS: library}, func(be *cuda.Backend) (err error) {
				times[i], err = c.linearTimes(be)
				return err
			})
			if err != nil {
				return err
			}
		}
		for _, s := range c.linearShapes() {
			ours, its := times[0][s.name], times[1][s.name]
			if ours == 0 || its == 0 {
				c.skip(string(precision)+"/"+s.name, "the time of the phase is over")
				continue
			}
			c.measured(string(precision)+"/"+s.name, ours/its, fmt.Sprintf("times as fast as our kernels: %.4g us and %.4g us, %.4g and %.4g TFLOP/s",
				1e3*its, 1e3*ours, s.flops/its/1e9, s.flops/ours/1e9))
		}
	}
	return c.withBackend(cuda.Options{Precision: kernels.PrecisionBF16, BLAS: x}, func(be *cuda.Backend) error {
		// A convolution of three taps and stride 2 over 512 channels would be one product whose columns overlap.
		err := be.PlansProduct(driver.Product{M: 512, N: 4096, K: 1536, LdA: 1536, TransA: true, LdB: 1024, LdD: 512, BF16: true})
		line := checkLine{Status: "PASS", Name: "columns_that_overlap", Value: "planned", Note: "a convolution could be one product of the library"}
		if err != nil {
			line.Value, line.Note = "refused", err.Error()
		}
		c.add(line)
		return nil
	})
}

// linearShape is a product of a linear layer, or of its gradients.
type linearShape struct {
	name  string
	call  cuda.Call
	flops float64
}

// linearShapes are those of the base model's layers, 4374 frames of 5.6 rows.
func (c *gpuCheck) linearShapes() (list []linearShape) {
	f := func(shape ...int) kernels.Desc { return kernels.Of(kernels.Float32, shape...) }
	for _, s := range []struct{ out, in int }{{768, 768}, {2304, 768}, {3072, 768}, {768, 3072}} {
		rows, out, in := c.scaled(4374), c.scaled(s.out), c.scaled(s.in)
		for _, k := range []cuda.Call{
			linearCall(rows, out, in),
			{Op: kernels.LinearGradInput{}, In: []kernels.Desc{f(rows, out), f(out, in)}},
			{Op: kernels.LinearGradWeight{Bias: true}, In: []kernels.Desc{f(rows, out), f(rows, in)}},
		} {
			list = append(list, linearShape{fmt.Sprintf("%s_%dx%d", k.Op.Name(), s.out, s.in), k, 2 * float64(rows) * float64(out) * float64(in)})
		}
	}
	return list
}

// linearTimes are the milliseconds of each shape, as far as the time reaches.
func (c *gpuCheck) linearTimes(be *cuda.Backend) (map[string]float64, error) {
	times := map[string]float64{}
	for _, s := range c.linearShapes() {
		if c.over() {
			break
		}
		if err := timed(be, cuda.Lanes{{s.call}}, func(t *cuda.Timing) (err error) {
			times[s.name], err = t.Run(probeRuns)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return times, nil
}
