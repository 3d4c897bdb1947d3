package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"
)

// header takes the first rows: name and status, progress, rates and verdict.
func (f *frame) header(body *rect) {
	rows := 3
	switch {
	case f.c.Area.H < 5:
		rows = 1
	case f.c.Area.H < fullHeight:
		rows = 2
	}
	area, m := body.Top(rows), f.m
	if area.H > 0 {
		f.status(area)
	}
	if area.H > 1 {
		f.progress(rect{X: area.X, Y: area.Y + 1, W: area.W, H: 1})
	}
	if area.H > 2 {
		line := rect{X: area.X, Y: area.Y + 2, W: area.W, H: 1}
		text, s := m.run().verdict()
		if m.run().loading {
			text, s = fmt.Sprintf("loading, %s lines", screen.Grouped(int64(m.run().loaded))), screen.Faint
		}
		f.c.Text(line.X, line.Y, line.W, text, s)
		f.hits = append(f.hits, hit{area: line, chart: -1, click: func(m *model) { m.show(logsScreen) }})
	}
}

// verdict is the line that answers "is it working?".
func (r *runView) verdict() (string, screen.Style) {
	rep := r.latest.report
	if rep == nil {
		return "no verdict yet", screen.Faint
	}
	s := screen.Good
	switch rep.Level {
	case health.Watch:
		s = screen.Warning
	case health.Broken:
		s = screen.Bad
	}
	return rep.Level.String() + ": " + rep.Summary, s
}

// status writes the name of the run and its condition in words, and on the right how far the view is from it.
func (f *frame) status(area rect) {
	m, r := f.m, f.m.run()
	sign, text, s := r.condition()
	name := r.name
	if n := len(m.runs); n > 1 {
		name = fmt.Sprintf("%s (%d of %d)", name, m.current+1, n)
	}
	name = screen.CutText(name, max(area.W/2, area.W-screen.TextWidth(text)-4))
	x := f.c.Text(area.X, area.Y, area.W, name, screen.Strong) + 2
	x = f.c.Text(x, area.Y, area.X+area.W-x, sign, s) + 1
	x = f.c.Text(x, area.Y, area.X+area.W-x, text, s) + 2
	if rates := r.rates(area.X + area.W - x); rates != "" {
		f.c.TextRight(x, area.Y, area.X+area.W-x, rates, screen.Plain)
	}
}

// condition describes whether and how the run lives.
func (r *runView) condition() (sign, text string, s screen.Style) {
	state, now := r.latest.state, r.latest.at
	switch r.latest.status {
	case runlog.Running:
		if state.Silent(now) {
			return "●", "running, but no heartbeat for " + screen.Duration(now.Sub(state.Time)), screen.Warning
		}
		if slow := now.Sub(state.StepTime); slow > time.Minute {
			return "●", "running, no update for " + screen.Duration(slow), screen.Good
		}
		return "●", "running", screen.Good
	case runlog.Paused:
		return "‖", "paused", screen.Warning
	case runlog.Finished:
		return "■", "finished " + ago(now, state.Time), screen.Good
	case runlog.Stopped:
		return "■", "stopped " + ago(now, state.Time) + because(state.Message), screen.Warning
	case runlog.Failed:
		return "×", "failed " + ago(now, state.Time) + because(state.Message), screen.Bad
	case importedStatus:
		return "■", "imported from TensorBoard", screen.Plain
	case runlog.Crashed:
		return "×", "crashed, last heartbeat " + ago(now, state.Time), screen.Bad
	}
	switch {
	case r.latest.stateErr != nil:
		return "×", r.latest.stateErr.Error(), screen.Bad
	case r.latest.status != "":
		return "×", string(r.latest.status), screen.Bad // by a later version of the format
	}
	return "●", "opening", screen.Faint
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

func ago(now, then time.Time) string {
	if d := now.Sub(then); d >= time.Second {
		return screen.Duration(d) + " ago"
	}
	return "just now"
}

// progress writes "update n of N", a bar that takes what room is left, and the time to go.
func (f *frame) progress(area rect) {
	r := f.m.run()
	done, total := r.updates(), r.latest.state.TotalSteps
	if total <= 0 {
		f.c.Text(area.X, area.Y, area.W, "update "+screen.Grouped(done), screen.Plain)
		return
	}
	text := "update " + screen.Grouped(done) + " of " + screen.Grouped(total)
	if area.W < 50 {
		text = screen.Grouped(done) + " of " + screen.Grouped(total)
	}
	x := f.c.Text(area.X, area.Y, area.W, text, screen.Plain) + 2
	room := area.X + area.W - x
	share := min(max(float64(done)/float64(total), 0), 1)
	right := fmt.Sprintf("%.1f %%", math.Floor(1000*share)/10)
	if left := r.timeLeft(); screen.TextWidth(right)+2+screen.TextWidth(left) <= room {
		right = strings.TrimRight(right+"  "+left, " ")
	} else if left != "" {
		right = left // tells more than the share
	}
	f.c.TextRight(x, area.Y, room, right, screen.Plain)
	room -= screen.TextWidth(right) + 2
	if room < 4 {
		return
	}
	for i := range room {
		char, s := '╌', screen.Faint
		if float64(i) < share*float64(room) {
			char, s = '━', screen.Good
		}
		f.c.Set(x+i, area.Y, f.c.Terminal.Character(char), s)
	}
}

// timeLeft is the trainer's estimate of the time to go, and that of the batch job; "" when there is none.
func (r *runView) timeLeft() string {
	var parts []string
	if s := r.latest.state.ETASeconds; r.latest.status == runlog.Running && s > 0 && s < math.MaxInt64/1e9 {
		parts = append(parts, "ETA "+screen.Duration(time.Duration(s*float64(time.Second))))
	}
	if end := r.latest.state.JobEnd; r.live() && !end.IsZero() {
		parts = append(parts, "job ends in "+screen.Duration(max(end.Sub(r.now()), 0)))
	}
	return strings.Join(parts, ", ")
}

// rates says how much audio was seen and how fast, in at most width columns.
func (r *runView) rates(width int) string {
	var parts []string
	if v, ok := r.last(hoursSeries); ok {
		parts = append(parts, screen.Number(v)+" h seen")
	}
	if v, ok := r.last(rateSeries); ok {
		parts = append(parts, screen.Number(v)+" audio-s/s")
	}
	if v, ok := r.last(epochSeries); ok {
		parts = append(parts, "epoch "+screen.Number(v))
	}
	for len(parts) > 0 && screen.TextWidth(strings.Join(parts, " · ")) > width {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, " · ")
}

// footer writes the last row: an open prompt, the answer to a key, or the keys, as many as fit.
func (f *frame) footer(area rect) {
	m := f.m
	switch {
	case area.H == 0:
		return
	case m.prompt != nil:
		m.prompt.draw(f, area)
		return
	case m.notice != "" && m.now().Sub(m.noticeAt) < noticeFor:
		s := screen.Strong
		if m.bad {
			s = screen.Bad
		}
		f.c.Text(area.X, area.Y, area.W, m.notice, s)
		return
	}
	x := area.X
	if t := m.trouble(); t != "" {
		x = f.c.Text(x, area.Y, area.W, t, screen.Bad) + 2
	}
	for _, b := range m.bindings() {
		label := ""
		if b.label != nil {
			label = b.label(m)
		}
		if label == "" {
			continue
		}
		w := screen.TextWidth(b.shown) + 1 + screen.TextWidth(label)
		if x+w > area.X+area.W {
			break
		}
		from := x
		x = f.c.Text(x, area.Y, w, b.shown, screen.Accent) + 1
		x = f.c.Text(x, area.Y, w, label, screen.Plain)
		f.hits = append(f.hits, hit{area: rect{X: from, Y: area.Y, W: x - from, H: 1}, chart: -1, click: func(m *model) { b.do(m, b.keys[0]) }})
		x += 2
	}
}

// trouble says what keeps the screen from showing the run as it is; "" for nothing.
func (m *model) trouble() string {
	var parts []string
	latest := m.run().latest
	if err := latest.err; err != nil {
		parts = append(parts, "cannot read on, trying again: "+err.Error())
	}
	if err := latest.stateErr; err != nil {
		parts = append(parts, err.Error())
	}
	if n := latest.state.Dropped; n > 0 {
		parts = append(parts, fmt.Sprintf("the trainer could not write %d log lines", n))
	}
	if d := latest.damage; d.Lines+d.Records > 0 {
		parts = append(parts, fmt.Sprintf("%d damaged log lines left out", d.Lines+d.Records))
	}
	return strings.Join(parts, "; ")
}
