package score

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible replaces what would hide in an alignment or command a terminal: a space as a token is "␣", a control character "?".
func visible(token string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '␣'
		case unicode.IsControl(r):
			return '?'
		}
		return r
	}, token)
}

// WriteAlignment writes an alignment as sclite's "pralign" does: REF and HYP below each other with stars for what is missing,
// and Eval with the kind of each error. Case is left as it is: sclite's upper case for errors would hide errors of case.
func WriteAlignment(w io.Writer, pairs []Pair) error {
	ref, hyp, eval := "REF:  ", "HYP:  ", "Eval: "
	for _, p := range pairs {
		r, h, e := visible(p.Ref), visible(p.Hyp), " "
		n, m := utf8.RuneCountInString(r), utf8.RuneCountInString(h)
		switch p.Kind {
		case Insertion:
			r, n = strings.Repeat("*", m), m
		case Deletion:
			h, m = strings.Repeat("*", n), n
		}
		if p.Kind != Correct {
			e = string(rune(p.Kind))
		}
		width := max(n, m, 1)
		ref += r + strings.Repeat(" ", width-n+1)
		hyp += h + strings.Repeat(" ", width-m+1)
		eval += e + strings.Repeat(" ", width)
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n%s\n", ref, hyp, eval)
	return err
}
