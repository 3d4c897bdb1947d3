package cuda

import (
	"aural/kernels"
)

// convShape names the sizes of a convolution x (B,T,Cin), w (Cout,I,K) -> y (B,To,Cout) with I = Cin/Groups and O = Cout/Groups.
type convShape struct {
	kernels.Conv1D
	batch, frames, outFrames int
	cin, cout                int
	i, o, k                  int
}

func newConvShape(op kernels.Conv1D, x, w, y []int) convShape {
	return convShape{
		Conv1D: op, batch: x[0], frames: x[1], outFrames: y[1], cin: x[2], cout: y[2],
		i: x[2] / op.Groups, o: y[2] / op.Groups, k: w[2],
	}
}

// windows is x as a matrix of (K,I) for each output frame.
func (s convShape) windows() view {
	return view{
		Group: int64(s.i), Rows: int32(s.outFrames), Frames: int32(s.frames), Ld: int32(s.cin),
		Stride: int32(s.Stride), Pad: int32(s.PadLeft), Inner: int32(s.i), Taps: int32(s.k),
	}
}

// conv1D is a product of the windows of x with the weights, reordered once to (Cout,K,I).
func (b *Backend) conv1D(o kernels.Conv1D, in, out []kernels.Desc) *plan {
	p := b.plan(productName("conv", in, out))
	p.conv1D(o, in, out, output(0), finishOf(out[0]))
	return p
}

func (p *plan) conv1D(o kernels.Conv1D, in, out []kernels.Desc, y place, f finish) {
	s := newConvShape(o, in[0].Shape, in[1].Shape, out[0].Shape)
	bias := none
	if len(in) == 3 {
		bias = input(2)
	}
	width := s.k * s.i
	x := factor(in, 0)
	w := p.permute([4]int{1, s.cout, s.k, s.i}, [4]int{0, width, 1, s.k}, 0, input(1), x.narrow)
	p.gemmThen(nt, gemmArgs{
		X: s.windows(), M: int32(s.batch * s.outFrames), N: int32(s.o), K: int32(width), Ldw: int32(width), Ldy: int32(s.cout),
		WGroup: int64(s.o * width), YGroup: int64(s.o), BiasGroup: int32(s.o), Groups: int32(s.Groups),
	}, x, w, bias, y, f)
}

// conv1DGradInput: frames f with the same r = (f+PadLeft) mod Stride are read by the same taps k = r + Stride·q, q < n, of output frames t = u-q with
// u = (f+PadLeft-r)/Stride. So for each r, dx is the product of windows of n frames of dy with those taps of w, in falling order.
func (b *Backend) conv1DGradInput(o kernels.Conv1DGradInput, in, out []kernels.Desc) *plan {
	p := b.plan(productName("conv", in, out))
	p.conv1DGradInput(o, in, out, output(0), finishOf(out[0]))
	return p
}

func (p *plan) conv1DGradInput(o kernels.Conv1DGradInput, in, out []kernels.Desc, dx place, f finish) {
	s := newConvShape(o.Conv, out[0].Shape, in[1].Shape, in[0].Shape)
	for r := range s.Stride {
		n := 0
		if r < s.k {
			n = (s.k-1-r)/s.Stride + 1
		}
		if s.frames-1+s.PadLeft < r {
			continue // no such frame
		}
		last := (s.frames - 1 + s.PadLeft - r) / s.Stride
		width := n * s.o
		dy := factor(in, 0)
		// (Groups,I,n,O) from (Groups,O,I,K)
		w := p.permute([4]int{s.Groups, s.i, n, s.o}, [4]int{s.o * s.i * s.k, s.k, -s.Stride, s.i * s.k}, r+s.Stride*(n-1), input(1), dy.narrow)
		p.gemmThen(nt, gemmArgs{
			X: view{
				Group: int64(s.o), Rows: int32(last + 1), Frames: int32(s.outFrames), Ld: int32(s.cout), Stride: 1, Pad: int32(n - 1),
				Inner: int32(s.o), Taps: int32(n),
			},
			M: int32(s.batch * (last + 1)), N: int32(s.i), K: int32(width), Ldw: int32(width), Ldy: int32(s.cin),
			WGroup: int64(s.i * width), YGroup: int64(s.i), Groups: int32(s.Groups),
			YRows: int32(last + 1), YFrames: int32(s.frames), YStride: int32(s.Stride), YShift: int32(r - s.PadLeft),
		}, dy, w, none, dx, f)
	}
}

// conv1DGradWeight is the product of dy with the windows of x over all frames; its columns (K,I) are stored as (I,K).
func (b *Backend) conv1DGradWeight(o kernels.Conv1DGradWeight, in, out []kernels.Desc) *plan {
	s := newConvShape(o.Conv, in[1].Shape, out[0].Shape, in[0].Shape)
	p := b.plan(productName("conv", in, nil))
	width, rows := s.k*s.i, s.batch*s.outFrames
	p.gemm(tn, gemmArgs{
		X: s.windows(), M: int32(s.o), N: int32(width), K: int32(rows), Ldw: int32(s.cout), Ldy: int32(width),
		WGroup: int64(s.o), YGroup: int64(s.o * width), Groups: int32(s.Groups), YInner: int32(s.i), YTaps: int32(s.k),
	}, factor(in, 1), factor(in, 0), none, output(0))
	if o.Bias {
		p.columnSum(rows, s.cout, factor(in, 0), output(1))
	}
	return p
}
