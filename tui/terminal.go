package tui

import "strings"

// colors is how much colour a terminal has.
type colors int

const (
	noStyle  colors = iota // nothing but text
	noColor                // bold and faint: colour was declined with NO_COLOR
	colors16               // the 16 colours of the terminal's own scheme
	colors256
)

// terminal is what the screen may use.
type terminal struct {
	colors colors
	ascii  bool // no characters beyond ASCII
}

// detectTerminal reads the environment, given as "NAME=value" strings of which the last of a name holds. It follows
// no-color.org and the usual meaning of TERM, COLORTERM and the locale.
func detectTerminal(environ []string) terminal {
	env := variables(environ)
	t := terminal{colors: colors16, ascii: !utf8Locale(env)}
	term := env["TERM"]
	switch {
	case term == "dumb" || strings.HasPrefix(term, "vt"):
		return terminal{colors: noStyle, ascii: true}
	case term == "linux": // the console: its font lacks the braille patterns
		t.ascii = true
	case env["COLORTERM"] == "truecolor" || env["COLORTERM"] == "24bit" || strings.Contains(term, "256color") ||
		strings.Contains(term, "kitty") || strings.Contains(term, "ghostty") || strings.Contains(term, "direct"):
		t.colors = colors256
	}
	if env["NO_COLOR"] != "" {
		t.colors = noColor
	}
	return t
}

// variables turns "NAME=value" strings into a map.
func variables(environ []string) map[string]string {
	env := make(map[string]string)
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			env[name] = value
		}
	}
	return env
}

// trueColor reports whether the terminal says that it takes colours of 24 bits.
func trueColor(environ []string) bool {
	env := variables(environ)
	return env["COLORTERM"] == "truecolor" || env["COLORTERM"] == "24bit" || strings.Contains(env["TERM"], "direct")
}

// utf8Locale reports whether text may hold any character. A locale that is not set says nothing about the terminal at
// the other end; nearly all of them take UTF-8.
func utf8Locale(env map[string]string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(env[name]); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return true
}

// style is the role of a piece of text.
type style uint8

const (
	plain style = iota
	strong
	faint
	good
	warning
	bad
	accent   // keys
	lineA    // first curve of a chart
	lineB    // second curve
	faintA   // unsmoothed curves
	faintB   //
	baseline // reference lines
	styles   // how many there are
)

// sgr returns the "select graphic rendition" parameters of a style. Curves differ in hue and lightness so that they
// can be told apart with any colour vision (sky blue and orange of Okabe and Ito 2008), and in the letter at their
// right end without colours. The mid tones can be read on dark and on light ground.
func (c colors) sgr(s style) string {
	table := [...][styles]string{
		noStyle:   {},
		noColor:   {strong: "1", faint: "2", warning: "1", bad: "1", accent: "1", faintA: "2", faintB: "2", baseline: "2"},
		colors16:  {strong: "1", faint: "2", good: "36", warning: "33", bad: "1;31", accent: "1;36", lineA: "36", lineB: "33", faintA: "2;36", faintB: "2;33", baseline: "2"},
		colors256: {strong: "1", faint: "38;5;244", good: "38;5;36", warning: "38;5;172", bad: "1;38;5;166", accent: "1;38;5;38", lineA: "38;5;38", lineB: "38;5;172", faintA: "38;5;66", faintB: "38;5;137", baseline: "38;5;244"},
	}
	return table[c][s]
}
