package probe

import "math"

// Objective is a function to minimise: it returns its value at x and writes its gradient.
type Objective func(x, gradient []float64) (float64, error)

// Minimiser is L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.5) with a line search by bisection for the weak Wolfe conditions (Lewis
// and Overton 2013). It is deterministic.
type Minimiser struct {
	Memory     int     // pairs that are kept; 0: 10
	Iterations int     // most of them; 0: 500
	Gradient   float64 // it has converged when no element of the gradient is larger; 0: 1e-6
	Decrease   float64 // it also ends when an iteration lowers the value by less than this share of it; 0: never
}

// Minimum is where a minimiser ended.
type Minimum struct {
	Value      float64
	Gradient   float64 // largest element
	Iterations int
	Converged  bool // as Minimiser.Gradient or Decrease says
}

// The constants of the line search: Armijo's condition, and that of curvature.
const (
	armijo    = 1e-4
	curvature = 0.9
	mostSteps = 40
)

// pair is a step and the change of the gradient along it.
type pair struct {
	s, y []float64
	rho  float64 // 1/yᵀs
}

// Minimise goes from x to a minimum and leaves it in x.
func (m Minimiser) Minimise(f Objective, x []float64) (Minimum, error) {
	if m.Memory == 0 {
		m.Memory = 10
	}
	if m.Iterations == 0 {
		m.Iterations = 500
	}
	if m.Gradient == 0 {
		m.Gradient = 1e-6
	}
	n := len(x)
	g, d, tried, triedG := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	value, err := f(x, g)
	out := Minimum{Value: value, Gradient: largest(g)}
	var pairs []pair
	for err == nil {
		if out.Gradient <= m.Gradient {
			out.Converged = true
			return out, nil
		}
		if out.Iterations == m.Iterations {
			return out, nil
		}
		direction(d, g, pairs)
		step := 1.0
		if len(pairs) == 0 {
			step = 1 / math.Max(1, norm(g)) // there is no scale yet
		}
		next, ok, e := search(f, x, d, g, tried, triedG, value, step)
		if err = e; err != nil {
			break
		}
		if !ok { // the value does not fall any more: the end of what rounding allows
			if len(pairs) == 0 {
				return out, nil
			}
			pairs = pairs[:0] // once more down the gradient
			continue
		}
		pairs = remember(pairs, m.Memory, x, g, tried, triedG)
		copy(x, tried)
		copy(g, triedG)
		fell := value - next
		value = next
		out.Value, out.Gradient = value, largest(g)
		out.Iterations++
		if m.Decrease > 0 && fell <= m.Decrease*math.Abs(value) {
			out.Converged = true
			return out, nil
		}
	}
	return out, err
}

// remember adds the pair of a step, unless the function is not convex along it.
func remember(pairs []pair, most int, x, g, next, nextG []float64) []pair {
	var p pair
	if len(pairs) == most {
		p = pairs[0]
		copy(pairs, pairs[1:])
		pairs = pairs[:most-1]
	} else {
		p = pair{s: make([]float64, len(x)), y: make([]float64, len(x))}
	}
	for i := range x {
		p.s[i], p.y[i] = next[i]-x[i], nextG[i]-g[i]
	}
	sy := dot(p.s, p.y)
	if !(sy > 1e-12*norm(p.s)*norm(p.y)) {
		return pairs
	}
	p.rho = 1 / sy
	return append(pairs, p)
}

// direction is -H·g by the two loops of L-BFGS.
func direction(d, g []float64, pairs []pair) {
	for i, v := range g {
		d[i] = -v
	}
	if len(pairs) == 0 {
		return
	}
	alpha := make([]float64, len(pairs))
	for k := len(pairs) - 1; k >= 0; k-- {
		p := &pairs[k]
		alpha[k] = p.rho * dot(p.s, d)
		addTo(d, -alpha[k], p.y)
	}
	last := &pairs[len(pairs)-1]
	scale := 1 / (last.rho * dot(last.y, last.y))
	for i := range d {
		d[i] *= scale
	}
	for k := range pairs {
		p := &pairs[k]
		addTo(d, alpha[k]-p.rho*dot(p.y, d), p.s)
	}
}

// search finds a point along d from x that fulfils both conditions and leaves it in to and toG. It reports false when no point lowers the value. Where rounding hides
// the curvature, a point that lowers the value is good enough.
func search(f Objective, x, d, g, to, toG []float64, value, step float64) (next float64, ok bool, err error) {
	slope := dot(g, d)
	if !(slope < 0) {
		return value, false, nil
	}
	low, high := 0.0, math.Inf(1)
	for range mostSteps {
		for i := range x {
			to[i] = x[i] + step*d[i]
		}
		if next, err = f(to, toG); err != nil {
			return next, false, err
		}
		switch {
		case !(next <= value+armijo*step*slope): // NaN too
			high = step
		case dot(toG, d) < curvature*slope:
			low = step
		default:
			return next, true, nil
		}
		if math.IsInf(high, 1) {
			step *= 2
		} else {
			step = (low + high) / 2
		}
	}
	if low == 0 {
		return value, false, nil
	}
	for i := range x {
		to[i] = x[i] + low*d[i]
	}
	next, err = f(to, toG)
	return next, err == nil && next < value, err
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }

func largest(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		if v = math.Abs(v); v > most || math.IsNaN(v) {
			most = v
		}
	}
	return most
}

func addTo(x []float64, by float64, y []float64) {
	for i, v := range y {
		x[i] += by * v
	}
}
