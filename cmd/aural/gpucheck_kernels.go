package main

import (
	"errors"
	"fmt"
	"strings"

	"aural/kernels"
	"aural/kernels/cuda"
	"aural/kernels/kerneltest"
	"aural/kernels/ref"
)

// kernelCheck is a pass over the ops that a back end with some options computes in its own way.
type kernelCheck struct {
	name    string
	options cuda.Options
	// share is that of Σ|ab| by which an element of a product may be off, composed that of differences of products; 0: the tolerance of float32.
	share, composed float64
	only            func(op string) bool
	stored          bool // with activations in bfloat16 too
}

func everyOp(string) bool { return true }

func isLinear(op string) bool { return strings.HasPrefix(op, "linear") }

// kernels holds every op against the reference in float64, then products in reduced precision, activations in bfloat16, and chains of ops that run as one.
func (c *gpuCheck) kernels() error {
	checks := []kernelCheck{
		{"float32", cuda.Options{}, 0, 0, everyOp, false},
		{"bf16", cuda.Options{Precision: kernels.PrecisionBF16}, 1e-2, 2.5e-2, everyOp, true},
		{"high", cuda.Options{Precision: kernels.PrecisionHigh}, 2e-5, 0, isProduct, false},
	}
	if c.report.Device.Major == 9 {
		checks = append(checks, kernelCheck{"mma_sync", cuda.Options{Precision: kernels.PrecisionBF16, MMASync: true}, 1e-2, 2.5e-2, isProduct, true})
	}
	for _, k := range checks {
		if err := c.kernelsIn(k); err != nil {
			return err
		}
	}
	return c.chains()
}

func (c *gpuCheck) kernelsIn(k kernelCheck) error {
	return c.withBackend(k.options, func(be *cuda.Backend) error {
		late := false
		opts := []kerneltest.Option{kerneltest.Only(func(op kernels.Op, _ []kernels.Desc) bool {
			if !k.only(op.Name()) || !c.op.MatchString(op.Name()) {
				return false
			}
			late = late || c.over()
			return !late
		})}
		if k.share > 0 {
			opts = append(opts, kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: k.share, Abs: k.share}),
				kerneltest.Tolerate(kerneltest.Composed, kerneltest.Tolerance{Norm: k.composed, Abs: k.composed}))
		}
		if k.stored {
			opts = append(opts, kerneltest.Stored(be.Narrow))
		}
		for r := range kerneltest.Check(be, opts...) {
			name := k.name + "/" + r.Op
			note := fmt.Sprintf("of the tolerance, %s", plural(r.Calls, "call"))
			if r.Refused > 0 {
				note += fmt.Sprintf(", %d without a kernel", r.Refused)
			}
			switch {
			case r.Err != nil:
				c.add(checkLine{Status: "FAIL", Name: name, Value: number(r.Used), Limit: "1", Note: r.Err.Error()})
			case r.Refused == r.Calls:
				c.skip(name, "no kernel")
			default:
				c.limit(name, r.Used, 1, note)
			}
		}
		if late {
			c.skip(k.name+"/rest", "the time of the phase is over")
		}
		return nil
	})
}

// chains holds chains of ops against the reference, op by op.
func (c *gpuCheck) chains() error {
	for _, k := range []struct {
		precision               kernels.Precision
		wave, residual, product kerneltest.Tolerance
		stored                  bool
	}{
		{kernels.PrecisionFloat32, kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, false},
		{kernels.PrecisionBF16, kerneltest.Tolerance{Norm: 1e-2, Abs: 1e-2}, kerneltest.Tolerance{Norm: 2e-2, Abs: 1e-2}, kerneltest.Tolerance{Norm: 1e-2, Abs: 5e-2}, true},
	} {
		if err := c.withBackend(cuda.Options{Precision: k.precision}, func(be *cuda.Backend) error {
			for _, family := range []struct {
				cases []kerneltest.ChainCase
				tol   kerneltest.Tolerance
			}{{kerneltest.WaveformChains(), k.wave}, {kerneltest.ResidualChains(), k.residual}, {kerneltest.EpilogueChains(), k.product}} {
				var cases []kerneltest.ChainCase
				for _, x := range family.cases {
					if c.op.MatchString(x.Name) {
						cases = append(cases, x)
					}
				}
				for r := range kerneltest.CheckChains(be, ref.New(), family.tol, cases, k.stored) {
					if c.over() {
						c.skip(string(k.precision)+"/chains", "the time of the phase is over")
						return nil
					}
					name := string(k.precision) + "/chain/" + strings.ReplaceAll(r.Op, " ", "_")
					if r.Err != nil {
						c.fail(name, r.Err)
					} else {
						c.add(checkLine{Status: "PASS", Name: name})
					}
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// withBackend starts a back end for a while.
func (c *gpuCheck) withBackend(o cuda.Options, use func(*cuda.Backend) error) (err error) {
	o.Ordinal = c.f.ordinal
	be, err := cuda.New(c.api, c.compiler, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	return use(be)
}
