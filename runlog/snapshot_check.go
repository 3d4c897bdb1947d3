package runlog

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxEntries = maxLine / 2 // of a codebook: more would not fit in a line
	maxCount   = 1 << 53     // what every reader of JSON counts exactly
)

// check says why a snapshot cannot be written, or was not written by this package.
func (s *Snapshot) check() error {
	if s.Step < 0 {
		return fmt.Errorf("negative step %d", s.Step)
	}
	if y := s.Time.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("time %v", s.Time)
	}
	set := 0
	for _, is := range []bool{s.Codebook != nil, s.Batch != nil, s.Transcripts != nil, s.Alignment != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("%d of codebook, batch, transcripts and alignment are set, want one", set)
	}
	switch s.Kind() {
	case CodebookSnapshot:
		return s.Codebook.check()
	case BatchSnapshot:
		return s.Batch.check()
	case AlignmentSnapshot:
		return s.Alignment.check()
	}
	return checkTranscripts(s.Transcripts)
}

func (c *Codebook) check() error {
	if c.Groups < 1 || c.Entries < 1 || c.Groups > maxEntries || c.Entries > maxEntries || c.Groups*c.Entries != len(c.Counts) {
		return fmt.Errorf("%d counts of %d groups with %d entries", len(c.Counts), c.Groups, c.Entries)
	}
	if c.Updates < 0 {
		return fmt.Errorf("counted over %d updates", c.Updates)
	}
	for i, n := range c.Counts {
		if n < 0 || n > maxCount {
			return fmt.Errorf("entry %d of group %d was chosen %d times", i%c.Entries, i/c.Entries, n)
		}
	}
	return nil
}

func (b *Batch) check() error {
	if b.Samples < 0 || b.Rate < 0 || b.Frames < 0 || b.Rows < 0 || b.Epoch < 0 {
		return fmt.Errorf("negative: %d samples at %d Hz, %d frames, %d rows, epoch %d", b.Samples, b.Rate, b.Frames, b.Rows, b.Epoch)
	}
	if err := checkSamplePath(b.Sample); err != nil {
		return err
	}
	if err := checkSpans(b.Spans, b.Frames, "frame"); err != nil {
		return err
	}
	for i, r := range b.Padded {
		if r.Frames < 0 || b.Width < 0 {
			return fmt.Errorf("negative: %d frames in row %d, %d channels", r.Frames, i, b.Width)
		}
		if err := errors.Join(checkSpans(r.Spans, r.Frames, "frame"), checkSpans(r.Channels, b.Width, "channel")); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	last := -1
	for _, m := range b.Masked {
		if m.Frame <= last || m.Frame >= b.Frames {
			return fmt.Errorf("masked frame %d after %d, of %d", m.Frame, last, b.Frames)
		}
		last = m.Frame
		if len(m.Codes) != len(b.Masked[0].Codes) {
			return fmt.Errorf("%d codes at frame %d, %d at frame %d", len(m.Codes), m.Frame, len(b.Masked[0].Codes), b.Masked[0].Frame)
		}
		for _, c := range m.Codes {
			if c < 0 {
				return fmt.Errorf("code %d at frame %d", c, m.Frame)
			}
		}
		if m.Duplicates < 0 {
			return fmt.Errorf("%d duplicates at frame %d", m.Duplicates, m.Frame)
		}
	}
	last = -1
	for _, l := range b.Logits {
		if l.Frame <= last || l.Frame >= b.Frames {
			return fmt.Errorf("logits of frame %d after %d, of %d", l.Frame, last, b.Frames)
		}
		last = l.Frame
		if len(l.At) != 0 && len(l.At) != len(l.Negatives) {
			return fmt.Errorf("%d places of %d distractors at frame %d", len(l.At), len(l.Negatives), l.Frame)
		}
		for _, at := range l.At {
			if at < -1 {
				return fmt.Errorf("distractor from frame %d at frame %d", at, l.Frame)
			}
		}
	}
	return nil
}

// checkSpans refuses spans that are not rising, apart, and below n.
func checkSpans(spans [][2]int, n int, what string) error {
	end := 0
	for _, s := range spans {
		if s[0] < end || s[1] < 1 || s[1] > n-s[0] {
			return fmt.Errorf("masked run of %d at %s %d, after %d of %d", s[1], what, s[0], end, n)
		}
		end = s[0] + s[1]
	}
	return nil
}

func checkTranscripts(list []Transcript) error {
	if len(list) == 0 {
		return errors.New("no transcripts")
	}
	for _, t := range list {
		if t.WordErrors < 0 || t.Words < 0 || t.CharErrors < 0 || t.Chars < 0 {
			return fmt.Errorf("transcript %q: negative: %d errors in %d words, %d in %d characters", t.ID, t.WordErrors, t.Words, t.CharErrors, t.Chars)
		}
	}
	return nil
}

func (a *Alignment) check() error {
	if a.Frames < 0 || a.Rate < 0 {
		return fmt.Errorf("negative: %d frames, %d Hz", a.Frames, a.Rate)
	}
	if err := checkSamplePath(a.Sample); err != nil {
		return err
	}
	end := 0
	for _, t := range a.Tokens {
		if t.Frame < end || t.Frames < 1 || t.Frames > a.Frames-t.Frame {
			return fmt.Errorf("label %q over %d frames at frame %d, after frame %d of %d", t.Label, t.Frames, t.Frame, end, a.Frames)
		}
		end = t.Frame + t.Frames
	}
	if n := len(a.Blank); n != 0 && n != a.Frames {
		return fmt.Errorf("the blank of %d frames of %d", n, a.Frames)
	}
	return nil
}

// checkSamplePath keeps a log from naming files outside of the run's samples.
func checkSamplePath(path string) error {
	if path == "" {
		return nil
	}
	name, ok := strings.CutPrefix(path, samplesDir+"/")
	if !ok || !validName(name, true) || strings.Contains(name, "/") || name[0] == '.' {
		return fmt.Errorf("audio in %q, which is no file of %s", path, samplesDir)
	}
	return nil
}
