package kerneltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"aural/kernels"
	"aural/rng"
)

// ChainCase is a chain of ops with inputs, as a list of calls. Values are numbered: the inputs first, then the outputs of the calls.
type ChainCase struct {
	Name   string
	Inputs []Input
	Calls  []ChainCall
	// Before is how many calls run before the chain, one by one. Again lists those of them that the chain runs again.
	Before int
	Again  []int
	// Used lists values of the chain that are read outside, besides its last; nil means none.
	Used []int
	Step kernels.Step
}

// ChainCall is a call whose inputs are values.
type ChainCall struct {
	Op kernels.Op
	In []int
}

// RunChains checks that a back end takes each chain and computes what it computes op by op, with guard words, dirty memory and repeats: bit for bit, or
// within tol where that is not the zero value.
func RunChains(t *testing.T, b kernels.Backend, tol Tolerance, cases []ChainCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.check(b, tol); err != nil {
				t.Error(err)
			}
		})
	}
}

func (c ChainCase) check(b kernels.Backend, tol Tolerance) (err error) {
	values, outs, err := c.single(b)
	if err != nil {
		return err
	}
	chain, in, used := c.chain(values, outs)
	if f, ok := b.(kernels.Fuser); !ok {
		return fmt.Errorf("%s fuses nothing", b.Name())
	} else if whole, _ := f.Fuses(chain); !whole {
		return fmt.Errorf("%s is refused", chain.Name())
	}
	call := Call{Op: chain, Step: c.Step}
	for _, v := range in {
		call.In = append(call.In, values[v])
	}
	r, err := newRig(b, call)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.free()) }()
	for _, dirty := range []byte{dirtyNaN, dirtyOther} {
		got, err := r.run(c.Step, dirty, false)
		if err != nil {
			return err
		}
		for i, v := range used {
			if tol == (Tolerance{}) {
				err = sameBits(got[i:i+1], values[v:v+1])
			} else {
				_, err = compare(got[i], promoted(values[v]), tol, 1)
			}
			if err != nil {
				return fmt.Errorf("%s, output %d (value %d), in memory of %#x: %w", chain.Name(), i, v, dirty, err)
			}
		}
	}
	if n, err := r.allocations(); err != nil || n > 0 {
		return errors.Join(err, fmt.Errorf("a run allocates %d objects", n))
	}
	return nil
}

// single computes all values op by op. outs holds the number of the first output of each call.
func (c ChainCase) single(b kernels.Backend) (values []kernels.Buffer, outs []int, err error) {
	for i, x := range c.Inputs {
		buf := kernels.New(x.DType, x.Shape...)
		x.Fill(rng.At(1, uint64(i), rng.Site("chain/"+c.Name)), buf)
		values = append(values, buf)
	}
	for _, call := range c.Calls {
		outs = append(outs, len(values))
		one := Call{Op: call.Op, Step: c.Step}
		for _, v := range call.In {
			one.In = append(one.In, values[v])
		}
		r, err := newRig(b, one)
		if err != nil {
			return nil, nil, err
		}
		out, err := r.run(c.Step, dirtyNaN, false)
		if err = errors.Join(err, r.free()); err != nil {
			return nil, nil, err
		}
		values = append(values, out...)
	}
	return values, outs, nil
}

// chain makes the chain as the executor does, with the values that it reads and those that it gives.
func (c ChainCase) chain(values []kernels.Buffer, outs []int) (chain *kernels.Chain, in, used []int) {
	chain = &kernels.Chain{}
	made, count := map[int]int{}, 0
	add := func(i int, again bool) {
		call := c.Calls[i]
		l := kernels.Link{Op: call.Op, Again: again}
		for _, v := range call.In {
			l.In = append(l.In, values[v].Desc)
			if k, ok := made[v]; ok {
				l.From = append(l.From, -1-k)
				continue
			}
			if !slices.Contains(in, v) {
				in = append(in, v)
			}
			l.From = append(l.From, slices.Index(in, v))
		}
		want, err := call.Op.Infer(l.In)
		if err != nil {
			panic(err)
		}
		for k, d := range want {
			v := outs[i] + k
			if k == 0 || !again {
				made[v] = count
			}
			count++
			l.Out = append(l.Out, d)
			use := !again && (slices.Contains(c.Used, v) || i == len(c.Calls)-1)
			l.Used = append(l.Used, use)
			if use {
				used = append(used, v)
			}
		}
		chain.Links = append(chain.Links, l)
	}
	for _, i := range c.Again {
		add(i, true)
	}
	for i := c.Before; i < len(c.Calls); i++ {
		add(i, false)
	}
	for i, again := range c.Again {
		for k := range chain.Links[i].Out {
			chain.Links[i].Kept = append(chain.Links[i].Kept, slices.Index(in, outs[again]+k))
		}
	}
	return chain, in, used
}

// promoted is a buffer in float64, or itself where it is of integers.
func promoted(b kernels.Buffer) kernels.Buffer { return Call{In: []kernels.Buffer{b}}.promoted().In[0] }
