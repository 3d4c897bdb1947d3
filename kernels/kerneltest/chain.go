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
	RunChainsAgainst(t, b, b, tol, cases)
}

// RunChainsAgainst is RunChains with another back end for the single ops.
func RunChainsAgainst(t *testing.T, b, judge kernels.Backend, tol Tolerance, cases []ChainCase) {
	t.Helper()
	runChains(t, b, judge, tol, cases, false)
}

// RunChainsStored is RunChainsAgainst with all activations in bfloat16 that may be, but waveforms. The single ops compute on the rounded inputs, in float32.
func RunChainsStored(t *testing.T, b, judge kernels.Backend, tol Tolerance, cases []ChainCase) {
	t.Helper()
	runChains(t, b, judge, tol, cases, true)
}

func runChains(t *testing.T, b, judge kernels.Backend, tol Tolerance, cases []ChainCase, stored bool) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.check(b, judge, tol, stored); err != nil {
				t.Error(err)
			}
		})
	}
}

// SameChains checks that two back ends give the same bits for chains.
func SameChains(t *testing.T, a, b kernels.Backend, cases []ChainCase) {
	t.Helper()
	for _, c := range cases {
		values, outs, err := c.single(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		chain, in, _ := c.chain(values, outs, nil)
		call := Call{Op: chain, Step: c.Step}
		for _, v := range in {
			call.In = append(call.In, values[v])
		}
		var got [2][]kernels.Buffer
		for i, be := range []kernels.Backend{a, b} {
			r, err := newRig(be, call)
			if err != nil {
				t.Fatal(err)
			}
			got[i], err = r.run(c.Step, dirtyNaN, false)
			if err := errors.Join(err, r.free()); err != nil {
				t.Fatal(err)
			}
		}
		if err := sameBits(got[0], got[1]); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func (c ChainCase) check(b, judge kernels.Backend, tol Tolerance, stored bool) (err error) {
	var narrow map[int]bool
	if stored {
		narrow = c.narrow()
	}
	values, outs, err := c.single(judge, narrow)
	if err != nil {
		return err
	}
	chain, in, used := c.chain(values, outs, narrow)
	if f, ok := b.(kernels.Fuser); !ok {
		return fmt.Errorf("%s fuses nothing", b.Name())
	} else if whole, _ := f.Fuses(chain); !whole {
		return fmt.Errorf("%s is refused", chain.Name())
	}
	call := Call{Op: chain, Step: c.Step}
	for _, v := range in {
		if narrow[v] {
			call.In = append(call.In, rounded(values[v]))
		} else {
			call.In = append(call.In, values[v])
		}
	}
	for _, v := range used {
		d := values[v].Desc
		if narrow[v] {
			d.DType = kernels.BFloat16
		}
		call.Out = append(call.Out, d)
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
			if narrow[v] {
				_, err = compareStored(got[i], kernels.Data[float64](promoted(values[v])), tol, 1)
			} else if tol == (Tolerance{}) {
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
// narrow gives only those narrow inputs that a bfloat16 holds.
func (c ChainCase) single(b kernels.Backend, narrow map[int]bool) (values []kernels.Buffer, outs []int, err error) {
	for i, x := range c.Inputs {
		buf := kernels.New(x.DType, x.Shape...)
		x.Fill(rng.At(1, uint64(i), rng.Site("chain/"+c.Name)), buf)
		if narrow[i] {
			for j, x := range widened(rounded(buf)) {
				buf.F32()[j] = float32(x)
			}
		}
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
func (c ChainCase) chain(values []kernels.Buffer, outs []int, narrow map[int]bool) (chain *kernels.Chain, in, used []int) {
	chain = &kernels.Chain{}
	made, count := map[int]int{}, 0
	add := func(i int, again bool) {
		call := c.Calls[i]
		l := kernels.Link{Op: call.Op, Again: again}
		var wide []kernels.Desc
		stored := func(d kernels.Desc, v int) kernels.Desc {
			if narrow[v] {
				d.DType = kernels.BFloat16
			}
			return d
		}
		for _, v := range call.In {
			wide = append(wide, values[v].Desc)
			l.In = append(l.In, stored(values[v].Desc, v))
			if k, ok := made[v]; ok {
				l.From = append(l.From, -1-k)
				continue
			}
			if !slices.Contains(in, v) {
				in = append(in, v)
			}
			l.From = append(l.From, slices.Index(in, v))
		}
		want, err := call.Op.Infer(wide)
		if err != nil {
			panic(err)
		}
		for k, d := range want {
			v := outs[i] + k
			if k == 0 || !again {
				made[v] = count
			}
			count++
			l.Out = append(l.Out, stored(d, v))
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

// narrow lists the values that may be stored in bfloat16.
func (c ChainCase) narrow() map[int]bool {
	wide := map[int]bool{}
	for i, x := range c.Inputs {
		wide[i] = x.Shape[len(x.Shape)-1] == 1
	}
	var outs []int
	descs := []kernels.Desc{}
	for _, x := range c.Inputs {
		descs = append(descs, x.Desc)
	}
	for _, call := range c.Calls {
		var in []kernels.Desc
		for _, v := range call.In {
			in = append(in, descs[v])
		}
		out, err := call.Op.Infer(in)
		if err != nil {
			panic(err)
		}
		outs = append(outs, len(descs))
		descs = append(descs, out...)
	}
	// Values of one group are stored alike, so that what is wide makes others wide.
	for changed := true; changed; {
		changed = false
		for i, call := range c.Calls {
			s, groups := kernels.Activations(call.Op), map[int]bool{0: true}
			each := func(visit func(v, group int)) {
				for j, v := range call.In {
					visit(v, s.Group(j))
				}
				last := len(descs)
				if i+1 < len(outs) {
					last = outs[i+1]
				}
				for o := range last - outs[i] {
					visit(outs[i]+o, s.Group(-1-o))
				}
			}
			each(func(v, g int) { groups[g] = groups[g] || wide[v] })
			each(func(v, g int) {
				if groups[g] && !wide[v] {
					wide[v], changed = true, true
				}
			})
		}
	}
	narrow := map[int]bool{}
	for v := range descs {
		narrow[v] = !wide[v]
	}
	return narrow
}

// promoted is a buffer in float64, or itself where it is of integers.
func promoted(b kernels.Buffer) kernels.Buffer { return Call{In: []kernels.Buffer{b}}.promoted().In[0] }
