package cpu

import (
	"math"

	"aural/kernels"
)

// ctc is a CTC op with its sizes. The softmaxes are cut by frames; then each batch row is one part, which one worker computes in memory of its own.
//
// Probabilities along paths are [scaled] numbers: they neither underflow nor need logarithms. A cell of the lattice costs two sums and a product where
// log space takes three exponentials and a logarithm.
//
// The floor is in the cells: B·T·(2U+1) for each sweep at some 15 ns, one sweep for the loss and two for the gradient. 100 s of speech with 15 labels a second, cut
// into 10 rows of 500 frames, have 1.5 M cells: 20 ms and 45 ms on one core, of some seconds that the encoder takes. Memory traffic is less: 0.6 MB of logits.
type ctc struct {
	kernels.CTCLoss
	logits         int // number of that input; lengths, targets and their lengths follow
	frames, labels int
	classes        int

	lse                  region // (B,T) log-sum-exp of the logits
	soft                 region // per worker (V): softmax of a frame, where the op does not keep it
	probs                region // per worker (V): probabilities of one frame
	classList, classMark region // per worker (L+1) and (V): the classes that the row's target has, and which are in that list
	occupied             region // per worker (V): occupancy of the classes at one frame
	alpha, beta          region // per worker: cells of the lattice
}

func (b *Backend) newCTC(p *plan, o kernels.CTCLoss, in []kernels.Desc, logits, alphaRows int) *ctc {
	s := &ctc{CTCLoss: o, logits: logits, frames: in[logits].Shape[1], classes: in[logits].Last(), labels: in[logits+2].Last()}
	s.lse = p.reserve(in[logits].Rows(), 8)
	s.soft = p.floats(b.threads * s.classes)
	s.probs, s.occupied = p.reserve(b.threads*s.classes, scaledSize), p.reserve(b.threads*s.classes, 8)
	s.classList, s.classMark = p.reserve(b.threads*(s.labels+1), 4), p.reserve(b.threads*s.classes, 4)
	s.alpha, s.beta = p.reserve(b.threads*alphaRows*s.cells(), scaledSize), p.reserve(b.threads*s.cells(), scaledSize)
	return s
}

// cells is the size of a row of the lattice: the states, and two cells of probability 0 before or behind them.
func (s *ctc) cells() int { return 2*s.labels + 1 + 2 }

// frame works out the log-sum-exp of one frame; y receives exp(x - max), whose sum is returned.
func (s *ctc) frame(c *call, w *worker, n int, y []float32) float32 {
	x := c.in[s.logits].F32()[n*s.classes:][:s.classes]
	top := w.v.vec.max(x)
	sum := w.v.vec.expSum(y, x, 1, top)
	s.lse.f64(c)[n] = float64(top) + math.Log(float64(sum))
	return sum
}

// padding reports whether a frame of the batch is beyond the end of its row.
func (s *ctc) padding(c *call, n int) bool {
	return n%s.frames >= int(c.in[s.logits+1].I32()[n/s.frames])
}

func (b *Backend) ctcLoss(o kernels.CTCLoss, in []kernels.Desc) *plan {
	p := b.plan("ctc_loss")
	s := b.newCTC(p, o, in, 0, min(2, in[0].Shape[1]))
	rows := in[0].Shape[0]
	losses := p.reserve(rows, 8)
	p.rows(in[0].Rows(), 4*s.classes, func(c *call, w *worker, lo, hi int) {
		for n := lo; n < hi; n++ {
			if !s.padding(c, n) {
				s.frame(c, w, n, s.soft.f32(c)[w.index*s.classes:][:s.classes])
			}
		}
	})
	p.add(rows, func(c *call, w *worker, b int) {
		l := s.lattice(c, w, b, 2)
		loss := l.forward()
		if o.ZeroInfinity && math.IsInf(loss, 1) {
			loss = 0
		}
		losses.f64(c)[b] = loss
	})
	p.add(1, func(c *call, _ *worker, _ int) {
		var total float64
		for b, loss := range losses.f64(c) {
			c.out[1].F32()[b] = float32(loss)
			total += loss
		}
		c.out[0].F32()[0] = float32(total)
	})
	return p
}

func (b *Backend) ctcLossGrad(o kernels.CTCLossGrad, in []kernels.Desc) *plan {
	p := b.plan("ctc_loss_grad")
	s := b.newCTC(p, o.CTC, in, 1, in[1].Shape[1])
	p.rows(in[1].Rows(), 4*s.classes, func(c *call, w *worker, lo, hi int) {
		dloss := c.in[0].F32()[0]
		for n := lo; n < hi; n++ {
			y := c.out[0].F32()[n*s.classes:][:s.classes]
			if s.padding(c, n) {
				clear(y)
				continue
			}
			sum := s.frame(c, w, n, y)
			w.v.vec.scale(y, dloss/sum, y)
		}
	})
	p.add(in[1].Shape[0], func(c *call, w *worker, b int) {
		l := s.lattice(c, w, b, s.frames)
		dlogits := c.out[0].F32()[b*s.frames*s.classes:][:l.frames*s.classes]
		switch loss := l.forward(); {
		case math.IsInf(loss, 1) && o.CTC.ZeroInfinity:
			clear(dlogits)
		case math.IsInf(loss, 1) || math.IsNaN(loss):
			for i := range dlogits {
				dlogits[i] = float32(math.NaN())
			}
		default:
			l.backward(dlogits, float64(c.in[0].F32()[0]), s.occupied.f64(c)[w.index*s.classes:][:s.classes])
		}
	})
	return p
}

// lattice gives the worker's memory to batch row b. Alpha has that many rows, which are used in turn.
func (s *ctc) lattice(c *call, w *worker, b, alphaRows int) ctcLattice {
	lengths, targets, targetLengths := c.in[s.logits+1].I32(), c.in[s.logits+2].I32(), c.in[s.logits+3].I32()
	alphaRows = min(alphaRows, s.frames)
	l := ctcLattice{
		frames: int(lengths[b]), classes: s.classes, blank: s.Blank, target: targets[b*s.labels:][:targetLengths[b]],
		logits: c.in[s.logits].F32()[b*s.frames*s.classes:], lse: s.lse.f64(c)[b*s.frames:],
		probs: s.probs.scaled(c)[w.index*s.classes:][:s.classes],
		alpha: s.alpha.scaled(c)[w.index*alphaRows*s.cells():][:alphaRows*s.cells()], alphaRows: alphaRows,
		beta: s.beta.scaled(c)[w.index*s.cells():][:s.cells()],
	}
	l.states = 2*len(l.target) + 1
	l.list(s.classList.i32(c)[w.index*(s.labels+1):][:s.labels+1], s.classMark.i32(c)[w.index*s.classes:][:s.classes])
	return l
}
