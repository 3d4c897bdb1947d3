package ref

import (
	"math"

	"aural/kernels"
)

// lattice is the data of one row of a CTC call. Its states are the target with a blank before, between and behind its labels: S = 2U+1.
type lattice[T float] struct {
	logits []T // (frames, classes)
	target []int32
	frames int
	class  int // classes
	blank  int
	lse    []float64 // (frames) log-sum-exp of the logits
	alpha  []float64 // (frames, states) log-probability of the paths that end in a state, with that frame's class
	beta   []float64 // (frames, states) log-probability of the frames after this one, from a state
}

// ctcScratch is the working memory of a lattice, in float64.
func ctcScratch(logits, targets kernels.Desc) int {
	frames := logits.Shape[1]
	return frames + 2*frames*(2*targets.Last()+1)
}

func newLattice[T float](op kernels.CTCLoss, in []kernels.Buffer, row int, scratch []float64) lattice[T] {
	logits, lengths, targets, targetLengths := in[0], in[1].I32(), in[2], in[3].I32()
	per := logits.Shape[1] * logits.Last()
	l := lattice[T]{
		logits: vec[T](logits)[row*per:][:per], target: targets.I32()[row*targets.Last():][:targetLengths[row]],
		frames: int(lengths[row]), class: logits.Last(), blank: op.Blank,
	}
	cells := l.frames * l.states()
	l.lse, l.alpha, l.beta = scratch[:l.frames], scratch[l.frames:][:cells], scratch[l.frames+cells:][:cells]
	for t := range l.frames {
		x := l.logits[t*l.class:][:l.class]
		top := math.Inf(-1)
		for _, v := range x {
			top = max(top, float64(v))
		}
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64(v) - top)
		}
		l.lse[t] = top + math.Log(sum)
	}
	return l
}

func (l *lattice[T]) states() int { return 2*len(l.target) + 1 }

// label is the class of a state.
func (l *lattice[T]) label(s int) int {
	if s%2 == 0 {
		return l.blank
	}
	return int(l.target[s/2])
}

// logProb is the log-probability of class k at frame t.
func (l *lattice[T]) logProb(t, k int) float64 { return float64(l.logits[t*l.class+k]) - l.lse[t] }

// skips reports whether a path may go from state s-2 to s: over a blank that does not have to part two equal labels.
func (l *lattice[T]) skips(s int) bool {
	return s%2 == 1 && s >= 3 && l.label(s) != l.label(s-2)
}

// forward fills alpha and returns the log-probability of the target.
func (l *lattice[T]) forward() float64 {
	n := l.states()
	minusInf := math.Inf(-1)
	if l.frames == 0 {
		if len(l.target) == 0 {
			return 0
		}
		return minusInf
	}
	for t := range l.frames {
		for s := range n {
			from := [3]float64{minusInf, minusInf, minusInf}
			switch {
			case t == 0 && s < 2:
				from[0] = 0
			case t > 0:
				from[0] = l.alpha[(t-1)*n+s]
				if s > 0 {
					from[1] = l.alpha[(t-1)*n+s-1]
				}
				if l.skips(s) {
					from[2] = l.alpha[(t-1)*n+s-2]
				}
			}
			l.alpha[t*n+s] = logSumExp(from[:]) + l.logProb(t, l.label(s))
		}
	}
	last := l.alpha[(l.frames-1)*n:]
	if n == 1 {
		return last[0]
	}
	return logSumExp(last[n-2 : n])
}

// backward fills beta.
func (l *lattice[T]) backward() {
	n := l.states()
	for t := l.frames - 1; t >= 0; t-- {
		for s := range n {
			to := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
			step := func(i int) { to[i] = l.beta[(t+1)*n+s+i] + l.logProb(t+1, l.label(s+i)) }
			switch {
			case t == l.frames-1 && s >= n-2:
				to[0] = 0
			case t < l.frames-1:
				step(0)
				if s+1 < n {
					step(1)
				}
				if s+2 < n && l.skips(s+2) {
					step(2)
				}
			}
			l.beta[t*n+s] = logSumExp(to[:])
		}
	}
}

// ctcLoss is loss_b = -log p(target_b).
func ctcLoss[T float](op kernels.CTCLoss, in []kernels.Desc) kernels.Kernel {
	return kernelWithScratch(ctcScratch(in[0], in[2]), func(_ *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		losses := vec[T](out[1])
		total := 0.0
		for b := range losses {
			l := newLattice[T](op, in, b, scratch)
			loss := -l.forward()
			if op.ZeroInfinity && math.IsInf(loss, 1) {
				loss = 0
			}
			losses[b] = T(loss)
			total += loss
		}
		vec[T](out[0])[0] = T(total)
	})
}

// ctcLossGrad is dlogits[t,k] = dloss·(softmax[t,k] - Σ over states s of class k of exp(alpha + beta - log p)).
func ctcLossGrad[T float](op kernels.CTCLoss, in []kernels.Desc) kernels.Kernel {
	return kernelWithScratch(ctcScratch(in[1], in[3]), func(_ *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		dloss, classes := float64(vec[T](in[0])[0]), in[1].Last()
		per := in[1].Shape[1] * classes
		dlogits := vec[T](out[0])
		clear(dlogits)
		for b := range in[1].Shape[0] {
			l := newLattice[T](op, in[1:], b, scratch)
			logp := l.forward()
			if op.ZeroInfinity && math.IsInf(logp, -1) {
				continue
			}
			l.backward()
			n := l.states()
			for t := range l.frames {
				for k := range classes {
					d := math.Exp(l.logProb(t, k))
					if math.IsInf(logp, -1) || math.IsNaN(logp) {
						d = math.NaN()
					}
					for s := range n {
						if l.label(s) == k {
							d -= math.Exp(l.alpha[t*n+s] + l.beta[t*n+s] - logp)
						}
					}
					dlogits[b*per+t*classes+k] = T(dloss * d)
				}
			}
		}
	})
}
