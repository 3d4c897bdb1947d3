package plots

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"aural/audio"
	"aural/features"
	"aural/runlog"
)

// spectrogramPanels shows the newest batch snapshot of each run whose audio is still there.
func spectrogramPanels(b *builder) ([]panel, error) {
	var panels []panel
	for _, r := range b.runs {
		log, ok := r.log.(snapshots)
		if !ok {
			continue
		}
		list := log.Snapshots(runlog.BatchSnapshot)
		for i := len(list) - 1; i >= 0; i-- {
			s := &list[i]
			if s.Batch.Sample == "" || b.options.Update > 0 && s.Step > b.options.Update {
				continue
			}
			a, err := ReadSpectrogram(r.log.Dir(), s.Batch)
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed since the log was read
			}
			if err != nil {
				return nil, err
			}
			title := fmt.Sprintf("Update %d: %s", s.Step, s.Batch.ID)
			if len(b.runs) > 1 {
				title = fmt.Sprintf("%s, update %d: %s", r.label, s.Step, s.Batch.ID)
			}
			panels = append(panels, panel{title: title, labelX: "seconds", audio: &audioPanel{Spectrogram: *a}})
			break
		}
	}
	if panels == nil {
		panels = []panel{{title: "Spectrogram"}}
	}
	return panels, nil
}

// maxSeconds bounds the audio of a figure: a row of a batch is far shorter.
const maxSeconds = 600

// ReadSpectrogram computes the log-mel spectrogram of the audio of a batch snapshot of the run in dir, with the spans and
// codes that the snapshot has. The error wraps fs.ErrNotExist when the run has removed the audio.
func ReadSpectrogram(dir string, b *runlog.Batch) (*Spectrogram, error) {
	clip, err := audio.DecodeFile(filepath.Join(dir, b.Sample), audio.Limits{MaxSeconds: maxSeconds})
	if err != nil {
		return nil, fmt.Errorf("audio of the batch: %w", err)
	}
	samples, rate := clip.Channels[0], clip.Rate
	c := features.Default()
	c.Rate, c.Window, c.Hop, c.High = rate, max(2, rate/40), max(1, rate/100), float64(rate)/2
	for c.FFT < c.Window {
		c.FFT *= 2
	}
	frames, err := features.LogMel(samples, c)
	if err != nil {
		return nil, fmt.Errorf("audio of the batch: %w", err)
	}
	s := &Spectrogram{LogMel: frames, Hop: float64(c.Hop) / float64(rate), Frequencies: c.Centres(), Waveform: samples, Rate: rate,
		Lead: float64(c.Window-c.Hop) / 2 / float64(rate)} // a frame is at the middle of its window
	if b.Frames == 0 {
		return s, nil
	}
	step := float64(len(samples)) / float64(rate) / float64(b.Frames) // seconds that a frame of the model stands for
	place := func(frame, n int) Span { return Span{float64(frame) * step, float64(frame+n) * step} }
	for _, span := range b.Spans {
		s.Spans = append(s.Spans, place(span[0], span[1]))
	}
	for _, m := range b.Masked {
		s.Codes = append(s.Codes, FrameCodes{place(m.Frame, 1), m.Codes, m.Correct})
	}
	return s, nil
}
