package plots

import (
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
)

// greys is how many shades a spectrogram has: few enough that the file stays small, and more than print shows.
const greys = 48

// dynamicRange is how far below the loudest cell of a spectrogram the quietest shade lies, in nats of power: 70 dB.
const dynamicRange = 16.1

// shades returns the spectrogram as an image: loud is dark on white and bright on black, and masked spans have a tint.
func (a *Spectrogram) shades(s style) image.Image {
	loudest := math.Inf(-1)
	for _, frame := range a.LogMel {
		for _, v := range frame {
			if finite(float64(v)) {
				loudest = max(loudest, float64(v))
			}
		}
	}
	quietest := loudest - dynamicRange
	colours := make(color.Palette, 0, 2*greys)
	tint := s.colour(0)
	for _, masked := range []bool{false, true} {
		for i := range greys {
			grey := float64(i) / (greys - 1)
			if !s.dark {
				grey = 1 - grey
			}
			shade := func(over uint8) uint8 {
				if masked {
					return uint8(255*(0.65*grey+0.35*float64(over)/255) + 0.5)
				}
				return uint8(255*grey + 0.5)
			}
			colours = append(colours, color.NRGBA{shade(tint.R), shade(tint.G), shade(tint.B), 0xFF})
		}
	}
	bands := len(a.Frequencies)
	cells := make([][]uint8, bands)
	for i := range cells {
		cells[i] = make([]uint8, len(a.LogMel))
		for t, frame := range a.LogMel {
			v := (float64(frame[bands-1-i]) - quietest) / dynamicRange
			if !finite(v) {
				v = 0
			}
			cells[i][t] = uint8(min(max(v, 0), 1) * (greys - 1))
			if a.masked(a.Start + a.Lead + (float64(t)+0.5)*a.Hop) {
				cells[i][t] += greys
			}
		}
	}
	return raster(cells, colours, vg.Point{}, 0)
}

// masked reports whether a time is in a masked span.
func (a *Spectrogram) masked(at float64) bool {
	return slices.ContainsFunc(a.Spans, func(s Span) bool { return at >= s.From && at < s.To })
}

// hitColour says whether the target scored above all distractors.
func (a *Spectrogram) hitColour(correct bool, s style) color.Color {
	if correct {
		return s.colour(2)
	}
	return s.mixed(1, 0.6)
}

// contrast is black or white, whichever can be read on a colour.
func contrast(c color.NRGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) > 140 {
		return color.Black
	}
	return color.White
}
