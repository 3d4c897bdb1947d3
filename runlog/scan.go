package runlog

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// scanner takes a line apart. It allocates nothing.
type scanner struct {
	rest []byte
}

// skip moves behind s, if it comes next.
func (p *scanner) skip(s string) bool {
	if len(p.rest) < len(s) || string(p.rest[:len(s)]) != s {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// until returns what precedes the next c and moves behind it, or nil when there is none.
func (p *scanner) until(c byte) []byte {
	n := bytes.IndexByte(p.rest, c)
	if n < 0 {
		return nil
	}
	s := p.rest[:n]
	p.rest = p.rest[n+1:]
	return s
}

// head reads what begins a line of metrics.jsonl and snapshots.jsonl, up to and with the quote before the kind.
func (p *scanner) head() (step int64, at time.Time, ok bool) {
	if !p.skip(`{"step":`) {
		return 0, time.Time{}, false
	}
	step, err := strconv.ParseInt(string(p.until(',')), 10, 64)
	if err != nil || step < 0 || !p.skip(`"time":"`) {
		return 0, time.Time{}, false
	}
	at, err = time.Parse(timeLayout, string(p.until('"')))
	return step, at, err == nil && p.skip(`,"kind":"`)
}

// appendHead writes what head reads.
func appendHead(buf []byte, step int64, at time.Time) []byte {
	buf = append(buf, `{"step":`...)
	buf = strconv.AppendInt(buf, step, 10)
	buf = append(buf, `,"time":"`...)
	buf = at.UTC().AppendFormat(buf, timeLayout)
	return append(buf, `","kind":"`...)
}

// number reads a number as appendNumber writes it.
func (p *scanner) number(bits int) (v float64, ok bool) {
	if len(p.rest) > 0 && p.rest[0] == '"' {
		switch {
		case p.skip(`"NaN"`):
			return math.NaN(), true
		case p.skip(`"Inf"`):
			return math.Inf(1), true
		case p.skip(`"-Inf"`):
			return math.Inf(-1), true
		}
		return 0, false
	}
	n := decimalPrefix(p.rest)
	v, err := strconv.ParseFloat(string(p.rest[:n]), bits)
	p.rest = p.rest[n:]
	return v, err == nil
}

// decimalPrefix returns how many bytes at the beginning of s can belong to a JSON number. It keeps out what ParseFloat
// accepts and JSON does not: hexadecimal, underscores, "infinity".
func decimalPrefix(s []byte) int {
	for i, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' || i == 40 {
			return i
		}
	}
	return len(s)
}

// appendNumber writes the shortest decimal that reads back to the same bits, of a float32 if bits is 32. JSON has no word
// for the non-finite numbers; they are written as strings. All NaNs are one NaN.
func appendNumber(buf []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(buf, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(buf, `"Inf"`...)
	case math.IsInf(v, -1):
		return append(buf, `"-Inf"`...)
	}
	return strconv.AppendFloat(buf, v, 'g', -1, bits)
}
