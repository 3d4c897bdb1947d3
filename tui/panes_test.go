package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/screen"

	"pgregory.net/rapid"
)

// loadSounds gives the model the recordings that its snapshots name.
func loadSounds(m *model, s *sound) {
	for _, shot := range m.run().shots.batches {
		m.Update(soundMsg{key: soundKey{m.run().dir, shot.Batch.Sample}, sound: s})
	}
	for _, shot := range m.run().shots.alignments {
		m.Update(soundMsg{key: soundKey{m.run().dir, shot.Alignment.Sample}, sound: s})
	}
}

func pretraining() snapshots {
	return snapshots{codebooks: fixtureCodebook(40, 2, 320), batches: fixtureBatches(8, 100)}
}

func fineTuning() snapshots {
	return snapshots{transcripts: fixtureTranscripts(), alignments: fixtureAlignments(), batches: fixturePadded(12)}
}

func TestPaneFrames(t *testing.T) {
	tone := fixtureSound()
	for _, f := range []struct {
		name  string
		shots snapshots
		keys  []string
	}{
		{"codebook", pretraining(), []string{"3", "down"}},
		{"codebook-over-time", pretraining(), []string{"3", "v", "left", "left", "r"}},
		{"codebook-by-rank", pretraining(), []string{"3", "v", "v", "d"}},
		{"masks", pretraining(), []string{"4", "right", "right"}},
		{"audio", pretraining(), []string{"5", ",", "right", "right", "right", "+"}},
		{"transcripts", fineTuning(), []string{"3", "down"}},
		{"transcripts-opened", fineTuning(), []string{"3", "down", "down", "enter"}},
		{"alignment", fineTuning(), []string{"4", "right", "right", "right"}},
		{"padded", fineTuning(), []string{"4", "v"}},
	} {
		for _, size := range [][2]int{{80, 24}, {160, 50}} {
			for suffix, term := range map[string]screen.Terminal{"": {}, "-colour": {Colors: screen.Colors256}} {
				name := fmt.Sprintf("%s-%dx%d%s", f.name, size[0], size[1], suffix)
				t.Run(name, func(t *testing.T) {
					m := fixtureRun(term, f.shots)
					m.width, m.height = size[0], size[1]
					loadSounds(m, tone)
					press(m, f.keys...)
					frame := m.View()
					checkSize(t, frame, size[0], size[1])
					golden(t, name, frame)
				})
			}
		}
	}
}

// Screens without snapshots say so, and still show their charts.
func TestPanesWithout(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, snapshots{})
	m.width, m.height = 80, 24
	for _, c := range [][]string{{"3", "no snapshot of the codebook", "perplexity"}, {"4", "no snapshot of a batch", "accuracy"}, {"5", "no snapshot of a batch", ""}} {
		press(m, c[0])
		if frame := m.View(); !strings.Contains(frame, c[1]) || !strings.Contains(frame, c[2]) {
			t.Errorf("screen %s:\n%s", c[0], frame)
		}
	}
}

// anyShots draws snapshots as a hostile log could hold them.
func anyShots(t *rapid.T) snapshots {
	var s snapshots
	number := rapid.OneOf(rapid.Float64Range(-1, 1), rapid.SampledFrom([]float64{0, 1e300, -1e300, math.NaN(), math.Inf(1), math.Inf(-1)}))
	small := func(name string) float32 { return float32(number.Draw(t, name)) }
	whole := rapid.OneOf(rapid.IntRange(-2, 60), rapid.SampledFrom([]int{math.MinInt, math.MaxInt, 1 << 40}))
	text := rapid.SampledFrom([]string{"", "a", "HELLO WORLD", "音声 の 実験", "e\u0301\x1b[31m x\ny", strings.Repeat("long ", 400)})
	step := rapid.OneOf(rapid.Int64Range(0, 100), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	name := rapid.SampledFrom([]string{"", "samples/a.wav", "../../etc/passwd"})
	for range rapid.IntRange(0, 5).Draw(t, "codebooks") {
		c := &runlog.Codebook{Groups: rapid.SampledFrom([]int{1, 2, 2, 2, 0, -1, 70, math.MaxInt}).Draw(t, "groups"),
			Entries: rapid.SampledFrom([]int{1, 2, 320, 320, 1024, 7, 0, -5}).Draw(t, "entries"), Updates: step.Draw(t, "updates")}
		n := max(min(c.Groups, 70), 0) * max(c.Entries, 0)
		if rapid.IntRange(0, 9).Draw(t, "torn") == 0 {
			n /= 2
		}
		count := rapid.SampledFrom([]int64{0, 0, 1, 5, 1000, math.MaxInt64, -1})
		pattern := rapid.SliceOfN(count, 1, 7).Draw(t, "counts")
		for i := range n {
			c.Counts = append(c.Counts, pattern[i%len(pattern)])
		}
		s.codebooks = append(s.codebooks, runlog.Snapshot{Step: step.Draw(t, "step"), Codebook: c})
	}
	for range rapid.IntRange(0, 3).Draw(t, "batches") {
		b := &runlog.Batch{ID: text.Draw(t, "id"), Speaker: text.Draw(t, "speaker"), Text: text.Draw(t, "text"), Sample: name.Draw(t, "sample"), Samples: whole.Draw(t, "samples"),
			Rate: whole.Draw(t, "rate"), Frames: whole.Draw(t, "frames"), Rows: whole.Draw(t, "rows"), Epoch: whole.Draw(t, "epoch")}
		for range rapid.IntRange(0, 6).Draw(t, "spans") {
			b.Spans = append(b.Spans, [2]int{whole.Draw(t, "first"), whole.Draw(t, "length")})
		}
		b.Width = whole.Draw(t, "width")
		for range rapid.IntRange(0, 3).Draw(t, "padded") {
			r := runlog.PaddedRow{Frames: whole.Draw(t, "row frames")}
			for range rapid.IntRange(0, 3).Draw(t, "row spans") {
				r.Spans = append(r.Spans, [2]int{whole.Draw(t, "first"), whole.Draw(t, "length")})
				r.Channels = append(r.Channels, [2]int{whole.Draw(t, "first"), whole.Draw(t, "length")})
			}
			b.Padded = append(b.Padded, r)
		}
		for range rapid.IntRange(0, 12).Draw(t, "masked") {
			b.Masked = append(b.Masked, runlog.MaskedFrame{Frame: whole.Draw(t, "frame"), Codes: rapid.SliceOfN(whole, 0, 6).Draw(t, "codes"), Correct: rapid.Bool().Draw(t, "correct"),
				Positive: small("positive"), BestNegative: small("negative"), Duplicates: whole.Draw(t, "duplicates")})
		}
		for range rapid.IntRange(0, 4).Draw(t, "logits") {
			l := runlog.FrameLogits{Frame: whole.Draw(t, "of frame"), Positive: small("logit"), At: rapid.SliceOfN(whole, 0, 9).Draw(t, "at")}
			for range rapid.IntRange(0, 9).Draw(t, "negatives") {
				l.Negatives = append(l.Negatives, small("distractor"))
			}
			b.Logits = append(b.Logits, l)
		}
		s.batches = append(s.batches, runlog.Snapshot{Step: step.Draw(t, "step"), Batch: b})
	}
	if rapid.Bool().Draw(t, "pretraining") {
		return s
	}
	for range rapid.IntRange(0, 3).Draw(t, "transcripts") {
		shot := runlog.Snapshot{Step: step.Draw(t, "step")}
		for range rapid.IntRange(0, 8).Draw(t, "utterances") {
			shot.Transcripts = append(shot.Transcripts, runlog.Transcript{ID: text.Draw(t, "id"), Reference: text.Draw(t, "reference"), Hypothesis: text.Draw(t, "hypothesis"),
				Loss: number.Draw(t, "loss"), WordErrors: whole.Draw(t, "errors"), Words: whole.Draw(t, "words"), CharErrors: whole.Draw(t, "errors"), Chars: whole.Draw(t, "chars"),
				Seconds: number.Draw(t, "seconds"), BlankShare: number.Draw(t, "blank")})
		}
		s.transcripts = append(s.transcripts, shot)
	}
	for range rapid.IntRange(0, 3).Draw(t, "alignments") {
		a := &runlog.Alignment{ID: text.Draw(t, "id"), Text: text.Draw(t, "text"), Sample: name.Draw(t, "sample"), Rate: whole.Draw(t, "rate"), Frames: whole.Draw(t, "frames"),
			FrameSeconds: number.Draw(t, "frame seconds")}
		for range rapid.IntRange(0, 9).Draw(t, "tokens") {
			a.Tokens = append(a.Tokens, runlog.AlignedToken{Label: text.Draw(t, "label"), Frame: whole.Draw(t, "frame"), Frames: whole.Draw(t, "frames"), Score: small("score")})
		}
		for range rapid.IntRange(0, 40).Draw(t, "blanks") {
			a.Blank = append(a.Blank, small("blank"))
		}
		s.alignments = append(s.alignments, runlog.Snapshot{Step: step.Draw(t, "step"), Alignment: a})
	}
	return s
}

// Whatever a log holds, keys, clicks and sizes break nothing.
func TestPanesAnything(t *testing.T) {
	sounds := []*sound{fixtureSound(), newSound(make([]float32, 50), 16000), newSound(nil, 0), newSound([]float32{float32(math.NaN()), 1, -1}, 1<<40)}
	keys := rapid.SampledFrom([]string{"left", "right", "up", "down", "home", "end", "pgup", "pgdown", "v", "d", "r", "g", "+", "-", ",", ".", "esc", "enter", "tab", "y", "u", "?", "w", "3", "4", "5"})
	rapid.Check(t, func(t *rapid.T) {
		m := fixtureRun(anyTerminal(t), anyShots(t))
		m.show(rapid.IntRange(2, 4).Draw(t, "screen"))
		if rapid.Bool().Draw(t, "sound") {
			loadSounds(m, rapid.SampledFrom(sounds).Draw(t, "which"))
		}
		for range rapid.IntRange(1, 6).Draw(t, "frames") {
			m.width, m.height = rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 400)).Draw(t, "width"), rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 120)).Draw(t, "height")
			for range rapid.IntRange(0, 4).Draw(t, "keys") {
				m.press(keyMsg(keys.Draw(t, "key"))) // its commands, which may write, are not run
			}
			click(m, rapid.IntRange(0, m.width).Draw(t, "x"), rapid.IntRange(0, m.height).Draw(t, "y"), rapid.Bool().Draw(t, "wheel"))
			frame := m.View()
			checkSize(t, frame, m.width, m.height)
			if i := strings.IndexFunc(frame, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' && r != '\x1b' }); m.terminal.ASCII && i >= 0 {
				t.Fatalf("%q is not ASCII", frame[i:min(i+4, len(frame))])
			}
		}
	})
}

// Every size, with snapshots as they are.
func TestPanesEverySize(t *testing.T) {
	tone := fixtureSound()
	for _, shots := range []snapshots{pretraining(), fineTuning()} {
		for _, term := range []screen.Terminal{{ASCII: true}, {Colors: screen.TrueColor}} {
			m := fixtureRun(term, shots)
			loadSounds(m, tone)
			for _, key := range []string{"3", "4", "5"} {
				press(m, key)
				for _, width := range []int{1, 2, 5, 6, 7, 11, 12, 13, 20, 33, 47, 70, 109, 110, 130, 163, 400} {
					for _, height := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 17, 20, 26, 30, 34, 41, 120} {
						m.width, m.height = width, height
						checkSize(t, m.View(), width, height)
					}
				}
			}
		}
	}
}
