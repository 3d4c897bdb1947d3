package onnx

import (
	"math"
	"slices"
	"testing"
)

// array is a value while a graph is computed, in float64. Whole numbers are divided as such.
type array struct {
	shape []int
	v     []float64
	whole bool
}

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// at is the element of a that belongs to an index of a broadcast shape.
func (a array) at(index []int) float64 {
	k, off := 0, len(index)-len(a.shape)
	for i, d := range a.shape {
		k *= d
		if d > 1 {
			k += index[off+i]
		}
	}
	return a.v[k]
}

// broadcast applies f to the elements of several arrays.
func broadcast(f func(x []float64) float64, args ...array) array {
	rank := 0
	for _, a := range args {
		rank = max(rank, len(a.shape))
	}
	out := array{shape: slices.Repeat([]int{1}, rank), whole: true}
	for _, a := range args {
		for i, d := range a.shape {
			at := rank - len(a.shape) + i
			out.shape[at] = max(out.shape[at], d)
		}
		out.whole = out.whole && a.whole
	}
	index, x := make([]int, rank), make([]float64, len(args))
	for range product(out.shape) {
		for i, a := range args {
			x[i] = a.at(index)
		}
		out.v = append(out.v, f(x))
		for i := rank - 1; i >= 0; i-- {
			if index[i]++; index[i] < out.shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return out
}

// eval computes one node as the specification of its operator says.
func eval(t testing.TB, n parsedNode, in []array) array {
	t.Helper()
	binary := func(f func(a, b float64) float64) array {
		return broadcast(func(x []float64) float64 { return f(x[0], x[1]) }, in...)
	}
	switch n.op {
	case "Add":
		return binary(func(a, b float64) float64 { return a + b })
	case "Mul":
		return binary(func(a, b float64) float64 { return a * b })
	case "Max":
		return binary(math.Max)
	case "Div":
		y := binary(func(a, b float64) float64 { return a / b })
		for i := range y.v {
			if y.whole {
				y.v[i] = math.Trunc(y.v[i])
			}
		}
		return y
	case "Less":
		return binary(func(a, b float64) float64 {
			if a < b {
				return 1
			}
			return 0
		})
	case "Where":
		return broadcast(func(x []float64) float64 { return x[2-int(x[0])] }, in...)
	case "Erf":
		return broadcast(func(x []float64) float64 { return math.Erf(x[0]) }, in...)
	case "Identity":
		return in[0]
	case "Shape":
		y := array{shape: []int{len(in[0].shape)}, whole: true}
		for _, d := range in[0].shape {
			y.v = append(y.v, float64(d))
		}
		return y
	case "Gather":
		return array{shape: []int{}, v: []float64{in[0].v[int(in[1].v[0])]}, whole: in[0].whole}
	case "Range":
		y := array{whole: true}
		for v := in[0].v[0]; v < in[1].v[0]; v += in[2].v[0] {
			y.v = append(y.v, v)
		}
		y.shape = []int{len(y.v)}
		return y
	case "Unsqueeze":
		y := array{shape: slices.Clone(in[0].shape), v: in[0].v, whole: in[0].whole}
		for _, a := range in[1].v { // rising
			y.shape = slices.Insert(y.shape, int(a), 1)
		}
		return y
	case "Reshape":
		y := array{v: in[0].v}
		for i, d := range in[1].v {
			if d == 0 {
				d = float64(in[0].shape[i])
			}
			y.shape = append(y.shape, int(d))
		}
		if product(y.shape) != len(y.v) {
			t.Fatalf("%s: %v into %v", n.name, in[0].shape, y.shape)
		}
		return y
	case "ReduceSum":
		rows, cols := in[0].shape[0], in[0].shape[1]
		y := array{shape: []int{rows, 1}, v: make([]float64, rows), whole: in[0].whole}
		for i, v := range in[0].v {
			y.v[i/cols] += v
		}
		return y
	case "Transpose":
		return transpose(in[0], n.ints["perm"])
	case "Softmax":
		return rows(in[0], func(x, y []float64) {
			sum, top := 0.0, slices.Max(x)
			for i, v := range x {
				y[i] = math.Exp(v - top)
				sum += y[i]
			}
			for i := range y {
				y[i] /= sum
			}
		})
	case "LayerNormalization":
		return rows(in[0], func(x, y []float64) { normalise(x, y, n.float["epsilon"], in[1].v, in[2].v) })
	case "InstanceNormalization":
		channel, channels := -1, in[0].shape[1]
		return rows(in[0], func(x, y []float64) {
			channel = (channel + 1) % channels
			normalise(x, y, n.float["epsilon"], in[1].v[channel:channel+1], in[2].v[channel:channel+1])
		})
	case "MatMul":
		return matMul(in[0], in[1])
	case "Conv":
		return conv(n, in)
	}
	t.Fatalf("node %s has the operator %s, which was not expected", n.name, n.op)
	return array{}
}

// rows applies f along the last axis.
func rows(a array, f func(x, y []float64)) array {
	y := array{shape: a.shape, v: make([]float64, len(a.v))}
	n := a.shape[len(a.shape)-1]
	for i := 0; i < len(a.v); i += n {
		f(a.v[i:i+n], y.v[i:i+n])
	}
	return y
}

// normalise gives x mean 0 and variance 1, then scale and bias, of which there is one or one an element.
func normalise(x, y []float64, eps float64, scale, bias []float64) {
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	for i, v := range x {
		k := i % len(scale)
		y[i] = (v-mean)/math.Sqrt(variance+eps)*scale[k] + bias[k]
	}
}

func transpose(a array, perm []int) array {
	y := array{v: make([]float64, len(a.v)), whole: a.whole}
	for _, p := range perm {
		y.shape = append(y.shape, a.shape[p])
	}
	index, back := make([]int, len(perm)), make([]int, len(perm))
	for k := range y.v {
		rest := k
		for i := len(perm) - 1; i >= 0; i-- {
			index[i] = rest % y.shape[i]
			rest /= y.shape[i]
		}
		for i, p := range perm {
			back[p] = index[i]
		}
		y.v[k] = a.at(back)
	}
	return y
}

// matMul multiplies matrices of the last two axes; b has the leading axes of a or none.
func matMul(a, b array) array {
	m, k, n := a.shape[len(a.shape)-2], a.shape[len(a.shape)-1], b.shape[len(b.shape)-1]
	y := array{shape: append(slices.Clone(a.shape[:len(a.shape)-1]), n)}
	for batch := range len(a.v) / (m * k) {
		bv := b.v
		if len(b.shape) > 2 {
			bv = b.v[batch*k*n:]
		}
		for i := range m {
			for j := range n {
				sum := 0.0
				for l := range k {
					sum += a.v[(batch*m+i)*k+l] * bv[l*n+j]
				}
				y.v = append(y.v, sum)
			}
		}
	}
	return y
}

// conv is a convolution (B,C,T) with weight (O,C/group,K).
func conv(n parsedNode, in []array) array {
	x, w := in[0], in[1]
	stride, group, pads := 1, 1, []int{0, 0}
	if s := n.ints["strides"]; s != nil {
		stride = s[0]
	}
	if g := n.ints["group"]; g != nil {
		group = g[0]
	}
	if p := n.ints["pads"]; p != nil {
		pads = p
	}
	batch, channels, frames := x.shape[0], x.shape[1], x.shape[2]
	outs, each, k := w.shape[0], w.shape[1], w.shape[2]
	length := (frames+pads[0]+pads[1]-k)/stride + 1
	y := array{shape: []int{batch, outs, length}}
	for b := range batch {
		for o := range outs {
			first := o / (outs / group) * each
			for t := range length {
				sum := 0.0
				if len(in) > 2 {
					sum = in[2].v[o]
				}
				for c := range each {
					for j := range k {
						if at := t*stride + j - pads[0]; at >= 0 && at < frames {
							sum += w.v[(o*each+c)*k+j] * x.v[(b*channels+first+c)*frames+at]
						}
					}
				}
				y.v = append(y.v, sum)
			}
		}
	}
	return y
}
