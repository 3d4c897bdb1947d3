package health

import (
	"fmt"
	"math"

	"aural/runlog"
)

var collapseRules = []Rule{
	{Name: "uniform-death", Level: Broken, training: true, check: (*exam).uniformDeath,
		Title: "The model dies: all codes are equally likely and nothing is learnt",
		Description: "the contrastive loss is that of guessing, the mean softmax over codes is uniform, and the gradient is zero. " +
			"At the start of a healthy run the loss is the same, but not the softmax or the gradient. Watch while the gradient lives, once healthy runs have left chance.",
		Limits:   []Limit{uniformGain, uniformPerplexity, vanishedGradient, easyFirst},
		explains: []string{"at-chance", "gradient-zero", "soft-hard-split", "fell-to-chance", "late-divergence"}},
	{Name: "single-code", Level: Broken, training: true, check: (*exam).singleCode,
		Title: "The codebook collapsed: all frames have the same code",
		Description: "the perplexity of the chosen codes is one code a group, and the task is empty: all distractors equal the target, or the contrastive loss is " +
			"0. Judged on training, and on several validations, where no noise scatters the choices. In the valley that healthy runs go through, the perplexity is " +
			"3 to 4 % of the entries and the loss stays high.",
		Limits:   []Limit{singleCodes, singleDuplicates, singleLoss, heldOutRecords, splitShare},
		explains: []string{"at-chance", "gradient-zero", "soft-hard-split", "dead-codes", "shortcut", "perplexity-reversal", "fell-to-chance", "late-divergence"}},
	{Name: "soft-hard-split", Level: Broken, training: true, check: (*exam).softHardSplit,
		Title: "Few codes are chosen although all are likely",
		Description: "on held-out speech, where codes are chosen without noise, the perplexity of the mean softmax is high and that of the chosen codes low, in " +
			"several validations. During training, noise at a high temperature hides it.",
		Limits: []Limit{splitRatio, splitRatioBroken, splitShare, heldOutRecords}},
	{Name: "dead-codes", Level: Watch, training: true, check: (*exam).deadCodes,
		Title:       "Many entries of the codebook are never chosen",
		Description: "more than half of the entries were not chosen once, over so many choices that every entry in use would have been. Judged from the snapshots of the codebook, after the early valley.",
		Limits:      []Limit{deadShare, deadChoices, valleyPatience}},
	{Name: "perplexity-reversal", Level: Healthy, training: true, check: (*exam).perplexityReversal,
		Title:       "The perplexity falls again, while the model still improves",
		Description: "the perplexity has come out of its valley, risen, and lost a good part of that again; the information about the target did not fall. A note.",
		Limits:      []Limit{reversalDrop}},
}

func (e *exam) uniformDeath() (Finding, outcome) {
	gain, ok1 := settled(e.gain)
	soft, ok2 := e.now("prob_perplexity")
	norm, ok3 := e.now("gradient_norm")
	if !ok1 || !ok2 || !ok3 || math.IsNaN(e.entries) {
		return Finding{}, unjudged
	}
	if math.Abs(gain) > uniformGain.Value*e.chanceLoss || soft < uniformPerplexity.Value*e.entries {
		return Finding{}, quiet
	}
	level := Broken
	since := e.metric("gradient_norm").since(func(v float64) bool { return v <= vanishedGradient.Value })
	if norm > vanishedGradient.Value {
		if e.updates < e.expected().LeavesChance {
			return Finding{}, quiet
		}
		level, since = Watch, e.metric("prob_perplexity").since(func(v float64) bool { return v >= uniformPerplexity.Value*e.entries })
	}
	loss, _ := e.now("contrastive_loss")
	return Finding{Level: level, Title: "all codes are equally likely and nothing is learnt", Since: since,
		Evidence: fmt.Sprintf("contrastive loss %.3f nats (guessing: %.3f), perplexity of the mean softmax %.4g of %.0f, gradient norm %.2g",
			loss, e.chanceLoss, soft, e.entries, norm),
		Advice: "it does not recover: go back to a checkpoint from before, or begin anew, with a lower learning rate, a longer warm-up or a larger batch"}, fired
}

func (e *exam) singleCode() (Finding, outcome) {
	train, judged := e.collapsed(runlog.Train, series.recent, blockRecords)
	if train != nil {
		return *train, fired
	}
	// Noise scatters the choices of training when one code is only the likeliest; validation has none.
	n := int(heldOutRecords.Value)
	valid, judgedValid := e.collapsed(runlog.Valid, func(s series) series { return s.last(n) }, n)
	switch {
	case valid != nil:
		return *valid, fired
	case judged || judgedValid:
		return Finding{}, quiet
	}
	return Finding{}, unjudged
}

// collapsed looks for a single code in the present records of a kind, by their medians.
func (e *exam) collapsed(kind string, present func(series) series, least int) (f *Finding, judged bool) {
	now := func(name string) (float64, bool) {
		s := present(e.curve(kind, name))
		return s.median(), s.len() >= least
	}
	s := e.curve(kind, "code_perplexity")
	if s.len() == 0 {
		s = e.curve(kind, "prob_perplexity")
	}
	loss, okLoss := now("contrastive_loss")
	duplicates, okDup := now("duplicate_distractors")
	if present(s).len() < least || !okLoss && !okDup {
		return nil, false
	}
	codes, limit := present(s).median(), singleCodes.Value*e.groups
	empty := okDup && duplicates >= singleDuplicates.Value || okLoss && loss <= singleLoss.Value
	soft, okSoft := now("prob_perplexity")
	if !(codes <= limit) || !empty || okSoft && soft >= splitShare.Value*e.entries {
		return nil, true // the last is a split of soft and hard choices
	}
	evidence := fmt.Sprintf("perplexity of the chosen codes %.4g in %.0f groups", codes, e.groups)
	if kind == runlog.Valid {
		evidence = "on held-out speech: " + evidence
	}
	if okDup {
		evidence += fmt.Sprintf(", %.0f %% of the distractors equal the target", 100*duplicates)
	}
	if okLoss {
		evidence += fmt.Sprintf(", contrastive loss %.3f nats", loss)
	}
	if norm, ok := now("gradient_norm"); ok {
		evidence += fmt.Sprintf(", gradient norm %.2g", norm)
	}
	return &Finding{Level: Broken, Title: "the codebook collapsed to one code", Evidence: evidence,
		Since:  s.since(func(v float64) bool { return v <= limit }),
		Advice: "it does not recover, and the accuracy means nothing: begin anew with a lower learning rate of the quantizer, a larger batch, or a higher diversity weight"}, true
}

func (e *exam) softHardSplit() (Finding, outcome) {
	soft, hard := e.curve(runlog.Valid, "prob_perplexity"), e.curve(runlog.Valid, "code_perplexity")
	ratio := join(func(v []float64) float64 {
		if v[0] < splitShare.Value*e.entries {
			return 0
		}
		return v[0] / v[1]
	}, soft, hard)
	n := int(heldOutRecords.Value)
	if ratio.len() < n || math.IsNaN(e.entries) {
		return Finding{}, unjudged
	}
	_, least, _ := ratio.last(n).min()
	if !(least >= splitRatio.Value) {
		return Finding{}, quiet
	}
	level := Watch
	if least >= splitRatioBroken.Value {
		level = Broken
	}
	s, _ := soft.end()
	h, _ := hard.end()
	return Finding{Level: level, Title: "few codes are chosen although all are likely",
		Since:    ratio.since(func(v float64) bool { return v >= splitRatio.Value }),
		Evidence: fmt.Sprintf("on held-out speech: perplexity of the mean softmax %.0f of %.0f, of the chosen codes %.3g", s, e.entries, h),
		Advice:   "the diversity loss is satisfied by blurred choices: lower the diversity weight, or let the Gumbel temperature fall sooner"}, fired
}

func (e *exam) deadCodes() (Finding, outcome) {
	var counts []int64
	var entries, groups int
	updates, chosen, since := int64(0), int64(0), int64(0)
	for i := len(e.Codebooks) - 1; i >= 0; i-- {
		c := e.Codebooks[i].Codebook
		if c == nil || c.Groups < 1 || c.Entries < 1 || len(c.Counts) != c.Groups*c.Entries {
			continue
		}
		if counts == nil {
			counts, entries, groups = make([]int64, len(c.Counts)), c.Entries, c.Groups
		} else if c.Entries != entries || c.Groups != groups {
			break
		}
		for k, n := range c.Counts {
			counts[k] += n
			chosen += n
		}
		updates += c.Updates
		since = e.Codebooks[i].Step
		if float64(chosen) >= deadChoices.Value*float64(len(counts)) && float64(updates) >= recentUpdates.Value {
			break
		}
	}
	if counts == nil || float64(chosen) < deadChoices.Value*float64(len(counts)) || float64(updates) < recentUpdates.Value || !e.pastValley() {
		return Finding{}, unjudged
	}
	dead := 0
	for _, n := range counts {
		if n == 0 {
			dead++
		}
	}
	if float64(dead) <= deadShare.Value*float64(len(counts)) {
		return Finding{}, quiet
	}
	return Finding{Level: Watch, Title: "many entries of the codebook are dead", Since: since,
		Evidence: fmt.Sprintf("%d of %d entries were not chosen in the last %d updates, in %d choices", dead, len(counts), updates, chosen),
		Advice:   "the targets are coarser than they could be: raise the diversity weight, let the temperature fall more slowly, or use fewer entries"}, fired
}

// pastValley reports whether the perplexity has been at its lowest, so that few codes in use are no longer expected: it has
// risen by half since, or healthy runs would have been through.
func (e *exam) pastValley() bool {
	s := e.metric("code_perplexity").blocks()
	if _, low, ok := s.min(); ok && s.values[s.len()-1] > 1.5*low {
		return true
	}
	return float64(e.updates) > valleyPatience.Value*float64(e.expected().Valley)
}

func (e *exam) perplexityReversal() (Finding, outcome) {
	s := e.metric("prob_perplexity").blocks()
	valley, _, ok := s.min()
	if !ok || s.len() < 10 {
		return Finding{}, unjudged
	}
	at, peak, ok := s.from(valley).max()
	now := s.values[s.len()-1]
	before, then := e.gain.until(at+1), e.gain
	if !ok || now > (1-reversalDrop.Value)*peak || before.len() < blockRecords || then.recent().median() < before.recent().median() {
		return Finding{}, quiet
	}
	return Finding{Level: Healthy, Title: "the perplexity falls again", Since: at,
		Evidence: fmt.Sprintf("from %.0f at update %d to %.0f, while the contrastive loss still falls", peak, at, now),
		Advice:   "seen in runs that ended well; judge by the held-out accuracy and loss"}, fired
}
