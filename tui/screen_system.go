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
		{title: "trainer's processors", metric: "process_cpu", curves: []curveDef{{"host/process_cpu", "trainer", false}}, lines: []lineDef{{"host/cpus", "all", true}}},
		{title: "memory", metric: "memory/rss", curves: []curveDef{{"system/memory/rss", "trainer", false}, {"host/memory_used", "host", false}},
			lines: []lineDef{{"host/memory_total", "all", true}}},
		{title: "memory left", metric: "memory_available", curves: []curveDef{{"host/memory_available", "left", false}}, lines: []lineDef{{"host/memory_limit", "limit", true}}},
		{title: "free disk", metric: "disk_free", curves: []curveDef{{"host/disk_free", "free", false}}, lines: []lineDef{{"host/disk_total", "all", true}}},
		{title: "load", metric: "load", curves: []curveDef{{"host/load", "load", false}}, lines: []lineDef{{"host/cpus", "processors", true}}},
		{title: "network", metric: "network_received", curves: []curveDef{{"host/network_received", "received", false}, {"host/network_sent", "sent", false}}},
		{title: "swap", metric: "swap_used", curves: []curveDef{{"host/swap_used", "used", false}}},
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
