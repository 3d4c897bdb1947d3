package tui

import (
	"slices"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/screen"
)

// A run with a linear probe has its curve, with the line of chance, on the overview and among the metrics; other runs have no place kept for it.
func TestProbeChart(t *testing.T) {
	for _, probed := range []bool{true, false} {
		w := writeFixture(t)
		if probed {
			for step := int64(fixtureUpdates + 2000); step <= 2*fixtureUpdates; step += 2000 {
				w.Record(&runlog.Record{Step: step, Time: fixtureTime, Kind: runlog.Valid, Values: []runlog.Value{
					{Name: "probe/accuracy", Value: 0.3 + float64(step)/100000}, {Name: "probe/chance_accuracy", Value: 0.1}}})
			}
			w.Progress(2*fixtureUpdates, 0)
		}
		m := open(t, screen.Terminal{}, w.Dir())
		for what, defs := range map[string][]chartDef{"overview": overviewCharts(m.run()), "metrics": metricCharts(m.runs)} {
			i := slices.IndexFunc(defs, func(d chartDef) bool { return d.metric == "probe/accuracy" })
			if (i >= 0) != probed {
				t.Errorf("%s of a run with probes, %v: chart %d", what, probed, i)
			}
			if i >= 0 && (len(defs[i].curves) != 1 || len(defs[i].lines) != 1) {
				t.Errorf("%s: %+v", what, defs[i])
			}
			if slices.ContainsFunc(defs, func(d chartDef) bool { return strings.HasSuffix(d.metric, "chance_accuracy") }) {
				t.Errorf("%s: chance has a chart of its own", what)
			}
		}
	}
}
