package screen

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Grouped writes n with commas: 12,345.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Number writes v with about four significant digits in at most 7 characters.
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+")
	case v == math.Trunc(v) && a < 1000:
		return strconv.FormatFloat(v+0, 'f', 0, 64) // + 0: there is no -0
	case a < 0.001 || a >= 99999.5:
		return Exponent(strconv.FormatFloat(v, 'e', 1, 64))
	case a >= 999.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	decimals := 3 - int(math.Floor(math.Log10(a)))
	return strconv.FormatFloat(v, 'f', min(max(decimals, 1), 4), 64)
}

// Exponent drops what is redundant in an exponent, "3.0e-04" is "3.0e-4", and zeros that say nothing, "1.000e-04" is
// "1e-4".
func Exponent(s string) string {
	mantissa, exp, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	if len(mantissa) > len("-1.0") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	sign := ""
	if exp[0] == '-' {
		sign = "-"
	}
	return mantissa + "e" + sign + strings.TrimLeft(exp, "+-0")
}

// Short writes a mark of an axis: 400k, 1.2M, 0.5.
func Short(v float64) string {
	a := math.Abs(v)
	switch {
	case a > 0 && a < 0.001 || a >= 1e15:
		return Exponent(strconv.FormatFloat(v, 'e', 3, 64))
	case a < 1000 || math.IsNaN(v):
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	suffix := ""
	for _, s := range []string{"k", "M", "G", "T"} {
		if math.Abs(v) < 1000 {
			break
		}
		v, suffix = v/1000, s
	}
	return strconv.FormatFloat(v, 'g', 4, 64) + suffix
}

// Duration writes d in its two largest units.
func Duration(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}
