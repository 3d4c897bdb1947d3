package main

import (
	"fmt"
	"math"
	"strings"

	"aural/runlog"
	"aural/train"
)

// progress shows how a run goes. Validations, which the loop does not report, are read from the log like any other viewer does.
type progress struct {
	*ticker
	log     *runlog.Reader
	checked int64 // update of the last validation shown
	first   bool
	ahead   func(done float64) string // what stands before each line, when this share of the run is done; nil: nothing
	before  string                    // what stood there last
}

func newProgress(a *app, plain bool) *progress {
	return &progress{ticker: newTicker(a.err, plain), first: true, checked: -1}
}

// follow reads the log of the run. Progress without it has no validations.
func (p *progress) follow(dir string) {
	log, err := runlog.Open(dir)
	if err != nil {
		p.note("warning: " + err.Error())
		return
	}
	p.log = log
}

func (p *progress) show(s train.Status) {
	if p.ahead != nil && s.Total > 0 {
		p.before = p.ahead(float64(s.Update)/float64(s.Total)) + "  "
	}
	p.showValidation() // of an earlier update
	p.ticker.show(p.first, p.before+p.line(s))
	p.first = false
}

// line is one line of numbers, the most telling first.
func (p *progress) line(s train.Status) string {
	parts := []string{"update " + grouped(s.Update)}
	if s.Total > 0 {
		parts[0] += "/" + grouped(s.Total)
	}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if !math.IsNaN(s.Loss) {
		add("loss %.3f", s.Loss)
	}
	if !math.IsNaN(s.Accuracy) {
		add("accuracy %s", percent(s.Accuracy))
	}
	if codes, ok := value(s.Values, "code_perplexity"); ok {
		most, _ := value(s.Values, "max_perplexity")
		add("codes %.0f/%.0f", codes, most)
	}
	if !math.IsNaN(s.GradientNorm) {
		add("grad %.2f", s.GradientNorm)
		add("lr %.2g", s.LearningRate)
	}
	if s.Skipped > 0 {
		add("skipped %d", s.Skipped)
	}
	add("%.0f audio-s/s", s.AudioRate)
	if s.DataWait > 0.05 {
		add("waiting for data %.0f %%", 100*s.DataWait)
	}
	if s.ETA > 0 {
		add("%s left", clock(s.ETA))
	}
	return strings.Join(parts, "  ")
}

// showValidation writes a line that stays for each validation.
func (p *progress) showValidation() {
	if p.log == nil {
		return
	}
	if _, _, err := p.log.Poll(runlog.Budget{Records: 10000}); err != nil {
		return // the next one may work; the log is only looked at here
	}
	last := func(name string) float64 { _, v, _ := p.log.Last("valid/" + name); return v }
	step, _, ok := p.log.Last("valid/loss")
	if !ok || step == p.checked {
		return
	}
	p.checked = step
	text := fmt.Sprintf("word errors %s, label errors %s, CTC loss %.2f", percent(last("wer")), percent(last("cer")), last("ctc_loss"))
	if at, rate, ok := p.log.Last("valid/wer_lm"); ok && at == step {
		text = fmt.Sprintf("word errors %s, with LM %s, label errors %s, CTC loss %.2f", percent(last("wer")), percent(rate), percent(last("cer")), last("ctc_loss"))
	}
	if _, accuracy, ok := p.log.Last("valid/accuracy"); ok {
		text = fmt.Sprintf("accuracy %s (chance %s), contrastive loss %.3f, codes %.0f", percent(accuracy), percent(last("chance_accuracy")),
			last("contrastive_loss"), last("code_perplexity"))
	}
	p.note(p.before + fmt.Sprintf("held out, update %s: %s", grouped(step), text))
}

// value finds a number of a record.
func value(values []runlog.Value, name string) (float64, bool) {
	for _, v := range values {
		if v.Name == name {
			return v.Value, true
		}
	}
	return 0, false
}

func (p *progress) close() {
	p.showValidation()
	p.ticker.close()
	if p.log != nil {
		p.log.Close()
	}
}
