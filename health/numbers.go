package health

import (
	"fmt"
	"math"

	"aural/runlog"
)

var numberRules = []Rule{
	{Name: "non-finite", Level: Broken, check: (*exam).nonFinite,
		Title: "NaN or infinity",
		Description: "recent updates were skipped because their loss or gradient was not finite, or such numbers are in the log: a note for a few updates, watch for more, " +
			"broken when most are skipped, when the last loss is not finite, or when the run ended of it.",
		Limits:   []Limit{skippedUpdates, skippedFew, skippedMost},
		explains: []string{"at-chance", "gradient-explosion", "fell-to-chance", "late-divergence", "failed"}},
	{Name: "gradient-explosion", Level: Broken, training: true, check: (*exam).gradientExplosion,
		Title:       "The gradient norm explodes",
		Description: "several recent gradient norms are far above the median of those before, and the model does not improve: watch for a few, broken when most are.",
		Limits:      []Limit{explosion, explosionLeast, explosionFew, explosionBefore, explosionGain}},
	{Name: "gradient-zero", Level: Broken, training: true, check: (*exam).gradientZero,
		Title:       "The gradient is zero",
		Description: "the median of recent gradient norms has vanished: nothing is learnt any more, whatever the loss.",
		Limits:      []Limit{vanishedGradient}},
}

// skipAlert is the rule name of the trainer's alerts about skipped updates.
const skipAlert = "non-finite"

func (e *exam) nonFinite() (Finding, outcome) {
	skipped := e.curve(runlog.Train, "skipped_steps")
	loss := e.metric("loss")
	if loss.len() == 0 {
		loss = e.metric("contrastive_loss")
	}
	alerts := e.skipAlerts()
	if skipped.len() == 0 && loss.len() == 0 && len(alerts) == 0 {
		return Finding{}, unjudged
	}
	f := Finding{Title: "NaN or infinity",
		Advice: "continue from the last good checkpoint with a lower learning rate, a longer warm-up or gradient clipping; look at the batches of these updates"}
	if e.Status == runlog.Failed && len(alerts) > 0 && alerts[len(alerts)-1].Step >= e.updates-1 {
		i := len(alerts) - 1
		f.Level, f.Evidence = Broken, fmt.Sprintf("the run ended at update %d: %s", e.updates, alerts[i].Message)
		for i > 0 && alerts[i-1].Step >= alerts[i].Step-1 {
			i--
		}
		f.Since = alerts[i].Step
		return f, fired
	}
	if n := loss.len(); n > 0 && !finite(loss.values[n-1]) {
		f.Level, f.Since = Broken, loss.since(func(v float64) bool { return !finite(v) })
		f.Evidence = fmt.Sprintf("the last loss in the log, of update %d, is %v", loss.steps[n-1], loss.values[n-1])
		return f, fired
	}
	window := int64(skippedUpdates.Value)
	recent, count := e.updates-window, 0
	for _, a := range alerts {
		if a.Step > recent {
			if count == 0 {
				f.Since = a.Step
			}
			count++
		}
	}
	if n := skipped.len(); n > 0 {
		before, at := 0.0, skipped.steps[0]
		if s := skipped.until(recent + 1); s.len() > 0 {
			before, at = s.values[s.len()-1], s.steps[s.len()-1]
		}
		if d := skipped.values[n-1] - before; d > float64(count) {
			count = int(d)
			f.Since = at
			for i, v := range skipped.values {
				if v > before {
					f.Since = skipped.steps[i]
					break
				}
			}
		}
	}
	if count == 0 {
		return Finding{}, quiet
	}
	of := min(window, e.updates)
	f.Evidence = fmt.Sprintf("%d of the last %d updates were skipped because their loss or gradient was not finite", count, of)
	switch {
	case float64(count) > skippedMost.Value*float64(of):
		f.Level = Broken
	case float64(count) > skippedFew.Value:
		f.Level = Watch
	default:
		f.Title = "a few updates were skipped"
	}
	return f, fired
}

// skipAlerts are the trainer's alerts about skipped updates, without those that were done again.
func (e *exam) skipAlerts() (alerts []runlog.Event) {
	for _, ev := range e.Events {
		if ev.Kind == runlog.Alert && ev.Data["rule"] == skipAlert && !ev.Superseded {
			alerts = append(alerts, ev)
		}
	}
	return alerts
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func (e *exam) gradientExplosion() (Finding, outcome) {
	norm := e.metric("gradient_norm")
	recent := norm.recent()
	before := series{norm.steps[:norm.len()-recent.len()], norm.values[:norm.len()-recent.len()]}
	if recent.len() < blockRecords || before.len() < int(explosionBefore.Value) {
		return Finding{}, unjudged
	}
	// The norm of a run drifts: its last thousand records are what it is compared with.
	usual := before.last(1000).sample(200).median()
	limit := max(explosion.Value*usual, explosionLeast.Value)
	high := func(v float64) bool { return v > limit || math.IsInf(v, 1) }
	count := 0
	for _, v := range recent.values {
		if high(v) {
			count++
		}
	}
	if !(usual > vanishedGradient.Value) || float64(count) < explosionFew.Value || e.improves(recent.steps[0]) {
		return Finding{}, quiet
	}
	level := Watch
	if 2*count > recent.len() {
		level = Broken
	}
	_, worst, _ := recent.max()
	since := recent.steps[0]
	for i, v := range recent.values {
		if high(v) {
			since = recent.steps[i]
			break
		}
	}
	return Finding{Level: level, Title: "the gradient norm explodes", Since: since,
		Evidence: fmt.Sprintf("%d of the last %d records are above %.3g, up to %.3g; the usual one is %.3g", count, recent.len(), limit, worst, usual),
		Advice:   "lower the learning rate, lengthen the warm-up, or set train.optimizer.clip; look for damaged recordings if it comes in bursts"}, fired
}

// improves reports whether the model gives more information since an update than before it. The gradient norm grows tenfold when
// a run leaves chance, which is no explosion.
func (e *exam) improves(since int64) bool {
	before, after := e.gain.until(since).recent(), e.gain.from(since)
	return before.len() >= blockRecords && after.len() >= blockRecords && after.median() > before.median()+explosionGain.Value*e.chanceLoss
}

func (e *exam) gradientZero() (Finding, outcome) {
	norm, ok := e.now("gradient_norm")
	if !ok {
		return Finding{}, unjudged
	}
	if norm > vanishedGradient.Value {
		return Finding{}, quiet
	}
	return Finding{Level: Broken, Title: "the gradient is zero", Evidence: fmt.Sprintf("gradient norm %.2g", norm),
		Since:  e.metric("gradient_norm").since(func(v float64) bool { return v <= vanishedGradient.Value }),
		Advice: "nothing is learnt: continue from a checkpoint from before with a lower learning rate; see that no part is frozen by a scale of 0"}, fired
}
