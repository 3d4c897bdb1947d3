package vorbis

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// floor is a curve of line pieces that the spectrum is multiplied with (type 1, section 7.2).
type floor struct {
	partitions []uint8 // class of each
	classes    []floorClass
	multiplier int
	points     []floorPoint // in the order of the packet
	order      []int        // points from left to right
}

type floorClass struct {
	dimensions int
	subBits    uint
	master     int
	books      []int // by subclass, -1 for none
}

type floorPoint struct {
	x         int
	low, high int // the nearest earlier points to the left and to the right
}

// floorRange is the number of heights by multiplier.
var floorRange = [5]int{0, 256, 128, 86, 64}

// setPoints takes the places of the points, which differ.
func (f *floor) setPoints(xs []int) {
	f.points = make([]floorPoint, len(xs))
	f.order = make([]int, len(xs))
	for i, x := range xs {
		p := floorPoint{x, 0, 1}
		for j, other := range xs[:i] {
			if other < x && other > xs[p.low] {
				p.low = j
			}
			if other > x && other < xs[p.high] {
				p.high = j
			}
		}
		f.points[i], f.order[i] = p, i
	}
	slices.SortFunc(f.order, func(a, b int) int { return cmp.Compare(xs[a], xs[b]) })
}

// decodeFloors reads the curve of each channel. Of two coupled channels both have a residue when one has a curve.
func (d *Decoder) decodeFloors(m *mapping) {
	for c := range d.channels {
		ch := &d.channels[c]
		f := &d.setup.floors[m.floor[m.mux[c]]]
		ch.floor = f.decode(&d.bits, d.setup.books, ch.floor[:0])
		ch.silent = len(ch.floor) == 0
	}
}

// decode reads the heights of the points into ys, none when the channel is silent or the packet ends.
func (f *floor) decode(r *bitReader, books []codebook, ys []int) []int {
	if r.read(1) == 0 {
		return ys
	}
	top := floorRange[f.multiplier]
	width := uint(9 - f.multiplier + f.multiplier/3) // bits of top-1: 8, 7, 7, 6
	for range 2 {
		ys = append(ys, min(int(r.read(width)), top-1)) // beyond only in damaged packets: 86 heights have 7 bits
	}
	for _, class := range f.partitions {
		c := &f.classes[class]
		choice := 0
		if c.subBits > 0 {
			if choice = books[c.master].scalar(r); choice < 0 {
				return ys[:0]
			}
		}
		for range c.dimensions {
			y := 0
			if book := c.books[choice&(1<<c.subBits-1)]; book >= 0 {
				if y = books[book].scalar(r); y < 0 {
					return ys[:0]
				}
			}
			choice >>= c.subBits
			ys = append(ys, y)
		}
	}
	if r.over {
		return ys[:0]
	}
	f.unwrap(ys, top)
	return ys
}

// unwrap turns differences to a prediction into heights. Heights that lie on the line between their neighbours become
// negative: ^y instead of y.
func (f *floor) unwrap(ys []int, top int) {
	height := func(i int) int { return max(ys[i], ^ys[i]) }
	for i := 2; i < len(ys); i++ {
		p := f.points[i]
		low, high := f.points[p.low], f.points[p.high]
		predicted := linePoint(low.x, height(p.low), high.x, height(p.high), p.x)
		v := ys[i]
		if v == 0 {
			ys[i] = ^predicted
			continue
		}
		ys[p.low], ys[p.high] = height(p.low), height(p.high)
		above, below := top-predicted, predicted
		switch room := 2 * min(above, below); {
		case v >= room && above > below:
			v = v - below + predicted
		case v >= room:
			v = predicted - v + above - 1
		case v%2 == 1:
			v = predicted - (v+1)/2
		default:
			v = predicted + v/2
		}
		ys[i] = min(max(v, 0), top-1) // beyond only in damaged packets
	}
}

// linePoint is the height at x of a line (section 9.2.6).
func linePoint(x0, y0, x1, y1, x int) int { return y0 + (y1-y0)*(x-x0)/(x1-x0) }

// apply multiplies the spectrum with the curve.
func (f *floor) apply(spectrum []float32, ys []int) {
	gains := floorGains()
	x, y := 0, ys[0]*f.multiplier
	for _, i := range f.order[1:] {
		if ys[i] < 0 {
			continue
		}
		to := ys[i] * f.multiplier
		line(spectrum, gains, x, y, f.points[i].x, to)
		x, y = f.points[i].x, to
	}
	if x < len(spectrum) {
		gain := gains[y]
		for i := range spectrum[x:] {
			spectrum[x+i] *= gain
		}
	}
}

// line multiplies the spectrum from x0 up to x1 with the gains of a line in whole numbers (section 9.2.7).
func line(spectrum []float32, gains *[256]float32, x0, y0, x1, y1 int) {
	dx, dy := x1-x0, y1-y0
	base := dy / dx
	rest, step := dy-base*dx, 1
	if dy < 0 {
		rest, step = -rest, -1
	}
	y, e := y0, 0
	for i := x0; i < min(x1, len(spectrum)); i++ {
		spectrum[i] *= gains[uint8(y)]
		y += base
		if e += rest; e >= dx {
			e -= dx
			y += step
		}
	}
}

// floorGains are the gains by height of section 10.1: 256 steps of 140/256 dB up to 0 dB.
var floorGains = sync.OnceValue(func() *[256]float32 {
	t := new([256]float32)
	for i := range t {
		t[i] = float32(math.Pow(10, float64(i-255)*140/256/20))
	}
	return t
})
