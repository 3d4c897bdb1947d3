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
	date [len("2006-01-02T")]byte // last date read, and its
	day  int64                    // seconds since 1970
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
	at, ok = p.time()
	return step, at, ok && p.skip(`,"kind":"`)
}

// time reads a time of timeLayout and the quote behind it. Neighbouring lines have the same date.
func (p *scanner) time() (t time.Time, ok bool) {
	s := p.rest
	if len(s) <= len(timeLayout) || s[len(timeLayout)] != '"' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[23] != 'Z' {
		return time.Time{}, false
	}
	if string(s[:len(p.date)]) != string(p.date[:]) {
		t, err := time.Parse(timeLayout[:len(p.date)], string(s[:len(p.date)]))
		if err != nil {
			return time.Time{}, false
		}
		copy(p.date[:], s)
		p.day = t.Unix()
	}
	two := func(i int) int64 {
		a, b := s[i]-'0', s[i+1]-'0'
		if a > 9 || b > 9 {
			return 99
		}
		return 10*int64(a) + int64(b)
	}
	hour, minute, second, hundredths, ms := two(11), two(14), two(17), two(20), s[22]-'0'
	if hour > 23 || minute > 59 || second > 59 || ms > 9 || hundredths == 99 && string(s[20:22]) != "99" {
		return time.Time{}, false
	}
	p.rest = s[len(timeLayout)+1:]
	return time.Unix(p.day+3600*hour+60*minute+second, (10*hundredths+int64(ms))*1e6).UTC(), true
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
	v, n := decimal(p.rest)
	if bits == 32 {
		if !roundsOnce(v) {
			n = decimalPrefix(p.rest)
			var err error
			if v, err = strconv.ParseFloat(string(p.rest[:n]), 32); err != nil {
				return 0, false
			}
		}
		v = float64(float32(v))
	}
	p.rest = p.rest[n:]
	return v, n > 0
}

// roundsOnce reports whether a decimal that is v in float64 has the float32 that v has: v does not lie half way between two
// of them, and they have 24 bits there.
func roundsOnce(v float64) bool {
	const smallest = 0x1p-126 // of 24 bits
	return math.Float64bits(v)&(1<<29-1) != 1<<28 && (math.Abs(v) >= smallest && math.Abs(v) <= math.MaxFloat32 || v == 0)
}

// int reads a whole number.
func (p *scanner) int() (v int, ok bool) {
	n := 0
	for n < len(p.rest) && (p.rest[n]-'0' <= 9 || p.rest[n] == '-' && n == 0) {
		n++
	}
	v, err := strconv.Atoi(string(p.rest[:n]))
	p.rest = p.rest[n:]
	return v, err == nil
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
