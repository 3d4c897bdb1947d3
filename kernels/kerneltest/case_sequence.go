package kerneltest

import (
	"fmt"
	"math"

	"aural/kernels"
)

// sequenceShapes are (B,T,D) around vector widths.
var sequenceShapes = [...][3]int{{1, 1, 1}, {2, 3, 7}, {1, 8, 16}, {3, 5, 15}, {2, 17, 33}, {1, 2, 130}, {2, 65, 8}, {4, 9, 64}}

func maskCases() []Case {
	var cases []Case
	timeMask := func(name string, p float64, s [3]int) {
		cases = append(cases, Case{Name: fmt.Sprintf("%s%v", name, s), Op: kernels.MaskFrames{},
			Inputs: []Input{normal(s[:]...), mask(p, s[0], s[1]), normal(s[2])},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
				return []Gradient{{kernels.MaskFramesGrad{}, []kernels.Buffer{dy, in[1]}, []int{0, 2}}}
			}})
	}
	channelMask := func(name string, p float64, s [3]int) {
		cases = append(cases, Case{Name: fmt.Sprintf("%s%v", name, s), Op: kernels.MaskChannels{},
			Inputs: []Input{normal(s[:]...), mask(p, s[0], s[2])},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
				return []Gradient{{kernels.MaskChannels{}, []kernels.Buffer{dy, in[1]}, []int{0}}}
			}})
	}
	padding := func(name string, lengths []int32, s [3]int) {
		cases = append(cases, Case{Name: fmt.Sprintf("%s%v", name, s), Op: kernels.MaskPadding{},
			Inputs: []Input{normal(s[:]...), ints(lengths, s[0])},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
				return []Gradient{{kernels.MaskPadding{}, []kernels.Buffer{dy, in[1]}, []int{0}}}
			}})
	}
	for _, s := range sequenceShapes {
		timeMask("half ", 0.5, s)
		channelMask("some ", 0.3, s)
		padding("lengths 1 and up ", lengthsUpTo(s[0], s[1]), s)
	}
	timeMask("none ", 0, [3]int{2, 9, 17})
	timeMask("all ", 1, [3]int{2, 9, 17})
	channelMask("none ", 0, [3]int{2, 9, 17})
	channelMask("all ", 1, [3]int{2, 9, 17})
	padding("an empty and a full row ", []int32{0, 9}, [3]int{2, 9, 17})
	return cases
}

// lengthsUpTo spreads n lengths from 1 to frames, the last one full.
func lengthsUpTo(n, frames int) []int32 {
	l := make([]int32, n)
	for i := range l {
		l[i] = int32(1 + i*(frames-1)/max(n-1, 1))
	}
	l[n-1] = int32(frames)
	return l
}

func rowCases() []Case {
	var cases []Case
	add := func(name string, x, index Input) {
		cases = append(cases, Case{Name: name, Op: kernels.GatherRows{}, Inputs: []Input{x, index},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
				op := kernels.ScatterRows{Batch: 1, Frames: in[0].Rows()}
				if in[0].Rank() == 3 {
					op = kernels.ScatterRows{Batch: in[0].Shape[0], Frames: in[0].Shape[1]}
				}
				return []Gradient{{op, []kernels.Buffer{dy, in[1]}, []int{0}}}
			}})
	}
	for i, s := range sequenceShapes {
		n := sizes[i*2]
		add(fmt.Sprintf("%d of %v", n, s), normal(s[:]...), rows(n, s[0]*s[1], true))
		add(fmt.Sprintf("%d masked frames of %v", n, s), normal(s[:]...), framesAmong(n, (n+1)/2, s[0]*s[1]))
	}
	add("a table", normal(9, 33), rows(17, 9, false))
	add("the same row many times", normal(1, 4, 65), ints(make([]int32, 130), 130))
	add("only padding", normal(2, 3, 8), framesAmong(5, 0, 6))
	add("an empty list", normal(2, 3, 8), ints(nil, 0))
	return cases
}

func selectCases() []Case {
	var cases []Case
	add := func(name string, cond int32, a, b Input) *Case {
		cases = append(cases, Case{Name: name, Op: kernels.Select{}, Inputs: []Input{ints([]int32{cond}), a, b},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
				return []Gradient{{kernels.SelectGrad{}, []kernels.Buffer{in[0], dy}, []int{1, 2}}}
			}})
		return &cases[len(cases)-1]
	}
	for i, n := range sizes {
		add(fmt.Sprintf("%d of %d", i%2, n), int32(i%2), normal(n), normal(n))
	}
	add("any number but zero is true", -256, normal(2, 5), normal(2, 5))
	nan := values([]float64{math.NaN()}, 3, 7)
	add("skipped a", 0, nan, normal(3, 7)).NoGradient = "a holds nothing to vary"
	add("skipped b", 1, normal(3, 7), nan).NoGradient = "b holds nothing to vary"
	return cases
}

func waveformCases() []Case {
	var cases []Case
	add := func(name string, shape [2]int, affine []float64, lengths ...int32) {
		cases = append(cases, Case{Name: name, Op: kernels.Waveform{}, NoGradient: "samples are data",
			Inputs: []Input{samples(shape[:]...), values(affine, shape[0], 3), ints(lengths, shape[0])}})
	}
	plain := []float64{0, 1.0 / (1 << 15), 0}
	for _, n := range []int{1, 7, 8, 9, 2047, 2048, 2049, 16384, 16391, 40000} {
		add(fmt.Sprint(n), [2]int{1, n}, plain, int32(n))
		add(fmt.Sprint("three rows of ", n), [2]int{3, n}, []float64{-37, 1.0 / 2048, 0.25 / 2048, 12, 1.0 / 3000, -0.4 / 3000}, int32(n), int32(n/2), 0)
	}
	add("no row", [2]int{0, 100}, plain)
	add("far from zero", [2]int{2, 4099}, []float64{-32768, 1.0 / 3, 0.1, 32767, 1.0 / 7, -0.05}, 4099, 4098)
	return cases
}
