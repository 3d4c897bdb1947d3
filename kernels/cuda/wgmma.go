package cuda

import (
	"fmt"
	"strings"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type wgmmaArgs struct {
	G          gemmArgs
	X, W       driver.Ptr
	XLow, WLow driver.Ptr
}

type roundArgs struct {
	X      driver.Ptr
	Y, Low driver.Ptr
	N      int64
}

// wgmmaDepth is the part of a sum that gemm_wgmma.cu multiplies in a step.
const wgmmaDepth = 64

// wgmmaReads reports whether gemm_wgmma.cu can read the operands: pieces of eight numbers that begin at multiples of eight and end where their row does.
func wgmmaReads(k kind, a *gemmArgs) bool {
	v := a.X
	if (int64(v.Ld)|int64(v.Inner)|v.Group|int64(a.Ldw)|a.WGroup)%8 != 0 || a.M == 0 || a.K == 0 {
		return false
	}
	switch k {
	case nt:
		return a.K%8 == 0
	case nn:
		return a.K%8 == 0 && a.N%8 == 0
	default:
		return a.M%8 == 0 && a.N%8 == 0
	}
}

// wgmma adds a product on Hopper's tensor cores: the operands, rounded, and then tiles of the result.
func (p *plan) wgmma(k kind, a gemmArgs, precision kernels.Precision, x, w, bias, y place, f finish) {
	width, splits := wgmmaTile(k, int(a.M), int(a.N), int(a.K), int(a.Groups))
	splits, store, sum := p.split(&a, splits, wgmmaDepth, y)
	// Rows of the left operand are windows of whole batches; a row of the other ends where its columns do.
	rows, columns, windows := int(a.N), int(a.K), int(a.M)
	switch k {
	case nn:
		rows, columns = int(a.K), int(a.N)
	case tn:
		rows, columns, windows = int(a.K), int(a.M), int(a.K)
	}
	batches := ceilDiv(windows, int(a.X.Rows))
	xs := p.rounded(precision, batches*int(a.X.Frames)*int(a.X.Ld), x)
	ws := p.rounded(precision, (int(a.Groups)-1)*int(a.WGroup)+(rows-1)*int(a.Ldw)+columns, w)
	grid := driver.Dim{X: uint32(ceilDiv(int(a.N), width)), Y: uint32(ceilDiv(int(a.M), 128)), Z: uint32(int(a.Groups) * splits)}
	args := &wgmmaArgs{G: a}
	bind := f.prepare(&args.G)
	name := fmt.Sprintf("gemm_wgmma_%s_%s_%d", precision, k, width)
	add(p, name, grid, driver.Dim{X: threads, Y: 1, Z: 1}, wgmmaShared(width), args, func(c *call) {
		args.G.Out.Bias, args.G.Out.Y = bias(c), store(c)
		bind(c)
		args.X, args.XLow, args.W, args.WLow = xs[0](c), xs[1](c), ws[0](c), ws[1](c)
	})
	sum()
	if !strings.HasSuffix(p.variant, "_wgmma") {
		p.variant += "_wgmma"
	}
}

// rounded adds the copy of an operand in bfloat16, and of what rounding leaves in precision high.
func (p *plan) rounded(precision kernels.Precision, n int, x place) [2]place {
	to := [2]place{p.reserve(2 * n).at, none}
	if precision == kernels.PrecisionHigh {
		to[1] = p.reserve(2 * n).at
	}
	a := &roundArgs{N: int64(n)}
	grid, block := each(ceilDiv(n, 8))
	add(p, "round_bf16", grid, block, 0, a, func(c *call) { a.X, a.Y, a.Low = x(c), to[0](c), to[1](c) })
	return to
}

// wgmmaShared is the dynamic shared memory of a kernel: a ring of tiles of both operands, and what lies before the first multiple of 1024.
func wgmmaShared(width int) int {
	stages := 4
	if width == 128 {
		stages = 3
	}
	return 1024 + stages*(128+width)*2*wgmmaDepth
}

// What wgmmaTile reckons with, for each multiprocessor of a H100 and cycle: two warpgroups multiply 128 x 1 x 64 in 4 cycles, the second cache gives 30 bytes (7 TB/s),
// memory takes 13 (3 TB/s).
const (
	processors  = 132
	cacheBytes  = 30
	memoryBytes = 13
	fillCycles  = 1500 // until the first tile of a block is there
	sumCycles   = 4000 // the launch that adds splits
)

// wgmmaTile chooses the columns of a tile, 256, 128 or 64, and in how many parts a long sum is cut. It depends on the shape alone, so that results do not depend on
// the device. It takes the least estimated time: tiles of the busiest multiprocessor, each as long as its products or its reads take, then its stores, which a second
// block hides (tiles of at most 128 columns leave room for one), and the sum of splits. Splits are for gradients of weights, whose tiles are few and sums long.
func wgmmaTile(k kind, m, n, depth, groups int) (width, splits int) {
	least := 0
	for _, w := range []int{256, 128, 64} {
		tiles := ceilDiv(m, 128) * ceilDiv(n, w) * groups
		most := 1
		if k == tn {
			most = min(max(depth/minSplit, 1), maxSplits)
		}
		for s := 1; s <= most; s++ {
			if cycles := wgmmaCycles(m*n*groups, tiles, w, depth, s); least == 0 || cycles < least {
				least, width, splits = cycles, w, s
			}
		}
	}
	return width, splits
}

// wgmmaCycles is the estimate of wgmmaTile.
func wgmmaCycles(size, tiles, width, depth, splits int) int {
	turns := ceilDiv(tiles*splits, processors) // blocks of the busiest multiprocessor
	step := max(4*width, (128+width)*2*wgmmaDepth/cacheBytes)
	store := 128 * width * 4 / cacheBytes
	beside := 2
	if width == 256 {
		beside = 1
	}
	cycles := turns*ceilDiv(ceilDiv(depth, splits), wgmmaDepth)*step + ceilDiv(turns, beside)*(fillCycles+store)
	if splits > 1 {
		cycles += sumCycles + size*4*(splits+1)/(processors*memoryBytes)
	}
	return cycles
}
