package cuda

import (
	"fmt"
	"slices"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// view is View of src/gemm.cuh: a matrix whose rows are windows of a sequence.
type view struct {
	P      driver.Ptr
	Group  int64
	Rows   int32
	Frames int32
	Ld     int32
	Stride int32
	Pad    int32
	Inner  int32
	Taps   int32
	_      int32
}

// dense is a plain matrix as a view.
func dense(rows, columns int) view {
	return view{Rows: int32(max(rows, 1)), Frames: int32(rows), Ld: int32(columns), Stride: 1, Inner: int32(columns), Taps: 1}
}

type gemmArgs struct {
	X                               view
	W                               driver.Ptr
	Out                             epilogue
	WGroup, YGroup, YSplit          int64
	M, N, K                         int32
	Ldw, Ldy                        int32
	BiasGroup                       int32
	YRows, YFrames, YStride, YShift int32
	YInner, YTaps                   int32
	Chunk                           int32
	Groups                          int32
}

type splitSumArgs struct {
	Part, Y                driver.Ptr
	Size                   int64
	N, Splits, Inner, Taps int32
}

type columnSumArgs struct {
	X, Y        driver.Ptr
	Rows, Chunk int64
	N           int32
	_           int32
}

type permuteArgs struct {
	X, Y           driver.Ptr
	Size           int64
	D1, D2, D3     int32
	S0, S1, S2, S3 int32
	_              int32
}

// kind of a product, as in src/gemm.cuh.
type kind string

const (
	nt kind = "nt" // y[m,n] = Σ_k x[m,k]·w[n,k]
	nn kind = "nn" // y[m,n] = Σ_k x[m,k]·w[k,n]
	tn kind = "tn" // y[m,n] = Σ_k w[k,m]·x[k,n]
)

// place gives an operand's address in a running plan.
type place func(c *call) driver.Ptr

func input(i int) place     { return func(c *call) driver.Ptr { return c.in(i) } }
func output(i int) place    { return func(c *call) driver.Ptr { return c.out(i) } }
func none(*call) driver.Ptr { return 0 }

// operand is a factor of a product: where it is, and whether it is stored in bfloat16.
type operand struct {
	at     place
	narrow bool
}

// factor is input i as an operand.
func factor(in []kernels.Desc, i int) operand {
	return operand{input(i), in[i].DType == kernels.BFloat16}
}

// wide is an operand in float32.
func wide(at place) operand { return operand{at: at} }

// A product is cut into tiles, and a long sum into splits, by its shape alone, so that results are the same on every device.
const (
	enoughBlocks = 264 // two for each processor of a H100
	minSplit     = 256 // terms of a sum
	maxSplits    = 64
)

// gemm adds a product of m rows and n columns to a plan. Fields of a that stay zero get those of a dense result.
func (p *plan) gemm(k kind, a gemmArgs, x, w operand, bias, y place) {
	p.gemmThen(k, a, x, w, bias, y, finish{})
}

// gemmThen is gemm with more to do to the result on its way to memory; only where sums are not split.
func (p *plan) gemmThen(k kind, a gemmArgs, x, w operand, bias, y place, f finish) {
	if a.Groups == 0 {
		a.Groups = 1
	}
	if a.YRows == 0 {
		a.YRows, a.YFrames, a.YStride = max(a.M, 1), a.M, 1
	}
	if a.YTaps == 0 {
		a.YTaps, a.YInner = 1, max(a.N, 1)
	}
	precision := p.b.precision
	if p.exact {
		precision = kernels.PrecisionFloat32
	}
	if p.b.wgmma && precision != kernels.PrecisionFloat32 && wgmmaReads(k, &a) {
		p.wgmma(k, a, precision, x, w, bias, y, f)
		return
	}
	if x.narrow || w.narrow {
		x, w = p.rounded(x, a.leftSize(k)), p.rounded(w, a.rightSize(k))
	}
	t := tileOf(precision, k, &a, x.narrow)
	tiles := ceilDiv(int(a.M), t.m) * ceilDiv(int(a.N), t.n) * int(a.Groups)
	splits := 1
	if k == tn && tiles > 0 {
		splits = max(1, min(ceilDiv(enoughBlocks, tiles), int(a.K)/minSplit, maxSplits))
	}
	splits, store, sum := p.split(&a, splits, t.k, y)
	grid := driver.Dim{X: uint32(ceilDiv(int(a.N), t.n)), Y: uint32(ceilDiv(int(a.M), t.m)), Z: uint32(int(a.Groups) * splits)}
	args := &a
	bind := f.prepare(&a)
	add(p, t.name, grid, driver.Dim{X: threads, Y: 1, Z: 1}, t.shared, args, func(c *call) {
		args.X.P, args.W, args.Out.Bias, args.Out.Y = x.at(c), w.at(c), bias(c), store(c)
		bind(c)
	})
	sum()
}

// split cuts the sum of a product into parts, whose lengths are multiples of step, and says how many there are and where their kernel stores: in y or, when there are
// several, in scratch memory. sum adds the launch that adds the parts up in y.
func (p *plan) split(a *gemmArgs, splits, step int, y place) (parts int, store place, sum func()) {
	a.Chunk = int32(ceilDiv(ceilDiv(int(a.K), splits), step) * step)
	if splits > 1 {
		splits = ceilDiv(int(a.K), int(a.Chunk))
	}
	if splits == 1 {
		return 1, y, func() {}
	}
	size := int(a.Groups) * int(a.M) * int(a.N)
	sums := &splitSumArgs{Size: int64(size), N: a.N, Splits: int32(splits), Inner: a.YInner, Taps: a.YTaps}
	store = p.floats(splits * size).at
	a.Ldy, a.YGroup, a.YSplit, a.YTaps, a.YInner = a.N, int64(a.M)*int64(a.N), int64(size), 1, a.N
	return splits, store, func() {
		grid, block := each(int(sums.Size))
		add(p, "split_sum", grid, block, 0, sums, func(c *call) { sums.Part, sums.Y = store(c), y(c) })
	}
}

// tile is a kernel for products and the part of one that a block computes.
type tile struct {
	name    string
	m, n, k int
	shared  int
}

// tile chooses the kernel of a product by its shape and alignment, and by whether its operands are bfloat16.
func tileOf(precision kernels.Precision, k kind, a *gemmArgs, narrow bool) tile {
	line := 4
	if narrow {
		line = lineOf(kernels.BFloat16)
	}
	if !a.inLines(k, line) {
		line = 1
	}
	if precision == kernels.PrecisionFloat32 {
		side := 128
		if ceilDiv(int(a.M), 128)*ceilDiv(int(a.N), 128)*int(a.Groups) < enoughBlocks/2 || a.N <= 64 || a.M <= 64 {
			side = 64
		}
		return tile{name: fmt.Sprintf("gemm_f32_%s_%dx%d", k, side, line), m: side, n: side, k: 16}
	}
	side := 128
	if a.N%128 > 0 && a.N%128 <= 64 || a.N <= 64 || line == 1 {
		side = 64
	}
	room := lowRoom(128, k != tn) + lowRoom(side, k == nt)
	if narrow {
		return tile{name: fmt.Sprintf("gemm_b16_%s_%dx%d", k, side, line), m: 128, n: side, k: lowDepth, shared: narrowStages * room}
	}
	parts := 1
	if precision == kernels.PrecisionHigh {
		parts = 2
	}
	return tile{name: fmt.Sprintf("gemm_%s_%s_%dx%d", precision, k, side, line), m: 128, n: side, k: lowDepth, shared: 2 * parts * room}
}

// inLines reports whether n elements of the operands can be read at a time: lines begin at multiples of n and end where their row does.
func (a *gemmArgs) inLines(k kind, n int) bool {
	bounds := []int64{int64(a.X.Ld), int64(a.X.Inner), a.X.Group, int64(a.Ldw), a.WGroup}
	switch k {
	case nt:
		bounds = append(bounds, int64(a.K))
	case nn:
		bounds = append(bounds, int64(a.K), int64(a.N))
	case tn:
		bounds = append(bounds, int64(a.M), int64(a.N))
	}
	return !slices.ContainsFunc(bounds, func(b int64) bool { return b%int64(n) != 0 })
}

// leftSize is the number of elements of the view: its rows are windows of whole batches. rightSize is that of the other operand.
func (a *gemmArgs) leftSize(k kind) int {
	rows := a.M
	if k == tn {
		rows = a.K
	}
	return ceilDiv(int(rows), int(a.X.Rows)) * int(a.X.Frames) * int(a.X.Ld)
}

func (a *gemmArgs) rightSize(k kind) int {
	rows, columns := int(a.N), int(a.K)
	switch k {
	case nn:
		rows, columns = columns, rows
	case tn:
		rows, columns = columns, int(a.M)
	}
	return max(0, (int(a.Groups)-1)*int(a.WGroup)+(rows-1)*int(a.Ldw)+columns)
}

// rounded gives an operand of n elements in bfloat16: itself, or a copy in scratch memory.
func (p *plan) rounded(x operand, n int) operand {
	if x.narrow {
		return x
	}
	to := p.reserve(2 * n)
	a := &castArgs{N: int64(n)}
	grid, block := fours(n)
	add(p, "cast_to_bf16", grid, block, 0, a, func(c *call) { a.X, a.Y = x.at(c), to.at(c) })
	return operand{to.at, true}
}

const (
	lowDepth     = 32 // the part of a sum that gemm_bf16.cu and gemm_b16.cu have in shared memory at a time
	narrowStages = 4  // how many of these gemm_b16.cu has there
)

// lowRoom is the bytes of an operand there, Bf16Tile: [row][k], or [k][row] where rows do not run along k.
func lowRoom(side int, along bool) int {
	if along {
		return 2 * side * (lowDepth + 8)
	}
	return 2 * lowDepth * (side + 8)
}

// columnSum adds y[n] = Σ_r x[r,n]: chunks of rows side by side, then the chunks.
func (p *plan) columnSum(rows, n int, x operand, y place) {
	chunk, chunks := rowChunks(rows)
	part := y
	if chunks > 1 {
		part = p.floats(chunks * n).at
	}
	one := func(from operand, to place, rows, chunk, chunks int) {
		kernel := "column_sum"
		if from.narrow {
			kernel = "column_sum_b16"
		}
		a := &columnSumArgs{Rows: int64(rows), Chunk: int64(chunk), N: int32(n)}
		grid := driver.Dim{X: uint32(ceilDiv(n, 32)), Y: uint32(chunks), Z: 1}
		add(p, kernel, grid, driver.Dim{X: threads, Y: 1, Z: 1}, 0, a, func(c *call) { a.X, a.Y = from.at(c), to(c) })
	}
	one(x, part, rows, chunk, chunks)
	if chunks > 1 {
		one(wide(part), y, chunks, chunks, 1)
	}
}

// rowChunks cuts rows that are summed, by their number alone: chunks of at least 256, at most 128 of them.
func rowChunks(rows int) (size, count int) {
	size = max(256, ceilDiv(rows, 128))
	return size, max(1, ceilDiv(rows, size))
}

// permute adds a copy of weights, with four axes of the given sizes, whose element (i,j,k,l) is at offset + i·steps[0] + j·steps[1] + … of x; in bfloat16 for products
// with such operands.
func (p *plan) permute(sizes, steps [4]int, offset int, x place, narrow bool) operand {
	n := sizes[0] * sizes[1] * sizes[2] * sizes[3]
	kernel, size := "permute", 4
	if narrow {
		kernel, size = "permute_b16", 2
	}
	y := p.reserve(size * max(n, 1))
	a := &permuteArgs{
		Size: int64(n), D1: int32(sizes[1]), D2: int32(sizes[2]), D3: int32(sizes[3]),
		S0: int32(steps[0]), S1: int32(steps[1]), S2: int32(steps[2]), S3: int32(steps[3]),
	}
	grid, block := each(n)
	add(p, kernel, grid, block, 0, a, func(c *call) { a.X, a.Y = x(c)+driver.Ptr(4*offset), y.at(c) })
	return operand{y.at, narrow}
}

func (b *Backend) linear(in, out []kernels.Desc) *plan {
	p := b.plan(productName("gemm", in, out))
	p.linear(in, output(0), finishOf(out[0]))
	return p
}

func (p *plan) linear(in []kernels.Desc, y place, f finish) {
	rows, inputs, outputs := rowsOf(in[0]), in[0].Last(), in[1].Shape[0]
	var bias place
	if len(in) == 3 {
		bias = input(2)
	}
	if p.library(nt, rows, outputs, inputs, factor(in, 0), factor(in, 1), bias, y, f) {
		return
	}
	if bias == nil {
		bias = none
	}
	p.gemmThen(nt, gemmArgs{X: dense(rows, inputs), M: int32(rows), N: int32(outputs), K: int32(inputs), Ldw: int32(inputs), Ldy: int32(outputs)},
		factor(in, 0), factor(in, 1), bias, y, f)
}

func (b *Backend) linearGradInput(in, out []kernels.Desc) *plan {
	p := b.plan(productName("gemm", in, out))
	p.linearGradInput(in, output(0), finishOf(out[0]))
	return p
}

func (p *plan) linearGradInput(in []kernels.Desc, dx place, f finish) {
	rows, outputs, inputs := rowsOf(in[0]), in[0].Last(), in[1].Shape[1]
	if p.library(nn, rows, inputs, outputs, factor(in, 0), factor(in, 1), nil, dx, f) {
		return
	}
	p.gemmThen(nn, gemmArgs{X: dense(rows, outputs), M: int32(rows), N: int32(inputs), K: int32(outputs), Ldw: int32(inputs), Ldy: int32(inputs)},
		factor(in, 0), factor(in, 1), none, dx, f)
}

func (b *Backend) linearGradWeight(o kernels.LinearGradWeight, in []kernels.Desc) *plan {
	rows, outputs, inputs := rowsOf(in[0]), in[0].Last(), in[1].Last()
	p := b.plan(productName("gemm", in, nil))
	if !p.library(tn, outputs, inputs, rows, factor(in, 1), factor(in, 0), nil, output(0), finish{}) {
		p.gemm(tn, gemmArgs{X: dense(rows, inputs), M: int32(outputs), N: int32(inputs), K: int32(rows), Ldw: int32(outputs), Ldy: int32(inputs)},
			factor(in, 1), factor(in, 0), none, output(0))
	}
	if o.Bias {
		p.columnSum(rows, outputs, factor(in, 0), output(1))
	}
	return p
}

// rowsOf is the number of rows of a matrix; a vector has one.
func rowsOf(d kernels.Desc) int {
	if d.Rank() == 1 {
		return 1
	}
	return d.Rows()
}

// productName is the variant of a product, with _b16 where a tensor is bfloat16.
func productName(variant string, in, out []kernels.Desc) string {
	for _, d := range slices.Concat(in, out) {
		if d.DType == kernels.BFloat16 {
			return stored(variant, d)
		}
	}
	return variant
}
