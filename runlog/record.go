package runlog

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of record that are used so far. A kind is the first part of a series name: "train/loss".
const (
	Train  = "train"
	Valid  = "valid"
	System = "system"
	Host   = "host" // measurements of the machine

	// session marks that a process began to write the run at Step: what earlier processes recorded after Step is void.
	session = "session"
)

// Value is one number of a [Record]. Name is the name of a [Metric] without its kind, such as "loss" or
// "code_perplexity/0".
type Value struct {
	Name  string
	Value float64
}

// Record is what one step, validation or measurement produced.
type Record struct {
	Step   int64     // updates done when the numbers were taken
	Time   time.Time // kept to the millisecond; the zero time is replaced by the time of writing
	Kind   string    // Train, Valid, System; a lower-case word
	Values []Value   // at least one
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// validName reports whether s can name a series or, without separators, a kind. Only characters that JSON, CSV and file
// names need not quote are allowed.
func validName(s string, separators bool) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case (c == '/' || c == '-' || c == '.' || c == '%') && separators:
		default:
			return false
		}
	}
	return true
}

// check says why a record cannot be written.
func (r *Record) check() error {
	if r.Step < 0 {
		return fmt.Errorf("negative step %d", r.Step)
	}
	if !validName(r.Kind, false) || r.Kind == session {
		return fmt.Errorf("bad kind %q: use letters, digits and _", r.Kind)
	}
	if y := r.Time.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("time %v", r.Time)
	}
	if len(r.Values) == 0 {
		return errors.New("no values")
	}
	for _, v := range r.Values {
		if !validName(v.Name, true) {
			return fmt.Errorf("bad metric name %q: use letters, digits and _ / - . %%", v.Name)
		}
	}
	return nil
}

// appendRecord appends the line of r. It allocates only to grow buf.
func appendRecord(buf []byte, r *Record) []byte {
	start := len(buf)
	buf = appendHead(buf, r.Step, r.Time)
	buf = append(buf, r.Kind...)
	buf = append(buf, `","values":{`...)
	for i, v := range r.Values {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, '"')
		buf = append(buf, v.Name...)
		buf = append(buf, '"', ':')
		buf = appendNumber(buf, v.Value, 64)
	}
	buf = append(buf, '}')
	return appendChecksum(buf, start)
}

// recordParser reads record lines. It keeps one copy of each name, so that parsing allocates nothing once the names
// are known.
type recordParser struct {
	scanner
	names map[string]string
	order []string // the names of the last line
}

// errSyntax is returned for a line that has a correct checksum but is not of this format.
var errSyntax = errors.New("not a record of this format version")

// parse fills r from the body of a line (see checkLine). r.Values is reused.
func (p *recordParser) parse(body []byte, r *Record) error {
	p.rest = body
	r.Values = r.Values[:0]
	var ok bool
	if r.Step, r.Time, ok = p.head(); !ok {
		return errSyntax
	}
	r.Kind = p.intern(p.until('"'))
	if !validName(r.Kind, false) || !p.skip(`,"values":{`) {
		return errSyntax
	}
	for !p.skip(`}`) {
		if len(r.Values) > 0 && !p.skip(`,`) {
			return errSyntax
		}
		if err := p.value(r); err != nil {
			return err
		}
	}
	if len(p.rest) != 0 {
		return errSyntax
	}
	return nil
}

func (p *recordParser) value(r *Record) error {
	if !p.skip(`"`) {
		return errSyntax
	}
	name, ok := p.name(len(r.Values))
	if !ok || !p.skip(`:`) {
		return errSyntax
	}
	v, ok := p.number(64)
	if !ok {
		return errSyntax
	}
	r.Values = append(r.Values, Value{name, v})
	return nil
}

// name reads a name and its closing quote. Lines of a kind repeat the names of the one before, so the name that was last
// at this place is tried first.
func (p *recordParser) name(place int) (string, bool) {
	if place < len(p.order) {
		name := p.order[place]
		if n := len(name); len(p.rest) > n && p.rest[n] == '"' && string(p.rest[:n]) == name {
			p.rest = p.rest[n+1:]
			return name, true
		}
	}
	name := p.intern(p.until('"'))
	if !validName(name, true) {
		return "", false
	}
	p.order = append(p.order[:min(place, len(p.order))], name)
	return name, true
}

func (p *recordParser) intern(b []byte) string {
	if s, ok := p.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if p.names == nil {
		p.names = make(map[string]string)
	}
	p.names[s] = s
	return s
}
