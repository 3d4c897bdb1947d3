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

// sum2 is a + b, with a mantissa in [1,4), or [1,6) where a has one of [1,4).
func sum2(a, b scaled) scaled {
	e := max(a.e, b.e)
	return scaled{a.m*pow(a.e-e) + b.m*pow(b.e-e), e}
}

// times is a·b with a mantissa in [1,2) again.
func times(a, b scaled) scaled {
	m := a.m * b.m
	if m == 0 {
		return scaled{0, noExponent}
	}
	bits := math.Float64bits(m)
	shift := int64(bits>>mantissaBits) - exponentBias
	return scaled{math.Float64frombits(bits - uint64(shift)<<mantissaBits), a.e + b.e + shift}
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
		// Element j of before is state j-2, so that states 2i and 2i+1 come from elements 2i+1 to 2i+3.
		before, blank, last := l.row(t-1), l.probs[l.blank], int32(-1)
		for i, k := range l.target {
			from, to := before[2*i+1:2*i+4], now[2*i+2:2*i+4]
			to[0] = times(sum2(from[0], from[1]), blank)
			both := sum2(from[1], from[2])
			if k != last && i > 0 { // over a blank that does not have to part two equal labels
				both = sum2(both, from[0])
			}
			to[1], last = times(both, l.probs[k]), k
		}
		now[l.states+1] = times(sum2(before[l.states], before[l.states+1]), blank)
	}
	last := l.row(l.frames - 1)
	l.total = times(sum2(last[l.states], last[l.states+1]), scaled{1, 0})
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
		if t == l.frames-1 {
			l.end(beta)
		} else {
			l.before(beta)
		}
		// Through a state run at most all paths of the target, so the exponents of the occupancies are at most 1.
		alpha := l.row(t)[2:]
		blank, blanks := l.probs[l.blank], 0.0
		for i := 0; i < l.states; i += 2 {
			blanks += alpha[i].m * beta[i].m * pow(alpha[i].e+beta[i].e-l.total.e)
			beta[i] = times(beta[i], blank)
		}
		occupied[l.blank] = blanks
		for i, k := range l.target {
			a, b := alpha[2*i+1], beta[2*i+1]
			occupied[k] += a.m * b.m * pow(a.e+b.e-l.total.e)
			beta[2*i+1] = times(b, l.probs[k])
		}
		d := dlogits[t*l.classes:][:l.classes]
		for _, k := range l.used {
			d[k] -= float32(dloss / l.total.m * occupied[k])
		}
	}
}

// end is beta at the last frame: a path ends with the last label or the blank behind it.
func (l *ctcLattice) end(beta []scaled) {
	for s := range beta {
		beta[s] = scaled{0, noExponent}
	}
	for s := max(0, l.states-2); s < l.states; s++ {
		beta[s] = scaled{1, 0}
	}
}

// before turns beta, with the class of its frame, into that of the frame before, without the class of that one.
func (l *ctcLattice) before(beta []scaled) {
	for i, k := range l.target {
		to := beta[2*i : 2*i+4]
		to[0] = times(sum2(to[0], to[1]), scaled{1, 0})
		both := sum2(to[1], to[2])
		if i+1 < len(l.target) && l.target[i+1] != k {
			both = sum2(both, to[3])
		}
		to[1] = times(both, scaled{1, 0})
	}
}
