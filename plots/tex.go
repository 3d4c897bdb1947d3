package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// texCanvas writes a LaTeX document of one picture for PGF, which compiles by itself and can be included into a paper, whose
// fonts it then takes. The one of gonum/plot (vgtex) writes numbers with exponents, which TeX refuses, does not quote the
// characters that TeX gives a meaning, and puts images with the time in their names into the working directory.
type texCanvas struct {
	name   string // of the file, which the images beside it begin with
	w, h   vg.Length
	body   bytes.Buffer
	state  texState
	stack  []texState
	images [][]byte
}

// texState is set before each path, because a path is a scope of its own.
type texState struct {
	colour color.NRGBA
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
}

func newTeX(name string, w, h vg.Length) *texCanvas {
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.') {
			return r
		}
		return '-' // TeX gives others a meaning
	}, name)
	c := &texCanvas{name: plain, w: w, h: h}
	vg.Initialize(c)
	return c
}

func (c *texCanvas) put(format string, args ...any) {
	fmt.Fprintf(&c.body, format+"\n", args...)
}

// length writes a length in the points of PostScript, which TeX calls big points.
func length(v vg.Length) string { return decimal(float64(v)) + "bp" }

func pgfPoint(p vg.Point) string {
	return `\pgfqpoint{` + length(p.X) + `}{` + length(p.Y) + `}`
}

// Size implements vg.CanvasSizer.
func (c *texCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth implements vg.Canvas.
func (c *texCanvas) SetLineWidth(w vg.Length) { c.state.width = w }

// SetLineDash implements vg.Canvas.
func (c *texCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dashes, c.state.offset = pattern, offset
}

// SetColor implements vg.Canvas.
func (c *texCanvas) SetColor(colour color.Color) {
	if colour == nil {
		colour = color.Black
	}
	c.state.colour = color.NRGBAModel.Convert(colour).(color.NRGBA)
}

// Rotate implements vg.Canvas.
func (c *texCanvas) Rotate(radians float64) {
	c.put(`\pgftransformrotate{%s}`, decimal(radians*180/math.Pi))
}

// Translate implements vg.Canvas.
func (c *texCanvas) Translate(by vg.Point) { c.put(`\pgftransformshift{%s}`, pgfPoint(by)) }

// Scale implements vg.Canvas.
func (c *texCanvas) Scale(x, y float64) {
	c.put(`\pgftransformxscale{%s}\pgftransformyscale{%s}`, decimal(x), decimal(y))
}

// Push implements vg.Canvas.
func (c *texCanvas) Push() {
	c.stack = append(c.stack, c.state)
	c.put(`\begin{pgfscope}`)
}

// Pop implements vg.Canvas.
func (c *texCanvas) Pop() {
	c.state, c.stack = c.stack[len(c.stack)-1], c.stack[:len(c.stack)-1]
	c.put(`\end{pgfscope}`)
}

// Stroke implements vg.Canvas.
func (c *texCanvas) Stroke(path vg.Path) {
	if c.state.width <= 0 {
		return
	}
	c.put(`\begin{pgfscope}`)
	c.colour()
	dashes := ""
	for _, d := range c.state.dashes {
		dashes += "{" + length(d) + "}"
	}
	c.put(`\pgfsetlinewidth{%s}\pgfsetdash{%s}{%s}`, length(c.state.width), dashes, length(c.state.offset))
	c.trace(path)
	c.put(`\pgfusepath{stroke}\end{pgfscope}`)
}

// Fill implements vg.Canvas.
func (c *texCanvas) Fill(path vg.Path) {
	c.put(`\begin{pgfscope}`)
	c.colour()
	c.trace(path)
	c.put(`\pgfusepath{fill}\end{pgfscope}`)
}

func (c *texCanvas) colour() {
	rgb := c.state.colour
	c.put(`\color[RGB]{%d,%d,%d}`, rgb.R, rgb.G, rgb.B)
}

func (c *texCanvas) trace(path vg.Path) {
	for _, p := range path {
		switch p.Type {
		case vg.MoveComp:
			c.put(`\pgfpathmoveto{%s}`, pgfPoint(p.Pos))
		case vg.LineComp:
			c.put(`\pgfpathlineto{%s}`, pgfPoint(p.Pos))
		case vg.ArcComp: // PGF begins at the current point, which is the end of the radius at the first angle
			begin := vg.Point{X: p.Pos.X + p.Radius*vg.Length(math.Cos(p.Start)), Y: p.Pos.Y + p.Radius*vg.Length(math.Sin(p.Start))}
			c.put(`\pgfpathmoveto{%s}\pgfpatharc{%s}{%s}{%s}`, pgfPoint(begin), decimal(p.Start*180/math.Pi), decimal((p.Start+p.Angle)*180/math.Pi), length(p.Radius))
		case vg.CurveComp:
			c.put(`\pgfpathcurveto{%s}{%s}{%s}`, pgfPoint(p.Control[0]), pgfPoint(p.Control[len(p.Control)-1]), pgfPoint(p.Pos))
		case vg.CloseComp:
			c.put(`\pgfpathclose`)
		}
	}
}

// FillString implements vg.Canvas. The text is centred where it should be: the fonts of a paper have other widths, and the
// error is halved so.
func (c *texCanvas) FillString(f font.Face, at vg.Point, text string) {
	at.X += f.Width(text) / 2
	c.put(`\begin{pgfscope}`)
	c.colour()
	c.put(`\pgftext[base,at={%s}]{\fontsize{%s}{%s}\selectfont %s}`, pgfPoint(at), length(f.Font.Size), length(f.Font.Size), texQuote(latin1(text)))
	c.put(`\end{pgfscope}`)
}

// texQuote writes text so that TeX prints it as it is.
func texQuote(text string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, `{`, `\{`, `}`, `\}`, `$`, `\$`, `&`, `\&`, `#`, `\#`, `%`, `\%`, `_`, `\_`,
		`^`, `\textasciicircum{}`, `~`, `\textasciitilde{}`, `<`, `\textless{}`, `>`, `\textgreater{}`, `|`, `\textbar{}`, `"`, `\textquotedbl{}`,
		"'", `\textquotesingle{}`, "`", `\textasciigrave{}`, `-`, `{-}`, `±`, `\textpm{}`, `×`, `\texttimes{}`, `·`, `\textperiodcentered{}`,
		"\u00a0", `~`).Replace(text)
}

// DrawImage implements vg.Canvas. TeX can only include a file: it stands beside the figure.
func (c *texCanvas) DrawImage(r vg.Rectangle, m image.Image) {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil { // of an image without pixels only
		panic(err)
	}
	c.images = append(c.images, b.Bytes())
	c.put(`\pgftext[left,bottom,at={%s}]{\includegraphics[width=%s,height=%s]{%s}}`, pgfPoint(r.Min), length(r.Max.X-r.Min.X), length(r.Max.Y-r.Min.Y),
		strings.TrimSuffix(c.imageName(len(c.images)), ".png"))
}

func (c *texCanvas) imageName(n int) string { return fmt.Sprintf("%s-%d.png", c.name, n) }

// beside returns the images.
func (c *texCanvas) beside() []file {
	var files []file
	for i, data := range c.images {
		files = append(files, file{c.imageName(i + 1), data})
	}
	return files
}

// WriteTo implements io.WriterTo.
func (c *texCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	b.WriteString(`% A figure by aural. It compiles by itself with pdflatex, xelatex or lualatex. To include it into a paper: \usepackage{standalone},
% \usepackage{pgf}, \usepackage{textcomp} in its preamble, and \input this file where it belongs.
\documentclass{standalone}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[scaled=1]{helvet}
\renewcommand{\familydefault}{\sfdefault}
\usepackage{pgf}
\begin{document}
\begin{pgfpicture}
`)
	fmt.Fprintf(&b, `\pgfpathrectangle{\pgfpointorigin}{%s}\pgfusepath{use as bounding box}`+"\n", pgfPoint(vg.Point{X: c.w, Y: c.h}))
	b.Write(c.body.Bytes())
	b.WriteString("\\end{pgfpicture}\n\\end{document}\n")
	return b.WriteTo(w)
}
