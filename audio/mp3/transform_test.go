package mp3

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The transforms are checked against their definitions, in float64.

func noise(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = 2*rng.Float32() - 1
	}
}

func TestDCT32(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var s, d [subbands]float32
		noise(rng, s[:])
		dct32(&s, &d)
		for i := range subbands {
			want := 0.0
			for k, v := range s {
				want += float64(v) * math.Cos(math.Pi/64*float64(i*(2*k+1)))
			}
			at := i
			if i < 16 {
				at = 15 - i // the lower half comes backwards
			}
			if math.Abs(float64(d[at])-want) > 1e-5 {
				t.Fatalf("output %d is %v, want %v", i, d[at], want)
			}
		}
	}
}

// wantIMDCT is the inverse MDCT of the standard (ISO/IEC 11172-3, 2.4.3.4.10.2) with the window of a block type.
func wantIMDCT(x []float32, blockType int) [36]float64 {
	imdct := func(x []float64, window func(i int) float64) []float64 {
		n := 2 * len(x)
		out := make([]float64, n)
		for i := range out {
			for k, v := range x {
				out[i] += v * math.Cos(math.Pi/float64(2*n)*float64(2*i+1+n/2)*float64(2*k+1))
			}
			out[i] *= window(i)
		}
		return out
	}
	sine := func(i, n int) float64 { return math.Sin(math.Pi / float64(n) * (float64(i) + 0.5)) }
	var out [36]float64
	if blockType == shortBlock {
		for w := range 3 {
			var lines []float64
			for k := range 6 {
				lines = append(lines, float64(x[3*k+w]))
			}
			for i, v := range imdct(lines, func(i int) float64 { return sine(i, 12) }) {
				out[6+6*w+i] += v
			}
		}
		return out
	}
	var lines []float64
	for _, v := range x {
		lines = append(lines, float64(v))
	}
	copy(out[:], imdct(lines, func(i int) float64 {
		switch {
		case blockType == startBlock && i >= 30, blockType == stopBlock && i < 6:
			return 0
		case blockType == startBlock && i >= 24:
			return sine(i-18, 12)
		case blockType == stopBlock && i < 12:
			return sine(i-6, 12)
		case blockType == startBlock && i >= 18, blockType == stopBlock && i < 18:
			return 1
		}
		return sine(i, 36)
	}))
	return out
}

// TestHybrid runs granules of all block types, mixed and not, through the filter bank and compares with the definition:
// overlap, frequency inversion, and subbands that fall silent.
func TestHybrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	shared := sharedTables()
	var bank hybrid
	var overlap [subbands][slots]float64
	for n := range 200 {
		g := granule{blockType: rng.IntN(4), mixed: rng.IntN(2) == 1}
		lines := rng.IntN(granuleLines + 1)
		var xr [granuleLines]float32
		noise(rng, xr[:lines])
		var out subbandSamples
		bank.transform(shared, &g, &xr, lines, &out)
		for sb := range subbands {
			kind := g.blockType
			if g.mixed && sb < 2 {
				kind = longBlock
			}
			block := wantIMDCT(xr[sb*slots:(sb+1)*slots], kind)
			for i := range slots {
				want := overlap[sb][i] + block[i]
				if sb&1 == 1 && i&1 == 1 {
					want = -want
				}
				if got := float64(out[subbands*i+sb]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("granule %d, type %d, mixed %v, %d lines: subband %d, slot %d is %v, want %v",
						n, g.blockType, g.mixed, lines, sb, i, got, want)
				}
				overlap[sb][i] = block[slots+i]
			}
		}
	}
}

// TestPolyphase compares with the flow chart of the standard (ISO/IEC 11172-3, figure 3-A.2): a vector V of 1024 values is
// shifted by 64 in each slot, and half of it is windowed.
func TestPolyphase(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	window := func(i int) float64 {
		switch {
		case i <= 256:
			return float64(windowHalf[i]) / 65536
		case i%64 == 0:
			return float64(windowHalf[512-i]) / 65536
		}
		return -float64(windowHalf[512-i]) / 65536
	}
	shared := sharedTables()
	var bank polyphase
	var v [1024]float64
	for range 4 {
		var in subbandSamples
		var pcm [granuleLines]float32
		noise(rng, in[:])
		bank.synthesize(&shared.synth, &in, &pcm)
		for slot := range slots {
			copy(v[64:], v[:960])
			for i := range 64 {
				v[i] = 0
				for k := range subbands {
					v[i] += math.Cos(math.Pi/64*float64((16+i)*(2*k+1))) * float64(in[slot*subbands+k])
				}
			}
			for j := range subbands {
				want := 0.0
				for i := range 8 {
					want += v[128*i+j]*window(64*i+j) + v[128*i+96+j]*window(64*i+32+j)
				}
				if got := float64(pcm[slot*subbands+j]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("slot %d, sample %d is %v, want %v", slot, j, got, want)
				}
			}
		}
	}
}

// TestReorder: the bitstream has the windows of a short band one behind the other.
func TestReorder(t *testing.T) {
	for rate := range sampleRates {
		for _, division := range []int{shortBands, mixedBands} {
			var xr [granuleLines]float32
			for i := range xr {
				xr[i] = float32(i)
			}
			if n := reorder(&xr, granuleLines, rate, division); n != granuleLines {
				t.Fatalf("%d lines, want all", n)
			}
			at := 0
			for _, width := range longWidths[rate][:longBandCount(rate, division)] {
				for range width {
					if xr[at] != float32(at) {
						t.Fatalf("rate %d: long line %d moved", rate, at)
					}
					at++
				}
			}
			for _, width := range shortWidths[rate][firstShortBand(division):] {
				start := at
				for line := range int(width) {
					for window := range 3 {
						if want := float32(start + window*int(width) + line); xr[at] != want {
							t.Fatalf("rate %d, division %d: place %d has line %v, want %v", rate, division, at, xr[at], want)
						}
						at++
					}
				}
			}
			if at != granuleLines {
				t.Fatalf("rate %d, division %d: the bands cover %d lines", rate, division, at)
			}
		}
	}
}

func TestReduceAlias(t *testing.T) {
	coefficients := [8]float64{-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037}
	rng := rand.New(rand.NewPCG(7, 8))
	for _, lines := range []int{0, 1, 18, 19, 300, 575, 576} {
		var xr [granuleLines]float32
		noise(rng, xr[:lines])
		want := [granuleLines]float64{}
		for i, v := range xr {
			want[i] = float64(v)
		}
		for sb := 1; sb < subbands; sb++ {
			for i, c := range coefficients {
				lo, hi := want[sb*slots-1-i], want[sb*slots+i]
				cs, ca := 1/math.Sqrt(1+c*c), c/math.Sqrt(1+c*c)
				want[sb*slots-1-i], want[sb*slots+i] = lo*cs-hi*ca, hi*cs+lo*ca
			}
		}
		n := reduceAlias(&xr, lines, subbands-1)
		for i, w := range want {
			if math.Abs(float64(xr[i])-w) > 1e-6 {
				t.Fatalf("%d lines: line %d is %v, want %v", lines, i, xr[i], w)
			}
			if i >= n && w != 0 {
				t.Fatalf("%d lines: line %d is not zero, but lines are said to end at %d", lines, i, n)
			}
		}
	}
}
