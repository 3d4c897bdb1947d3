//go:build amd64 || arm64

package cpu

//go:generate go run ./gen

import "unsafe"

type feature struct {
	name string
	has  bool
}

func missing(features ...feature) []string {
	var names []string
	for _, f := range features {
		if !f.has {
			names = append(names, f.name)
		}
	}
	return names
}

// blocksAtOnce is how many blocks of some rows are transposed before the rows beside them: lines of the panel that are written in two halves should still
// be in the first-level cache then.
const blocksAtOnce = 4

// transposer makes the packing of a panel of the given width from a function that transposes some rows by blocks of step columns.
func transposer(f func(dst, src *float32, ss, ds, blocks int64), rows, width, step int) func(dst, src []float32, stride, kc int) int {
	return func(dst, src []float32, stride, kc int) int {
		blocks := kc / step
		if blocks > 0 {
			_, _ = src[(width-1)*stride+step*blocks-1], dst[width*step*blocks-1] // the last elements that f touches
			for b := 0; b < blocks; b += blocksAtOnce {
				for i := 0; i < width; i += rows {
					f(&dst[b*step*width+i], &src[i*stride+b*step], int64(4*stride), int64(4*width), int64(min(blocksAtOnce, blocks-b)))
				}
			}
		}
		return step * blocks
	}
}

func copier(f func(dst, src *float32, ss, n int64), width int) func(dst, src []float32, stride, kc int) {
	return func(dst, src []float32, stride, kc int) {
		_, _ = src[(kc-1)*stride+width-1], dst[width*kc-1]
		f(&dst[0], &src[0], int64(4*stride), int64(kc))
	}
}

// first points to x[0]. It panics when x is shorter than like.
func first[L, T any](like []L, x []T) *T { return unsafe.SliceData(x[:len(like)]) }
