package tui

import (
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// metricNamed finds a metric of the visible runs by its name, the beginning of it, or what other programs call it.
func (m *model) metricNamed(arg string) (string, error) {
	have := m.metricNames()
	i, err := choose("metric", arg, have)
	if err == nil {
		return have[i], nil
	}
	if match, lookupErr := runlog.Lookup(arg); lookupErr == nil {
		match.Kind = ""
		if i, chooseErr := choose("metric", match.Name(), have); chooseErr == nil {
			return have[i], nil
		}
	}
	return "", err
}

// explain says what a metric means.
func (m *model) explain(arg string) error {
	match, err := runlog.Lookup(arg)
	if err != nil {
		name, ownErr := m.metricNamed(arg)
		if ownErr != nil {
			return ownErr
		}
		if match, err = runlog.Lookup(name); err != nil {
			m.page([]paragraph{{text: name, style: screen.Strong}, {text: "a metric of another program: nothing is known of it"}})
			return nil
		}
	}
	x := match.Metric
	out := []paragraph{{text: words(x.Name), style: screen.Strong}, {text: x.Description}}
	say := func(label, text string) {
		if text != "" {
			out = append(out, paragraph{label: label, text: text})
		}
	}
	say("name", match.Name())
	say("unit", x.Unit+either(x.Nats, " (u turns to bits)", ""))
	say("better", map[runlog.Direction]string{runlog.Up: "larger", runlog.Down: "smaller"}[x.Better])
	var refs []string
	for _, r := range x.References {
		text, unit := quantity(r.Value, x, m.view.bits)
		if r.Metric != "" {
			v, ok := m.run().last(runlog.Train + "/" + r.Metric)
			if text, unit = quantity(v, x, m.view.bits); !ok {
				text, unit = words(r.Metric), ""
			}
		}
		refs = append(refs, strings.TrimSpace(r.Label+" "+text+" "+unit))
	}
	say("compare", strings.Join(refs, ", "))
	var names []string
	for _, a := range x.Aliases {
		names = append(names, a.Name+" in "+string(a.Source)+either(a.Bits, " (in bits)", ""))
	}
	say("elsewhere", strings.Join(names, ", "))
	for _, kind := range []string{runlog.Train, runlog.Valid, runlog.System, runlog.Host} {
		if v, ok := m.run().last(kind + "/" + match.Metric.Name); ok {
			text, unit := quantity(v, x, m.view.bits)
			say("now", strings.TrimSpace(kind+" "+text+" "+unit))
		}
	}
	m.page(out)
	return nil
}
