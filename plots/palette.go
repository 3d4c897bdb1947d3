package plots

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// palette holds the colours of a theme.
type palette struct {
	background, text, muted, grid color.Color
	lines                         []color.NRGBA
}

// The colours of Okabe and Ito, "Color Universal Design" (2008). Yellow is left out on white and dark blue on black,
// where they cannot be seen; colours that follow each other differ in lightness too.
func (t Theme) palette() palette {
	var (
		orange     = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
		sky        = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}
		green      = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
		yellow     = color.NRGBA{0xF0, 0xE4, 0x42, 0xFF}
		blue       = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
		vermillion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
		purple     = color.NRGBA{0xCC, 0x79, 0xA7, 0xFF}
	)
	if t == Dark {
		return palette{background: color.Gray{0x14}, text: color.Gray{0xE8}, muted: color.Gray{0xA0}, grid: color.Gray{0x38},
			lines: []color.NRGBA{sky, vermillion, green, orange, purple, yellow, {0xFF, 0xFF, 0xFF, 0xFF}}}
	}
	return palette{background: color.White, text: color.Gray{0x1A}, muted: color.Gray{0x60}, grid: color.Gray{0xE4},
		lines: []color.NRGBA{blue, vermillion, green, orange, purple, sky, {0x00, 0x00, 0x00, 0xFF}}}
}

func (p palette) line(i int) color.NRGBA { return p.lines[i%len(p.lines)] }

// faint is the colour of raw values under their average: a line's colour mixed with the background. A transparent colour
// would do the same, but PDF and SVG viewers do not agree on it.
func (p palette) faint(i int) color.Color {
	c := p.line(i)
	r, g, b, _ := p.background.RGBA()
	mix := func(line uint8, background uint32) uint8 { return uint8((35*uint32(line) + 65*(background>>8)) / 100) }
	return color.NRGBA{mix(c.R, r), mix(c.G, g), mix(c.B, b), 0xFF}
}

// dashes tell apart what has the same colour.
func dashes(i int) []vg.Length {
	return [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}}[i%4]
}
