package tui

import (
	"slices"
	"strings"

	"aural/runlog"
)

// chartDef says what a chart shows, for every run that has it.
type chartDef struct {
	title  string
	metric string // of runlog's table: unit, and whether it is an amount of information
	curves []curveDef
	lines  []lineDef
	logY   bool // logarithmic unless the user turns it off
}

// curveDef is a series in a chart.
type curveDef struct {
	series string
	label  string // its first letter marks the curve at its right end
	exact  bool   // a schedule: it is never smoothed
}

// lineDef is a level to compare with: the last value of a series.
type lineDef struct {
	series string
	label  string
	inside bool // drawn only where it is within the range of the curves
}

// The charts with more than the curves of one metric.
var (
	contrastiveChart = chartDef{title: "contrastive loss", metric: "contrastive_loss", curves: trainValid("contrastive_loss"),
		lines: []lineDef{{"train/chance_loss", "chance", false}}}
	accuracyChart = chartDef{title: "accuracy", metric: "accuracy", curves: trainValid("accuracy"),
		lines: []lineDef{{"train/chance_accuracy", "chance", false}}}
	perplexityChart = chartDef{title: "perplexity", metric: "code_perplexity", curves: []curveDef{
		{"train/code_perplexity", "code", false}, {"train/prob_perplexity", "prob", false}},
		lines: []lineDef{{"train/max_perplexity", "entries", true}}}
	probeChart = chartDef{title: "linear probe", metric: "probe/accuracy", curves: []curveDef{{"valid/probe/accuracy", "held out", false}},
		lines: []lineDef{{"valid/probe/chance_accuracy", "chance", false}}}
	gradientChart = chartDef{title: "gradient norm", metric: "gradient_norm", curves: []curveDef{{"train/gradient_norm", "norm", false}}}
	rateChart     = chartDef{title: "learning rate", metric: "learning_rate", curves: []curveDef{{"train/learning_rate", "rate", true}}}
	tempChart     = chartDef{title: "Gumbel temperature", metric: "gumbel_temperature", curves: []curveDef{{"train/gumbel_temperature", "temp", true}}}
	speedChart    = chartDef{title: "throughput", metric: "audio_rate", curves: []curveDef{{rateSeries, "audio", false}}}
)

// trainValid are the two curves of most charts.
func trainValid(metric string) []curveDef {
	return []curveDef{{runlog.Train + "/" + metric, "train", false}, {runlog.Valid + "/" + metric, "valid", false}}
}

// exactMetrics are schedules and counters, which are not smoothed.
var exactMetrics = []string{"learning_rate", "gumbel_temperature", "epoch", "hours_seen", "skipped_steps"}

// constants are drawn as lines in the charts of other metrics.
var constants = []string{"max_perplexity", "chance_loss", "chance_accuracy", "probe/chance_accuracy"}

// metricChart is the chart of one metric, given by its name without kind. kinds are those that have it.
func metricChart(metric string, kinds []string) chartDef {
	switch metric {
	case "contrastive_loss":
		return contrastiveChart
	case "accuracy":
		return accuracyChart
	case "probe/accuracy":
		return probeChart
	}
	d := chartDef{title: metric, metric: metric}
	if m, err := runlog.Lookup(metric); err == nil && m.Name() == metric {
		d.title = words(metric)
	}
	for _, k := range kinds {
		d.curves = append(d.curves, curveDef{k + "/" + metric, k, slices.Contains(exactMetrics, metric)})
	}
	switch metric {
	case "code_perplexity", "prob_perplexity":
		d.lines = []lineDef{{"train/max_perplexity", "entries", true}}
	}
	return d
}

// metricCharts returns a chart for every metric that a run has, in the order of runlog's table; those it does not know
// follow by name.
func metricCharts(runs []*runView) []chartDef {
	kinds := make(map[string][]string)
	var order []string
	for _, r := range runs {
		for _, name := range r.names {
			if r.data[name].Len() == 0 {
				continue
			}
			kind, metric, ok := strings.Cut(name, "/")
			if slices.Contains(constants, metric) {
				continue
			}
			if !ok {
				kind, metric = "", name
			}
			if kinds[metric] == nil {
				order = append(order, metric)
			}
			if !slices.Contains(kinds[metric], kind) {
				kinds[metric] = append(kinds[metric], kind)
			}
		}
	}
	rank := make(map[string]int)
	for i, m := range runlog.Metrics() {
		rank[m.Name] = i + 1
	}
	place := func(metric string) int {
		for name := metric; ; {
			if n := rank[name]; n > 0 {
				return n
			}
			i := strings.LastIndexByte(name, '/')
			if i < 0 {
				return len(rank) + 1
			}
			name = name[:i]
		}
	}
	slices.SortStableFunc(order, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var out []chartDef
	for _, m := range order {
		k := kinds[m]
		slices.SortFunc(k, func(a, b string) int { return kindRank(a) - kindRank(b) })
		d := metricChart(m, k)
		if len(k) == 1 && k[0] == "" { // of another program: the name is the whole
			d.curves = []curveDef{{m, m, false}}
		}
		out = append(out, d)
	}
	return out
}

func kindRank(kind string) int {
	switch kind {
	case runlog.Train:
		return 0
	case runlog.Valid:
		return 1
	}
	return 2
}

// words turns the name of a metric into the words of the field: "code_perplexity" is "code perplexity".
func words(name string) string {
	return strings.NewReplacer("_", " ", "/", " ").Replace(name)
}
