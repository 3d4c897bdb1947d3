package train

import (
	"errors"
	"fmt"

	"aural/kernels"
)

// AdamW trains [Weights] by kernels.AdamW. Consecutive parameters with equal settings are one launch over the flat buffers; parameters that are
// frozen are in none, and keep their bits.
//
// An update is queued as a whole, and decided where it is computed: Loss for each micro-batch, then Decide, Apply and, to learn what came of it, Wait.
type AdamW struct {
	be     kernels.Backend
	cfg    AdamWConfig
	losses []launch // one for each micro-batch
	norms  []launch // one per run of trained parameters
	decide launch
	steps  []launch // one per run of parameters with equal settings

	distinct []settings // row i of hyper belongs to distinct[i]
	memory   kernels.Memory
	at       places
	hyper    kernels.Buffer // float64: the settings of distinct[i] at i·stride, then the sample size
	verdict  kernels.Buffer
	hostHyp  []float64
	result   kernels.Memory // the verdict on the host
	numbers  []float64      // of result
	scratch  []byte
	step     kernels.Step
	t        uint64 // of the update that Decide began
}

// places are the byte offsets in AdamW.memory, and how many there are of each kind.
type places struct {
	losses, norms             int // counts
	sums, hyper, verdict, end int
}

// Verdict is what became of an update.
type Verdict struct {
	Norm    float64 // of the gradient of the mean loss, before clipping
	Clipped bool
	Fault   Fault
}

// Fault is why an update was not made: it changed nothing then.
type Fault int

const (
	NoFault   Fault = 0
	FaultSize Fault = kernels.FaultSize // the sample size is not a positive finite number
	FaultLoss Fault = kernels.FaultLoss // the loss of a micro-batch is not finite
	FaultNorm Fault = kernels.FaultNorm // the norm is not finite
)

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

// NewAdamW compiles the optimiser for w and updates of so many micro-batches. It refuses a configuration whose groups do not fit the parameters.
func NewAdamW(be kernels.Backend, w *Weights, cfg AdamWConfig, micros int) (_ *AdamW, err error) {
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
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Free())
		}
	}()
	rows := make([]int, len(updates))
	for i, s := range updates {
		rows[i] = o.row(s.settings)
	}
	if err := o.allocate(micros, len(norms)); err != nil {
		return nil, err
	}
	if err := o.compileDecision(); err != nil {
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

// allocate makes room on the back end: losses, sums of squares, settings, and the verdict, each number on a cache line of its own.
func (o *AdamW) allocate(micros, norms int) (err error) {
	o.hostHyp = make([]float64, (len(o.distinct)+1)*stride)
	a := &o.at
	a.losses, a.norms = micros, norms
	a.sums = micros * kernels.Alignment
	a.hyper = a.sums + norms*kernels.Alignment
	a.verdict = a.hyper + len(o.hostHyp)*8
	a.end = a.verdict + kernels.Alignment
	if o.memory, err = o.be.Alloc(a.end); err != nil {
		return fmt.Errorf("train: memory for the optimiser: %w", err)
	}
	if o.hyper, err = o.memory.Slice(kernels.Of(kernels.Float64, len(o.hostHyp)), a.hyper); err != nil {
		return err
	}
	if o.verdict, err = o.memory.Slice(kernels.Of(kernels.Float64, 4), a.verdict); err != nil {
		return err
	}
	if o.result, err = kernels.Pin(o.be, o.verdict.Bytes()); err != nil {
		return err
	}
	o.numbers = kernels.Elements[float64](o.result.Host)
	return nil
}

// compileDecision prepares what takes the losses, and what decides. The gaps between numbers are 0, which is no fault and adds nothing.
func (o *AdamW) compileDecision() error {
	const perLine = kernels.Alignment / 4
	for i := range o.at.losses {
		loss, err := o.memory.Slice(kernels.Of(kernels.Float32), i*kernels.Alignment)
		if err != nil {
			return err
		}
		if err := o.add(&o.losses, kernels.Scale{Factor: 1}, []kernels.Buffer{loss}, []kernels.Buffer{loss}); err != nil {
			return err
		}
	}
	losses, err := o.memory.Slice(kernels.Of(kernels.Float32, o.at.losses*perLine), 0)
	if err != nil {
		return err
	}
	size, err := o.memory.Slice(kernels.Of(kernels.Float64), o.at.hyper+len(o.distinct)*kernels.Alignment)
	if err != nil {
		return err
	}
	sums, err := o.memory.Slice(kernels.Of(kernels.Float64, o.at.norms*stride), o.at.sums)
	if err != nil {
		return err
	}
	o.decide, err = o.compile(kernels.ClipScale{Clip: o.cfg.Clip}, []kernels.Buffer{losses, size, sums}, []kernels.Buffer{o.verdict})
	return err
}

func (o *AdamW) compileNorm(w *Weights, s span, i int) error {
	grad, err := w.flat(w.sum, s.from, s.to)
	if err != nil {
		return err
	}
	sum, err := o.memory.Slice(kernels.Of(kernels.Float64), o.at.sums+i*kernels.Alignment)
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
	hyper, err := o.memory.Slice(kernels.Of(kernels.Float64, 3), o.at.hyper+row*kernels.Alignment)
	if err != nil {
		return err
	}
	op := kernels.AdamW{Beta1: o.cfg.Betas[0], Beta2: o.cfg.Betas[1], Eps: o.cfg.Eps}
	err = o.add(&o.steps, op, []kernels.Buffer{b[0], b[1], b[2], b[3], hyper, o.verdict}, []kernels.Buffer{b[0], b[2], b[3]})
	if err == nil {
		o.steps[len(o.steps)-1].from = s.settings.from
	}
	return err
}

func (o *AdamW) add(to *[]launch, op kernels.Op, in, out []kernels.Buffer) error {
	l, err := o.compile(op, in, out)
	if err == nil {
		*to = append(*to, l)
	}
	return err
}

func (o *AdamW) compile(op kernels.Op, in, out []kernels.Buffer) (launch, error) {
	l, err := compile(o.be, op, in, out)
	if err == nil && l.kernel.Scratch > len(o.scratch) {
		o.scratch = kernels.New(kernels.Uint8, l.kernel.Scratch).HostBytes()
	}
	return l, err
}

func (o *AdamW) run(l *launch) { l.kernel.Run(&o.step, l.in, l.out, o.scratch) }

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

// Loss notes the loss of micro-batch number micro of the next update, a float32 scalar on the back end: what is in it now, in order with the kernels.
func (o *AdamW) Loss(micro int, loss kernels.Buffer) error {
	if !loss.Desc.Equal(kernels.Of(kernels.Float32)) {
		return fmt.Errorf("train: the loss of a micro-batch is a %v, want a float32 scalar on the back end", loss.Desc)
	}
	l := &o.losses[micro]
	l.in[0] = loss
	o.run(l)
	return nil
}

// Decide begins update t (counted from 1) with the learning rate lr. The summed gradient is divided by size, and multiplied by what brings its norm down to
// Clip, in PyTorch's form Clip/(norm + 1e-6). The norm is the Euclidean one of all trained parameters. Nothing is waited for.
func (o *AdamW) Decide(t uint64, lr, size float64) error {
	o.t = t
	for i, s := range o.distinct {
		since := max(t, s.from+1) - s.from
		h := o.hostHyp[i*stride:]
		h[0], h[1], h[2] = lr*s.lrScale, s.decay, float64(since)
	}
	o.hostHyp[len(o.distinct)*stride] = size
	if err := kernels.Send(o.be, o.hyper, kernels.BytesOf(o.hostHyp)); err != nil {
		return fmt.Errorf("train: optimiser settings: %w", err)
	}
	for i := range o.norms {
		o.run(&o.norms[i])
	}
	o.run(&o.decide)
	if err := kernels.Fetch(o.be, o.result.Host, o.verdict); err != nil {
		return fmt.Errorf("train: gradient norm: %w", err)
	}
	return nil
}

// Apply makes the update that Decide began, unless it has a fault. Nothing is waited for.
func (o *AdamW) Apply() {
	for i := range o.steps {
		if l := &o.steps[i]; o.t > l.from {
			o.run(l)
		}
	}
}

// Wait waits for the back end and says what became of the update.
func (o *AdamW) Wait() (Verdict, error) {
	if err := o.be.Sync(); err != nil {
		return Verdict{}, fmt.Errorf("train: optimiser: %w", err)
	}
	v := o.numbers
	return Verdict{Norm: v[0], Clipped: v[1] < 1, Fault: Fault(v[3])}, nil
}

// Launches says how many kernels an update takes, beside those for the losses.
func (o *AdamW) Launches() int { return len(o.norms) + 1 + len(o.steps) }

// Free gives the optimiser's own memory back.
func (o *AdamW) Free() error {
	var err error
	for _, m := range []kernels.Memory{o.memory, o.result} {
		if m.Free != nil {
			err = errors.Join(err, m.Free())
		}
	}
	return err
}
