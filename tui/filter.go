package tui

import (
	"regexp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// filter chooses among names: by a regular expression, its inverse ("!" before it), or loosely ("~": the letters in this
// order, with others between). Case does not matter.
type filter struct {
	text string
	re   *regexp.Regexp
}

func newFilter(text string) (filter, error) {
	f := filter{text: text}
	if strings.HasPrefix(text, "~") {
		return f, nil
	}
	var err error
	f.re, err = regexp.Compile("(?i)" + strings.TrimPrefix(text, "!"))
	return f, err
}

// String is the filter as the user writes it.
func (f filter) String() string { return f.text }

// match reports whether a name is chosen. The empty filter, or one that chooses nothing but its mark, chooses all.
func (f filter) match(name string) bool {
	switch {
	case f.text == "" || f.text == "!" || f.text == "~":
		return true
	case f.text[0] == '~':
		return loosely(strings.ToLower(f.text[1:]), strings.ToLower(name))
	case f.text[0] == '!':
		return !f.re.MatchString(name)
	}
	return f.re.MatchString(name)
}

// loosely reports whether the letters of want appear in name in this order.
func loosely(want, name string) bool {
	for _, r := range want {
		i := strings.IndexRune(name, r)
		if i < 0 {
			return false
		}
		name = name[i+len(string(r)):]
	}
	return true
}

// openFilter asks for the filter of metrics.
func (m *model) openFilter() tea.Cmd { return m.editFilter(&m.filter) }

// editFilter asks for a filter and applies it while it is written. An expression that is not complete yet changes nothing.
func (m *model) editFilter(to *filter) tea.Cmd {
	old := *to
	apply := func(m *model, text string) error {
		f, err := newFilter(text)
		if err == nil {
			*to = f
			m.focus[m.view.screen] = 0
		}
		return err
	}
	p := m.ask("/", to.text)
	p.changed = func(m *model, text string) { apply(m, text) }
	p.accept = func(m *model, text string) tea.Cmd {
		if err := apply(m, text); err != nil {
			m.tell("", err)
		}
		return nil
	}
	p.cancel = func(*model) { *to = old }
	p.tab = func(m *model) {
		text := p.input.Value()
		switch {
		case strings.HasPrefix(text, "!"):
			text = "~" + text[1:]
		case strings.HasPrefix(text, "~"):
			text = text[1:]
		default:
			text = "!" + text
		}
		p.input.SetValue(text)
		p.input.CursorEnd()
		apply(m, text)
	}
	return nil
}
