package plots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"pgregory.net/rapid"

	"aural/runlog"
)

// checkEPS follows the operators of a file: every state that is saved is restored, paths are made of numbers, and text has a
// font that is embedded.
func checkEPS(t rapid.TB, figure string, eps []byte) {
	t.Helper()
	text := string(eps)
	if !strings.HasPrefix(text, "%!PS-Adobe-3.0 EPSF-3.0\n") || !strings.HasSuffix(text, "\nshowpage\n%%EOF\n") ||
		!regexp.MustCompile(`\n%%BoundingBox: 0 0 \d+ \d+\n`).MatchString(text) {
		t.Errorf("%s: not an EPS", figure)
	}
	if regexp.MustCompile(`(?i)date|nan|inf `).MatchString(text[:strings.Index(text, "%%EndComments")]) {
		t.Errorf("%s: the head has a date", figure)
	}
	_, body, _ := strings.Cut(text, "%%EndSetup\n")
	depth, image := 0, false
	operands := map[string]int{"m": 2, "l": 2, "c": 6, "arc": 5, "setlinewidth": 1, "setrgbcolor": 3, "translate": 2, "rotate": 1, "scale": 2, "n": 0, "h": 0, "s": 0, "f": 0}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		fields := strings.Fields(line)
		last := ""
		if len(fields) > 0 {
			last = fields[len(fields)-1]
		}
		switch {
		case image:
			image = line != "~>"
		case strings.HasSuffix(line, ">> image"):
			image = true
		case line == "gsave":
			depth++
		case line == "grestore":
			depth--
		case strings.HasSuffix(line, "xshow"):
			if !regexp.MustCompile(`^\(([^()\\]|\\[()\\]|\\\d{3})*\) \[[-0-9. ]*\] xshow$`).MatchString(line) {
				t.Fatalf("%s: text %q", figure, line)
			}
			shown, widths, _ := strings.Cut(strings.TrimSuffix(line[1:], "] xshow"), ") [")
			letters := len(regexp.MustCompile(`\\\d{3}|\\.|.`).FindAllString(shown, -1))
			if n := len(strings.Fields(widths)); n != letters {
				t.Fatalf("%s: %d letters have %d widths: %q", figure, letters, n, line)
			}
		case strings.HasSuffix(line, " setfont"):
			if name := fields[0]; !strings.Contains(text, "/FontName "+name+" def") {
				t.Fatalf("%s: font %s is not embedded", figure, name)
			}
		default:
			n, ok := operands[last]
			if !ok {
				continue
			}
			if len(fields) != n+1 {
				t.Fatalf("%s: %q has not %d numbers", figure, line, n)
			}
			for _, f := range fields[:n] {
				if v, err := strconv.ParseFloat(f, 64); err != nil || !finite(v) || strings.ContainsAny(f, "eE") {
					t.Fatalf("%s: %q", figure, line)
				}
			}
		}
		if depth < 0 {
			t.Fatalf("%s: a state is restored that was not saved", figure)
		}
	}
	if depth != -0 {
		t.Errorf("%s: %d states are not restored", figure, depth)
	}
}

// checkTeX looks for what stops TeX: groups that are not closed, numbers with exponents, characters that mean something.
func checkTeX(t rapid.TB, figure string, tex []byte) {
	t.Helper()
	text := string(tex)
	for _, environment := range []string{"document", "pgfpicture", "pgfscope"} {
		if b, e := strings.Count(text, `\begin{`+environment+"}"), strings.Count(text, `\end{`+environment+"}"); b != e || b == 0 {
			t.Errorf("%s: %s begins %d times and ends %d times", figure, environment, b, e)
		}
	}
	if found := regexp.MustCompile(`\{-?[0-9.]+e[-+]?[0-9]+(bp)?\}|NaN|Inf`).FindString(text); found != "" {
		t.Errorf("%s: TeX cannot read %s", figure, found)
	}
	if open, closed := strings.Count(text, "{")-strings.Count(text, `\{`), strings.Count(text, "}")-strings.Count(text, `\}`); open != closed {
		t.Errorf("%s: %d braces open and %d close", figure, open, closed)
	}
}

func TestTexQuote(t *testing.T) {
	for text, want := range map[string]string{
		"a_b 50% {x}": `a\_b 50\% \{x\}`, `\input{x}`: `\textbackslash{}input\{x\}`, "#1 $2 & ^ ~": `\#1 \$2 \& \textasciicircum{} \textasciitilde{}`, "a - b": "a {-} b",
	} {
		if got := texQuote(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Ghostscript draws the EPS without an error and pdflatex compiles the TeX, where they are installed.
func TestOtherPrograms(t *testing.T) {
	root := t.TempDir()
	logs := []runlog.Curves{small("r_1%", false).make(t, root)}
	dir := t.TempDir()
	for _, name := range []string{"codebook", "spectrogram", "accuracy"} {
		for _, ext := range []string{".eps", ".tex"} {
			if err := Render(filepath.Join(dir, name+ext), logs, name, Options{Smoothing: 0.5}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ program, args string }{
		{"gs", "-q -dNOPAUSE -dBATCH -dSAFER -sDEVICE=nullpage codebook.eps spectrogram.eps accuracy.eps"},
		{"pdflatex", "-interaction=nonstopmode -halt-on-error spectrogram.tex"},
	} {
		if _, err := exec.LookPath(c.program); err != nil {
			t.Logf("%s is not installed: the structure of its files is checked by other tests", c.program)
			continue
		}
		command := exec.Command(c.program, strings.Fields(c.args)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Error")) {
			t.Errorf("%s: %v\n%s", c.program, err, out)
		}
	}
}

// sansSource is the font of the figures with the numbers of some of its glyphs.
func sansSource(t testing.TB, text string) (source []byte, glyphs []uint16) {
	t.Helper()
	face := plot.DefaultTextHandler.Cache().Lookup(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Points(9))
	var b bytes.Buffer
	if _, err := face.Face.WriteSourceTo(nil, &b); err != nil {
		t.Fatal(err)
	}
	glyphs = []uint16{0}
	for _, r := range text {
		g, err := face.Face.GlyphIndex(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		glyphs = append(glyphs, uint16(g))
	}
	return b.Bytes(), glyphs
}

// A font of a few letters has their outlines, also those of composed letters, and all of Latin-1 fits into one string of
// PostScript.
func TestSubset(t *testing.T) {
	table := func(font []byte, tag string) []byte {
		for i := range int(binary.BigEndian.Uint16(font[4:])) {
			if e := font[12+16*i:]; string(e[:4]) == tag {
				return font[binary.BigEndian.Uint32(e[8:]):][:binary.BigEndian.Uint32(e[12:])]
			}
		}
		t.Fatalf("no table %s", tag)
		return nil
	}
	source, glyphs := sansSource(t, "Aé ")
	small, err := subset(source, glyphs)
	if err != nil {
		t.Fatal(err)
	}
	n := int(binary.BigEndian.Uint16(table(small, "maxp")[4:]))
	if n < 6 { // .notdef, A, é, space, and the parts of é
		t.Errorf("%d glyphs", n)
	}
	loca, glyf, hmtx := table(small, "loca"), table(small, "glyf"), table(small, "hmtx")
	if len(loca) != 4*(n+1) || len(hmtx) != 4*n {
		t.Fatalf("%d glyphs, loca %d, hmtx %d bytes", n, len(loca), len(hmtx))
	}
	outline := func(i int) []byte {
		return glyf[binary.BigEndian.Uint32(loca[4*i:]):binary.BigEndian.Uint32(loca[4*i+4:])]
	}
	whole := map[string][]byte{"head": table(source, "head"), "loca": table(source, "loca"), "glyf": table(source, "glyf")}
	if a := glyphOf(whole, glyphs[1]); !bytes.Equal(bytes.TrimRight(outline(1), "\x00"), bytes.TrimRight(a, "\x00")) || len(a) == 0 {
		t.Error("the outline of A is another")
	}
	if len(outline(3)) != 0 {
		t.Error("the space has an outline")
	}
	if parts := renumber(slices.Clone(outline(2)), nil); len(parts) < 2 || slices.Max(parts) >= uint16(n) {
		t.Errorf("é is made of %v, of %d glyphs", parts, n)
	}
	latin := ""
	for r := ' '; r <= 0xFF; r++ {
		latin += string(r)
	}
	all, err := subset(sansSource(t, latin1(latin)))
	if err != nil || len(all)+1 > 65535 {
		t.Errorf("Latin-1 takes %d bytes, %v", len(all), err)
	}
}

// A damaged font is an error.
func TestSubsetDamaged(t *testing.T) {
	source, glyphs := sansSource(t, "aé")
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		bad := slices.Clone(source)
		for range 20 {
			bad[random.IntN(400)] ^= byte(1 << random.IntN(8))
		}
		if _, err := subset(bad[:random.IntN(len(bad))], glyphs); err != nil && !errors.Is(err, errFont) {
			t.Fatal(err)
		}
	}
}

func TestImagesBesideTeX(t *testing.T) {
	dir := t.TempDir()
	logs := []runlog.Curves{small("a", false).make(t, t.TempDir())}
	if err := Render(filepath.Join(dir, "my codes_1.tex"), logs, "codebook", Options{}); err != nil {
		t.Fatal(err)
	}
	tex, err := os.ReadFile(filepath.Join(dir, "my codes_1.tex"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 4; i++ { // two maps with their colour bars
		name := "my-codes-1-" + strconv.Itoa(i)
		if _, err := os.Stat(filepath.Join(dir, name+".png")); err != nil || !strings.Contains(string(tex), "{"+name+"}") {
			t.Errorf("image %s: %v", name, err)
		}
	}
}
