package cuda

import (
	"fmt"
	"strings"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// partsArgs are those of a product whose operands are sums of two bfloat16 numbers; the upper ones lie where gemmArgs says.
type partsArgs struct {
	G          gemmArgs
	XLow, WLow driver.Ptr
}

type splitArgs struct {
	X         driver.Ptr
	High, Low driver.Ptr
	N         int64
}

// wgmmaDepth is the part of a sum that gemm_wgmma.cu multiplies in a step.
const wgmmaDepth = 64

// wgmmaReads reports whether gemm_wgmma.cu can read the operands, 16 bytes at a time.
func wgmmaReads(k kind, a *gemmArgs) bool {
	return a.M > 0 && a.N > 0 && a.K > 0 && a.inLines(k, lineOf(kernels.BFloat16))
}

// wgmma adds a product on Hopper's tensor cores, whose operands are bfloat16 in memory: tensors, or copies in scratch memory.
func (p *plan) wgmma(k kind, a gemmArgs, precision kernels.Precision, x, w operand, bias, y place, f finish) {
	width, splits := wgmmaTile(k, int(a.M), int(a.N), int(a.K), int(a.Groups), p.b.widths)
	left, right := a.leftSize(k), a.rightSize(k)
	splits, store, sum := p.split(&a, splits, wgmmaDepth, y)
	name := fmt.Sprintf("gemm_wgmma_%s_%s_%d", precision, k, width)
	grid := driver.Dim{X: uint32(ceilDiv(int(a.N), width)), Y: uint32(ceilDiv(int(a.M), 128)), Z: uint32(int(a.Groups) * splits)}
	block := driver.Dim{X: threads, Y: 1, Z: 1}
	args := &partsArgs{G: a}
	g := &args.G
	finish := f.prepare(g)
	bind := func(c *call) {
		g.X.P, g.W, g.Out.Bias, g.Out.Y = x.at(c), w.at(c), bias(c), store(c)
		finish(c)
	}
	if precision == kernels.PrecisionHigh {
		var xLow, wLow place
		x.at, xLow = p.parts(x.at, left)
		w.at, wLow = p.parts(w.at, right)
		add(p, name, grid, block, wgmmaShared(width), args, func(c *call) {
			bind(c)
			args.XLow, args.WLow = xLow(c), wLow(c)
		})
	} else {
		x, w = p.rounded(x, left), p.rounded(w, right)
		add(p, name, grid, block, wgmmaShared(width), g, bind)
	}
	sum()
	if !strings.HasSuffix(p.variant, "_wgmma") {
		p.variant += "_wgmma"
	}
}

// parts adds a copy of an operand of n numbers as the sum of two in bfloat16.
func (p *plan) parts(x place, n int) (high, low place) {
	high, low = p.reserve(2*n).at, p.reserve(2*n).at
	a := &splitArgs{N: int64(n)}
	grid, block := each(ceilDiv(n, 8))
	add(p, "split_bf16", grid, block, 0, a, func(c *call) { a.X, a.High, a.Low = x(c), high(c), low(c) })
	return high, low
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

// wgmmaWidths are the columns of tiles that there are kernels for.
var wgmmaWidths = []int{256, 128, 64}

// wgmmaTile chooses the columns of a tile, among widths, and in how many parts a long sum is cut. It depends on the shape alone, so that results do not depend on
// the device. It takes the least estimated time: tiles of the busiest multiprocessor, each as long as its products or its reads take, then its stores, which a second
// block hides (tiles of at most 128 columns leave room for one), and the sum of splits. Splits are for gradients of weights, whose tiles are few and sums long.
func wgmmaTile(k kind, m, n, depth, groups int, widths []int) (width, splits int) {
	least := 0
	for _, w := range widths {
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
