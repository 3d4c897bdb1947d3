package screen

import "strings"

// Colors is how much colour a terminal has.
type Colors int

// The kinds of terminals, from poor to rich.
const (
	NoStyle   Colors = iota // nothing but text
	NoColor                 // bold, faint and reverse: colour was declined with NO_COLOR
	Colors16                // the 16 colours of the terminal's own scheme
	Colors256               // the colours of xterm
	TrueColor               // 24 bits
)

// Terminal is what the screen may use.
type Terminal struct {
	Colors Colors
	ASCII  bool // no characters beyond ASCII
	Theme  Theme
}

// Detect reads the environment, given as "NAME=value" strings of which the last of a name holds. It follows
// no-color.org and the usual meaning of TERM, COLORTERM, COLORFGBG and the locale. Colour that was asked for by
// CLICOLOR_FORCE or FORCE_COLOR, and not declined by NO_COLOR, is used also where TERM does not promise it.
func Detect(environ []string) Terminal {
	env := variables(environ)
	t := Terminal{Colors: Colors16, ASCII: !utf8Locale(env), Theme: background(env)}
	term := env["TERM"]
	switch {
	case term == "dumb" || strings.HasPrefix(term, "vt"):
		t.Colors, t.ASCII = NoStyle, true
	case term == "linux": // the console: its font lacks the braille patterns
		t.ASCII = true
	case env["COLORTERM"] == "truecolor" || env["COLORTERM"] == "24bit" || strings.Contains(term, "direct"):
		t.Colors = TrueColor
	case strings.Contains(term, "256color") || strings.Contains(term, "kitty") || strings.Contains(term, "ghostty"):
		t.Colors = Colors256
	}
	if t.Colors > NoStyle && env["NO_COLOR"] != "" {
		t.Colors = NoColor
	} else if t.Colors == NoStyle && (forced(env["CLICOLOR_FORCE"]) || forced(env["FORCE_COLOR"])) && env["NO_COLOR"] == "" {
		t.Colors = Colors16
	}
	return t
}

func forced(v string) bool { return v != "" && v != "0" && v != "false" }

// background guesses whether the ground is light from COLORFGBG, "foreground;background" in the 16 colours, which several
// terminals set. The terminal is not asked: some hang, and over slow lines the answer arrives among the keys.
func background(env map[string]string) Theme {
	parts := strings.Split(env["COLORFGBG"], ";")
	if b := parts[len(parts)-1]; len(parts) > 1 && (b == "7" || b == "15") {
		return Light
	}
	return Dark
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
