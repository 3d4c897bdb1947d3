package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"aural/runlog"
)

// codebookColumns is how many columns a codebook figure has at most: about 0.6 mm each.
const codebookColumns = 240

// snapshots is what the log of a run has besides curves.
type snapshots interface {
	Snapshots(kind runlog.SnapshotKind) []runlog.Snapshot
}

// codebookPanels has a panel for each codebook group of each run: entries by updates.
func codebookPanels(b *builder) ([]panel, error) {
	var panels []panel
	for _, r := range b.runs {
		log, ok := r.log.(snapshots)
		if !ok {
			continue
		}
		list := log.Snapshots(runlog.CodebookSnapshot)
		if len(list) == 0 {
			continue
		}
		last := list[len(list)-1].Codebook
		list = slices.DeleteFunc(list, func(s runlog.Snapshot) bool {
			return s.Codebook.Groups != last.Groups || s.Codebook.Entries != last.Entries
		})
		for g := range last.Groups {
			title := fmt.Sprintf("Codebook group %d", g)
			if len(b.runs) > 1 {
				title += ": " + r.label
			}
			panels = append(panels, panel{title: title, heat: usage(list, g, !b.options.ByIndex), labelX: "update"})
		}
	}
	if panels == nil {
		panels = []panel{{title: "Codebook"}}
	}
	return panels, nil
}

// usage returns how often the entries of a group were chosen: rows of entries, columns of updates, values in multiples of
// even use. A column adds what was counted in its updates; counts of a snapshot that reaches over several columns are
// divided between them.
func usage(list []runlog.Snapshot, group int, sorted bool) *HeatMap {
	entries := list[0].Codebook.Entries
	begin := max(0, list[0].Step-list[0].Codebook.Updates)
	end := max(list[len(list)-1].Step, begin+1)
	columns := int(min(codebookColumns, int64(len(list))))
	h := &HeatMap{Left: float64(begin), Right: float64(end), Unit: "use, relative to even use", Log: true, MarkZero: true, Zero: "dead: not chosen once",
		Rows: "entries, most used first", Low: 0.03}
	if !sorted {
		h.Rows = "entries"
	}
	counts := make([][]float64, entries) // (entries, columns)
	for i := range counts {
		counts[i] = make([]float64, columns)
	}
	measured := make([]float64, columns) // updates counted
	wide := float64(end-begin) / float64(columns)
	for _, s := range list {
		from, to := float64(s.Step-s.Codebook.Updates-begin)/wide, float64(s.Step-begin)/wide
		row := s.Codebook.Counts[group*entries : (group+1)*entries]
		for j := max(0, int(from)); j < columns && float64(j) < to; j++ {
			share := (min(to, float64(j+1)) - max(from, float64(j))) / (to - from)
			if !(share > 0) {
				continue
			}
			measured[j] += share
			for i, n := range row {
				counts[i][j] += share * float64(n)
			}
		}
	}
	totals := make([]float64, entries)
	for j := range columns {
		sum := 0.0
		for i := range counts {
			sum += counts[i][j]
		}
		for i := range counts {
			if measured[j] == 0 || sum == 0 {
				counts[i][j] = math.NaN()
				continue
			}
			totals[i] += counts[i][j]
			counts[i][j] *= float64(entries) / sum
			h.High = max(h.High, counts[i][j])
		}
	}
	h.High = max(h.High, 10*h.Low)
	order := make([]int, entries)
	for i := range order {
		order[i] = i
	}
	if sorted {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(totals[b], totals[a]) })
	}
	for _, i := range order {
		h.Values = append(h.Values, counts[i])
		if sorted {
			h.entries = append(h.entries, strconv.Itoa(i))
		}
	}
	return h
}
