package probe

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// Set is N feature vectors with their classes.
type Set struct {
	Dim     int
	Classes int
	X       []float32 // (N,Dim)
	Class   []int     // (N), in [0,Classes)
}

// Len is N.
func (s *Set) Len() int { return len(s.Class) }

// At is feature vector i.
func (s *Set) At(i int) []float32 { return s.X[i*s.Dim:][:s.Dim] }

// Pick is the set of some of the vectors, in the order of the list.
func (s *Set) Pick(list []int) *Set {
	p := &Set{Dim: s.Dim, Classes: s.Classes, X: make([]float32, 0, len(list)*s.Dim), Class: make([]int, 0, len(list))}
	for _, i := range list {
		p.X, p.Class = append(p.X, s.At(i)...), append(p.Class, s.Class[i])
	}
	return p
}

func (s *Set) check() error {
	switch {
	case s.Dim < 1 || s.Classes < 2:
		return fmt.Errorf("probe: %d features and %d classes, want at least 1 and 2", s.Dim, s.Classes)
	case s.Len() == 0 || len(s.X) != s.Len()*s.Dim:
		return fmt.Errorf("probe: %d numbers for %d vectors of %d features", len(s.X), s.Len(), s.Dim)
	}
	for i, c := range s.Class {
		if c < 0 || c >= s.Classes {
			return fmt.Errorf("probe: vector %d is of class %d, want 0 to %d", i, c, s.Classes-1)
		}
	}
	for i, v := range s.X {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("probe: feature %d of vector %d is %v", i%s.Dim, i/s.Dim, v)
		}
	}
	return nil
}

// DefaultL2 is the usual weight of the L2 penalty: that of scikit-learn's LogisticRegression with its default C = 1 on a thousand vectors.
const DefaultL2 = 1e-3

// Model is a trained classifier.
type Model struct {
	Standard Standard
	W        []float64 // (Dim,Classes), for standardised features
	B        []float64 // (Classes)
	L2       float64
	Minimum  Minimum
}

// logistic is the objective of multinomial logistic regression over standardised features, with W and then b in one vector:
//
//	f(W,b) = -1/N Σ_n log softmax(Wᵀx_n + b)[y_n] + λ/2·‖W‖²
//
// It is scikit-learn's with C = 1/(λN); the intercept has no penalty.
type logistic struct {
	dim, classes int
	x            []float64 // (N,dim), standardised
	class        []int
	l2           float64
	residual     []float64 // (N,classes): softmax less one-hot, over N
	loss         []float64 // (N)
}

// Fit trains a classifier with an L2 penalty.
func Fit(s *Set, l2 float64, m Minimiser) (*Model, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if !(l2 > 0) || math.IsInf(l2, 0) {
		return nil, fmt.Errorf("probe: the weight of the L2 penalty is %v, want a positive number: without it separable data have no optimum", l2)
	}
	p := newProblem(s)
	return p.fit(l2, m, make([]float64, (s.Dim+1)*s.Classes))
}

// problem is a set that is ready to be fitted.
type problem struct {
	standard Standard
	logistic
}

func newProblem(s *Set) *problem {
	p := &problem{standard: Standardise(s.X, s.Dim)}
	p.dim, p.classes, p.class = s.Dim, s.Classes, s.Class
	p.x = make([]float64, len(s.X))
	Each(s.Len(), func(i int) { p.standard.Apply(p.x[i*s.Dim:][:s.Dim], s.At(i)) })
	p.residual, p.loss = make([]float64, s.Len()*s.Classes), make([]float64, s.Len())
	return p
}

// fit minimises from theta.
func (p *problem) fit(l2 float64, m Minimiser, theta []float64) (*Model, error) {
	p.l2 = l2
	minimum, err := m.Minimise(p.evaluate, theta)
	if err != nil {
		return nil, err
	}
	n := p.dim * p.classes
	return &Model{Standard: p.standard, W: theta[:n], B: theta[n:], L2: l2, Minimum: minimum}, nil
}

// featureBlock is how many features of the gradient one task sums: their sums stay in the first cache while all residuals pass by.
const featureBlock = 16

// evaluate is the objective. Vectors are independent; a feature's gradient is summed over the vectors in their order.
//
// For N vectors of D features and C classes it does 4·N·D·C operations and reads the features twice: 16·N·D bytes.
func (l *logistic) evaluate(theta, gradient []float64) (float64, error) {
	n, weights := len(l.class), l.dim*l.classes
	w, b := theta[:weights], theta[weights:]
	Each(n, func(i int) {
		r := l.residual[i*l.classes:][:l.classes]
		copy(r, b)
		project(r, l.x[i*l.dim:][:l.dim], w)
		l.loss[i] = softmax(r, l.class[i], 1/float64(n))
	})
	Each((l.dim+featureBlock-1)/featureBlock, func(k int) {
		from := k * featureBlock
		to := min(l.dim, from+featureBlock)
		g := gradient[from*l.classes : to*l.classes]
		for i, v := range w[from*l.classes : to*l.classes] {
			g[i] = l.l2 * v
		}
		i := 0
		for ; i+4 <= n; i += 4 {
			r := l.residual[i*l.classes:][:4*l.classes]
			for j := from; j < to; j++ {
				addFour(g[(j-from)*l.classes:][:l.classes], r, l.x[i*l.dim+j], l.x[(i+1)*l.dim+j], l.x[(i+2)*l.dim+j], l.x[(i+3)*l.dim+j])
			}
		}
		for ; i < n; i++ {
			for j := from; j < to; j++ {
				addTo(g[(j-from)*l.classes:][:l.classes], l.x[i*l.dim+j], l.residual[i*l.classes:][:l.classes])
			}
		}
	})
	gb := gradient[weights:]
	clear(gb)
	loss := 0.0
	for i := range n {
		loss += l.loss[i]
		addTo(gb, 1, l.residual[i*l.classes:][:l.classes])
	}
	return loss/float64(n) + l.l2/2*dot(w, w), nil
}

// project adds Wᵀx to y.
func project(y, x, w []float64) {
	c := len(y)
	j := 0
	for ; j+4 <= len(x); j += 4 {
		addFour(y, w[j*c:][:4*c], x[j], x[j+1], x[j+2], x[j+3])
	}
	for ; j < len(x); j++ {
		addTo(y, x[j], w[j*c:][:c])
	}
}

// addFour adds the four rows of w, each times its number, to y: y is read and written a quarter as often as row by row.
func addFour(y, w []float64, a0, a1, a2, a3 float64) {
	c := len(y)
	w0, w1, w2, w3 := w[:c], w[c:][:c], w[2*c:][:c], w[3*c:][:c]
	for k := range y {
		y[k] += a0*w0[k] + a1*w1[k] + a2*w2[k] + a3*w3[k]
	}
}

// softmax returns the loss -log softmax(z)[class] and replaces the logits z by its gradient times scale.
func softmax(z []float64, class int, scale float64) float64 {
	most := math.Inf(-1)
	for _, v := range z {
		most = max(most, v)
	}
	own, sum := z[class], 0.0
	for i, v := range z {
		z[i] = math.Exp(v - most)
		sum += z[i]
	}
	for i := range z {
		z[i] *= scale / sum
	}
	z[class] -= scale
	return math.Log(sum) + most - own
}

// Predict returns the most probable class of a feature vector, the first of equals.
func (m *Model) Predict(x []float32) int {
	z := m.Logits(x)
	best := 0
	for i, v := range z {
		if v > z[best] {
			best = i
		}
	}
	return best
}

// Logits are the scores of the classes.
func (m *Model) Logits(x []float32) []float64 {
	v := make([]float64, len(x))
	m.Standard.Apply(v, x)
	z := append([]float64(nil), m.B...)
	project(z, v, m.W)
	return z
}

// Each runs f(0) to f(n-1) on all CPUs. They must not depend on each other.
func Each(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				f(i)
			}
		})
	}
	wg.Wait()
}
