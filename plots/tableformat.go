package plots

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// String writes a cell for people.
func (c Cell) String() string {
	switch {
	case !c.Number:
		return c.Text
	case !finite(c.Value):
		return "-"
	case c.Deviation <= 1e-4*math.Abs(c.Value): // of one run, or of runs that hardly differ
		return c.round(c.Value)
	}
	// A deviation has two digits, and the mean ends where it does.
	decimals := max(0, 1-int(math.Floor(math.Log10(c.Deviation))))
	return strconv.FormatFloat(c.Value, 'f', decimals, 64) + " ± " + strconv.FormatFloat(c.Deviation, 'f', decimals, 64)
}

func (c Cell) round(v float64) string {
	if c.digits == 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	decimals := c.digits - 1
	if v != 0 {
		decimals -= int(math.Floor(math.Log10(math.Abs(v))))
	}
	return strconv.FormatFloat(v, 'f', min(max(decimals, 0), 12), 64)
}

// CSV writes the table with all digits. A column whose numbers have deviations is followed by one of them.
func (t Table) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b) // writing to a buffer cannot fail
	deviates := make([]bool, len(t.Header))
	var header []string
	for i, name := range t.Header {
		header = append(header, name)
		if deviates[i] = slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[i].Deviation != 0 }); deviates[i] {
			header = append(header, name+", deviation")
		}
	}
	w.Write(header)
	for _, row := range t.Rows {
		var fields []string
		for i, c := range row {
			text := c.Text
			if c.Number {
				text = ""
				if finite(c.Value) {
					text = number(c.Value)
				}
			}
			fields = append(fields, text)
			if deviates[i] {
				fields = append(fields, number(c.Deviation))
			}
		}
		w.Write(fields)
	}
	w.Flush()
	return b.Bytes()
}

// Markdown writes the table as GitHub reads it, padded so that it is readable as it is.
func (t Table) Markdown() []byte {
	rows := [][]string{{}}
	for _, name := range t.Header {
		rows[0] = append(rows[0], markdownQuote(name))
	}
	for _, row := range t.Rows {
		var fields []string
		for _, c := range row {
			fields = append(fields, markdownQuote(c.String()))
		}
		rows = append(rows, fields)
	}
	width := make([]int, len(t.Header))
	for _, row := range rows {
		for i, f := range row {
			width[i] = max(width[i], len([]rune(f)), 3)
		}
	}
	var b bytes.Buffer
	for k, row := range rows {
		for i, f := range row {
			space := strings.Repeat(" ", width[i]-len([]rune(f)))
			if t.right(i) {
				fmt.Fprintf(&b, "| %s%s ", space, f)
			} else {
				fmt.Fprintf(&b, "| %s%s ", f, space)
			}
		}
		b.WriteString("|\n")
		if k > 0 {
			continue
		}
		for i := range row {
			rule := strings.Repeat("-", width[i])
			if t.right(i) {
				rule = rule[1:] + ":"
			}
			b.WriteString("| " + rule + " ")
		}
		b.WriteString("|\n")
	}
	return b.Bytes()
}

// right reports whether a column is of numbers.
func (t Table) right(i int) bool { return len(t.Rows) > 0 && t.Rows[0][i].Number }

func markdownQuote(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "*", `\*`, "`", "\\`", "<", "&lt;").Replace(s)
}

// LaTeX writes the table as a tabular for the package booktabs.
func (t Table) LaTeX() []byte {
	var b bytes.Buffer
	b.WriteString("% needs \\usepackage{booktabs}\n\\begin{tabular}{")
	for i := range t.Header {
		b.WriteString(map[bool]string{false: "l", true: "r"}[t.right(i)])
	}
	b.WriteString("}\n\\toprule\n")
	line := func(fields []string) {
		for i, f := range fields {
			fields[i] = strings.ReplaceAll(texQuote(f), `\textpm{}`, `$\pm$`)
		}
		b.WriteString(strings.Join(fields, " & ") + " \\\\\n")
	}
	line(slices.Clone(t.Header))
	b.WriteString("\\midrule\n")
	for _, row := range t.Rows {
		var fields []string
		for _, c := range row {
			fields = append(fields, c.String())
		}
		line(fields)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	return b.Bytes()
}
