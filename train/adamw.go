package train

import (
	"fmt"
	"math"

	"aural/kernels"
)

// AdamW trains [Weights] by kernels.AdamW. Consecutive parameters with equal settings are one launch over the flat buffers; parameters that are
// frozen are in none, and keep their bits.
type AdamW struct {
	be    kernels.Backend
	cfg   AdamWConfig
	norms []launch // one per run of trained parameters
	steps []launch // one per run of parameters with equal settings

	distinct []settings // row i of hyper belongs to distinct[i]
	memory   kernels.Memory
	sums     kernels.Buffer // (len(norms)·stride) float64: Σg² of norms[i] at i·stride
	hyper    kernels.Buffer // (len(distinct)·stride) float64
	hostSums []float64
	hostHyp  []float64
	scratch  []byte
	step     kernels.Step
}

// launch is a compiled kernel with its arguments.
type launch struct {
	kernel  kernels.Kernel
	in, out []kernels.Buffer
	from    uint64 // updates before the first that it is part of
}

// stride is the distance in float64s of what must be aligned by itself.
const stride = kernels.Alignment / 8

// span is a run of parameters, as elements of the flat buffers.
type span struct {
	from, to int
	settings settings
}

// NewAdamW compiles the optimiser for w. It refuses a configuration whose groups do not fit the parameters.
func NewAdamW(be kernels.Backend, w *Weights, cfg AdamWConfig) (*AdamW, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	resolved, err := cfg.resolve(w.specs)
	if err != nil {
		return nil, err
	}
	updates := w.spans(resolved)
	for i := range resolved {
		resolved[i] = settings{frozen: resolved[i].frozen}
	}
	norms := w.spans(resolved) // settings do not cut the norm
	o := &AdamW{be: be, cfg: cfg}
	rows := make([]int, len(updates))
	for i, s := range updates {
		rows[i] = o.row(s.settings)
	}
	if err := o.allocate(len(norms)); err != nil {
		return nil, err
	}
	for i, s := range norms {
		if err := o.compileNorm(w, s, i); err != nil {
			return nil, err
		}
	}
	for i, s := range updates {
		if err := o.compileUpdate(w, s, rows[i]); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// spans joins neighbours with equal settings and leaves out the frozen ones. The gaps between parameters are zero everywhere and stay so.
func (w *Weights) spans(per []settings) []span {
	var out []span
	for i, s := range w.specs {
		from, to := w.offset[s.Name], w.Value.Size()
		if i+1 < len(w.specs) {
			to = w.offset[w.specs[i+1].Name]
		}
		switch last := len(out) - 1; {
		case per[i].frozen || from == to:
		case last >= 0 && out[last].to == from && out[last].settings == per[i]:
			out[last].to = to
		default:
			out = append(out, span{from, to, per[i]})
		}
	}
	return out
}

func (o *AdamW) row(s settings) int {
	for i, d := range o.distinct {
		if d == s {
			return i
		}
	}
	o.distinct = append(o.distinct, s)
	return len(o.distinct) - 1
}

func (o *AdamW) allocate(norms int) (err error) {
	n := norms * stride
	o.hostSums, o.hostHyp = make([]float64, n), make([]float64, len(o.distinct)*stride)
	if o.memory, err = o.be.Alloc((n + len(o.hostHyp)) * 8); err != nil {
		return fmt.Errorf("train: memory for the optimiser: %w", err)
	}
	if o.sums, err = o.memory.Slice(kernels.Of(kernels.Float64, n), 0); err != nil {
		return err
	}
	o.hyper, err = o.memory.Slice(kernels.Of(kernels.Float64, len(o.hostHyp)), n*8)
	return err
}

func (o *AdamW) compileNorm(w *Weights, s span, i int) error {
	grad, err := w.flat(w.sum, s.from, s.to)
	if err != nil {
		return err
	}
	sum, err := o.memory.Slice(kernels.Of(kernels.Float64), i*kernels.Alignment)
	if err != nil {
		return err
	}
	return o.add(&o.norms, kernels.SumSquares{}, []kernels.Buffer{grad}, []kernels.Buffer{sum})
}

func (o *AdamW) compileUpdate(w *Weights, s span, row int) error {
	var b [4]kernels.Buffer
	for i, mem := range []kernels.Memory{w.value, w.sum, w.m, w.v} {
		var err error
		if b[i], err = w.flat(mem, s.from, s.to); err != nil {
			return err
		}
	}
	hyper, err := o.memory.Slice(kernels.Of(kernels.Float64, 4), len(o.hostSums)*8+row*kernels.Alignment)
	if err != nil {
		return err
	}
	op := kernels.AdamW{Beta1: o.cfg.Betas[0], Beta2: o.cfg.Betas[1], Eps: o.cfg.Eps}
	err = o.add(&o.steps, op, []kernels.Buffer{b[0], b[1], b[2], b[3], hyper}, []kernels.Buffer{b[0], b[2], b[3]})
	if err == nil {
		o.steps[len(o.steps)-1].from = s.settings.from
	}
	return err
}

func (o *AdamW) add(to *[]launch, op kernels.Op, in, out []kernels.Buffer) error {
	l, err := compile(o.be, op, in, out)
	if err != nil {
		return err
	}
	if l.kernel.Scratch > len(o.scratch) {
		o.scratch = kernels.New(kernels.Uint8, l.kernel.Scratch).HostBytes()
	}
	*to = append(*to, l)
	return nil
}

func compile(be kernels.Backend, op kernels.Op, in, out []kernels.Buffer) (launch, error) {
	k, err := be.Compile(op, descs(in), descs(out))
	if err != nil {
		return launch{}, fmt.Errorf("train: compile %s: %w", op.Name(), err)
	}
	return launch{kernel: k, in: in, out: out}, nil
}

func descs(b []kernels.Buffer) []kernels.Desc {
	d := make([]kernels.Desc, len(b))
	for i := range b {
		d[i] = b[i].Desc
	}
	return d
}

// Norm is the Euclidean norm of the summed gradient of all trained parameters, before any scaling. It is Inf or NaN when an element is.
func (o *AdamW) Norm() (float64, error) {
	for i := range o.norms {
		l := &o.norms[i]
		l.kernel.Run(&o.step, l.in, l.out, o.scratch)
	}
	if err := o.be.Sync(); err != nil {
		return 0, fmt.Errorf("train: gradient norm: %w", err)
	}
	if err := o.be.Download(kernels.BytesOf(o.hostSums), o.sums); err != nil {
		return 0, fmt.Errorf("train: gradient norm: %w", err)
	}
	sum := 0.0
	for i := range o.norms {
		sum += o.hostSums[i*stride]
	}
	return math.Sqrt(sum), nil
}

// ClipFactor is what a gradient of this norm is multiplied with: 1, or what brings it down to Clip, in PyTorch's form Clip/(norm + 1e-6).
func (c AdamWConfig) ClipFactor(norm float64) float64 {
	if c.Clip == 0 {
		return 1
	}
	return min(1, c.Clip/(norm+1e-6))
}

// Apply makes update t (counted from 1) with the learning rate lr. The summed gradient is multiplied by scale on the way.
func (o *AdamW) Apply(t uint64, lr, scale float64) error {
	for i, s := range o.distinct {
		since := max(t, s.from+1) - s.from
		copy(o.hostHyp[i*stride:], []float64{lr * s.lrScale, s.decay, float64(since), scale})
	}
	if err := o.be.Upload(o.hyper, kernels.BytesOf(o.hostHyp)); err != nil {
		return fmt.Errorf("train: optimiser settings: %w", err)
	}
	for i := range o.steps {
		l := &o.steps[i]
		if t <= l.from {
			continue
		}
		l.kernel.Run(&o.step, l.in, l.out, o.scratch)
	}
	if err := o.be.Sync(); err != nil {
		return fmt.Errorf("train: optimiser: %w", err)
	}
	return nil
}

// Launches says how many kernels an update takes.
func (o *AdamW) Launches() int { return len(o.norms) + len(o.steps) }

// Free gives the optimiser's own memory back.
func (o *AdamW) Free() error {
	if o.memory.Free == nil {
		return nil
	}
	return o.memory.Free()
}
