package screen

import (
	"fmt"
	"strings"
)

// Style is how a cell looks: a role, a curve's colour, or two levels of a heat map. Selected may be added to any but heat,
// where its bit means Shaded.
type Style uint16

// The roles.
const (
	Plain    Style = iota
	Strong         // what matters most
	Faint          // axes, units, explanations
	Good           // all is well
	Warning        // look at it
	Bad            // something is broken
	Accent         // keys and heads
	Baseline       // reference lines
	Band           // reference bands
	Chosen         // the row or tab with the cursor; reversed where there is no colour
	roles
)

const (
	firstLine = 32 // styles of curves
	firstRaw  = firstLine + Hues
	heatBit   = Style(0x8000)
	heatLevel = 7 // bits of a level

	// Selected marks a cell with reverse video.
	Selected = Style(0x4000)

	// Hues is how many curves differ in colour.
	Hues = 8
	// HeatLevels is how many levels a heat map has.
	HeatLevels = 1 << heatLevel
)

// Line is the style of curve i; after Hues they repeat.
func Line(i int) Style { return firstLine + Style(((i%Hues)+Hues)%Hues) }

// Raw is the style of what curve i was before smoothing.
func Raw(i int) Style { return firstRaw + Style(((i%Hues)+Hues)%Hues) }

// Heat is a cell of a heat map with levels from 0 to 1 of its upper and lower half, drawn with '▀'. Only terminals for which
// HasHeat holds can show it.
func Heat(upper, lower float64) Style {
	return heatBit | level(upper)<<heatLevel | level(lower)
}

// Shaded is Heat in greys of the same lightness: parts of a heat map that are set off, such as what a model could not see.
func Shaded(upper, lower float64) Style { return Heat(upper, lower) | Selected }

func level(v float64) Style {
	if !(v > 0) { // NaN too
		return 0
	}
	return Style(min(v, 1)*(HeatLevels-1) + 0.5)
}

// HasHeat reports whether heat maps have colours of even steps; elsewhere they are drawn with letters of rising weight.
func (t Terminal) HasHeat() bool { return t.Colors >= Colors256 && !t.ASCII && t.Theme != Mono }

// covers reports whether the style shows on a blank.
func (s Style) covers() bool { return s&(heatBit|Selected) != 0 || s == Chosen }

// Theme is a choice of colours.
type Theme int

// The themes.
const (
	Dark       Theme = iota // for a dark ground
	Light                   // for a light ground
	ColorBlind              // good and bad differ in blue and orange, curves in the colours of Okabe and Ito (2008)
	Mono                    // bold, faint and reverse only
	themes
)

// Themes are the names of the themes, in their order.
var Themes = [themes]string{"dark", "light", "color-blind", "mono"}

// ParseTheme finds a theme by its name.
func ParseTheme(name string) (Theme, error) {
	for t, n := range Themes {
		if n == name || n == strings.Replace(name, "colour", "color", 1) || strings.ReplaceAll(n, "-", "") == name {
			return Theme(t), nil
		}
	}
	return 0, fmt.Errorf("unknown theme %q: want %s", name, strings.Join(Themes[:], ", "))
}

// palette are the colours of a theme: numbers of xterm's 256 (the other depths follow from them).
type palette struct {
	faint, good, warning, bad, accent, baseline, band int
	lines, raws                                       [Hues]int
}

// The curves differ in hue and lightness, so that they can be told apart with any colour vision, and in the letter at their
// right end without colours. Those of Dark and ColorBlind are the nearest to the colours of Okabe and Ito.
var palettes = [themes]palette{
	Dark: {faint: 244, good: 36, warning: 178, bad: 203, accent: 38, baseline: 246, band: 238,
		lines: [Hues]int{38, 172, 36, 175, 227, 203, 105, 250}, raws: [Hues]int{24, 94, 23, 96, 100, 95, 60, 240}},
	Light: {faint: 243, good: 29, warning: 130, bad: 160, accent: 25, baseline: 241, band: 253,
		lines: [Hues]int{25, 166, 29, 126, 136, 160, 56, 238}, raws: [Hues]int{110, 180, 108, 182, 186, 181, 146, 248}},
	ColorBlind: {faint: 244, good: 74, warning: 220, bad: 166, accent: 74, baseline: 246, band: 238,
		lines: [Hues]int{74, 172, 36, 175, 227, 166, 25, 250}, raws: [Hues]int{24, 94, 23, 96, 100, 94, 18, 240}},
}

// sheet are the parameters of "select graphic rendition" for each style of a terminal.
type sheet struct {
	plain [firstRaw + Hues]string
	heatColours
}

func (t Terminal) sheet() *sheet {
	s := &sheet{}
	colours := t.Colors
	if t.Theme == Mono {
		colours = min(colours, NoColor)
	}
	set := func(v string, styles ...Style) {
		for _, st := range styles {
			s.plain[st] = v
		}
	}
	switch {
	case colours == NoStyle:
		return s
	case colours == NoColor:
		set("1", Strong, Warning, Bad, Accent)
		set("2", Faint, Baseline, Band)
		set("7", Chosen)
		for i := range Style(Hues) {
			s.plain[firstRaw+i] = "2"
		}
		return s
	case colours == Colors16:
		set("1", Strong)
		set("2", Faint, Baseline, Band)
		set("36", Good)
		set("33", Warning)
		set("1;31", Bad)
		set("1;36", Accent)
		set("7", Chosen)
		for i, c := range [Hues]string{"36", "33", "32", "35", "34", "31", "1;36", "1;33"} {
			s.plain[firstLine+i], s.plain[firstRaw+i] = c, "2;"+strings.TrimPrefix(c, "1;")
		}
		return s
	}
	p := palettes[t.Theme]
	fg := func(c int) string { return fmt.Sprintf("38;5;%d", c) }
	set("1", Strong)
	set(fg(p.faint), Faint)
	set(fg(p.good), Good)
	set(fg(p.warning), Warning)
	set("1;"+fg(p.bad), Bad)
	set("1;"+fg(p.accent), Accent)
	set(fg(p.baseline), Baseline)
	set(fg(p.band), Band)
	set("7", Chosen)
	for i := range Hues {
		s.plain[firstLine+i], s.plain[firstRaw+i] = fg(p.lines[i]), fg(p.raws[i])
	}
	s.heatColours = heat256()
	if t.Colors == TrueColor {
		s.heatColours = trueHeat()
	}
	return s
}

// sgr returns the parameters of a style.
func (s *sheet) sgr(st Style) string {
	if st&heatBit != 0 {
		if s.heat == nil {
			return ""
		}
		colours := s.heat
		if st&Selected != 0 {
			colours = s.shade
		}
		return "38;" + colours[st>>heatLevel&(HeatLevels-1)] + ";48;" + colours[st&(HeatLevels-1)]
	}
	base := st &^ Selected
	if int(base) >= len(s.plain) {
		return ""
	}
	v := s.plain[base]
	if st&Selected == 0 || s.plain[Strong] == "" { // the second: a terminal without styles
		return v
	}
	return strings.TrimPrefix(v+";7", ";")
}
