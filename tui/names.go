package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aural/internal/spelling"
	"aural/tui/chart"
)

// Axes are the names of what the x axis may count.
var Axes = [chart.AxisKinds]string{chart.Updates: "updates", chart.Epochs: "epochs", chart.Relative: "relative", chart.Wall: "wall", chart.Hours: "hours"}

// parseAxis finds an axis by its name or the beginning of it; "" is updates.
func parseAxis(name string) (chart.AxisKind, error) {
	i, err := choose("x axis", name, Axes[:])
	if name == "" {
		return chart.Updates, nil
	}
	return chart.AxisKind(i), err
}

// choose finds the option that a name means: the option itself, or the only one that begins with the name.
func choose(what, name string, options []string) (int, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	found := -1
	for i, o := range options {
		o = strings.ToLower(o)
		switch {
		case o == name:
			return i, nil
		case name == "" || !strings.HasPrefix(o, name):
		case found >= 0:
			found = len(options)
		default:
			found = i
		}
	}
	if found >= 0 && found < len(options) {
		return found, nil
	}
	return -1, fmt.Errorf("unknown %s %q: %s", what, name, hint(name, options))
}

// hint says which option may have been meant, or which there are.
func hint(name string, options []string) string {
	if near := nearest(name, options); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	const most = 12
	if len(options) > most {
		return "there are " + strings.Join(options[:most], ", ") + " …"
	}
	return "want " + strings.Join(options, ", ")
}

// nearest is the option that is spelt most like name, "" when none is like it.
func nearest(name string, options []string) string {
	best, least := "", max(len(name)/3, 1)+1
	for _, o := range options {
		lower := strings.ToLower(o)
		d := spelling.Distance(strings.ToLower(name), lower)
		if len(name) >= 3 && strings.Contains(lower, strings.ToLower(name)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = o, d
		}
	}
	return best
}

// complete returns the options that begin with a word, in their order.
func complete(word string, options []string) (out []string) {
	for _, o := range options {
		if strings.HasPrefix(strings.ToLower(o), strings.ToLower(word)) && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// Screens are the names of the screens, in the order of their keys. Runs of fine-tuning have transcripts and alignment in the
// places of codebook and masks.
var Screens = [...]string{"overview", "metrics", "codebook", "masks", "audio", "data", "system", "logs", "runs"}

// ParseScreen returns the number of a screen, from 1, by its name, the beginning of it, or the number itself; 0 for "".
func ParseScreen(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(Screens) {
		return n, nil
	}
	options := append(slices.Clone(Screens[:]), "transcripts", "alignment")
	i, err := choose("screen", name, options)
	switch {
	case err != nil:
		return 0, err
	case i >= len(Screens):
		return i - len(Screens) + codebookScreen + 1, nil
	}
	return i + 1, nil
}

// CheckAxis says what is wrong with the name of an x axis.
func CheckAxis(name string) error {
	_, err := parseAxis(name)
	return err
}
