package tui

import (
	"fmt"
	"strings"

	"aural/tui/screen"
)

// systemPane shows the machine that the run lives on.
type systemPane struct{}

func (*systemPane) title(*model) string       { return "system" }
func (*systemPane) bindings(*model) []binding { return nil }
func (*systemPane) about(*model) string {
	return "Processors, memory, disk and network of the host that trains, as the trainer measured them every few seconds, and accelerators where it has some."
}

func systemCharts(r *runView) []chartDef {
	defs := []chartDef{
		{title: "processors in use", metric: "cpu", curves: []curveDef{{"host/cpu", "host", false}}},
		{title: "processors of the trainer", metric: "process_cpu", curves: []curveDef{{"host/process_cpu", "trainer", false}}},
		{title: "memory", metric: "memory/rss", curves: []curveDef{{"system/memory/rss", "trainer", false}, {"host/memory/used", "host", false}},
			lines: []lineDef{{"host/memory/total", "all", true}}},
		{title: "free disk", metric: "disk/free", curves: []curveDef{{"host/disk/free", "free", false}}},
		{title: "load", metric: "load", curves: []curveDef{{"host/load", "load", false}}},
		{title: "network", metric: "network/received", curves: []curveDef{{"host/network/received", "received", false}, {"host/network/sent", "sent", false}}},
		{title: "swap", metric: "swap/used", curves: []curveDef{{"host/swap/used", "used", false}}},
	}
	for _, name := range r.names { // accelerators
		if strings.HasPrefix(name, "host/gpu/") {
			metric := strings.TrimPrefix(name, "host/")
			defs = append(defs, chartDef{title: words(metric), metric: metric, curves: []curveDef{{name, "gpu", false}}})
		}
	}
	return defs
}

func (p *systemPane) draw(f *frame, area rect) {
	if !f.m.view.full && area.H >= 9 {
		state := f.m.run().latest.state
		text := fmt.Sprintf("%s, process %d, started %s", state.Host, state.PID, f.m.clock(state.Started))
		if state.Host == "" {
			text = "the host is not known"
		}
		line := area.Top(1)
		f.c.Text(line.X, line.Y, line.W, text, screen.Plain)
	}
	defs := f.m.known(systemCharts(f.m.run()))
	rows, columns := fit(area, len(defs), 3)
	f.grid(defs, area, rows, columns)
}
