package tui

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// snapshotTime is the time at which the runs of these fixtures are looked at.
var snapshotTime = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// fixtureCodebook is a codebook that fills: at first few codes are used, later most of them, and some stay dead.
func fixtureCodebook(snapshots, groups, entries int) []runlog.Snapshot {
	var out []runlog.Snapshot
	r := rand.New(rand.NewPCG(1, 2))
	rank := r.Perm(groups * entries)
	for k := range snapshots {
		c := &runlog.Codebook{Groups: groups, Entries: entries, Updates: 500}
		alive := float64(groups*entries) * (0.15 + 0.75*(1-math.Exp(-float64(k)/8)))
		for i := range groups * entries {
			n := int64(0)
			if q := float64(rank[i]); q < alive {
				n = int64(40000 / (q + 30) * (0.7 + 0.6*r.Float64()))
			}
			c.Counts = append(c.Counts, n)
		}
		out = append(out, runlog.Snapshot{Step: int64(k+1) * 500, Time: snapshotTime, Codebook: c})
	}
	return out
}

// fixturePadded is a batch of fine-tuning with so many rows, the longest first.
func fixturePadded(rows int) []runlog.Snapshot {
	r := rand.New(rand.NewPCG(5, 6))
	b := &runlog.Batch{ID: "84-121123-0007", Speaker: "84", Text: "GO DO YOU HEAR", Samples: 48000, Rate: 16000, Rows: rows, Epoch: 3, Width: 768}
	for i := range rows {
		row := runlog.PaddedRow{Frames: 149 - 4*i}
		for at := r.IntN(20); at < row.Frames-10; at += 12 + r.IntN(30) {
			row.Spans = append(row.Spans, [2]int{at, 10})
		}
		for at := r.IntN(200); at < b.Width-64; at += 80 + r.IntN(300) {
			row.Channels = append(row.Channels, [2]int{at, 64})
		}
		b.Padded = append(b.Padded, row)
	}
	b.Frames, b.Spans = b.Padded[0].Frames, b.Padded[0].Spans
	return []runlog.Snapshot{{Step: 2000, Time: snapshotTime, Batch: b}}
}

// fixtureBatches are rows of micro-batches with spans of about 10 frames, of which more and more are told right.
func fixtureBatches(snapshots, distractors int) []runlog.Snapshot {
	var out []runlog.Snapshot
	r := rand.New(rand.NewPCG(3, 4))
	for k := range snapshots {
		const frames = 149
		b := &runlog.Batch{ID: fmt.Sprintf("84-121123-%04d", 3*k+1), Speaker: "84", Text: "GO DO YOU HEAR", Sample: fmt.Sprintf("samples/update-%08d.wav", 2000*(k+1)),
			Samples: 48000, Rate: 16000, Frames: frames, Rows: 8, Epoch: k / 3}
		for at := 4 + r.IntN(8); at < frames-14; at += 18 + r.IntN(14) {
			b.Spans = append(b.Spans, [2]int{at, 8 + r.IntN(5)})
		}
		for _, s := range b.Spans {
			for i := range s[1] {
				m := runlog.MaskedFrame{Frame: s[0] + i, Codes: []int{r.IntN(320), r.IntN(320)}}
				m.Positive = float32(math.Tanh(0.1 + 0.08*float64(k) + 0.2*r.NormFloat64()))
				m.BestNegative = float32(0.35 + 0.1*r.NormFloat64())
				m.Correct = m.Positive > m.BestNegative
				m.Duplicates = max(r.IntN(9)-6, 0)
				b.Masked = append(b.Masked, m)
			}
		}
		for i := 0; i < len(b.Masked); i += 2 {
			m := b.Masked[i]
			l := runlog.FrameLogits{Frame: m.Frame, Positive: m.Positive / 0.1}
			for d := range distractors {
				v := m.BestNegative/0.1 - float32(math.Abs(2.5*r.NormFloat64()))
				if d == 0 {
					v = m.BestNegative / 0.1
				}
				if d > 0 && d <= m.Duplicates {
					v = float32(math.NaN())
				}
				l.Negatives, l.At = append(l.Negatives, v), append(l.At, b.Masked[r.IntN(len(b.Masked))].Frame)
			}
			b.Logits = append(b.Logits, l)
		}
		out = append(out, runlog.Snapshot{Step: int64(k+1) * 2000, Time: snapshotTime, Batch: b})
	}
	return out
}

// fixtureTranscripts are decoded utterances of growing skill.
func fixtureTranscripts() []runlog.Snapshot {
	said := []struct{ reference, hypothesis string }{
		{"he hoped there would be stew for dinner turnips and carrots and bruised potatoes", "he hope there would be stew for dinner turnips and carrots and bruise potatoes"},
		{"stuff it into you his belly counselled him", "stuff into you his belly counsel to him"},
		{"after early nightfall the yellow lamps would light up here and there the squalid quarter of the brothels", "after early night fall the yellow lamps would light up here and there the squalid quarter of brothels"},
		{"hello bertie any good in your mind", "hello bertie any good in your mind"},
		{"number ten fresh nelly is waiting on you good night husband", ""},
	}
	var list []runlog.Transcript
	for i, s := range said {
		t := runlog.Transcript{ID: fmt.Sprintf("1089-134686-%04d", i), Reference: s.reference, Hypothesis: s.hypothesis, Loss: 12.5 * float64(i+1), Seconds: 3.1 + float64(i), BlankShare: 0.61 + 0.05*float64(i)}
		for _, p := range alignWords(s.reference, s.hypothesis) {
			if p.reference != "" {
				t.Words++
			}
			if p.reference != p.hypothesis {
				t.WordErrors++
			}
		}
		t.Chars, t.CharErrors = len(s.reference), 3*t.WordErrors
		list = append(list, t)
	}
	return []runlog.Snapshot{{Step: 1000, Time: snapshotTime, Transcripts: list[:3]}, {Step: 2000, Time: snapshotTime, Transcripts: list}}
}

// fixtureAlignments are words with a letter every few frames.
func fixtureAlignments() []runlog.Snapshot {
	var out []runlog.Snapshot
	for k := range 3 {
		a := &runlog.Alignment{ID: fmt.Sprintf("1089-134686-%04d", k), Text: "HELLO BERTIE ANY GOOD", Sample: fmt.Sprintf("samples/alignment-%08d.wav", k), Rate: 16000, Frames: 149, FrameSeconds: 0.02, Forced: k > 0}
		at := 8
		for i, letter := range a.Text {
			label := string(letter)
			if letter == ' ' {
				label = "|"
			}
			a.Tokens = append(a.Tokens, runlog.AlignedToken{Label: label, Frame: at, Frames: 1 + i%3, Score: float32(0.99 - 0.03*float64(i*k%20))})
			at += 4 + i%4
		}
		for i := range a.Frames {
			a.Blank = append(a.Blank, float32(0.55+0.45*math.Sin(float64(i)/4)))
		}
		out = append(out, runlog.Snapshot{Step: int64(k+1) * 1000, Time: snapshotTime, Alignment: a})
	}
	return out
}

// fixtureSound is 3 s of a tone that rises and falls, with pauses.
func fixtureSound() *sound {
	samples := make([]float32, 48000)
	phase := 0.0
	for i := range samples {
		t := float64(i) / 16000
		phase += 2 * math.Pi * (700 + 500*math.Sin(3*t)) / 16000
		samples[i] = float32(math.Max(0, math.Sin(2*math.Pi*t*1.3)) * (0.4*math.Sin(phase) + 0.2*math.Sin(3*phase)))
	}
	return newSound(samples, 16000)
}

// fixtureRun is a model of one run with curves and the given snapshots.
func fixtureRun(t screen.Terminal, shots snapshots) *model {
	m := newModel(t, Options{}, newRunView("base", "runs/20260314-1200-base", nil, 0))
	msg := pollMsg{at: snapshotTime, status: runlog.Running, snapshots: &shots, state: runlog.State{Status: runlog.Running, Step: 20000, TotalSteps: 400000,
		Time: snapshotTime, StepTime: snapshotTime}}
	curve := func(name string, value func(x float64) float64) {
		c := chart.Change{Name: name}
		for step := 50; step <= 20000; step += 50 {
			c.Steps, c.Values = append(c.Steps, int64(step)), append(c.Values, value(float64(step)/20000))
		}
		msg.changes = append(msg.changes, c)
	}
	fine := len(shots.transcripts)+len(shots.alignments) > 0
	wave := func(x float64) float64 { return math.Sin(57 * x) }
	if fine {
		curve("train/ctc_loss", func(x float64) float64 { return 0.4 + 3*math.Exp(-5*x) })
		curve("valid/wer", func(x float64) float64 { return 0.12 + 0.8*math.Exp(-4*x) })
		curve("valid/cer", func(x float64) float64 { return 0.05 + 0.6*math.Exp(-4*x) })
	} else {
		curve("train/code_perplexity", func(x float64) float64 { return 300 - 260*math.Exp(-5*x) + 12*wave(x) })
		curve("train/prob_perplexity", func(x float64) float64 { return 416 - 396*math.Exp(-5*x) + 12*wave(x) })
		curve("train/code_perplexity/0", func(x float64) float64 { return 160 - 130*math.Exp(-5*x) + 6*wave(x) })
		curve("train/code_perplexity/1", func(x float64) float64 { return 140 - 130*math.Exp(-5*x) + 6*wave(x) })
		curve("train/max_perplexity", func(float64) float64 { return 640 })
		curve("train/gumbel_temperature", func(x float64) float64 { return 2 - x/10 })
		curve("train/accuracy", func(x float64) float64 { return 0.52 - 0.51*math.Exp(-3*x) + 0.02*wave(x) })
		curve("train/chance_accuracy", func(float64) float64 { return 1.0 / 101 })
		curve("train/masked_share", func(x float64) float64 { return 0.491 + 0.004*wave(x) })
		curve("train/mask_run", func(x float64) float64 { return 14.7 + 0.2*wave(x) })
		curve("train/duplicate_distractors", func(x float64) float64 { return 0.01 + 0.02*math.Exp(-5*x) })
	}
	m.take(msg)
	return m
}

// click is a click with the left button, or a turn of the wheel.
func click(m *model, x, y int, wheel bool) {
	e := tea.MouseMsg{X: x, Y: y, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft}
	if wheel {
		e.Button = tea.MouseButtonWheelUp
	}
	m.Update(e)
}
