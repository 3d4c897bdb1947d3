package main

import (
	"errors"
	"fmt"
	"math"

	"aural/features"
	"aural/infer"
	"aural/plots"
)

const (
	aroundSeconds = 0.25 // that a figure shows before and after the utterance
	mostSeconds   = 30   // that a figure has room for
	heardAs       = 0.25 // probability from which on a token that is not in the text is shown
	doubtfulWord  = 0.5  // confidence below which a word is marked, as in aural top
	sharedRows    = 3    // of words
)

// draw draws the utterance that was asked for, or the least sure one.
func (t *placer) draw() error {
	switch {
	case t.flags.figure == "":
		return nil
	case t.shown == nil && t.flags.show != "":
		return fmt.Errorf("--show: no utterance %q was aligned", t.flags.show)
	case t.shown == nil:
		return errors.New("--figure: no utterance was aligned")
	}
	a, err := t.alignment(t.shown)
	if err != nil {
		return err
	}
	if err := plots.RenderAlignment(t.flags.figure, a, plots.Options{}); err != nil {
		return err
	}
	t.say("%s shows %s", t.flags.figure, printable(a.Title))
	return nil
}

// alignment is an utterance as plots draws it.
func (t *placer) alignment(u *shown) (a plots.Alignment, err error) {
	v, step := t.recogniser.model.Vocabulary(), t.recogniser.model.FrameSeconds()
	h := u.placed.Hypotheses[0]
	spans := u.placed.Spans
	first, end := float64(spans[0].Start)*step, float64(spans[len(spans)-1].End)*step
	from := max(0, int((first-aroundSeconds)*infer.Rate))
	to := min(len(u.audio), int((end+aroundSeconds)*infer.Rate)+1, from+mostSeconds*infer.Rate)
	start := float64(from) / infer.Rate

	c := features.Default()
	a.Sound = plots.Spectrogram{Waveform: u.audio[from:to], Rate: infer.Rate, Start: start, Frequencies: c.Centres(), Hop: float64(c.Hop) / infer.Rate,
		Lead: float64(c.Window-c.Hop) / 2 / infer.Rate, WordRows: sharedRows} // a frame is at the middle of its window
	if a.Sound.LogMel, err = features.LogMel(a.Sound.Waveform, c); err != nil {
		return a, err
	}
	for _, w := range h.Words {
		a.Sound.Words = append(a.Sound.Words, plots.Word{Span: plots.Span{From: w.Start, To: w.End}, Text: w.Text, Doubtful: w.Confidence < doubtfulWord})
	}

	f0, f1 := int(math.Ceil(start/step)), min(u.emissions.Rows, int(float64(to)/infer.Rate/step))
	f0 = min(f0, spans[0].Start)
	p := func(f, k int) float64 { return math.Exp(float64(u.emissions.Data[f*u.emissions.Cols+k])) }
	inText := make([]bool, v.Len())
	for _, s := range spans {
		inText[s.Token] = true
	}
	row := make([]int, v.Len())
	add := func(k int) {
		values := make([]float64, max(0, f1-f0))
		for i := range values {
			values[i] = p(f0+i, k)
		}
		row[k] = len(a.Tokens)
		a.Tokens, a.Probabilities = append(a.Tokens, v.Token(k)), append(a.Probabilities, values)
	}
	add(v.Blank())
	for k := range v.Len() {
		heard := inText[k]
		for f := f0; f < f1 && !heard; f++ {
			heard = p(f, k) >= heardAs
		}
		if heard && k != v.Blank() {
			add(k)
		}
	}
	a.First, a.FrameSeconds = float64(f0)*step, step
	for _, s := range spans {
		if s.End <= f1 {
			a.Path = append(a.Path, plots.PathSpan{Span: plots.Span{From: float64(s.Start) * step, To: float64(s.End) * step}, Token: row[s.Token]})
		}
	}
	a.Title = u.id
	if t.lines != nil {
		a.Title = "line " + u.id
	}
	a.Note = fmt.Sprintf("confidence %.2f", u.placed.Confidence())
	return a, nil
}
