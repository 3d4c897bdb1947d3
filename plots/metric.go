package plots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"aural/runlog"
)

// metricPanels has a panel for each metric of the options.
func metricPanels(b *builder) ([]panel, error) {
	if len(b.options.Metrics) == 0 {
		return nil, errors.New("name the metrics that it is to show")
	}
	var panels []panel
	for _, name := range b.options.Metrics {
		p, err := b.metric(name)
		if err != nil {
			return nil, err
		}
		panels = append(panels, p)
	}
	return panels, nil
}

// metric makes the panel of a metric: of the kind that its name has, or of all kinds that the runs have of it.
func (b *builder) metric(name string) (panel, error) {
	known, err := runlog.Lookup(name)
	if err == nil {
		kind := known.Kind
		known.Kind = ""
		bare := known.Name()
		title := heading(bare)
		if kind != "" {
			title += ", " + kind
		}
		p := b.panel(title, bare, b.kinds(kind, bare), b.compares(known)...)
		return b.published(p, bare), nil
	}
	// A series of another program, or of a task of its own, is taken as it is called.
	for _, r := range b.runs {
		if slices.Contains(r.log.Names(), name) {
			return b.panel(heading(name), name, []want{{series: name, label: name}}), nil
		}
	}
	return panel{}, err
}

// kinds are the series of a metric: of the given kind, or of all that the runs have, training first.
func (b *builder) kinds(kind, metric string) []want {
	kinds := []string{kind}
	if kind == "" {
		kinds = nil
		for _, r := range b.runs {
			for _, name := range r.log.Names() {
				if k, ok := strings.CutSuffix(name, "/"+metric); ok && !strings.Contains(k, "/") && !slices.Contains(kinds, k) {
					kinds = append(kinds, k)
				}
			}
		}
		slices.SortFunc(kinds, func(a, b string) int {
			rank := func(k string) int { return slices.Index([]string{runlog.Valid, runlog.Train}, k) }
			if c := rank(b) - rank(a); c != 0 {
				return c
			}
			return strings.Compare(a, b)
		})
		if kinds == nil {
			kinds = []string{runlog.Train, runlog.Valid}
		}
	}
	var wants []want
	for i, k := range kinds {
		wants = append(wants, want{series: k + "/" + metric, label: k, colour: i})
	}
	return wants
}

// compares are the constants of the log that a metric is compared with; they are of all groups together.
func (b *builder) compares(m runlog.Match) []compare {
	var list []compare
	for _, r := range m.Metric.References {
		if r.Metric != "" && m.Group < 0 {
			list = append(list, compare{r.Metric, r.Label})
		}
	}
	return list
}

// heading makes a title of a name: "Code perplexity, group 1".
func heading(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if known, err := runlog.Lookup(name); err == nil && known.Group >= 0 {
		words = fmt.Sprintf("%s, group %d", strings.ReplaceAll(known.Metric.Name, "_", " "), known.Group)
	}
	first, rest, _ := strings.Cut(words, " ")
	switch first {
	case "wer", "cer", "ctc", "mfu", "cpu":
		first = strings.ToUpper(first)
	case "gflops":
		first = "GFLOP/s"
	case "":
	default:
		first = strings.ToUpper(first[:1]) + first[1:]
	}
	return strings.TrimRight(first+" "+rest, " ")
}
