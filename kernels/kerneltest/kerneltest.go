// Package kerneltest holds one table of cases for the op vocabulary and the ways to run it. Only tests import it.
//
// A [Case] is a call of a forward op with inputs that meet the op's contract. It also states the calls that compute its gradients, so that
// every shape of a forward op tests the gradient ops too, on inputs that really came from a forward call. The table is used by
//
//   - [Run]: a back end against kernels/ref in float64, with guard words, dirty memory, repeats and noise at different steps;
//   - [CheckGradients]: the gradient calls against central differences on kernels/ref;
//   - [Bench]: time, on shapes of real models;
//   - [Missing]: is there an op of kernels.All that the table forgot?
//
// Package graph holds the gradient rules of the product. Those here are written a second time on purpose.
package kerneltest

import (
	"fmt"
	"slices"

	"aural/kernels"
	"aural/kernels/ref"
	"aural/rng"
)

// Case is one call of a forward op.
type Case struct {
	Name   string // unique among the cases of the op; says what is special
	Op     kernels.Op
	Inputs []Input
	Step   kernels.Step

	// Backward returns the calls that compute the gradients of the inputs from dy, the gradient of output 0. The other outputs of an op are
	// statistics that nothing is differentiated through.
	Backward func(in, out []kernels.Buffer, dy kernels.Buffer) []Gradient
	// NoGradient is the reason why the case has no gradient to check; it may have a Backward that then only tests parity.
	NoGradient string
	// Constants are the floating point inputs that have no gradient by definition.
	Constants []int
	// StraightThrough names, for an input whose gradient is deliberately not the derivative of Op, the op whose derivative it is.
	StraightThrough map[int]kernels.Op

	// InPlace[o] is the input whose buffer output o may share, for the ops that allow it.
	InPlace []int
	// Slack multiplies the tolerance of the op's class, for inputs that are harder than those of the class; 0 means 1.
	Slack float64
	// NoKernel is the reason why back ends must refuse the op.
	NoKernel string
}

// Input describes one input and how to fill it. Floating point inputs are described as Float32; the judge gets the same values in Float64.
type Input struct {
	kernels.Desc
	Fill func(r *rng.Stream, b kernels.Buffer)
}

// Gradient is one call that computes gradients.
type Gradient struct {
	Op kernels.Op // nil: the first input itself is the gradient
	In []kernels.Buffer
	Of []int // Of[o] is the input of the forward op whose gradient output o is
}

// Call is an op with its inputs, on the host.
type Call struct {
	Op       kernels.Op
	In       []kernels.Buffer
	Out      []kernels.Desc // what Op.Infer gives when nil
	Step     kernels.Step
	InPlace  []int
	Slack    float64
	NoKernel string
}

// Cases lists every case.
func Cases() []Case {
	return slices.Concat(
		linearCases(), convCases(), weightNormCases(), layerNormCases(), groupNormCases(),
		activationCases(), arithmeticCases(), castCases(), maskCases(), waveformCases(), rowCases(), selectCases(),
		attentionCases(), quantizeCases(), diversityCases(), contrastiveCases(), ctcCases(), optimCases(),
	)
}

// fullName is unique in the table.
func (c Case) fullName() string { return c.Op.Name() + "/" + c.Name }

// forward fills the inputs. The same case always gets the same numbers.
func (c Case) forward() Call {
	in := make([]kernels.Buffer, len(c.Inputs))
	for i, x := range c.Inputs {
		in[i] = kernels.New(x.DType, x.Shape...)
		x.Fill(rng.At(1, uint64(i), rng.Site(c.fullName())), in[i])
	}
	return Call{Op: c.Op, In: in, Step: c.Step, InPlace: c.InPlace, Slack: c.Slack, NoKernel: c.NoKernel}
}

// outputGradient is a random gradient of output 0.
func (c Case) outputGradient(d kernels.Desc) kernels.Buffer {
	dy := kernels.New(d.DType, d.Shape...)
	fillNormal(0, 1)(rng.At(1, uint64(len(c.Inputs)), rng.Site(c.fullName())), dy)
	return dy
}

// calls lists the forward call and the gradient calls, in float32.
func (c Case) calls() ([]Call, error) {
	fwd := c.forward()
	calls := []Call{fwd}
	if c.Backward == nil {
		return calls, nil
	}
	out, err := reference(fwd)
	if err != nil {
		return nil, fmt.Errorf("kerneltest: %s: %w", c.fullName(), err)
	}
	for _, g := range c.Backward(fwd.In, out, c.outputGradient(out[0].Desc)) {
		if g.Op != nil {
			calls = append(calls, Call{Op: g.Op, In: g.In, Step: c.Step, Slack: c.Slack})
		}
	}
	return calls, nil
}

// descs lists the descriptors of buffers.
func descs(bufs []kernels.Buffer) []kernels.Desc {
	d := make([]kernels.Desc, len(bufs))
	for i, b := range bufs {
		d[i] = b.Desc
	}
	return d
}

// reference computes a call with kernels/ref in the types that its inputs have.
func reference(c Call) ([]kernels.Buffer, error) {
	run, out, err := compileReference(c)
	if err != nil {
		return nil, err
	}
	run()
	return out, nil
}

// compileReference prepares a call that can be run many times on the same inputs and outputs.
func compileReference(c Call) (run func(), out []kernels.Buffer, err error) {
	outDescs, err := c.outputs()
	if err != nil {
		return nil, nil, err
	}
	k, err := ref.New().Compile(c.Op, descs(c.In), outDescs)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range outDescs {
		out = append(out, kernels.New(d.DType, d.Shape...))
	}
	scratch := kernels.New(kernels.Uint8, k.Scratch).HostBytes()
	return func() { k.Run(&c.Step, c.In, out, scratch) }, out, nil
}

// outputs are the descriptors of the outputs.
func (c Call) outputs() ([]kernels.Desc, error) {
	if c.Out != nil {
		return c.Out, nil
	}
	return c.Op.Infer(descs(c.In))
}

// promoted is the call with its inputs in float64, where the op allows that.
func (c Call) promoted() Call {
	if _, ok := c.Op.(kernels.Cast); ok {
		return c // between storage types: exact in float32
	}
	in := make([]kernels.Buffer, len(c.In))
	for i, b := range c.In {
		in[i] = b
		switch b.DType {
		case kernels.Float32:
			in[i] = kernels.New(kernels.Float64, b.Shape...)
			copy(kernels.Data[float64](in[i]), floats(b))
		case kernels.BFloat16:
			in[i] = kernels.New(kernels.Float64, b.Shape...)
			copy(kernels.Data[float64](in[i]), widened(b))
		}
	}
	c.In, c.Out = in, nil
	return c
}

// noisy reports whether the call draws random numbers.
func (c Call) noisy() bool {
	switch o := c.Op.(type) {
	case kernels.Dropout:
		return o.P > 0
	case kernels.Attention:
		return o.DropP > 0
	case kernels.AttentionGrad:
		return o.Attention.DropP > 0
	case kernels.GumbelQuantize:
		return o.Noise
	case kernels.GumbelQuantizeGrad:
		return o.Quantize.Noise
	}
	return false
}
