package plots

import (
	"errors"
	"fmt"
)

// Alignment is a text that was placed on a recording, with what the model heard, for [RenderAlignment].
type Alignment struct {
	Title, Note string
	// Sound is the recording with its words; Start and the audio say which stretch of time is drawn.
	Sound Spectrogram

	Tokens        []string    // the rows, from the top
	Probabilities [][]float64 // of each token in each frame, rows of the same length
	First         float64     // seconds: where the first frame begins
	FrameSeconds  float64
	Path          []PathSpan // of the text, in order
}

// PathSpan is a token of the text and its frames.
type PathSpan struct {
	Span
	Token int // row
}

// The size of an alignment in millimetres.
const alignmentWidth, alignmentHeight = 170, 165

// RenderAlignment draws a waveform and a spectrogram with the words below, and under them the probabilities of the tokens with the path of the text, into the file path; see [Render] for
// its format. Of the options, the size, resolution, theme, text and lines count, and the tables beside the figure.
func RenderAlignment(path string, a Alignment, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	sound := ViewPanel{Title: a.Title, Spectrogram: &a.Sound}
	if err := errors.Join(a.check(), sound.check()); err != nil {
		return fmt.Errorf("plots: alignment: %w", err)
	}
	if a.Sound.empty() {
		return fmt.Errorf("plots: alignment: %w: the recording is shorter than a frame of its spectrogram", ErrNoData)
	}
	h := &HeatMap{Values: a.Probabilities, RowNames: a.Tokens, Rows: "token", Unit: "probability", High: 1,
		Left: a.First, Right: a.First + a.FrameSeconds*float64(len(a.Probabilities[0])), span: Limits{a.Sound.Start, a.Sound.end()}}
	for _, s := range a.Path {
		h.outlined = append(h.outlined, outline{s.From, s.To, s.Token})
	}
	for _, w := range a.Sound.Words {
		h.rules = append(h.rules, w.From, w.To)
	}
	panels := []panel{{title: a.Title, labelX: "seconds", audio: &audioPanel{Spectrogram: a.Sound}},
		{title: "What the model hears, and the path of the text", labelX: "seconds", heat: h}}
	if err := write(path, panels, frame{note: a.Note, columns: 1}, size{alignmentWidth, alignmentHeight, 2}, o); err != nil {
		return fmt.Errorf("plots: alignment: %w", err)
	}
	return nil
}

func (a *Alignment) check() error {
	switch {
	case len(a.Probabilities) == 0 || len(a.Probabilities) != len(a.Tokens):
		return fmt.Errorf("%d rows of probabilities of %d tokens: they must be as many, and one at least", len(a.Probabilities), len(a.Tokens))
	case len(a.Probabilities[0]) == 0:
		return fmt.Errorf("%w: there is no frame", ErrNoData)
	case !(a.FrameSeconds > 0) || !finite(a.FrameSeconds) || !finite(a.First):
		return fmt.Errorf("frames of %v s from %v s on: want more than 0, and both finite", a.FrameSeconds, a.First)
	}
	for _, s := range a.Path {
		if s.Token < 0 || s.Token >= len(a.Tokens) || !finite(s.From) || !finite(s.To) {
			return fmt.Errorf("the path has row %d of %d from %v to %v s", s.Token, len(a.Tokens), s.From, s.To)
		}
	}
	return (&HeatMap{Values: a.Probabilities}).check()
}
