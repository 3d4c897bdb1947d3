package health

import (
	"math"
	"slices"
	"testing"
	"time"

	"aural/runlog"
)

// silent stands for a rule that does not fire.
const silent = Level(-1)

// changed is a published run, with other values of some series of training from update 60,200 of 80,000 on.
func changed(values map[string]float64) *fake {
	f := published(1200, 80_000, 200)
	for name, v := range values {
		f.set("train/"+name, 60_200, constant(v))
	}
	return f
}

// all is the same from the beginning on, for a run of so many updates.
func all(updates int64, values map[string]float64) *fake {
	f := published(1200, updates, 50)
	for name, v := range values {
		f.set("train/"+name, 0, constant(v))
	}
	return f
}

type values = map[string]float64

var guess = math.Log(101)

// edges are logs on both sides of the thresholds: the rule fires at the level, or is silent although all its other signs are there. Other rules may
// fire.
var edges = []struct {
	limit, rule string
	level       Level
	in          func() Input
}{
	{"information at chance", "uniform-death", silent, func() Input {
		return changed(values{"contrastive_loss": guess - .3, "duplicate_distractors": 0, "prob_perplexity": 639, "gradient_norm": 0}).input()
	}},
	{"information at chance", "uniform-death", Broken, func() Input {
		return changed(values{"contrastive_loss": guess - .01, "duplicate_distractors": 0, "prob_perplexity": 639, "gradient_norm": 0}).input()
	}},
	{"perplexity of uniform codes", "uniform-death", silent, func() Input {
		return changed(values{"contrastive_loss": guess, "duplicate_distractors": 0, "prob_perplexity": 400, "gradient_norm": 0}).input()
	}},
	{"vanished gradient norm", "uniform-death", Watch, func() Input {
		return changed(values{"contrastive_loss": guess, "duplicate_distractors": 0, "prob_perplexity": 639, "gradient_norm": .01}).input()
	}},
	{"chance left", "uniform-death", silent, func() Input {
		return all(600, values{"contrastive_loss": guess, "duplicate_distractors": 0, "prob_perplexity": 639}).input()
	}},
	{"soft perplexity of a split", "single-code", silent, func() Input {
		return changed(values{"code_perplexity": 2, "duplicate_distractors": 1, "contrastive_loss": 0, "prob_perplexity": 639}).input()
	}},
	{"vanished gradient norm", "gradient-zero", Broken, func() Input { return changed(values{"gradient_norm": 5e-4}).input() }},
	{"equal distractors", "single-code", Broken, func() Input {
		return changed(values{"code_perplexity": 2.1, "duplicate_distractors": .95, "contrastive_loss": .2}).input()
	}},
	{"equal distractors", "single-code", silent, func() Input {
		return changed(values{"code_perplexity": 2.1, "duplicate_distractors": .5, "contrastive_loss": 2}).input()
	}},
	{"loss of an empty task", "single-code", silent, func() Input {
		return changed(values{"code_perplexity": 2.1, "duplicate_distractors": .5, "contrastive_loss": .6}).input()
	}},
	{"loss of an empty task", "single-code", Broken, func() Input {
		return changed(values{"code_perplexity": 2.1, "contrastive_loss": .01}).without("duplicate_distractors").input()
	}},
	{"soft perplexity of a split", "soft-hard-split", silent, func() Input {
		f := changed(nil)
		f.set("valid/prob_perplexity", 0, constant(100))
		f.set("valid/code_perplexity", 0, constant(15))
		return f.input()
	}},
	{"dead entries", "dead-codes", silent, func() Input { return codebook(changed(nil), 250, 50) }},
	{"choices per entry", "dead-codes", silent, func() Input { return codebook(changed(nil), 400, 10) }},
	{"valley that is over", "dead-codes", silent, func() Input { return codebook(all(4_000, values{"code_perplexity": 20}), 600, 1000) }},
	{"valley that is over", "dead-codes", Watch, func() Input { return codebook(all(6_000, values{"code_perplexity": 20}), 600, 1000) }},
	{"valley, easier task", "dead-codes", silent, func() Input {
		return codebook(all(4_000, values{"code_perplexity": 20, "mask_run": 5}), 600, 1000)
	}},
	{"valley, easier task", "dead-codes", Watch, func() Input {
		return codebook(all(5_000, values{"code_perplexity": 20, "mask_run": 5}), 600, 1000)
	}},
	{"perplexity reversal", "perplexity-reversal", silent, func() Input { return changed(values{"prob_perplexity": 215}).input() }},
	{"perplexity reversal, but the loss rises", "perplexity-reversal", silent, func() Input {
		return changed(values{"prob_perplexity": 100, "contrastive_loss": 4}).input()
	}},
	{"equal distractors of a model that is judged", "at-chance", Watch, func() Input {
		return all(2_000, values{"contrastive_loss": math.Log1p(90), "duplicate_distractors": .1}).input()
	}},
	{"equal distractors of a model that is judged", "fell-to-chance", silent, func() Input {
		return changed(values{"contrastive_loss": math.Log1p(30), "duplicate_distractors": .7}).input()
	}},
	{"masked run of the published task", "small-batch", silent, func() Input { return all(2_000, values{"audio_seconds": 20, "mask_run": 3.7}).input() }},
	{"entries of the published task", "small-batch", silent, func() Input { return all(2_000, values{"audio_seconds": 20, "max_perplexity": 80}).input() }},
	{"batch that a note is worth", "small-batch", Healthy, func() Input { return all(2_000, values{"audio_seconds": 150}).input() }},
	{"batch that a note is worth", "small-batch", silent, func() Input { return all(2_000, values{"audio_seconds": 400}).input() }},
	{"information before a fall", "fell-to-chance", silent, func() Input {
		f := all(8_000, values{"contrastive_loss": 4.4, "duplicate_distractors": 0})
		f.set("train/contrastive_loss", 6_000, constant(4.6))
		return f.input()
	}},
	{"lost information", "late-divergence", silent, func() Input { return changed(values{"contrastive_loss": 2.9}).input() }},
	{"accuracy of a shortcut", "shortcut", Watch, func() Input { return changed(values{"accuracy": .99, "contrastive_loss": .2}).input() }},
	{"accuracy of a shortcut", "shortcut", silent, func() Input { return changed(values{"accuracy": .95, "contrastive_loss": .2}).input() }},
	{"loss of a shortcut", "shortcut", Watch, func() Input { return changed(values{"accuracy": .9, "contrastive_loss": .02}).input() }},
	{"loss of a shortcut", "shortcut", silent, func() Input { return changed(values{"accuracy": .9, "contrastive_loss": .5}).input() }},
	{"equal distractors of a shortcut", "shortcut", silent, func() Input { return changed(values{"accuracy": 1, "duplicate_distractors": .7}).input() }},
	{"equal distractors of a shortcut", "shortcut", Watch, func() Input { return changed(values{"accuracy": 1, "duplicate_distractors": .1}).input() }},
	{"early", "shortcut", Broken, func() Input {
		f := all(12_000, nil)
		f.set("train/accuracy", 10_000, constant(1))
		return f.input()
	}},
	{"masked runs of single steps", "shortcut", Watch, func() Input { return all(2_000, values{"accuracy": 1, "mask_run": 1}).input() }},
	{"rise of the validation loss", "overfit", silent, func() Input { return overfitting(.03, .2) }},
	{"rise of the validation loss", "overfit", Watch, func() Input { return overfitting(.08, .2) }},
	{"fall of the training loss", "overfit", silent, func() Input { return overfitting(.2, .02) }},
	{"window of skipped updates", "non-finite", silent, func() Input {
		f := changed(nil)
		f.set("train/skipped_steps", 70_000, constant(50))
		return f.input()
	}},
	{"skipped updates of a dead run", "non-finite", Broken, func() Input {
		f := changed(nil)
		f.set("train/skipped_steps", 79_000, func(s int64) float64 { return float64(s-79_000) * .8 })
		return f.input()
	}},
	{"skipped updates of a dead run", "non-finite", Watch, func() Input {
		f := changed(nil)
		f.set("train/skipped_steps", 79_000, func(s int64) float64 { return float64(s-79_000) * .2 })
		return f.input()
	}},
	{"exploded gradient norm, at least", "gradient-explosion", silent, func() Input {
		f := all(8_000, values{"gradient_norm": .1})
		f.set("train/gradient_norm", 7_900, constant(1.5))
		return f.input()
	}},
	{"improvement that excuses it", "gradient-explosion", silent, func() Input {
		f := all(8_000, values{"gradient_norm": .5, "contrastive_loss": 4.5})
		f.set("train/gradient_norm", 7_500, constant(8))
		f.set("train/contrastive_loss", 7_500, constant(4))
		return f.input()
	}},
	{"exploded records", "gradient-explosion", silent, func() Input {
		f := all(8_000, values{"gradient_norm": .5})
		f.set("train/gradient_norm", 7_950, constant(50))
		return f.input()
	}},
	{"records before", "gradient-explosion", silent, func() Input {
		f := all(1_000, values{"gradient_norm": .5, "contrastive_loss": 4.4})
		f.set("train/gradient_norm", 550, constant(50))
		return f.input()
	}},
	{"wait for data", "data-stall", silent, func() Input { return stalled(.1, 1) }},
	{"time of a stall", "data-stall", silent, func() Input { return stalled(.5, 80_000/30) }},
	{"free space, watch", "disk", silent, func() Input { return withHost(values{"disk_free": 10e9}, 2e9) }},
	{"free space, watch", "disk", silent, func() Input { return withHost(values{"disk_free": 5e9}, 0) }},
	{"free space, broken", "disk", Watch, func() Input { return withHost(values{"disk_free": 2.5e9}, 2e9) }},
	{"available memory", "memory", silent, func() Input { return withHost(values{"memory_available": 20e9, "memory_limit": 128e9}, 0) }},
	{"torn lines", "damaged-log", Watch, func() Input {
		in := changed(nil).input()
		in.Damage.Lines = 3
		return in
	}},
	{"time of an update that hangs", "silent", silent, func() Input { return hanging(60_000, 15*time.Minute) }},
	{"time of an update that hangs", "silent", Watch, func() Input { return hanging(60_000, 25*time.Minute) }},
	{"and at least", "silent", silent, func() Input { return hanging(1_000, 5*time.Minute) }},
	{"and at least", "silent", Watch, func() Input { return hanging(1_000, 15*time.Minute) }},
}

func codebook(f *fake, dead int, each int64) Input {
	in := f.input()
	c := &runlog.Codebook{Groups: 2, Entries: 320, Counts: make([]int64, 640), Updates: 300}
	for k := dead; k < 640; k++ {
		c.Counts[k] = each
	}
	in.Codebooks = []runlog.Snapshot{{Step: in.State.Step, Codebook: c}}
	return in
}

func overfitting(rise, fall float64) Input {
	f := published(1200, 80_000, 200)
	f.set("valid/contrastive_loss", 40_000, func(s int64) float64 { return 2.4 * (1 + rise*float64(s-40_000)/40_000) })
	f.set("train/contrastive_loss", 0, constant(2.2))
	f.set("train/contrastive_loss", 40_000, func(s int64) float64 { return 2.2 * (1 - fall*float64(s-40_000)/40_000) })
	return f.input()
}

func stalled(share, rate float64) Input {
	f := changed(nil)
	f.rate = rate
	f.set("system/data_wait", 0, constant(share))
	return f.input()
}

func hanging(ms float64, since time.Duration) Input {
	f := changed(nil)
	f.set("system/time/step", 0, constant(ms))
	in := f.input()
	in.State.StepTime = noon.Add(-since)
	return in
}

func TestEdges(t *testing.T) {
	for i, c := range edges {
		r := Examine(c.in())
		level := silent
		if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Rule == c.rule }); i >= 0 {
			level = r.Findings[i].Level
		}
		if level != c.level {
			t.Errorf("edge %d, %s of %s: level %d, want %d; %+v", i, c.limit, c.rule, level, c.level, r.Findings)
		}
	}
}
