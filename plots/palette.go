package plots

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// palette holds the colours of a theme.
type palette struct {
	background, text, muted, grid color.Color
	lines                         []color.NRGBA
	dark                          bool
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
		return palette{background: color.Gray{0x14}, text: color.Gray{0xE8}, muted: color.Gray{0xA0}, grid: color.Gray{0x38}, dark: true,
			lines: []color.NRGBA{sky, vermillion, green, orange, purple, yellow, {0xFF, 0xFF, 0xFF, 0xFF}}}
	}
	return palette{background: color.White, text: color.Gray{0x1A}, muted: color.Gray{0x60}, grid: color.Gray{0xE4},
		lines: []color.NRGBA{blue, vermillion, green, orange, purple, sky, {0x00, 0x00, 0x00, 0xFF}}}
}

// colour is that of a curve, or the muted one for Grey.
func (p palette) colour(i int) color.NRGBA {
	if i == Grey {
		return color.NRGBAModel.Convert(p.muted).(color.NRGBA)
	}
	n := len(p.lines)
	return p.lines[(i%n+n)%n]
}

// mixed is the colour of a curve mixed with the background, of which it keeps the given share. A transparent colour
// would do the same, but PDF and SVG viewers do not agree on it, and PostScript has none.
func (p palette) mixed(i int, share float64) color.NRGBA {
	c := p.colour(i)
	b := color.NRGBAModel.Convert(p.background).(color.NRGBA)
	mix := func(line, background uint8) uint8 {
		return uint8(share*float64(line) + (1-share)*float64(background) + 0.5)
	}
	return color.NRGBA{mix(c.R, b.R), mix(c.G, b.G), mix(c.B, b.B), 0xFF}
}

// faint is the colour of raw values under their average, area that of a band, edge that of its borders.
func (p palette) faint(i int) color.Color { return p.mixed(i, 0.35) }
func (p palette) area(i int) color.Color  { return p.mixed(i, 0.2) }
func (p palette) edge(i int) color.Color  { return p.mixed(i, 0.45) }

// dashes tell apart what has the same colour.
func dashes(i int) []vg.Length {
	return [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}}[(i%4+4)%4]
}

// viridis holds every 28th colour of the map of that name by Smith and van der Walt (CC0): its lightness rises evenly, and
// people with any colour vision can read it.
var viridis = [...][3]uint8{
	{0x44, 0x01, 0x54}, {0x48, 0x28, 0x78}, {0x3E, 0x49, 0x89}, {0x31, 0x68, 0x8E}, {0x26, 0x82, 0x8E},
	{0x1F, 0x9E, 0x89}, {0x35, 0xB7, 0x79}, {0x6E, 0xCE, 0x58}, {0xB5, 0xDE, 0x2B}, {0xFD, 0xE7, 0x25},
}

// rampColours is how many colours a ramp has.
const rampColours = 200

// ramp returns the colours of numbers from low to high, for a heat map.
func ramp() color.Palette {
	colours := make(color.Palette, rampColours)
	for i := range colours {
		at := float64(i) / (rampColours - 1) * float64(len(viridis)-1)
		k := min(int(at), len(viridis)-2)
		mix := func(channel int) uint8 {
			a, b := float64(viridis[k][channel]), float64(viridis[k+1][channel])
			return uint8(a + (b-a)*(at-float64(k)) + 0.5)
		}
		colours[i] = color.NRGBA{mix(0), mix(1), mix(2), 0xFF}
	}
	return colours
}
