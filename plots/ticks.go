package plots

import (
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
)

// linearTicks marks multiples of 1, 2 or 5 times a power of ten.
type linearTicks struct {
	want int  // about how many
	big  bool // write thousands as k and millions as M
}

// Ticks implements plot.Ticker.
func (l linearTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) || !finite(lo) || !finite(hi) {
		return nil
	}
	step := niceStep((hi - lo) / float64(l.want))
	var ticks []plot.Tick
	slack := (hi - lo) * 1e-9
	for i := math.Ceil((lo - slack) / step); i*step <= hi+slack; i++ {
		v := i * step
		if v == 0 {
			v = 0 // not -0
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: l.label(v, step, max(math.Abs(lo), math.Abs(hi)))})
	}
	return ticks
}

// niceStep rounds to the nearest of 1, 2 and 5 times a power of ten, by ratio.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	switch m := v / power; {
	case m < math.Sqrt2:
		return power
	case m < math.Sqrt(10):
		return 2 * power
	case m < math.Sqrt(50):
		return 5 * power
	}
	return 10 * power
}

// mostDecimals bounds the length of a label: longer ones would leave no room for the axis.
const mostDecimals = 12

// label writes v with the digits that tell neighbouring ticks apart.
func (l linearTicks) label(v, step, largest float64) string {
	if v == 0 {
		return "0"
	}
	unit, suffix := 1.0, ""
	switch {
	case l.big && largest >= 2e6 && largest < 1e12:
		unit, suffix = 1e6, "M"
	case l.big && largest >= 2e3 && largest < 2e6:
		unit, suffix = 1e3, "k"
	case largest >= 1e6 || largest < 1e-2:
		e := max(math.Floor(math.Log10(largest)), -300)
		unit, suffix = math.Pow(10, e), "e"+strconv.Itoa(int(e))
	}
	decimals := min(max(0, -int(math.Floor(math.Log10(step/unit)+1e-9))), mostDecimals)
	return strconv.FormatFloat(v/unit, 'f', decimals, 64) + suffix
}

// logTicks marks powers of ten, and 2 and 5 times them when there are few.
type logTicks struct {
	big bool // write thousands as k and millions as M
}

// Ticks implements plot.Ticker.
func (l logTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) || !(lo > 0) || !finite(hi) {
		return nil
	}
	first, last := math.Floor(math.Log10(lo)), math.Ceil(math.Log10(hi))
	apart := max(1, math.Ceil((last-first)/6))
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && math.Mod(e-first, apart) == 0 || m > 1 && hi/lo < 100 {
				t.Label = short(v)
				if l.big {
					t.Label = thousands(v)
				}
			}
			ticks = append(ticks, t)
		}
	}
	labels := 0
	for _, t := range ticks {
		if t.Label != "" {
			labels++
		}
	}
	if labels < 3 && hi/lo < 10 { // too narrow to be seen as logarithmic
		return linearTicks{want: 4, big: l.big}.Ticks(lo, hi)
	}
	return ticks
}

// thousands writes a number like short, but thousands as k and millions as M.
func thousands(v float64) string {
	switch {
	case v >= 1e12:
	case v >= 1e6:
		return short(v/1e6) + "M"
	case v >= 1e3:
		return short(v/1e3) + "k"
	}
	return short(v)
}

// clockTicks marks round times of day. The axis counts seconds since 1970, UTC.
type clockTicks struct{ want int }

// Ticks implements plot.Ticker.
func (k clockTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) || !(math.Abs(lo) < 1e11) || !(math.Abs(hi) < 1e11) {
		return nil
	}
	const minute, hour, day = 60, 3600, 86400
	step := 1000.0 * day
	for _, s := range []float64{1, 2, 5, 10, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour,
		12 * hour, day, 2 * day, 5 * day, 10 * day, 20 * day, 50 * day, 100 * day, 200 * day, 500 * day} {
		if (hi-lo)/s <= float64(k.want)+1 {
			step = s
			break
		}
	}
	var ticks []plot.Tick
	before := ""
	for v := math.Ceil(lo/step) * step; v <= hi && len(ticks) < 100; v += step {
		at := time.Unix(int64(v), 0).UTC()
		date, label := at.Format("Jan 2"), at.Format("15:04")
		switch {
		case step >= day:
			label = date
		case step < minute:
			label = at.Format("15:04:05")
		}
		if date != before && step < day {
			label += "\n" + date
		}
		before = date
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// short writes a number in a few characters: 4.615, 640, 0.0099, 3e-04.
func short(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e6) {
		s := strconv.FormatFloat(v, 'e', 2, 64)
		mantissa, exponent, _ := strings.Cut(s, "e")
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return s
		}
		return trimZeros(mantissa) + "e" + strconv.Itoa(n)
	}
	if a := math.Abs(v); a >= 1 {
		return trimZeros(strconv.FormatFloat(v, 'f', 3, 64))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
