package plots

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// epsCanvas writes Encapsulated PostScript. The one of gonum/plot (vgeps) has a first line that interpreters refuse, the time in
// its head, no fonts, and no images. Here the letters that are used are embedded as a TrueType font (type 42).
type epsCanvas struct {
	w, h  vg.Length
	fonts []*epsFont
	body  bytes.Buffer
	state epsState
	stack []epsState
}

// epsState is what PostScript draws with.
type epsState struct {
	colour color.NRGBA
	width  vg.Length
	dashes string
	font   string
}

func newEPS(w, h vg.Length) *epsCanvas {
	c := &epsCanvas{w: w, h: h}
	vg.Initialize(c)
	return c
}

// decimal writes a number with up to three digits behind the point: a thousandth of a point is nowhere seen. There is no
// exponent, which neither TeX nor a reader of figures expects.
func decimal(v float64) string {
	if !finite(v) {
		return "0"
	}
	s := trimZeros(strconv.FormatFloat(v, 'f', 3, 64))
	if s == "-0" {
		return "0"
	}
	return s
}

func (c *epsCanvas) put(operator string, numbers ...float64) {
	for _, v := range numbers {
		c.body.WriteString(decimal(v))
		c.body.WriteByte(' ')
	}
	c.body.WriteString(operator)
	c.body.WriteByte('\n')
}

// Size implements vg.CanvasSizer.
func (c *epsCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth implements vg.Canvas.
func (c *epsCanvas) SetLineWidth(w vg.Length) {
	if w != c.state.width {
		c.state.width = w
		c.put("setlinewidth", float64(w))
	}
}

// SetLineDash implements vg.Canvas.
func (c *epsCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	text := "["
	for _, d := range pattern {
		text += decimal(float64(d)) + " "
	}
	text += "] " + decimal(float64(offset))
	if text != c.state.dashes {
		c.state.dashes = text
		c.put(text + " setdash")
	}
}

// SetColor implements vg.Canvas. PostScript has no transparency; the colours of figures have none.
func (c *epsCanvas) SetColor(colour color.Color) {
	if colour == nil {
		colour = color.Black
	}
	rgb := color.NRGBAModel.Convert(colour).(color.NRGBA)
	if rgb != c.state.colour {
		c.state.colour = rgb
		c.put("setrgbcolor", float64(rgb.R)/255, float64(rgb.G)/255, float64(rgb.B)/255)
	}
}

// Rotate implements vg.Canvas.
func (c *epsCanvas) Rotate(radians float64) { c.put("rotate", radians*180/math.Pi) }

// Translate implements vg.Canvas.
func (c *epsCanvas) Translate(by vg.Point) { c.put("translate", float64(by.X), float64(by.Y)) }

// Scale implements vg.Canvas.
func (c *epsCanvas) Scale(x, y float64) { c.put("scale", x, y) }

// Push implements vg.Canvas.
func (c *epsCanvas) Push() {
	c.stack = append(c.stack, c.state)
	c.put("gsave")
}

// Pop implements vg.Canvas.
func (c *epsCanvas) Pop() {
	c.state, c.stack = c.stack[len(c.stack)-1], c.stack[:len(c.stack)-1]
	c.put("grestore")
}

// Stroke implements vg.Canvas.
func (c *epsCanvas) Stroke(path vg.Path) {
	if c.state.width > 0 {
		c.trace(path)
		c.put("s")
	}
}

// Fill implements vg.Canvas.
func (c *epsCanvas) Fill(path vg.Path) {
	c.trace(path)
	c.put("f")
}

func (c *epsCanvas) trace(path vg.Path) {
	c.put("n")
	for _, p := range path {
		x, y := float64(p.Pos.X), float64(p.Pos.Y)
		switch p.Type {
		case vg.MoveComp:
			c.put("m", x, y)
		case vg.LineComp:
			c.put("l", x, y)
		case vg.ArcComp:
			operator := "arc"
			if p.Angle < 0 {
				operator = "arcn"
			}
			c.put(operator, x, y, float64(p.Radius), p.Start*180/math.Pi, (p.Start+p.Angle)*180/math.Pi)
		case vg.CurveComp:
			first, second := p.Control[0], p.Control[len(p.Control)-1]
			c.put("c", float64(first.X), float64(first.Y), float64(second.X), float64(second.Y), x, y)
		case vg.CloseComp:
			c.put("h")
		}
	}
}

// FillString implements vg.Canvas. Text is encoded in ISO 8859-1.
func (c *epsCanvas) FillString(f font.Face, at vg.Point, text string) {
	text = latin1(text)
	e := c.font(f)
	c.setFont(e, f)
	c.put("m", float64(at.X), float64(at.Y))
	var shown, widths strings.Builder
	last := 0.0
	for i, r := range text {
		e.use(byte(r))
		switch {
		case r == '(' || r == ')' || r == '\\':
			shown.WriteString("\\" + string(r))
		case r > '~':
			fmt.Fprintf(&shown, "\\%03o", r)
		default:
			shown.WriteRune(r)
		}
		next := float64(f.Width(text[:i+utf8.RuneLen(r)]))
		widths.WriteString(decimal(next-last) + " ")
		last = next
	}
	c.put("(" + shown.String() + ") [" + strings.TrimSpace(widths.String()) + "] xshow") // with the distances of pairs of letters
}

// font returns the font of a face.
func (c *epsCanvas) font(f font.Face) *epsFont {
	for _, e := range c.fonts {
		if e.name == fontPrefix+f.Font.Name() {
			return e
		}
	}
	e := &epsFont{name: fontPrefix + f.Font.Name(), face: f}
	c.fonts = append(c.fonts, e)
	return e
}

func (c *epsCanvas) setFont(e *epsFont, f font.Face) {
	text := "/" + e.name + " findfont " + decimal(float64(f.Font.Size)) + " scalefont setfont"
	if text != c.state.font {
		c.state.font = text
		c.put(text)
	}
}

// DrawImage implements vg.Canvas.
func (c *epsCanvas) DrawImage(r vg.Rectangle, m image.Image) {
	size := m.Bounds().Size()
	c.put("gsave")
	c.put("translate", float64(r.Min.X), float64(r.Min.Y))
	c.put("scale", float64(r.Max.X-r.Min.X), float64(r.Max.Y-r.Min.Y))
	fmt.Fprintf(&c.body, "/DeviceRGB setcolorspace\n<< /ImageType 1 /Width %d /Height %d /BitsPerComponent 8 /Decode [0 1 0 1 0 1]\n"+
		"/ImageMatrix [%d 0 0 %d 0 %d] /DataSource currentfile /ASCII85Decode filter /FlateDecode filter >> image\n", size.X, size.Y, size.X, -size.Y, size.Y)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed) // writing to a buffer cannot fail
	row := make([]byte, 3*size.X)
	for y := range size.Y {
		for x := range size.X {
			p := color.NRGBAModel.Convert(m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y)).(color.NRGBA)
			row[3*x], row[3*x+1], row[3*x+2] = p.R, p.G, p.B
		}
		z.Write(row)
	}
	z.Close()
	text := make([]byte, ascii85.MaxEncodedLen(packed.Len()))
	text = text[:ascii85.Encode(text, packed.Bytes())]
	for len(text) > 0 {
		n := min(76, len(text))
		c.body.WriteByte(' ') // so that no line begins with %%, which would be a comment to some programs
		c.body.Write(text[:n])
		c.body.WriteByte('\n')
		text = text[n:]
	}
	c.put("~>")
	c.put("grestore")
}

// WriteTo implements io.WriterTo.
func (c *epsCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%%!PS-Adobe-3.0 EPSF-3.0\n%%%%Creator: aural\n%%%%BoundingBox: 0 0 %.0f %.0f\n%%%%HiResBoundingBox: 0 0 %s %s\n",
		math.Ceil(float64(c.w)), math.Ceil(float64(c.h)), decimal(float64(c.w)), decimal(float64(c.h)))
	b.WriteString("%%LanguageLevel: 3\n%%DocumentData: Clean7Bit\n")
	for _, e := range c.fonts {
		b.WriteString("%%DocumentSuppliedResources: font " + e.name + "\n")
	}
	b.WriteString("%%EndComments\n%%BeginProlog\n10 dict begin\n")
	for _, o := range []string{"n newpath", "m moveto", "l lineto", "c curveto", "h closepath", "s stroke", "f fill"} {
		b.WriteString("/" + o[:1] + " /" + o[2:] + " load def\n")
	}
	b.WriteString("%%EndProlog\n%%BeginSetup\n")
	for _, e := range c.fonts {
		if err := e.write(&b); err != nil {
			return 0, err
		}
	}
	b.WriteString("%%EndSetup\ngsave\n")
	b.Write(c.body.Bytes())
	b.WriteString("grestore\nend\nshowpage\n%%EOF\n")
	return b.WriteTo(w)
}
