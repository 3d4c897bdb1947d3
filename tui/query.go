package tui

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// query chooses among runs. Its terms are separated by blanks, and all of them must hold:
//
//	text           a regular expression that the name of the run contains
//	key=value      a setting of the recipe, a column of the table or the last value of a metric; also != < <= > >=
//	key~text       a regular expression that the value contains
//	!term          the inverse of a term
//
// A key may be the end of a setting's path: peak is train.schedule.peak. Case does not matter. Quotes hold blanks together.
type query struct {
	text  string
	terms []condition
}

// condition is a term of a query.
type condition struct {
	inverse bool
	key     string // "" for the name
	op      string
	value   string
	number  float64 // of value, for the comparisons of size
	numeric bool
	re      *regexp.Regexp // for ~ and names
}

// operators of a query, the longer ones first.
var operators = []string{"!=", "<=", ">=", "=", "<", ">", "~"}

// parseQuery reads a query.
func parseQuery(text string) (query, error) {
	q := query{text: strings.TrimSpace(text)}
	words, err := splitQuoted(text)
	if err != nil {
		return q, err
	}
	for _, w := range words {
		t, err := parseTerm(w)
		if err != nil {
			return q, err
		}
		q.terms = append(q.terms, t)
	}
	return q, nil
}

// quotedRune is a character of a query and whether it stood in quotes, where it means nothing but itself.
type quotedRune struct {
	r      rune
	quoted bool
}

// splitQuoted splits text at blanks that are not in double quotes. In quotes a backslash stands before a quote or a
// backslash.
func splitQuoted(text string) (words [][]quotedRune, err error) {
	var word []quotedRune
	begun, in, escaped := false, false, false
	for _, r := range text {
		switch {
		case escaped:
			word, escaped = append(word, quotedRune{r, true}), false
		case in && r == '\\':
			escaped = true
		case r == '"':
			in, begun = !in, true
		case !in && unicode.IsSpace(r):
			if begun {
				words = append(words, word)
			}
			word, begun = nil, false
		default:
			word, begun = append(word, quotedRune{r, in}), true
		}
	}
	if in || escaped {
		return nil, fmt.Errorf("query: a quote is not closed: %s", text)
	}
	if begun {
		words = append(words, word)
	}
	return words, nil
}

func parseTerm(word []quotedRune) (t condition, err error) {
	for len(word) > 0 && word[0] == (quotedRune{'!', false}) {
		t.inverse, word = !t.inverse, word[1:]
	}
	key, op, value := cutOperator(word)
	t.op, t.value = op, value
	if op == "" {
		t.re, err = regexp.Compile("(?i)" + value)
		if err != nil {
			return t, fmt.Errorf("query: %w", err)
		}
		return t, nil
	}
	if t.key = strings.ToLower(key); t.key == "" {
		return t, fmt.Errorf("query: there is no key before %s%s: want key%svalue", op, value, op)
	}
	if t.op == "!=" {
		t.inverse, t.op = !t.inverse, "="
	}
	v, numberErr := strconv.ParseFloat(value, 64)
	t.number, t.numeric = v, numberErr == nil
	switch t.op {
	case "~":
		if t.re, err = regexp.Compile("(?i)" + value); err != nil {
			return t, fmt.Errorf("query: %w", err)
		}
	case "<", "<=", ">", ">=":
		if !t.numeric {
			return t, fmt.Errorf("query: %s%s%s: %q is no number", key, op, value, value)
		}
	}
	return t, nil
}

// cutOperator finds the first operator outside of quotes. Without one the word is the value.
func cutOperator(word []quotedRune) (key, op, value string) {
	text := func(part []quotedRune) string {
		var b strings.Builder
		for _, c := range part {
			b.WriteRune(c.r)
		}
		return b.String()
	}
	for i := range word {
		for _, op := range operators {
			end := i + len(op)
			if end <= len(word) && text(word[i:end]) == op && !word[i].quoted && !word[end-1].quoted {
				return text(word[:i]), op, text(word[end:])
			}
		}
	}
	return "", "", text(word)
}

// match reports whether a run is chosen. values gives the values of a key, which may be several when the key is the end of
// several paths; one that holds is enough.
func (q query) match(name string, values func(key string) []string) bool {
	for _, t := range q.terms {
		if t.holds(name, values) == t.inverse {
			return false
		}
	}
	return true
}

func (t condition) holds(name string, values func(key string) []string) bool {
	if t.op == "" {
		return t.re.MatchString(name)
	}
	for _, v := range values(t.key) {
		if t.compare(v) {
			return true
		}
	}
	return false
}

// compare applies the operator: to numbers where both sides are numbers, else to text.
func (t condition) compare(text string) bool {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case t.op == "~":
		return t.re.MatchString(text)
	case t.op == "=" && t.numeric && err == nil:
		return v == t.number
	case t.op == "=":
		return strings.EqualFold(text, t.value)
	case err != nil:
		return false
	}
	switch t.op {
	case "<":
		return v < t.number
	case "<=":
		return v <= t.number
	case ">":
		return v > t.number
	}
	return v >= t.number
}

// valuesOf returns the values of a key of a query for a run: a column of the table, settings of its recipe, a series.
func (r *runView) valuesOf(key string) (out []string) {
	switch key {
	case "name":
		return []string{r.name}
	case "status":
		return []string{string(r.latest.status)}
	case "updates", "update", "step":
		return []string{strconv.FormatInt(r.updates(), 10)}
	case "host":
		return []string{r.latest.state.Host}
	case "verdict", "health":
		if rep := r.latest.report; rep != nil {
			return []string{rep.Level.String()}
		}
		return nil
	case "hours":
		key = hoursSeries
	}
	for path, value := range r.config.settings {
		if path = strings.ToLower(path); path == key || strings.HasSuffix(path, "."+key) {
			out = append(out, value)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, name := range r.names {
		if name == key || name[strings.IndexByte(name, '/')+1:] == key {
			if s := r.data[name]; s.Len() > 0 {
				out = append(out, strconv.FormatFloat(s.Value(s.Len()-1), 'g', -1, 64))
			}
		}
	}
	return out
}
