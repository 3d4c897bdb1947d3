package tui

import "aural/runlog"

// panel is a part of the overview that a key enlarges: one chart, or two above each other.
type panel []chart

// chart is a picture of some series over a common y axis.
type chart struct {
	title     string
	metric    string // of runlog's table: unit, and whether it is an amount of information
	curves    []curve
	reference string // series of a reference value, drawn as a dashed line; "" for none
	label     string // of the reference
	inside    bool   // the reference is drawn only where it is within the range of the curves
}

// curve is a series in a chart.
type curve struct {
	series string
	label  string // its first letter marks the curve at its right end
	style  style
	raw    style // of the unsmoothed values while smoothing is on; plain: this curve is never smoothed
}

// panels returns the charts of the overview in the order of their keys.
func panels() []panel {
	return []panel{
		{{title: "contrastive loss", metric: "contrastive_loss", curves: []curve{
			{"train/contrastive_loss", "train", lineA, faintA},
			{"valid/contrastive_loss", "valid", lineB, plain},
		}, reference: "train/chance_loss", label: "chance"}},
		{{title: "accuracy", metric: "accuracy", curves: []curve{
			{"train/accuracy", "train", lineA, faintA},
			{"valid/accuracy", "valid", lineB, plain},
		}, reference: "train/chance_accuracy", label: "chance"}},
		{{title: "perplexity", metric: "code_perplexity", curves: []curve{
			{"train/code_perplexity", "code", lineA, faintA},
			{"train/prob_perplexity", "prob", lineB, faintB},
		}, reference: "train/max_perplexity", label: "entries", inside: true}},
		{{title: "gradient norm", metric: "gradient_norm", curves: []curve{
			{"train/gradient_norm", "norm", lineA, faintA},
		}}, {title: "learning rate", metric: "learning_rate", curves: []curve{
			{"train/learning_rate", "rate", lineB, plain},
		}}},
	}
}

// shows reports whether a curve of the panel is the metric of training.
func (p panel) shows(metric string) bool {
	for _, ch := range p {
		for _, c := range ch.curves {
			if c.series == runlog.Train+"/"+metric {
				return true
			}
		}
	}
	return false
}

// group is a part of the metrics column.
type group struct {
	kind    string
	metrics []string // the last ones give way on a small screen
}

// groups returns the metrics column. Metrics that a run does not log are left out.
func groups() []group {
	return []group{
		{runlog.Train, []string{"contrastive_loss", "accuracy", "code_perplexity", "prob_perplexity", "gradient_norm", "learning_rate", "diversity_loss",
			"feature_penalty", "gumbel_temperature", "masked_share", "clip_rate", "skipped_steps", "duplicate_distractors", "codebook_cosine", "mask_run"}},
		{runlog.Valid, []string{"contrastive_loss", "accuracy", "code_perplexity", "prob_perplexity"}},
		{runlog.System, []string{"updates_per_second", "gflops", "data_wait", "memory/rss", "time/step"}},
	}
}

// The series of the header.
const (
	hoursSeen = "train/hours_seen"
	audioRate = "system/audio_rate"
	epoch     = "train/epoch"
)

// followed returns the names of all series that the screen shows.
func followed() []string {
	seen := make(map[string]bool)
	var names []string
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, name := range []string{hoursSeen, audioRate, epoch} {
		add(name)
	}
	for _, p := range panels() {
		for _, ch := range p {
			add(ch.reference)
			for _, c := range ch.curves {
				add(c.series)
			}
		}
	}
	for _, g := range groups() {
		for _, m := range g.metrics {
			add(g.kind + "/" + m)
		}
	}
	return names
}
