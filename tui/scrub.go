package tui

import (
	"fmt"
	"sort"

	"aural/runlog"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// scrub is a place in a list of snapshots. The zero value is at the newest one and moves on with it.
type scrub struct {
	held bool
	step int64
	nth  int // among those of the step
}

// index returns the place in a list, -1 when it is empty. When the snapshot is gone it is the last one before it.
func (s scrub) index(list []runlog.Snapshot) int {
	if !s.held || len(list) == 0 {
		return len(list) - 1
	}
	first := sort.Search(len(list), func(i int) bool { return list[i].Step >= s.step })
	if first == len(list) || list[first].Step != s.step {
		return max(first-1, 0)
	}
	i := first
	for i+1 < len(list) && i < first+s.nth && list[i+1].Step == s.step {
		i++
	}
	return i
}

// move goes on by some snapshots; at the newest one it follows again.
func (s *scrub) move(list []runlog.Snapshot, by int) { s.to(list, s.index(list)+by) }

// to goes to a snapshot.
func (s *scrub) to(list []runlog.Snapshot, i int) {
	i = max(i, 0)
	if i >= len(list)-1 {
		*s = scrub{}
		return
	}
	s.held, s.step, s.nth = true, list[i].Step, 0
	for i--; i >= 0 && list[i].Step == s.step; i-- {
		s.nth++
	}
}

// toStep goes to the first snapshot at or behind an update.
func (s *scrub) toStep(list []runlog.Snapshot, step int64) {
	s.to(list, sort.Search(len(list), func(i int) bool { return list[i].Step >= step }))
}

// scrubbing are the keys that go through snapshots: the step keys, and home and end.
func scrubbing(back, forward, shown string, s *scrub, list func(m *model) []runlog.Snapshot) []binding {
	return []binding{
		{[]string{back, forward}, shown, func(m *model) string {
			l := list(m)
			if len(l) < 2 {
				return ""
			}
			return fmt.Sprintf("snapshot %d/%d", s.index(l)+1, len(l))
		}, "the snapshot before or after; the view follows the newest one until you step back (home, end: the first, the newest)", "",
			func(m *model, key string) tea.Cmd {
				by := 1
				if key == back {
					by = -1
				}
				s.move(list(m), by)
				return nil
			}},
		{[]string{"home", "end"}, "home end", nil, "", "", func(m *model, key string) tea.Cmd {
			l := list(m)
			if key == "home" {
				s.to(l, 0)
			} else {
				s.to(l, len(l)-1)
			}
			return nil
		}},
	}
}

// describe says which snapshot is shown.
func (s scrub) describe(list []runlog.Snapshot) string {
	i := s.index(list)
	if i < 0 {
		return ""
	}
	text := "update " + screen.Grouped(list[i].Step)
	if s.held {
		text += fmt.Sprintf(" (%d of %d snapshots)", i+1, len(list))
	}
	return text
}

// joined joins the first of parts that fit into width, with dots between.
func joined(width int, parts ...string) string {
	text := ""
	for _, p := range parts {
		switch next := text + " · " + p; {
		case p == "":
		case text == "":
			text = p
		case screen.TextWidth(next) <= width:
			text = next
		}
	}
	return text
}

// beside draws charts next to the pictures of a screen, in up to some columns. The focus counts them after the pictures.
func (f *frame) beside(defs []chartDef, area rect, columns, pictures int) {
	if len(defs) == 0 || area.H < chartHeight || area.W < chartWidth {
		return
	}
	rows, columns := fit(area, len(defs), columns)
	focus := f.m.focused(pictures+len(defs)) - pictures
	first := max(focus, 0) / (rows * columns) * (rows * columns)
	defs = defs[first:min(first+rows*columns, len(defs))]
	for i, r := range area.Grid(min(rows, (len(defs)+columns-1)/columns), columns) {
		if i >= len(defs) {
			break
		}
		n, at := len(f.hits), pictures+first+i
		f.chart(defs[i], r, "", first+i == focus)
		f.hits[n].click = func(m *model) { m.focus[m.view.screen] = at }
	}
}

// enlarged draws the focused chart alone, when it is one of defs and the user enlarged it.
func (f *frame) enlarged(defs []chartDef, area rect, pictures int) bool {
	focus := f.m.focused(pictures+len(defs)) - pictures
	if !f.m.view.full || focus < 0 {
		return false
	}
	f.chart(defs[focus], area, "", true)
	return true
}

// nothing says why a screen is empty.
func (f *frame) nothing(area rect, text string) {
	if f.m.run().loading {
		text = "loading"
	}
	for i, line := range wrap(text, area.W) {
		if i < area.H {
			f.c.Text(area.X, area.Y+i, area.W, line, screen.Faint)
		}
	}
}

// clickable notes what a click into an area does, and the wheel.
func (f *frame) clickable(area rect, point func(m *model, x, y int), wheel func(m *model, up bool)) {
	f.hits = append(f.hits, hit{area: area, chart: -1, point: point, wheel: wheel})
}

// ranges writes rising numbers as "3 5 17-24".
func ranges(list []int) []string {
	var out []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		switch {
		case j == i:
			out = append(out, fmt.Sprint(list[i]))
		case j == i+1:
			out = append(out, fmt.Sprint(list[i]), fmt.Sprint(list[j]))
		default:
			out = append(out, fmt.Sprintf("%d-%d", list[i], list[j]))
		}
		i = j + 1
	}
	return out
}
