package chart

import (
	"fmt"
	"math"

	"aural/tui/screen"
)

// Cells is a picture of numbered values, one block of cells each, in rows of a round number of them: the codes of a group.
type Cells struct {
	Levels []float64 // 0 to 1; NaN: not known
	Dead   func(i int) bool
	Number func(i int) int // what place i is called at the left; nil is i itself
	Chosen int             // the value that stands out; -1 for none
}

// CellGrid says where the values are. In a small area several neighbours share a cell.
type CellGrid struct {
	Area   screen.Rect // of the values alone, without the numbers at the left
	N      int
	PerRow int // blocks in a row
	W, H   int // cells of a block
	Each   int // values of a block
}

// The blocks from large to small, and the round numbers of them in a row.
var (
	blocks     = [][2]int{{6, 3}, {4, 2}, {2, 1}, {1, 1}}
	roundCells = []int{320, 256, 200, 160, 128, 100, 80, 64, 50, 40, 32, 20, 16, 10, 8, 5}
)

// cellGutter is the width of the numbers at the left, where there is room for them.
const cellGutter = 5

// CellsIn returns the grid of n values that fills an area best.
func CellsIn(area screen.Rect, n int) CellGrid {
	if area.W >= 4*cellGutter {
		area.Left(cellGutter)
	}
	g := CellGrid{Area: area, N: n, W: 1, H: 1, Each: 1, PerRow: max(area.W, 1)}
	if n < 1 || area.W < 1 || area.H < 1 {
		return g
	}
	for _, whole := range []bool{true, false} { // rows that are all full first
		for _, b := range blocks {
			most := area.W / b[0]
			if most < 1 {
				continue
			}
			for _, per := range append(roundCells, most) {
				per = min(per, n)
				even := n%per == 0 && (per < n || n < 10)
				if per <= most && (n+per-1)/per*b[1] <= area.H && (even || !whole) {
					g.PerRow, g.W, g.H = per, b[0], b[1]
					return g
				}
			}
		}
	}
	places := area.W * area.H
	g.Each = (n + places - 1) / places
	return g
}

// Rows is how many rows of the screen the grid takes.
func (g CellGrid) Rows() int {
	blocks := (g.N + g.Each - 1) / g.Each
	return min((blocks+g.PerRow-1)/g.PerRow*g.H, g.Area.H)
}

// Size tells grids apart: the cells of a value.
func (g CellGrid) Size() float64 { return float64(g.W*g.H) / float64(g.Each) }

// At returns the first value under a cell; ok is false where there is none.
func (g CellGrid) At(x, y int) (i int, ok bool) {
	if !g.Area.Contains(x, y) || (x-g.Area.X)/g.W >= g.PerRow {
		return 0, false
	}
	i = ((y-g.Area.Y)/g.H*g.PerRow + (x-g.Area.X)/g.W) * g.Each
	return i, i < g.N
}

// Draw draws the values into the grid: colours or letters by their level, dead ones apart. Of values that share a cell the
// largest is shown, and a dead one only when all are.
func (d Cells) Draw(c *screen.Canvas, area screen.Rect) CellGrid {
	g := CellsIn(area, len(d.Levels))
	row := -1
	for i := 0; i < len(d.Levels); i += g.Each {
		block := i / g.Each
		x, y := g.Area.X+block%g.PerRow*g.W, g.Area.Y+block/g.PerRow*g.H
		if !g.Area.Contains(x, y) {
			return g
		}
		if block/g.PerRow != row && g.Area.X-area.X == cellGutter {
			n := i
			if d.Number != nil {
				n = d.Number(i)
			}
			c.TextRight(area.X, y, cellGutter-1, fmt.Sprint(n), screen.Faint)
		}
		row = block / g.PerRow
		char, s := d.look(c.Terminal, i, min(i+g.Each, len(d.Levels)))
		c.Fill(screen.Rect{X: x, Y: y, W: g.W, H: min(g.H, g.Area.Y+g.Area.H-y)}, char, s)
		if d.Chosen >= i && d.Chosen < i+g.Each {
			c.Fill(screen.Rect{X: x, Y: y, W: g.W, H: min(g.H, g.Area.Y+g.Area.H-y)}, 'o', screen.Chosen)
		}
	}
	return g
}

// look is how the values [from, to) are drawn in one cell.
func (d *Cells) look(t screen.Terminal, from, to int) (rune, screen.Style) {
	most, dead := math.NaN(), true
	for i := from; i < to; i++ {
		if d.Dead != nil && d.Dead(i) {
			continue
		}
		dead = false
		if v := d.Levels[i]; !(v <= most) && !math.IsNaN(v) {
			most = v
		}
	}
	switch {
	case dead && t.HasHeat():
		return '·', screen.Bad
	case dead, math.IsNaN(most):
		return ' ', screen.Plain
	case t.HasHeat():
		return '▀', screen.Heat(most, most)
	}
	return screen.Weight(math.Max(most, 1.0/float64(len(screen.Weights)-1))), screen.Plain // what lives is not blank
}
