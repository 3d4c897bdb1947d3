package cpu

import (
	"math"
	"unsafe"
)

// scaled is a probability m·2^e, with m in [1,2) or m = 0 and e = noExponent.
type scaled struct {
	m float64
	e int64
}

const (
	scaledSize = int(unsafe.Sizeof(scaled{}))
	// noExponent is that of 0. It lies far below every other: a logit 1e13 below the largest counts as -Inf.
	noExponent    = -1 << 60
	leastLog2     = -1.5e13
	exponentBias  = 1023
	mantissaBits  = 52
	leastExponent = -1000
)

func (r region) scaled(c *call) []scaled { return regionOf[scaled](r, c) }

// exp2 is 2^x.
func exp2(x float64) scaled {
	if x < leastLog2 {
		return scaled{0, noExponent}
	}
	whole := math.Floor(x)
	return scaled{math.Exp2(x - whole), int64(whole)}
}

// pow is 2^e for e <= 1000, 0 for very small ones.
func pow(e int64) float64 {
	return math.Float64frombits(uint64(max(e, leastExponent)+exponentBias) << mantissaBits)
}

// times is (m·2^e)·p with m in [0,8) and p normal or 0.
func times(m float64, e int64, p scaled) scaled {
	m *= p.m
	if m == 0 {
		return scaled{0, noExponent}
	}
	bits := math.Float64bits(m)
	shift := int64(bits>>mantissaBits) - exponentBias
	return scaled{math.Float64frombits(bits - uint64(shift)<<mantissaBits), e + p.e + shift}
}

// ctcLattice is one row of a CTC call: frames times states, the target with a blank before, between and behind its labels.
type ctcLattice struct {
	frames, classes, blank, states int
	target                         []int32
	logits                         []float32 // (frames, classes)
	lse                            []float64 // (frames)
	used                           []int32   // the classes of the states, each once
	probs                          []scaled  // (classes) of the frame at hand; only those of used are set
	alpha                          []scaled  // (alphaRows, 2+states) paths that end in a state; the first two are 0
	beta                           []scaled  // (states+2) what follows a state; the last two are 0
	alphaRows                      int
	total                          scaled // probability of the target
}

// list finds the classes of the states, in room, with marks.
func (l *ctcLattice) list(room, marks []int32) {
	clear(marks)
	l.used = append(room[:0], int32(l.blank))
	marks[l.blank] = 1
	for _, k := range l.target {
		if marks[k] == 0 {
			marks[k] = 1
			l.used = append(l.used, k)
		}
	}
}

// frame works out the probabilities of the classes at frame t.
func (l *ctcLattice) frame(t int) {
	x, lse := l.logits[t*l.classes:][:l.classes], l.lse[t]
	for _, k := range l.used {
		l.probs[k] = exp2((float64(x[k]) - lse) * math.Log2E)
	}
}

// class is that of a state.
func (l *ctcLattice) class(s int) int {
	if s&1 == 0 {
		return l.blank
	}
	return int(l.target[s>>1])
}

// skips reports whether a path may go from state s-2 to s: over a blank that does not have to part two equal labels.
func (l *ctcLattice) skips(s int) bool {
	return s&1 == 1 && s >= 3 && l.target[s>>1] != l.target[s>>1-1]
}

// row is alpha at frame t: state s is element 2+s.
func (l *ctcLattice) row(t int) []scaled { return l.alpha[t%l.alphaRows*(l.states+2):][:l.states+2] }

// forward fills alpha and returns the loss: +Inf where no path fits, NaN where a frame has no softmax.
func (l *ctcLattice) forward() float64 {
	if l.frames == 0 && len(l.target) == 0 {
		return 0
	}
	if l.frames == 0 {
		return math.Inf(1)
	}
	for t := range l.frames {
		if math.IsNaN(l.lse[t]) || math.IsInf(l.lse[t], 0) {
			return math.NaN()
		}
		l.frame(t)
		now := l.row(t)
		now[0], now[1] = scaled{0, noExponent}, scaled{0, noExponent}
		if t == 0 {
			l.start(now[2:])
			continue
		}
		before := l.row(t - 1)
		for s := range l.states {
			a, b, c := before[2+s], before[1+s], scaled{0, noExponent}
			if l.skips(s) {
				c = before[s]
			}
			e := max(a.e, b.e, c.e)
			now[2+s] = times(a.m*pow(a.e-e)+b.m*pow(b.e-e)+c.m*pow(c.e-e), e, l.probs[l.class(s)])
		}
	}
	last := l.row(l.frames - 1)
	a, b := last[1+l.states], last[l.states]
	e := max(a.e, b.e)
	l.total = times(a.m*pow(a.e-e)+b.m*pow(b.e-e), e, scaled{1, 0})
	return -(math.Log(l.total.m) + float64(l.total.e)*math.Ln2)
}

// start is the first frame of alpha: a path begins with the first blank or the first label.
func (l *ctcLattice) start(now []scaled) {
	for s := range now {
		now[s] = scaled{0, noExponent}
		if s < 2 {
			now[s] = l.probs[l.class(s)]
		}
	}
}

// backward subtracts dloss times the occupancies from dlogits, which holds dloss times the softmax. Forward must have run, with a finite loss.
func (l *ctcLattice) backward(dlogits []float32, dloss float64, occupied []float64) {
	beta := l.beta[:l.states+2]
	for t := l.frames - 1; t >= 0; t-- {
		for _, k := range l.used {
			occupied[k] = 0
		}
		l.frame(t)
		alpha := l.row(t)
		for s := range l.states {
			if t == l.frames-1 {
				beta[s] = scaled{0, noExponent}
				if s >= l.states-2 {
					beta[s] = scaled{1, 0}
				}
			} else {
				// So far beta holds, of the frame after this one, the probabilities with that frame's class.
				a, b, c := beta[s], beta[s+1], scaled{0, noExponent}
				if s+2 < l.states && l.skips(s+2) {
					c = beta[s+2]
				}
				e := max(a.e, b.e, c.e)
				beta[s] = times(a.m*pow(a.e-e)+b.m*pow(b.e-e)+c.m*pow(c.e-e), e, scaled{1, 0})
			}
			k := l.class(s)
			// Through this state run at most all paths of the target, so the exponent is at most 1.
			occupied[k] += alpha[2+s].m * beta[s].m / l.total.m * pow(alpha[2+s].e+beta[s].e-l.total.e)
			beta[s] = times(beta[s].m, beta[s].e, l.probs[k])
		}
		beta[l.states], beta[l.states+1] = scaled{0, noExponent}, scaled{0, noExponent}
		d := dlogits[t*l.classes:][:l.classes]
		for _, k := range l.used {
			d[k] -= float32(dloss * occupied[k])
		}
	}
}
