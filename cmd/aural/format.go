package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// grouped writes a whole number with commas between thousands.
func grouped[T ~int | ~int64 | ~uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText writes an amount of memory in decimal units.
func bytesText[T ~int | ~int64 | ~uint64](n T) string {
	return scaled(float64(n), "B", "kB", "MB", "GB", "TB")
}

// flopsText writes a number of floating point operations.
func flopsText(n float64) string {
	return scaled(n, "FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP")
}

// scaled writes x with three digits in the unit that suits it; each unit is a thousand of the one before.
func scaled(x float64, units ...string) string {
	for x >= 1000 && len(units) > 1 {
		x, units = x/1000, units[1:]
	}
	if x >= 100 {
		return fmt.Sprintf("%.0f %s", x, units[0])
	}
	return fmt.Sprintf("%.3g %s", x, units[0])
}

// audioText writes an amount of audio.
func audioText(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%.1f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}

// clock writes a time span in its two largest units.
func clock(d time.Duration) string {
	s := int(math.Round(d.Seconds()))
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

// printable replaces what would command a terminal. Names of files may hold anything.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

// percent writes a share.
func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// plural is "1 row" or "2 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// writeJSON writes v indented.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table writes rows with aligned columns. Columns whose heading begins with ">" are right-aligned.
func table(w io.Writer, rows [][]string, paint func(column int, cell, padded string) string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(strings.TrimPrefix(cell, ">"))))
		}
	}
	right := make([]bool, len(widths))
	for i, cell := range rows[0] {
		right[i] = strings.HasPrefix(cell, ">")
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if n == 0 {
				cell = strings.TrimPrefix(cell, ">")
			}
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			padded := cell + pad
			if right[i] {
				padded = pad + cell
			}
			if n > 0 && paint != nil {
				padded = paint(i, cell, padded)
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(padded)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
