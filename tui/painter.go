package tui

import (
	"fmt"
	"math"
	"strings"
)

// painter draws lines of a picture of levels from 0 to 1, with what a terminal can show.
type painter struct {
	colour                       func(level float64) string // the end of an SGR sequence behind 38; or 48;, nil without colours
	vertical, horizontal, corner string
	mark                         rune // of a tick on the horizontal line
}

// weights are letters of rising weight.
const weights = " .:-=+*#%@"

func newPainter(t terminal, trueColor bool) painter {
	p := painter{vertical: "│", horizontal: "─", corner: "└", mark: '┬'}
	if t.ascii {
		return painter{vertical: "|", horizontal: "-", corner: "+", mark: '+'}
	}
	switch {
	case t.colors < colors256: // sixteen colours have no order that the eye can follow
	case trueColor:
		p.colour = func(level float64) string {
			c := magma(level)
			return fmt.Sprintf("2;%d;%d;%d", c[0], c[1], c[2])
		}
	default:
		steps := make([]string, 64) // more than there are colours of the 256 near the map
		for i := range steps {
			steps[i] = fmt.Sprintf("5;%d", nearest256(magma(float64(i)/float64(len(steps)-1))))
		}
		p.colour = func(level float64) string { return steps[int(math.Round(level*float64(len(steps)-1)))] }
	}
	return p
}

// dots is how many values stand above each other in a cell.
func (p *painter) dots() int {
	if p.colour == nil {
		return 1
	}
	return 2
}

// line writes one line of cells of dots rows of levels.
func (p *painter) line(b *strings.Builder, rows [][]float64) {
	if p.colour == nil {
		for _, v := range rows[0] {
			b.WriteByte(weights[int(math.Round(v*float64(len(weights)-1)))])
		}
		return
	}
	on := ""
	for x, upper := range rows[0] {
		if sgr := "\x1b[38;" + p.colour(upper) + ";48;" + p.colour(rows[1][x]) + "m"; sgr != on {
			b.WriteString(sgr)
			on = sgr
		}
		b.WriteRune('▀')
	}
	b.WriteString("\x1b[m")
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
