package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// codebookPane shows how the codes of the quantizer are used.
type codebookPane struct {
	at     scrub
	mode   codebookMode
	byUse  bool // codes in the order of their use, not of their numbers
	dead   bool // the dead codes are listed
	chosen bool // group and code stand out
	group  int
	code   int
}

// codebookMode is a view of the codebook.
type codebookMode int

const (
	codeCells codebookMode = iota // a cell for each code
	codesOverTime
	codesSorted // use by rank
	codebookModes
)

var codebookModeNames = [codebookModes]string{"cells", "over time", "by rank"}

// The colours of use are the same at all times: from a hundredth of what a code would have if all were used alike to the
// tenfold.
var useShade = chart.Scale{Low: 0.01, High: 10, Log: true}

const useUnit = "× even"

// explainedFrom is the width from which on the head explains the colours.
const explainedFrom = 60

func (*codebookPane) title(*model) string { return "codebook" }
func (*codebookPane) about(*model) string {
	return "How often each code of the quantizer is chosen, compared with even use, as a moving average over the last snapshots. In a healthy run the perplexity " +
		"dips early, recovers and keeps rising; codes that were not chosen although every other was many times are dead."
}

func (p *codebookPane) bindings(m *model) []binding {
	set := func(change func()) func(*model, string) tea.Cmd {
		return func(*model, string) tea.Cmd {
			change()
			return nil
		}
	}
	list := scrubbing("left", "right", "← →", &p.at, codebooks)
	list = append(list,
		binding{[]string{"v"}, "v", fixed(codebookModeNames[p.mode]), "view: a cell for each code, all codes over time, use by rank", "codebook view",
			set(func() { p.mode = (p.mode + 1) % codebookModes })},
		binding{[]string{"d"}, "d", fixed(either(p.dead, "hide the dead", "dead codes")), "list the dead codes", "dead codes", set(func() { p.dead = !p.dead })},
		binding{[]string{"r"}, "r", fixed(either(p.byUse, "by use", "by number")), "order of the codes: by number or by use", "order of codes", set(func() { p.byUse = !p.byUse })},
		binding{[]string{"up", "down"}, "↑ ↓", nil, "choose a code (also a click); g goes to the next group", "", func(m *model, key string) tea.Cmd {
			p.choose(m, key)
			return nil
		}},
		binding{[]string{"g"}, "g", nil, "", "", set(func() { p.group++ })})
	if p.chosen {
		list = append(list, binding{[]string{"esc"}, "esc", fixed("no code"), "", "", set(func() { p.chosen = false })})
	}
	return list
}

func codebooks(m *model) []runlog.Snapshot { return m.run().shots.codebooks }

// choose takes an arrow key: the next code in the order of the view.
func (p *codebookPane) choose(m *model, key string) {
	list := codebooks(m)
	u, ok := usageAt(list, p.at.index(list))
	if !ok {
		return
	}
	order := p.order(u, p.group%u.groups)
	i := slices.Index(order, p.code)
	switch {
	case !p.chosen:
		i = 0
	case key == "down":
		i++
	default:
		i--
	}
	p.chosen, p.code = true, order[min(max(i, 0), len(order)-1)]
}

// order is the order in which a group's codes are drawn.
func (p *codebookPane) order(u codebookUse, g int) []int {
	if p.byUse {
		return byUse(u.share[g])
	}
	order := make([]int, u.entries)
	for i := range order {
		order[i] = i
	}
	return order
}

// codebookCharts are the charts beside the codes.
func codebookCharts(m *model) []chartDef {
	groups := chartDef{title: "code perplexity by group", metric: "code_perplexity"}
	for g := range 8 {
		if name := fmt.Sprintf("train/code_perplexity/%d", g); m.run().data[name].Len() > 0 {
			groups.curves = append(groups.curves, curveDef{name, fmt.Sprint(g), false})
		}
	}
	defs := []chartDef{perplexityChart}
	if len(groups.curves) > 1 {
		defs = append(defs, groups)
	}
	return m.known(append(defs, chartDef{title: "diversity loss", metric: "diversity_loss", curves: trainValid("diversity_loss")}, tempChart,
		chartDef{title: "cosine between codes", metric: "codebook_cosine", curves: trainValid("codebook_cosine")}))
}

func (p *codebookPane) draw(f *frame, area rect) {
	m := f.m
	list, defs := codebooks(m), codebookCharts(m)
	i := p.at.index(list)
	u, ok := usageAt(list, i)
	if !ok {
		f.nothing(area.Top(min(2, area.H)), "no snapshot of the codebook in this log: the trainer writes them every train.snapshot_every updates")
		if !f.enlarged(defs, area, 0) {
			f.beside(defs, area, 2, 0)
		}
		return
	}
	if f.enlarged(defs, area, 1) {
		return
	}
	p.head(f, area.Top(1), u, list)
	if p.chosen && area.H > 4 {
		p.codeLine(f, area.Top(1), u, list[:i+1])
	}
	switch {
	case m.view.full:
	case area.W >= 110:
		side := area.Right(min(area.W*2/5, 64))
		side.Left(2)
		p.lists(f, side.Top(min(13, side.H/2)), u)
		f.beside(defs, side, 1, 1)
	case area.H >= 26 || area.H >= 16 && p.mode == codeCells:
		below := area.Bottom(max(7, area.H-p.rows(area, u)))
		if p.dead {
			p.lists(f, below, u)
		} else {
			f.beside(defs, below, 2, 1)
		}
	case p.dead && area.H >= 8:
		p.lists(f, area.Bottom(area.H/2), u)
	}
	switch p.mode {
	case codeCells:
		if rows := p.rows(area, u); area.W >= 60 && area.H >= rows+14 {
			p.overTime(f, area.Bottom(area.H-rows), u, list, i)
		}
		p.cells(f, area, u)
	case codesOverTime:
		p.overTime(f, area, u, list, i)
	default:
		p.ranks(f, area, u)
	}
}

// rows is how many rows the picture needs at most, when others want some.
func (p *codebookPane) rows(area rect, u codebookUse) int {
	if p.mode != codeCells {
		return area.H
	}
	area.Bottom(7)
	rows := 0
	for _, r := range cellAreas(area, u) {
		r.Top(1)
		rows = max(rows, r.Y+chart.CellsIn(r, u.entries).Rows()-area.Y)
	}
	return rows + 1
}

// head says what is seen and what the colours mean.
func (p *codebookPane) head(f *frame, line rect, u codebookUse, list []runlog.Snapshot) {
	if line.H == 0 {
		return
	}
	dead := 0
	for _, d := range u.dead {
		dead += len(d)
	}
	if w := chart.RampWidth(useShade, useUnit); p.mode != codesSorted && line.W >= explainedFrom {
		at := line.Right(w)
		chart.Ramp(f.c, at.X, at.Y, useShade, useUnit)
		line.Right(2)
	}
	state := fmt.Sprintf("%d of %d codes dead", dead, u.groups*u.entries)
	if !u.judged {
		state = fmt.Sprintf("%d of %d codes not chosen yet", dead, u.groups*u.entries)
	}
	text := joined(line.W, p.at.describe(list), state)
	if window := fmt.Sprintf(" (not chosen in %s updates)", screen.Grouped(u.updates)); u.judged && screen.TextWidth(text+window) <= line.W {
		text += window
	}
	f.c.Text(line.X, line.Y, line.W, text, screen.Plain)
}

// groupTitle says how a group is used, as far as there is room.
func (p *codebookPane) groupTitle(f *frame, line rect, u codebookUse, g int) {
	if line.H == 0 {
		return
	}
	h := entropy(u.share[g])
	factor, unit := 1.0, "nats"
	if f.m.view.bits {
		factor, unit = runlog.BitsPerNat, "bits"
	}
	s := screen.Strong
	if p.chosen && p.group%u.groups == g {
		s = screen.Accent
	}
	name := fmt.Sprintf("group %d", g)
	x := f.c.Text(line.X, line.Y, line.W, name, s) + 2
	room := line.X + line.W - x
	f.c.Text(x, line.Y, room, joined(room, "perplexity "+screen.Number(math.Exp(h))+fmt.Sprintf(" of %d", u.entries), fmt.Sprintf("%d dead", len(u.dead[g])),
		fmt.Sprintf("entropy %s of %s %s", screen.Number(h*factor), screen.Number(math.Log(float64(u.entries))*factor), unit)), screen.Plain)
}

// codeLine tells about the chosen code, with its share over the snapshots.
func (p *codebookPane) codeLine(f *frame, line rect, u codebookUse, list []runlog.Snapshot) {
	g, code := p.group%u.groups, min(p.code, u.entries-1)
	share := u.share[g][code]
	text := joined(line.W, fmt.Sprintf("code %d/%d", g, code), fmt.Sprintf("%s %% of choices, %s %s", screen.Number(100*share), screen.Number(share*float64(u.entries)), useUnit),
		fmt.Sprintf("rank %d", slices.Index(byUse(u.share[g]), code)+1))
	x := f.c.Text(line.X, line.Y, line.W, text, screen.Strong) + 2
	room := line.X + line.W - x
	if room < 20 {
		return
	}
	first := list[0].Step - max(list[0].Codebook.Updates, 1)
	row := over(list, list[len(list)-1].Codebook, g, []int{code}, max(first, 0), list[len(list)-1].Step, room)[0]
	for i, v := range row {
		level := useShade.At(v * float64(u.entries))
		switch {
		case math.IsNaN(v) || math.IsInf(level, 0) || !(level > 0):
		case f.c.Terminal.ASCII:
			f.c.Set(x+i, line.Y, screen.Weight(level), screen.Line(0))
		default:
			f.c.Set(x+i, line.Y, []rune("▁▂▃▄▅▆▇█")[int(min(level, 1)*7)], screen.Line(0))
		}
	}
}

// lists writes the most used codes of each group, or the dead ones.
func (p *codebookPane) lists(f *frame, area rect, u codebookUse) {
	if area.H < 2 {
		return
	}
	head := area.Top(1)
	f.c.Text(head.X, head.Y, head.W, either(p.dead, "dead codes", "most used codes, % of choices"), screen.Accent)
	if p.dead {
		for g, dead := range u.dead {
			text := "none"
			if len(dead) > 0 {
				text = strings.Join(ranges(dead), " ")
			}
			for _, line := range wrap(fmt.Sprintf("group %d: %s", g, text), area.W) {
				at := area.Top(1)
				if at.H > 0 && area.H == 0 {
					line += " …"
				}
				f.c.Text(at.X, at.Y, at.W*at.H, line, screen.Plain)
			}
		}
		return
	}
	for g, column := range area.Grid(1, min(u.groups, max(area.W/18, 1))) {
		name := column.Top(1)
		f.c.Text(name.X, name.Y, name.W, fmt.Sprintf("group %d", g), screen.Strong)
		for _, code := range byUse(u.share[g]) {
			line := column.Top(1)
			share := u.share[g][code]
			if line.H == 0 || !(share > 0) {
				break
			}
			x := f.c.Text(line.X, line.Y, line.W, fmt.Sprintf("%4d %6.2f ", code, 100*share), screen.Plain)
			chart.Bar(f.c, rect{X: x, Y: line.Y, W: line.X + line.W - x, H: 1}, share/u.share[g][byUse(u.share[g])[0]], screen.Raw(g))
			f.clickable(line, func(*model, int, int) { p.chosen, p.group, p.code = true, g, code }, nil)
		}
	}
}
