package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"aural/audio"
	"aural/audio/vad"
	"aural/decode"
	"aural/infer"
	"aural/transcript"
)

// transcriber turns recordings into transcripts.
type transcriber struct {
	*app
	recogniser
	walk
	decoding  *decoding
	decoders  []decode.Decoder // one a goroutine
	segmenter *vad.Segmenter   // nil: recordings are whole
	silent    bool             // no progress
	began     time.Time

	pcm   []int16
	spans []vad.Span
}

// piece is a stretch of a recording that is one utterance.
type piece struct {
	of         int // recording of the group
	start, end int // samples
	hypotheses []decode.Hypothesis
}

// transcribe recognises some recordings.
func (t *transcriber) transcribe(ctx context.Context, group []heard) ([]piece, error) {
	var pieces []piece
	for i := range group {
		pieces = t.cut(pieces, i, group[i].audio)
	}
	audio := make([][]float32, len(pieces))
	for i, p := range pieces {
		audio[i] = group[p.of].audio[p.start:p.end]
	}
	emissions, err := t.recogniser.model.EmissionsBatch(ctx, audio)
	if err != nil {
		return nil, err
	}
	return pieces, t.decode(ctx, pieces, emissions)
}

// group transcribes some recordings and writes the transcripts.
func (t *transcriber) group(ctx context.Context, group []heard, out *output) error {
	pieces, err := t.transcribe(ctx, group)
	if err != nil {
		return err
	}
	for i, h := range group {
		tr := &transcript.Transcript{ID: h.id, Path: h.path, Seconds: float64(len(h.audio)) / infer.Rate}
		for len(pieces) > 0 && pieces[0].of == i {
			tr.Segments = append(tr.Segments, t.segment(pieces[0]))
			pieces = pieces[1:]
		}
		t.seconds += tr.Seconds
		if _, err := t.write(out, h.recording, tr); err != nil {
			return err
		}
	}
	t.progress(0)
	return nil
}

// cut adds the pieces of a recording: all of it, or the speech between silences.
func (t *transcriber) cut(pieces []piece, of int, x []float32) []piece {
	if t.segmenter == nil {
		return append(pieces, piece{of: of, end: len(x)})
	}
	if cap(t.pcm) < len(x) {
		t.pcm = make([]int16, len(x))
	}
	t.pcm = t.pcm[:len(x)]
	audio.ToInt16(t.pcm, x)
	t.spans = t.segmenter.Segment(t.spans[:0], t.pcm)
	for _, s := range t.spans {
		pieces = append(pieces, piece{of: of, start: s.Start, end: s.End})
	}
	return pieces
}

// decode finds the texts of pieces, on all CPUs.
func (t *transcriber) decode(ctx context.Context, pieces []piece, emissions []infer.Matrix) error {
	workers := min(runtime.GOMAXPROCS(0), len(pieces))
	for len(t.decoders) < workers {
		d, err := t.decoding.decoder(t.decoding.options.Alpha, t.decoding.options.Beta)
		if err != nil {
			return err
		}
		t.decoders = append(t.decoders, d)
	}
	var next atomic.Int64
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(pieces) || errs[w] != nil {
					return
				}
				pieces[i].hypotheses, errs[w] = t.decoding.whole(ctx, t.decoders[w], emissions[i].Data, emissions[i].Rows)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// segment turns frames into seconds of the recording.
func (t *transcriber) segment(p piece) transcript.Segment {
	from, to := float64(p.start)/infer.Rate, float64(p.end)/infer.Rate
	at := func(frame int) float64 { return min(to, from+float64(frame)*t.recogniser.model.FrameSeconds()) }
	s := transcript.Segment{Start: from, End: to}
	for _, h := range p.hypotheses {
		o := transcript.Hypothesis{Text: h.Text, Score: h.Score, Acoustic: h.Acoustic, LM: h.LM, Boost: h.Boost, Words: make([]transcript.Word, len(h.Words))}
		for i, w := range h.Words {
			o.Words[i] = transcript.Word{Text: w.Text, Start: at(w.Start), End: at(w.End)}
		}
		s.Hypotheses = append(s.Hypotheses, o)
	}
	return s
}

// progress shows how far it is, with some seconds of the group under way.
func (t *transcriber) progress(seconds float64) {
	if t.silent {
		return
	}
	audio := t.seconds + seconds
	t.bar.show(false, fmt.Sprintf("%s/%s recordings  %s of audio  %.1f s/s", grouped(t.done+t.failed), grouped(t.total), audioText(audio),
		audio/time.Since(t.began).Seconds()))
}
