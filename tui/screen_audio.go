package tui

import (
	"fmt"
	"math"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// audioPane shows the audio of a row of a batch with what the model saw of it.
type audioPane struct {
	look *batchLook
	time timeZoom
}

func (*audioPane) title(*model) string { return "audio" }
func (*audioPane) about(*model) string {
	return "Waveform and log-mel spectrogram of a row of a recent micro-batch, with the masked spans in grey and marked above (bright: the target was told from all distractors), " +
		"and the codes of the masked frames below. The audio is kept for the newest snapshots."
}

func (p *audioPane) bindings(m *model) []binding {
	list := append(p.look.bindings(), p.time.bindings(p.focus)...)
	return append(list, binding{[]string{"w"}, "w", fixed("save WAV"), "write the audio into the current directory as a WAV file", "save WAV",
		func(m *model, _ string) tea.Cmd { return p.save(m) }})
}

// focus is the place of the chosen frame, as a share of all; NaN when none was chosen.
func (p *audioPane) focus(m *model) float64 {
	b := p.look.batch(m)
	if b == nil || !p.look.picked {
		return math.NaN()
	}
	i := p.look.masked(b)
	if i < 0 {
		return math.NaN()
	}
	return (float64(b.Masked[i].Frame) + 0.5) / math.Max(float64(b.Frames), 1)
}

// sample is the recording that the screen needs.
func (p *audioPane) sample(m *model) string {
	if b := p.look.batch(m); b != nil {
		return b.Sample
	}
	return ""
}

func (p *audioPane) draw(f *frame, area rect) {
	b := p.look.batch(f.m)
	if b == nil {
		text := "no snapshot of a batch in this log: the trainer writes them every train.snapshot_every updates"
		if f.m.run().fineTuning() {
			text = "this run fine-tunes: its audio is on the screen of alignments"
		}
		f.nothing(area, text)
		return
	}
	p.head(f, area.Top(min(2, max(area.H/4, 1))), b)
	seconds := batchSeconds(b)
	s, err := f.m.sound(b.Sample)
	if s != nil && s.seconds() > 0 {
		seconds = s.seconds()
	}
	if !(seconds > 0) {
		f.nothing(area, "the snapshot does not say how long its audio is")
		return
	}
	p.pictures(f, area, b, s, err, p.time.visible(seconds, p.focus(f.m)), seconds)
}

// head says which row it is, and what is said in it.
func (p *audioPane) head(f *frame, area rect, b *runlog.Batch) {
	line := area.Top(1)
	length := ""
	if s := batchSeconds(b); s > 0 {
		length = fmt.Sprintf("%.2f s", s)
	}
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, p.look.at.describe(batches(f.m)), b.ID, named("speaker", b.Speaker), length, fmt.Sprintf("epoch %d", b.Epoch)), screen.Plain)
	line = area.Top(1)
	f.c.Text(line.X, line.Y, line.W*line.H, b.Text, screen.Faint)
}

// pictures draws waveform, marks, spectrogram and codes above each other, each where there is room.
func (p *audioPane) pictures(f *frame, area rect, b *runlog.Batch, s *sound, missing error, view chart.Span, seconds float64) {
	frames := b.Frames
	perFrame := seconds / math.Max(float64(frames), 1)
	var masked []chart.Span
	for _, span := range maskedSpans(b) {
		masked = append(masked, chart.Span{From: span.From * perFrame, To: span.To * perFrame})
	}
	groups := 0
	if len(b.Masked) > 0 {
		groups = min(len(b.Masked[0].Codes), 4)
	}
	whole := area
	strip := soundStrip{s: s, missing: missing, view: view, masked: masked}
	if area.H >= 9+groups {
		strip.codes = area.Bottom(groups + 1)
	}
	if area.H >= 8 {
		strip.wave = area.Top(max(area.H/5, 2))
	}
	if area.H >= 4 {
		strip.marks = area.Top(1)
	}
	strip.picture = area
	strip.draw(f)
	inFrames := chart.Span{From: view.From / perFrame, To: view.To / perFrame}
	f.maskedFrames(behind(strip.marks), b, inFrames)
	p.codes(f, strip.codes, b, inFrames)
	inner := behind(whole)
	f.clickable(inner, func(_ *model, x, _ int) { p.look.pick(int(inFrames.At(x-inner.X, inner.W))) }, func(m *model, up bool) { p.time.wheel(up, p.focus(m)) })
	if s != nil {
		d := &soundDrawing{title: b.ID, levels: s.levels, view: view, waveform: s.samples, rate: s.rate, masked: masked}
		for _, m := range b.Masked {
			d.codes = append(d.codes, codesDrawing{chart.Span{From: float64(m.Frame) * perFrame, To: float64(m.Frame+1) * perFrame}, m.Codes, m.Correct})
		}
		f.drawn = append(f.drawn, drawing{sound: d})
	}
}

// behind is a row of pictures over time without the gutter at its left.
func behind(area rect) rect {
	area.Left(chart.GutterWidth)
	return area
}

// codes writes the codes of the masked frames below the picture, one row a group, as many as fit; the chosen frame's always, with
// an arrow.
func (p *audioPane) codes(f *frame, area rect, b *runlog.Batch, view chart.Span) {
	if area.H < 2 || area.W <= chart.GutterWidth {
		return
	}
	chosen := p.look.masked(b)
	pointer, in := area.Top(1), behind(area)
	for g := range area.H {
		f.c.TextRight(area.X, area.Y+g, chart.GutterWidth-1, fmt.Sprintf("g%d", g), screen.Faint)
	}
	taken := make([]bool, in.W)
	place := func(i int, s screen.Style) {
		m := b.Masked[i]
		from, to := view.Columns(chart.Span{From: float64(m.Frame), To: float64(m.Frame) + 1}, in.W)
		width := 0
		for _, c := range m.Codes[:min(len(m.Codes), in.H)] {
			width = max(width, len(fmt.Sprint(c)))
		}
		at := (from + to - width) / 2
		if from == to || at < 0 || at+width > in.W {
			return
		}
		for x := max(at-1, 0); x < min(at+width+1, in.W); x++ {
			if taken[x] {
				return
			}
		}
		for x := at; x < at+width; x++ {
			taken[x] = true
		}
		for g, c := range m.Codes[:min(len(m.Codes), in.H)] {
			f.c.Text(in.X+at, in.Y+g, width, fmt.Sprint(c), s)
		}
	}
	if chosen >= 0 {
		m := b.Masked[chosen]
		place(chosen, screen.Accent)
		if from, to := view.Columns(chart.Span{From: float64(m.Frame), To: float64(m.Frame) + 1}, in.W); to > from {
			f.c.Set(in.X+(from+to-1)/2, pointer.Y, f.c.Terminal.Character('▲'), screen.Accent)
			text := fmt.Sprintf("frame %d, %s", m.Frame, either(m.Correct, "right", "wrong"))
			if n := screen.TextWidth(text); (from+to-1)/2+2+n <= in.W {
				f.c.Text(in.X+(from+to-1)/2+2, pointer.Y, n, text, screen.Accent)
			} else {
				f.c.Text(in.X+(from+to-1)/2-1-n, pointer.Y, n, text, screen.Accent)
			}
		}
	}
	for i := range b.Masked {
		if i != chosen {
			place(i, screen.Plain)
		}
	}
}

// save writes the recording as a WAV file into the current directory.
func (p *audioPane) save(m *model) tea.Cmd {
	b := p.look.batch(m)
	if b == nil {
		return nil
	}
	list := batches(m)
	return m.saveSound(b.Sample, fmt.Sprintf("%s-update-%d", b.ID, list[p.look.at.index(list)].Step))
}
