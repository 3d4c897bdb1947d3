package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"aural/runlog"
)

// drawHeader takes the first rows: name and status, progress, rates.
func (m *model) drawHeader(c *canvas, body *rect) {
	rows := 3
	switch {
	case c.area.h < 5:
		rows = 1
	case c.area.h < fullHeight:
		rows = 2
	}
	area := body.top(rows)
	if area.h > 0 {
		m.drawStatus(c, area)
	}
	if area.h > 1 {
		m.drawProgress(c, rect{area.x, area.y + 1, area.w, 1})
	}
	if area.h > 2 {
		c.text(area.x, area.y+2, area.w, m.rates(area.w), plain)
	}
}

// drawStatus writes the name of the run and its condition in words.
func (m *model) drawStatus(c *canvas, area rect) {
	sign, text, s := m.status()
	name := cutText(m.name, max(area.w/2, area.w-textWidth(text)-4))
	x := c.text(area.x, area.y, area.w, name, strong) + 2
	x = c.text(x, area.y, area.x+area.w-x, sign, s) + 1
	c.text(x, area.y, area.x+area.w-x, text, s)
}

// status describes the condition of the run.
func (m *model) status() (sign, text string, s style) {
	state, now := m.latest.state, m.latest.at
	switch m.latest.status {
	case runlog.Running:
		if state.Silent(now) {
			return "●", "running, but no heartbeat for " + duration(now.Sub(state.Time)), warning
		}
		if slow := now.Sub(state.StepTime); slow > time.Minute {
			return "●", "running, no update for " + duration(slow), good
		}
		return "●", "running", good
	case runlog.Finished:
		return "■", "finished " + ago(now, state.Time), good
	case runlog.Stopped:
		return "■", "stopped " + ago(now, state.Time) + because(state.Message), warning
	case runlog.Failed:
		return "×", "failed " + ago(now, state.Time) + because(state.Message), bad
	case runlog.Crashed:
		return "×", "crashed, last heartbeat " + ago(now, state.Time), bad
	}
	if m.latest.stateErr != nil {
		return "×", m.latest.stateErr.Error(), bad
	}
	if m.latest.status != "" {
		return "×", string(m.latest.status), bad // by a later version of the format
	}
	return "●", "opening", faint
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

func ago(now, then time.Time) string {
	if d := now.Sub(then); d >= time.Second {
		return duration(d) + " ago"
	}
	return "just now"
}

// drawProgress writes "update n of N", a bar that takes what room is left, and the time to go.
func (m *model) drawProgress(c *canvas, area rect) {
	done, total := m.updates(), m.latest.state.TotalSteps
	if total <= 0 {
		c.text(area.x, area.y, area.w, "update "+grouped(done), plain)
		return
	}
	text := "update " + grouped(done) + " of " + grouped(total)
	if area.w < 50 {
		text = grouped(done) + " of " + grouped(total)
	}
	x := c.text(area.x, area.y, area.w, text, plain) + 2
	room := area.x + area.w - x
	share := min(max(float64(done)/float64(total), 0), 1)
	right := fmt.Sprintf("%.1f %%", math.Floor(1000*share)/10)
	if left := m.timeLeft(); textWidth(right)+2+textWidth(left) <= room {
		right = strings.TrimRight(right+"  "+left, " ")
	} else if left != "" {
		right = left // tells more than the share
	}
	c.right(x, area.y, room, right, plain)
	room -= textWidth(right) + 2
	if room < 4 {
		return
	}
	for i := range room {
		r, s := '╌', faint
		if float64(i) < share*float64(room) {
			r, s = '━', good
		}
		c.set(x+i, area.y, c.terminal.character(r), s)
	}
}

// timeLeft is the trainer's estimate of the time to go, "" when there is none.
func (m *model) timeLeft() string {
	seconds := m.latest.state.ETASeconds
	if m.latest.status != runlog.Running || !(seconds > 0 && seconds < math.MaxInt64/1e9) {
		return ""
	}
	return "ETA " + duration(time.Duration(seconds*float64(time.Second)))
}

// rates says how much audio was seen and how fast, in at most width columns.
func (m *model) rates(width int) string {
	var parts []string
	if m.loading {
		parts = append(parts, fmt.Sprintf("loading, %s lines", grouped(int64(m.loaded))))
	}
	if v, ok := m.data[hoursSeen].last(); ok {
		parts = append(parts, number(v)+either(width < 60, " h seen", " h of audio seen"))
	}
	if v, ok := m.data[audioRate].last(); ok {
		parts = append(parts, number(v)+" audio-s/s")
	}
	if v, ok := m.data[epoch].last(); ok {
		parts = append(parts, "epoch "+number(v))
	}
	text := strings.Join(parts, " · ")
	for len(parts) > 1 && textWidth(text) > width {
		parts = parts[:len(parts)-1]
		text = strings.Join(parts, " · ")
	}
	return text
}
