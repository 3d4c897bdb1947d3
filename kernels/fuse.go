package kernels

import (
	"fmt"
	"strings"
)

// A Chain is several ops that a back end computes in one kernel, so that what one gives the next does not go through memory. It is an [Op] to a
// back end's Compile, and to reports. The executor makes chains, of what a [Fuser] takes; models do not contain any, and [All] does not list it.
//
// In: the external inputs of all links, each once, in the order in which links first read them. Out: the Used outputs of all links, in order.
// A kernel does not write other outputs: they have no memory.
type Chain struct{ Links []Link }

// Link is one op of a [Chain].
type Link struct {
	Op      Op
	In, Out []Desc
	// From says for each input where it comes from: k >= 0 is external input k of the chain, -(1+k) is output k of the chain, counted over all
	// outputs of all links before this one, used or not.
	From []int
	// Used says for each output whether it is read outside of the chain.
	Used []bool
	// Again marks an op that has run before, in the forward pass, and runs again here so that its first output need not be kept. No output of it is Used, and
	// its work does not count. Links before the first without Again all have it. Kept says for each of its outputs which external input holds it from
	// then, or -1: its moments, where another link reads them.
	Again bool
	Kept  []int
}

// Fuser is a Backend that compiles chains.
type Fuser interface {
	// Fuses says whether Compile takes the chain (whole), and whether there is a longer one, beginning with these links, that it would take (more). It is asked
	// often, so it looks at ops and descriptors alone. All links have one condition and are all forward or all backward; each but the first reads
	// an output of another; a chain of one link, to begin with, is only asked for more. While a chain grows, what its next link will read is Used; a chain
	// that is taken must be taken with fewer outputs used, too.
	//
	// On a CPU the results are those of single ops, bit for bit.
	Fuses(c *Chain) (whole, more bool)
}

// Name joins the names of the ops, without those that run again: "linear+gelu".
func (c *Chain) Name() string {
	var names []string
	for _, l := range c.Links {
		if !l.Again {
			names = append(names, l.Op.Name())
		}
	}
	return strings.Join(names, "+")
}

func (*Chain) sealed() {}

// Infer checks the inputs against those of the links and returns the used outputs.
func (c *Chain) Infer(in []Desc) ([]Desc, error) {
	var out, used []Desc
	for i, l := range c.Links {
		if len(l.From) != len(l.In) || len(l.Used) != len(l.Out) {
			return nil, fmt.Errorf("kernels: link %d (%s) of chain %s has %d sources for %d inputs, %d marks for %d outputs",
				i, l.Op.Name(), c.Name(), len(l.From), len(l.In), len(l.Used), len(l.Out))
		}
		for j, from := range l.From {
			all, k := in, from
			if from < 0 {
				all, k = out, -1-from
			}
			if k >= len(all) || !all[k].Equal(l.In[j]) {
				return nil, fmt.Errorf("kernels: link %d (%s) of chain %s: source %d of input %d is not %v", i, l.Op.Name(), c.Name(), from, j, l.In[j])
			}
		}
		wideIn, wideOut, err := Activations(l.Op).Widen(l.Op, l.In, l.Out)
		if err != nil {
			return nil, fmt.Errorf("kernels: link %d of chain %s: %w", i, c.Name(), err)
		}
		want, err := l.Op.Infer(wideIn)
		if err != nil {
			return nil, fmt.Errorf("kernels: link %d of chain %s: %w", i, c.Name(), err)
		}
		if len(want) != len(l.Out) {
			return nil, fmt.Errorf("kernels: link %d (%s) of chain %s has %d outputs, its op %d", i, l.Op.Name(), c.Name(), len(l.Out), len(want))
		}
		for j, d := range want {
			if !d.Equal(wideOut[j]) {
				return nil, fmt.Errorf("kernels: link %d (%s) of chain %s: output %d is %v, not %v", i, l.Op.Name(), c.Name(), j, d, l.Out[j])
			}
			if l.Used[j] {
				used = append(used, l.Out[j])
			}
		}
		out = append(out, l.Out...)
	}
	return used, nil
}

// FLOPs is the work of the links, without those that run again.
func (c *Chain) FLOPs(_, _ []Desc) int64 {
	var n int64
	for _, l := range c.Links {
		if !l.Again {
			n += l.Op.FLOPs(l.In, l.Out)
		}
	}
	return n
}

// Outputs numbers the outputs of link i: the first of them, counted over all links as in Link.From, and for each its place among the outputs of the
// chain, or -1 where it is not used.
func (c *Chain) Outputs(i int) (first int, place []int) {
	next := 0
	for j, l := range c.Links[:i+1] {
		if j == i {
			place = make([]int, len(l.Out))
		}
		for k, used := range l.Used {
			at := -1
			if used {
				at = next
				next++
			}
			if j == i {
				place[k] = at
			}
		}
		if j < i {
			first += len(l.Out)
		}
	}
	return first, place
}
