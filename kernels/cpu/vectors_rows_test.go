package cpu

import (
	"fmt"
	"math"
	"testing"
)

// rowsCases are the functions over rows with sums in order; out are matrices, sum vectors to add to.
var rowsCases = map[string]func(v *vectors, out, s, t []float32, matrices, vecs [][]float32){
	"affine": func(v *vectors, out, _, _ []float32, m, x [][]float32) { v.affine(out, m[0], x[0], x[1], x[2]) },
	"affine grad": func(v *vectors, out, _, _ []float32, m, x [][]float32) {
		v.affineGrad(out, m[0], m[1], x[0], x[1], x[2], x[3], x[4])
	},
	"add rows":      func(v *vectors, _, s, _ []float32, m, _ [][]float32) { v.addRows(s, m[0]) },
	"add deviation": func(v *vectors, _, s, _ []float32, m, x [][]float32) { v.addDeviation(s, m[0], x[0]) },
	"add centered":  func(v *vectors, _, s, t []float32, m, x [][]float32) { v.addCentered(s, t, m[0], m[1], x[0]) },
}

// Functions over rows must treat exactly the rows asked for, at all widths; the portable ones are the model, and theirs are element by element.
func TestRows(t *testing.T) {
	model := portableVectors()
	tables(t, func(t *testing.T, v *vectors) {
		for name, f := range rowsCases {
			for _, width := range lengths() {
				for _, rows := range []int{0, 1, 2, 5} {
					if width == 0 || width > 130 && rows > 2 {
						continue
					}
					what := fmt.Sprintf("%s of %d rows of %d", name, rows, width)
					matrices, vecs := poisoned(rows*width), poisoned(width)
					run := func(v *vectors) (all [3][]float32) {
						var mid [3][]float32
						for i, n := range []int{rows * width, width, width} {
							all[i], mid[i] = window(n, float32(-7))
						}
						f(v, mid[0], mid[1], mid[2], matrices, vecs)
						return all
					}
					got, want := run(v), run(&model)
					for i := range got {
						intact(t, what, got[i], -7)
						for j, g := range got[i] {
							if w := want[i][j]; !(math.Abs(float64(g-w)) <= 2e-6*(1+math.Abs(float64(w)))*float64(rows+1)) {
								t.Fatalf("%s: output %d [%d] is %v, want %v", what, i, j-20, g, w)
							}
						}
					}
				}
			}
		}
	})
}

// A result may be stored over a matrix.
func TestRowsInPlace(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		const width, rows = 21, 3
		x, vec, want := random(rows*width), poisoned(width), make([]float32, rows*width)
		v.affine(want, x, vec[0], vec[1], vec[2])
		v.affine(x, x, vec[0], vec[1], vec[2])
		for i := range x {
			if x[i] != want[i] {
				t.Fatalf("[%d] is %v in place, else %v", i, x[i], want[i])
			}
		}
	})
}

// Assembly trusts the sizes: a part of a row, short vectors and short matrices must not get there.
func TestRowsSizesAreChecked(t *testing.T) {
	refused := func(f func()) (yes bool) {
		defer func() { yes = recover() != nil }()
		f()
		return
	}
	tables(t, func(t *testing.T, v *vectors) {
		full, short, x, few := random(63), random(62), random(21), random(20)
		for name, f := range map[string]func(){
			"affine, part of a row": func() { v.affine(short, full, x, x, x) }, "affine, short x": func() { v.affine(full, short, x, x, x) },
			"affine, short a": func() { v.affine(full, full, x, few, x) }, "affine grad, short dy": func() { v.affineGrad(full, short, full, x, x, x, x, x) },
			"affine grad, short r": func() { v.affineGrad(full, full, full, x, x, x, x, few) }, "add rows, part of a row": func() { v.addRows(x, short) },
			"add deviation, short mean": func() { v.addDeviation(x, full, few) }, "add centered, short x": func() { v.addCentered(x, x, full, short, x) },
			"add centered, short t": func() { v.addCentered(x, few, full, full, x) },
		} {
			if !refused(f) {
				t.Errorf("%s is accepted", name)
			}
		}
	})
}
