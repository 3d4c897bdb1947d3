package corpora

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// maxExpanded bounds the paths that one pattern stands for.
const maxExpanded = 1 << 16

// opClose are the names that NeMo uses for braces where a shell or a configuration would read them itself.
var opClose = strings.NewReplacer("_OP_", "{", "_CL_", "}")

// expandBraces returns the paths that a pattern such as "audio_{0..127}.tar" or "{train,dev}.json" stands for, in order, as
// a shell would. NeMo's "_OP_" and "_CL_" are braces too. Braces hold a comma or a range of whole numbers; a number with
// leading zeros sets the width. Other braces are ordinary characters, and a path without braces stands for itself.
func expandBraces(pattern string) ([]string, error) {
	out, err := appendExpanded(nil, "", opClose.Replace(pattern))
	if err != nil {
		return nil, fmt.Errorf("corpora: %q: %w", pattern, err)
	}
	return out, nil
}

func appendExpanded(out []string, prefix, rest string) ([]string, error) {
	before, inside, after, ok := cutBraces(rest)
	if !ok {
		if len(out) == maxExpanded {
			return nil, fmt.Errorf("stands for more than %d files", maxExpanded)
		}
		return append(out, prefix+rest), nil
	}
	choices, ok, err := braceChoices(inside)
	if err != nil {
		return nil, err
	}
	if !ok {
		return appendExpanded(out, prefix+before+"{", inside+"}"+after)
	}
	for _, choice := range choices {
		// A choice may have braces of its own.
		if out, err = appendExpanded(out, prefix+before, choice+after); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cutBraces splits text at its first pair of braces that belong together.
func cutBraces(text string) (before, inside, after string, ok bool) {
	depth, open := 0, 0
	for i, c := range text {
		switch {
		case c == '{':
			if depth++; depth == 1 {
				open = i
			}
		case c == '}' && depth > 0:
			if depth--; depth == 0 {
				return text[:open], text[open+1 : i], text[i+1:], true
			}
		}
	}
	return "", "", "", false
}

// braceChoices returns what the inside of a pair of braces stands for.
func braceChoices(inside string) (choices []string, ok bool, err error) {
	depth, begin := 0, 0
	for i, c := range inside {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ',' && depth == 0:
			choices = append(choices, inside[begin:i])
			begin = i + 1
		}
	}
	if choices != nil {
		return append(choices, inside[begin:]), true, nil
	}
	first, last, isRange := strings.Cut(inside, "..")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if !isRange || err1 != nil || err2 != nil || from < 0 || to < 0 || first[0] == '+' || last[0] == '+' {
		return nil, false, nil
	}
	step := 1
	if to < from {
		step = -1
	}
	if (to-from)*step >= maxExpanded {
		return nil, false, fmt.Errorf("the range %s has more than %d numbers", inside, maxExpanded)
	}
	width := 0
	if leadingZero(first) || leadingZero(last) {
		width = max(len(first), len(last))
	}
	for n := from; ; n += step {
		choices = append(choices, fmt.Sprintf("%0*d", width, n))
		if n == to {
			return choices, true, nil
		}
	}
}

func leadingZero(number string) bool { return len(number) > 1 && number[0] == '0' }

// hasBraces reports whether the last part of a path is a pattern.
func hasBraces(path string) bool {
	expanded, err := expandBraces(filepath.Base(path))
	return err != nil || len(expanded) != 1 || expanded[0] != filepath.Base(path)
}
