package health

import (
	"math"
	"time"

	"aural/reference"
	"aural/runlog"
)

// Input is what is known of a run. Everything but Curves may be missing: rules that need it say nothing then.
type Input struct {
	Curves    runlog.Curves
	State     runlog.State      // zero for a log without a heartbeat, such as an imported one
	Status    runlog.Status     // State.At of the time Now; "" when not known
	Events    []runlog.Event    // in the order of the log
	Codebooks []runlog.Snapshot // of kind runlog.CodebookSnapshot, oldest first
	Damage    runlog.Damage     // what could not be read
	Now       time.Time

	CheckpointBytes int64 // size of a checkpoint; 0 when not known
}

// Examine applies all rules. It only looks: the same input gives the same report. Of a long log it looks at the last 1024
// records and at up to 2048 of those before, so that it takes one to three milliseconds at any length and can be called every second.
func Examine(in Input) Report {
	e := &exam{Input: in, curves: map[string]series{}}
	e.prepare()
	r := Report{Step: e.updates}
	for i := range rules {
		f, o := rules[i].check(e)
		if o == unjudged {
			continue
		}
		r.Rules = append(r.Rules, rules[i].Name)
		if o == fired {
			f.Rule = rules[i].Name
			r.Findings = append(r.Findings, f)
		}
	}
	r.conclude()
	return r
}

// exam is one examination.
type exam struct {
	Input
	curves      map[string]series
	updates     int64   // done
	distractors float64 // K
	chanceLoss  float64 // ln(K+1), nats
	entries     float64 // GV; NaN when not known
	groups      float64 // G

	// gain is the information that the model gives about the target, in nats: the loss of guessing among the distractors that
	// differ from the target, minus the contrastive loss. 0 is chance, however many distractors are equal to the target. It is
	// NaN where so many are that their mean says little: frames without any distractor and frames with all of them.
	gain series
}

func (e *exam) prepare() {
	e.updates = e.State.Step
	for _, kind := range []string{runlog.Train, runlog.Valid} {
		for _, name := range []string{"loss", "contrastive_loss", "skipped_steps"} {
			if s := e.curve(kind, name); s.len() > 0 {
				e.updates = max(e.updates, s.steps[s.len()-1])
			}
		}
	}
	e.chanceLoss = math.Log(101) // K = 100, as in the paper
	if c, ok := e.metric("chance_loss").end(); ok && c > 0 && !math.IsInf(c, 0) {
		e.chanceLoss = c
	}
	e.distractors = math.Exp(e.chanceLoss) - 1
	e.entries = e.codebookEntries()
	e.groups = 1
	for e.metric("code_perplexity/"+string(rune('0'+int(e.groups)))).len() > 0 && e.groups < 9 {
		e.groups++
	}
	if e.groups == 1 && e.metric("code_perplexity/0").len() == 0 {
		e.groups = 2 // not logged; every published model has two
	}
	guess := func(duplicates float64) float64 { return math.Log1p(e.distractors * (1 - min(max(duplicates, 0), 1))) }
	loss, duplicates := e.metric("contrastive_loss"), e.metric("duplicate_distractors")
	if duplicates.len() > 0 {
		e.gain = join(func(v []float64) float64 {
			if v[1] > gainDuplicates.Value {
				return math.NaN()
			}
			return guess(v[1]) - v[0]
		}, loss, duplicates)
	} else {
		e.gain = join(func(v []float64) float64 { return guess(0) - v[0] }, loss)
	}
}

// codebookEntries is the number of entries of all groups; NaN when it is not known. Other programs log it only by way of the
// diversity loss, (GV - perplexity)/GV.
func (e *exam) codebookEntries() float64 {
	if v, ok := e.metric("max_perplexity").end(); ok && v >= 1 && !math.IsInf(v, 0) {
		return v
	}
	v, ok := join(func(v []float64) float64 { return v[1] / (1 - v[0]) }, e.metric("diversity_loss"), e.metric("prob_perplexity")).end()
	if ok && v >= 1 && !math.IsInf(v, 0) {
		return v
	}
	if _, most, ok := e.metric("prob_perplexity").max(); ok && e.Status == "" && most <= reference.PublishedEntries {
		return reference.PublishedEntries // a log of fairseq has neither; all published models have as many
	}
	return math.NaN()
}

// curve is a series of a kind of record, thinned.
func (e *exam) curve(kind, name string) series {
	full := kind + "/" + name
	s, ok := e.curves[full]
	if !ok && e.Curves != nil {
		s.steps, s.values = e.Curves.Series(full)
		n := min(len(s.steps), len(s.values))
		s = series{s.steps[:n], s.values[:n]}.thin()
		e.curves[full] = s
	}
	return s
}

// metric is a series of training, or of validation when it is logged only there.
func (e *exam) metric(name string) series {
	if s := e.curve(runlog.Train, name); s.len() > 0 {
		return s
	}
	return e.curve(runlog.Valid, name)
}

// now is the median of the recent records of a metric; ok is false when there are too few to judge.
func (e *exam) now(name string) (value float64, ok bool) {
	return settled(e.metric(name))
}

// settled is the median of the recent points; ok is false when they are too few to judge.
func settled(s series) (value float64, ok bool) {
	r, numbers := s.recent(), 0
	for _, v := range r.values {
		if !math.IsNaN(v) {
			numbers++
		}
	}
	if numbers < blockRecords {
		return math.NaN(), false
	}
	return r.median(), true
}

// live reports whether a process works on the run.
func (e *exam) live() bool { return e.Status == runlog.Running || e.Status == runlog.Paused }

// progress is the share of the run that is done, when the plan is known: by updates, or else by time.
func (e *exam) progress() (share float64, ok bool) {
	if e.State.TotalSteps > 0 {
		return float64(e.updates) / float64(e.State.TotalSteps), true
	}
	if e.Status == runlog.Finished {
		return 1, true
	}
	if e.Curves == nil || !(e.State.ETASeconds > 0) {
		return 0, false
	}
	t := e.Curves.Elapsed("train/loss")
	if len(t) == 0 {
		return 0, false
	}
	done := t[len(t)-1]
	return done / (done + e.State.ETASeconds), true
}

// batchSeconds is the audio of an update.
func (e *exam) batchSeconds() (seconds float64, ok bool) {
	v, ok := e.now("audio_seconds")
	return v, ok && v > 0 && !math.IsInf(v, 0)
}

// hard reports whether the task is like the published one, so that published times apply: long masked spans, many codes.
func (e *exam) hard() (hard, known bool) {
	run, ok := e.now("mask_run")
	if !ok || math.IsNaN(e.entries) {
		return false, false
	}
	return run >= hardSpan.Value && e.entries >= hardEntries.Value, true
}
