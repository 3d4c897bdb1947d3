package tui

import (
	"fmt"
	"log/slog"
	"testing"

	"aural/runlog"
	"aural/tui/screen"
)

// BenchmarkLogs is a key on the screen of logs, with as many log lines as the reader keeps and a filter.
func BenchmarkLogs(b *testing.B) {
	m := shellModel(screen.Terminal{Colors: screen.Colors256}, 0)
	m.width, m.height = 160, 50
	r := m.run()
	r.latest.lines = nil
	for i := range 5000 {
		r.latest.lines = append(r.latest.lines, runlog.LogLine{Time: fixtureTime, Level: slog.LevelInfo, Message: fmt.Sprintf("update %d done", i), Attrs: "worker=3"})
	}
	press(m, "8", "tab", "tab", "/", "d", "o", "n", "e", "enter")
	for b.Loop() {
		press(m, "up")
		m.View()
	}
}

// BenchmarkRuns is a key on the screen that compares runs: 8 with 20,000 records each, and 200 that are only listed.
func BenchmarkRuns(b *testing.B) {
	m := shellModel(screen.Terminal{Colors: screen.Colors256}, 0)
	m.width, m.height = 160, 50
	for i := range 7 {
		m.runs = append(m.runs, shellRun(fmt.Sprintf("run%d", i), i+1, 1_000_000, 0.1*float64(i), runlog.Finished))
	}
	for i := range 200 {
		r := newRunView(fmt.Sprintf("listed%d", i), fmt.Sprint(i), nil, i)
		r.hidden = true
		r.config.settings = map[string]string{"train.schedule.peak": fmt.Sprint(i)}
		m.runs = append(m.runs, r)
	}
	press(m, "9", "s", "s", "s", "s", "b")
	for b.Loop() {
		press(m, "down")
		m.View()
	}
}
