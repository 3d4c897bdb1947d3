package health

import (
	"fmt"
	"math"

	"aural/reference"
	"aural/runlog"
)

var learningRules = []Rule{
	{Name: "fell-to-chance", Level: Broken, training: true, check: (*exam).fellToChance,
		Title:       "The model had learnt, and is back at chance",
		Description: "the information about the target was clearly above chance and is at chance now.",
		Limits:      []Limit{fallPeak, chanceGain, gainDuplicates},
		explains:    []string{"at-chance", "late-divergence"}},
	{Name: "at-chance", Level: Broken, training: true, check: (*exam).atChance,
		Title: "The model is still at chance",
		Description: "the model gives no information about the target, longer than published runs with a batch of as many seconds of audio were at chance. Distractors that equal " +
			"the target do not count, so few codes in use do not look like learning.",
		Limits: []Limit{chanceGain, gainDuplicates, chancePatience, chancePatience2, easyFirst, hardSpan, hardEntries}},
	{Name: "late-divergence", Level: Watch, training: true, check: (*exam).lateDivergence,
		Title:       "The model was better before",
		Description: "a good part of the information about the target is lost, against the best that the run had, and the contrastive loss is higher.",
		Limits:      []Limit{fallDivergence, fallPeak, gainDuplicates}},
	{Name: "shortcut", Level: Broken, training: true, check: (*exam).shortcut,
		Title: "The task is solved too well",
		Description: "the accuracy is nearly 1 or the loss nearly 0, although few distractors equal the target: the model found another way than listening. " +
			"Broken within the first twentieth of the run, watch later or when masked spans are single steps.",
		Limits: []Limit{shortcutAccuracy, shortcutLoss, shortcutDuplicates, shortcutEarly, shortcutSpan}},
	{Name: "overfit", Level: Watch, training: true, check: (*exam).overfit,
		Title:       "The model learns the training data by heart",
		Description: "the contrastive loss on held-out speech rose above its best, by medians of several validations, while that of training fell.",
		Limits:      []Limit{overfitRise, overfitFall, overfitRecords}},
	{Name: "warm-up", Level: Watch, training: true, check: (*exam).warmUp,
		Title:       "The learning rate is still warming up",
		Description: "more than half of the run is done, and the learning rate has risen at every record so far.",
		Limits:      []Limit{warmupShare}},
	{Name: "small-batch", Level: Watch, training: true, check: (*exam).smallBatch,
		Title:       "The batch is small",
		Description: "an update has less audio than the published runs with the same task show to be enough.",
		Limits:      []Limit{batchSmallest, batchGood, batchEasy, hardSpan, hardEntries}},
}

// expected is when a healthy run like this one passes its first marks.
func (e *exam) expected() reference.Early {
	batch, ok := e.batchSeconds()
	if hard, known := e.hard(); ok && known && hard {
		return reference.EarlyShape(batch)
	}
	return reference.Early{LeavesChance: int64(easyFirst.Value), Valley: int64(easyValley.Value)}
}

// best is the largest information that the run gave before its recent records, by means over some of them. ok is false without
// any.
func (e *exam) best() (at int64, peak float64, ok bool) {
	recent := e.gain.recent()
	if recent.len() == 0 {
		return 0, 0, false
	}
	return e.gain.until(recent.steps[0]).blocks().max()
}

func (e *exam) fellToChance() (Finding, outcome) {
	gain, ok := settled(e.gain)
	at, peak, okPeak := e.best()
	if !ok || !okPeak {
		return Finding{}, unjudged
	}
	limit := chanceGain.Value * e.chanceLoss
	if peak < fallPeak.Value*e.chanceLoss || gain > limit {
		return Finding{}, quiet
	}
	return Finding{Level: Broken, Title: "back at chance", Since: e.gain.since(func(v float64) bool { return v <= limit }),
		Evidence: fmt.Sprintf("the contrastive loss was %.2f nats below guessing at update %d, and is %.2f now%s", peak, at, gain, e.accuracyText()),
		Advice:   "continue from a checkpoint from before, with a lower learning rate, a larger batch or a lower gradient clip"}, fired
}

// accuracyText mentions the accuracy, when it is logged.
func (e *exam) accuracyText() string {
	if a, ok := e.now("accuracy"); ok {
		return fmt.Sprintf(", accuracy %.1f %%", 100*a)
	}
	return ""
}

func (e *exam) atChance() (Finding, outcome) {
	gain, ok := settled(e.gain)
	if !ok {
		return Finding{}, unjudged
	}
	limit := chanceGain.Value * e.chanceLoss
	usual := e.expected().LeavesChance
	patience := float64(e.updates) / float64(usual)
	if gain > limit || patience < chancePatience.Value {
		return Finding{}, quiet
	}
	level := Watch
	if patience >= chancePatience2.Value {
		level = Broken
	}
	loss, _ := e.now("contrastive_loss")
	evidence := fmt.Sprintf("after %d updates the contrastive loss is %.3f nats (guessing: %.3f)%s", e.updates, loss, loss+gain, e.accuracyText())
	if batch, ok := e.batchSeconds(); ok {
		if hard, known := e.hard(); known && hard {
			evidence += fmt.Sprintf("; published runs with a batch near %s left chance after about %d updates", seconds(batch), usual)
		} else {
			evidence += fmt.Sprintf("; small healthy runs left chance within %d updates with 20 s of audio an update (here %s)", usual, seconds(batch))
		}
	}
	return Finding{Level: level, Title: "still at chance", Evidence: evidence, Since: e.gain.since(func(v float64) bool { return v <= limit }),
		Advice: "try a larger batch first (more accumulation), then a lower learning rate or a longer warm-up; see that the audio is speech and loud enough"}, fired
}

func (e *exam) lateDivergence() (Finding, outcome) {
	now, ok := settled(e.gain)
	at, peak, okPeak := e.best()
	if !ok || !okPeak {
		return Finding{}, unjudged
	}
	loss := e.metric("contrastive_loss")
	then := loss.until(at + 1).recent().median()
	later := loss.recent().median()
	if peak < fallPeak.Value*e.chanceLoss || now > (1-fallDivergence.Value)*peak || !(later > then) {
		return Finding{}, quiet
	}
	return Finding{Level: Watch, Title: "the model was better before",
		Since:    e.gain.since(func(v float64) bool { return v <= (1-fallDivergence.Value)*peak }),
		Evidence: fmt.Sprintf("contrastive loss %.3f nats at update %d, %.3f now: %.2f and %.2f nats below guessing%s", then, at, later, peak, now, e.accuracyText()),
		Advice:   "if it does not come back within some thousand updates, continue from a checkpoint from before with a lower learning rate"}, fired
}

func (e *exam) shortcut() (Finding, outcome) {
	accuracy, loss, duplicates := e.metric("accuracy"), e.metric("contrastive_loss"), e.metric("duplicate_distractors")
	if accuracy.recent().len() < blockRecords || loss.len() == 0 {
		return Finding{}, unjudged
	}
	a, l, d := accuracy.recent().median(), loss.recent().median(), 0.0
	if duplicates.len() > 0 {
		d = duplicates.recent().median()
	}
	if !(a > shortcutAccuracy.Value || l < shortcutLoss.Value) || d > shortcutDuplicates.Value {
		return Finding{}, quiet
	}
	since := accuracy.since(func(v float64) bool { return v > shortcutAccuracy.Value })
	if !(a > shortcutAccuracy.Value) {
		since = loss.since(func(v float64) bool { return v < shortcutLoss.Value })
	}
	level := Watch
	run, okRun := e.now("mask_run")
	if e.State.TotalSteps > 0 && float64(since) < shortcutEarly.Value*float64(e.State.TotalSteps) && (!okRun || run >= shortcutSpan.Value) {
		level = Broken
	}
	return Finding{Level: level, Title: "the task is solved too well", Since: since,
		Evidence: fmt.Sprintf("accuracy %.1f %% and contrastive loss %.3f nats, while only %.0f %% of the distractors equal the target", 100*a, l, 100*d),
		Advice: "look for what gives the answer away: spans that are too short, few or repeated recordings, a constant tone or silence, positions that leak; " +
			"listen to the batches"}, fired
}

func (e *exam) overfit() (Finding, outcome) {
	valid, train := e.curve(runlog.Valid, "contrastive_loss"), e.curve(runlog.Train, "contrastive_loss")
	n := int(overfitRecords.Value)
	if valid.len() < 2*n || train.len() < blockRecords {
		return Finding{}, unjudged
	}
	// Single validations are lucky or unlucky by a fifth in small runs: medians of n in a row are compared.
	smooth := series{valid.steps[n/2 : valid.len()-n+1+n/2], make([]float64, valid.len()-n+1)}
	for i := range smooth.values {
		smooth.values[i] = series{valid.steps[i : i+n], valid.values[i : i+n]}.median()
	}
	at, best, _ := smooth.min()
	now := smooth.values[smooth.len()-1]
	before, later := train.until(at+1).last(int(recentRecords.Value)).median(), train.last(int(recentRecords.Value)).median()
	if smooth.from(at+1).len() < n || !(best > 0) || now < (1+overfitRise.Value)*best || !(later < (1-overfitFall.Value)*before) {
		return Finding{}, quiet
	}
	return Finding{Level: Watch, Title: "the model learns the training data by heart", Since: at,
		Evidence: fmt.Sprintf("held-out contrastive loss %.3f nats around update %d, %.3f now, while that of training fell from %.3f to %.3f", best, at, now, before, later),
		Advice:   "the best checkpoint is behind: use it, or train on more data, with more dropout or a smaller model"}, fired
}

func (e *exam) warmUp() (Finding, outcome) {
	rate := e.metric("learning_rate")
	share, ok := e.progress()
	if !ok || rate.len() < blockRecords {
		return Finding{}, unjudged
	}
	if share < warmupShare.Value {
		return Finding{}, quiet
	}
	for i := 1; i < rate.len(); i++ {
		if !(rate.values[i] > rate.values[i-1]) {
			return Finding{}, quiet
		}
	}
	last, _ := rate.end()
	return Finding{Level: Watch, Title: "the learning rate is still warming up", Since: rate.steps[0],
		Evidence: fmt.Sprintf("%.0f %% of the run is done and the learning rate has only risen, to %.3g at update %d", 100*min(share, 1), last, e.updates),
		Advice:   "the run never sees its full learning rate nor its decay: shorten the warm-up to about a tenth of the run"}, fired
}

func (e *exam) smallBatch() (Finding, outcome) {
	batch, ok := e.batchSeconds()
	hard, known := e.hard()
	if !ok || !known {
		return Finding{}, unjudged
	}
	f := Finding{Level: Watch, Title: fmt.Sprintf("the batch is small: %s of audio an update", seconds(batch)), Since: e.metric("audio_seconds").steps[0],
		Advice: "raise train.accumulate, which costs no memory"}
	switch {
	case !hard && batch < batchEasy.Value:
		f.Evidence = fmt.Sprintf("%s of audio an update; published batches have %.1f to %.0f s", seconds(batch), reference.SmallestBatchSeconds, reference.PublishedBatchSeconds)
	case hard && batch < batchSmallest.Value:
		f.Evidence = fmt.Sprintf("%s of audio an update; the smallest batch with a published result, %.1f s, was at chance for %d updates and ended at an accuracy of 39 %%",
			seconds(batch), reference.SmallestBatchSeconds, reference.EarlyShape(batch).LeavesChance)
	case hard && batch < batchGood.Value:
		f.Level = Healthy
		band, _ := reference.For("accuracy", batch, 0)
		low, high := band.Low[len(band.Low)-1], band.High[len(band.High)-1]
		f.Evidence = fmt.Sprintf("%s of audio an update; published runs with batches like this passed an accuracy of 20 %% after about %d updates and ended at %.0f to %.0f %%",
			seconds(batch), reference.EarlyShape(batch).Fifth, 100*low, 100*high)
	default:
		return Finding{}, quiet
	}
	return f, fired
}

// seconds writes a length of audio.
func seconds(s float64) string {
	if s >= 600 {
		return fmt.Sprintf("%.0f min", math.Round(s/60))
	}
	return fmt.Sprintf("%.3g s", s)
}
