package screen

import (
	"fmt"
	"math"
	"sync"
)

// Weights are letters of rising weight, for heat maps without colours.
const Weights = " .:-=+*#%@"

// Weight is the letter of a level from 0 to 1.
func Weight(v float64) rune {
	if !(v > 0) {
		return ' '
	}
	return rune(Weights[int(math.Round(min(v, 1)*float64(len(Weights)-1)))])
}

// heatColours are the ends of colour parameters, behind "38;" or "48;", of all levels in colour and in grey.
type heatColours struct{ heat, shade []string }

// They are made once for each depth of colour.
var (
	trueHeat = sync.OnceValue(func() heatColours { return newHeatColours(write24) })
	heat256  = sync.OnceValue(func() heatColours { return newHeatColours(write256) })
)

func newHeatColours(write func([3]uint8) string) heatColours {
	var out heatColours
	for i := range HeatLevels {
		c := magma(float64(i) / (HeatLevels - 1))
		out.heat = append(out.heat, write(c))
		out.shade = append(out.shade, write(grey(c)))
	}
	return out
}

func write24(c [3]uint8) string  { return fmt.Sprintf("2;%d;%d;%d", c[0], c[1], c[2]) }
func write256(c [3]uint8) string { return fmt.Sprintf("5;%d", nearest256(c)) }

// grey is the grey that looks as light as c, by the luma of ITU-R BT.709.
func grey(c [3]uint8) [3]uint8 {
	g := uint8(math.Round(0.2126*float64(c[0]) + 0.7152*float64(c[1]) + 0.0722*float64(c[2])))
	return [3]uint8{g, g, g}
}

// magma is the colour map of that name of matplotlib (van der Walt and Smith, 2015), every 32nd of its 256 colours and the
// last, with straight lines between: it rises evenly in lightness, so it can be read without colour vision.
func magma(level float64) (c [3]uint8) {
	table := [...][3]float64{{0, 0, 4}, {29, 17, 71}, {81, 18, 124}, {131, 38, 129}, {183, 55, 121}, {231, 82, 99}, {252, 137, 97},
		{254, 196, 136}, {252, 253, 191}}
	at := min(max(level, 0), 1) * float64(len(table)-1)
	i := min(int(at), len(table)-2)
	for k := range c {
		c[k] = uint8(math.Round(table[i][k] + (at-float64(i))*(table[i+1][k]-table[i][k])))
	}
	return c
}

// nearest256 returns the number of the nearest colour in the cube (16 to 231) and the greys (232 to 255) of xterm. The first
// 16 are the user's own.
func nearest256(c [3]uint8) int {
	best, least := 0, math.MaxInt
	try := func(number int, r, g, b int) {
		d := 0
		for k, v := range [3]int{r, g, b} {
			d += (v - int(c[k])) * (v - int(c[k]))
		}
		if d < least {
			best, least = number, d
		}
	}
	steps := [6]int{0, 95, 135, 175, 215, 255}
	for i := range 216 {
		try(16+i, steps[i/36], steps[i/6%6], steps[i%6])
	}
	for i := range 24 {
		try(232+i, 8+10*i, 8+10*i, 8+10*i)
	}
	return best
}
