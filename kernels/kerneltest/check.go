package kerneltest

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"aural/kernels"
)

// Result is what became of the calls of one op's cases, the calls that compute gradients among them.
type Result struct {
	Op      string
	Calls   int
	Refused int     // calls for which the back end has no kernel
	Used    float64 // the largest share of its tolerance that an element took
	Err     error   // of the first call that is wrong
}

// Check does for each op what [Run] does, without a test, for programs that check a device. What the options restrict is left out.
func Check(b kernels.Backend, opts ...Option) iter.Seq[Result] {
	cfg := newConfig(opts)
	return func(yield func(Result) bool) {
		cases := Cases()
		var ops []string
		for _, c := range cases {
			if name := c.Op.Name(); !slices.Contains(ops, name) {
				ops = append(ops, name)
			}
		}
		for _, op := range ops {
			r := Result{Op: op}
			cfg.used = &r.Used
			for _, c := range cases {
				if c.Op.Name() == op {
					cfg.checkCase(b, c, &r)
				}
			}
			if r.Calls > 0 && !yield(r) {
				return
			}
		}
	}
}

// checkCase adds the calls of a case to the result.
func (cfg config) checkCase(b kernels.Backend, c Case, r *Result) {
	calls, err := c.calls()
	if err != nil {
		r.Err = errors.Join(r.Err, err)
	}
	for _, call := range calls {
		if !cfg.only(call.Op, descs(call.In)) {
			continue
		}
		for _, call := range cfg.stored(call) {
			r.Calls++
			_, err := cfg.check(b, call)
			switch {
			case errors.Is(err, kernels.ErrUnsupported):
				r.Refused++
			case err != nil && r.Err == nil:
				r.Err = fmt.Errorf("%s%v: %w", c.fullName(), descs(call.In), err)
			case err == nil && call.NoKernel != "":
				r.Err = fmt.Errorf("%s compiled, but it has no kernel: %s", c.fullName(), call.NoKernel)
			}
		}
	}
}

// CheckChains does for each chain what [RunChainsAgainst] does, or with stored [RunChainsStored], without a test.
func CheckChains(b, judge kernels.Backend, tol Tolerance, cases []ChainCase, stored bool) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, c := range cases {
			if !yield(Result{Op: c.Name, Calls: 1, Err: c.check(b, judge, tol, stored)}) {
				return
			}
		}
	}
}
