package screen

import (
	"math"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 4.6151: "4.615", 0.98765: "0.9877", 49.26: "49.26", 640: "640", 1613.2: "1613", 5e-4: "5.0e-4", 1e-10: "1.0e-10",
		123456: "1.2e5", 0.05: "0.0500", math.Inf(-1): "-Inf", math.Copysign(0, -1): "0"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) is %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 950: "950", 1000: "1k", 12500: "12.5k", 400000: "400k", 1.2e6: "1.2M", -2e9: "-2G", 1e-5: "1e-5"} {
		if got := Short(v); got != want {
			t.Errorf("Short(%v) is %q, want %q", v, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", -1: "-1", 999: "999", 1000: "1,000", -100000: "-100,000", 1234567: "1,234,567"} {
		if got := Grouped(n); got != want {
			t.Errorf("Grouped(%d) is %q, want %q", n, got, want)
		}
	}
}

func TestTerminals(t *testing.T) {
	for _, c := range []struct {
		environ string
		want    Terminal
	}{
		{"TERM=xterm-256color", Terminal{Colors256, false, Dark}},
		{"TERM=xterm COLORTERM=truecolor LANG=en_US.UTF-8", Terminal{TrueColor, false, Dark}},
		{"TERM=xterm LC_ALL=C LANG=en_US.UTF-8", Terminal{Colors16, true, Dark}},
		{"TERM=screen LANG=de_DE.utf8", Terminal{Colors16, false, Dark}},
		{"TERM=linux LANG=en_US.UTF-8", Terminal{Colors16, true, Dark}},
		{"TERM=dumb", Terminal{NoStyle, true, Dark}},
		{"TERM=vt100", Terminal{NoStyle, true, Dark}},
		{"TERM=xterm-256color NO_COLOR=1", Terminal{NoColor, false, Dark}},
		{"TERM=xterm-256color NO_COLOR=", Terminal{Colors256, false, Dark}},
		{"TERM=xterm COLORFGBG=0;15", Terminal{Colors16, false, Light}},
		{"TERM=dumb FORCE_COLOR=1", Terminal{Colors16, true, Dark}},
		{"TERM=dumb FORCE_COLOR=1 NO_COLOR=1", Terminal{NoStyle, true, Dark}},
		{"TERM=xterm TERM=dumb", Terminal{NoStyle, true, Dark}},
	} {
		if got := Detect(strings.Fields(c.environ)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.environ, got, c.want)
		}
	}
}

func TestWideText(t *testing.T) {
	c := New(Terminal{}, 10, 1)
	end := c.Text(0, 0, 10, "音声の実験です", Plain)
	if got := c.String(); got != "音声の実…" || end != 9 {
		t.Errorf("%q, %d", got, end)
	}
	c.Set(1, 0, 'x', Plain) // the right half of the first character
	if got := c.String(); got != " x声の実…" {
		t.Errorf("%q", got)
	}
	c.Text(0, 0, 10, "a\x1b[31m\n\tb\u0301", Plain)
	if got := c.String(); got != "a?[31m??b" {
		t.Errorf("control characters: %q", got)
	}
}

// Every style of every theme and depth ends what it begins, blanks behind the text are left out unless they show, and heat
// maps have rising lightness.
func TestStyles(t *testing.T) {
	for theme := range themes {
		for colours := NoStyle; colours <= TrueColor; colours++ {
			term := Terminal{Colors: colours, Theme: theme}
			c := New(term, 12, 1)
			for s := range Style(firstRaw + Hues) {
				c.Text(0, 0, 2, "ab", s)
				c.Text(2, 0, 2, "cd", s|Selected)
				out := c.String()
				if strings.Count(out, "\x1b[m") != strings.Count(out, "\x1b[")-strings.Count(out, "\x1b[m") {
					t.Fatalf("theme %v, colours %d, style %d: %q", theme, colours, s, out)
				}
				if colours == NoStyle && out != "abcd" {
					t.Fatalf("%q without styles", out)
				}
				if theme == Mono && strings.Contains(out, "38;") {
					t.Fatalf("mono has colours: %q", out)
				}
			}
			if term.HasHeat() != (colours >= Colors256 && theme != Mono) {
				t.Errorf("theme %v, colours %d: heat is %v", theme, colours, term.HasHeat())
			}
		}
	}
	if Heat(math.NaN(), 2) != Heat(0, 1) || Heat(-1, 0.5) != Heat(0, 0.5) {
		t.Error("levels outside of 0 to 1")
	}
	for name, want := range map[string]Theme{"dark": Dark, "colour-blind": ColorBlind, "colorblind": ColorBlind, "mono": Mono} {
		if got, err := ParseTheme(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseTheme("pink"); err == nil {
		t.Error("pink is a theme")
	}
}

func TestRects(t *testing.T) {
	r := Rect{0, 0, 10, 5}
	if top := r.Top(2); top != (Rect{0, 0, 10, 2}) || r != (Rect{0, 2, 10, 3}) {
		t.Error(top, r)
	}
	if right := r.Right(99); right != (Rect{0, 2, 10, 3}) || r.W != 0 {
		t.Error(right, r)
	}
	for w := range 30 {
		for h := range 12 {
			area := Rect{3, 4, w, h}
			for i, part := range area.Grid(3, 4) {
				if part.W < 0 || part.H < 0 || part.X+part.W > area.X+area.W+1 || part.Y+part.H > area.Y+area.H {
					t.Fatalf("part %d of %v is %v", i, area, part)
				}
			}
		}
	}
}
