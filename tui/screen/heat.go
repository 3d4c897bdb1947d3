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

// heatColours are the ends of colour parameters, behind "38;" or "48;", of all levels. They are made once.
func heatColours(trueColor bool) []string {
	if trueColor {
		return trueHeat()
	}
	return heat256()
}

var trueHeat = sync.OnceValue(func() []string {
	return everyLevel(func(c [3]uint8) string { return fmt.Sprintf("2;%d;%d;%d", c[0], c[1], c[2]) })
})

var heat256 = sync.OnceValue(func() []string {
	return everyLevel(func(c [3]uint8) string { return fmt.Sprintf("5;%d", nearest256(c)) })
})

func everyLevel(write func([3]uint8) string) []string {
	out := make([]string, HeatLevels)
	for i := range out {
		out[i] = write(magma(float64(i) / (HeatLevels - 1)))
	}
	return out
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
