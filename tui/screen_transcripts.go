package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"aural/runlog"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// transcriptsPane shows what a recogniser wrote for the utterances of a validation.
type transcriptsPane struct {
	at   scrub
	byID bool // not the worst first
	row  int  // chosen, in the order of the list
	open bool // the chosen utterance alone
}

func (*transcriptsPane) title(*model) string { return "transcripts" }
func (*transcriptsPane) about(*model) string {
	return "Utterances of a validation as the model writes them, aligned word by word with their references: ~ is a wrong word, + one too many, - one that is missing. " +
		"WER and CER are the edits per word and per character of the reference."
}

func (p *transcriptsPane) bindings(m *model) []binding {
	do := func(change func()) func(*model, string) tea.Cmd {
		return func(*model, string) tea.Cmd {
			change()
			return nil
		}
	}
	list := scrubbing(",", ".", ", .", &p.at, transcriptShots)
	list = append(list,
		binding{[]string{"up", "down", "pgup", "pgdown", "k", "j"}, "↑ ↓", fixed("choose"), "choose an utterance (pgup, pgdown: ten further)", "", func(m *model, key string) tea.Cmd {
			step := map[string]int{"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -10, "pgdown": 10}[key]
			p.row = min(max(p.row+step, 0), max(len(p.list(m))-1, 0))
			return nil
		}},
		binding{[]string{"enter"}, "enter", fixed(either(p.open, "list", "open")), "open the chosen utterance, or go back to the list", "", do(func() { p.open = !p.open })},
		binding{[]string{"r"}, "r", fixed(either(p.byID, "by id", "worst first")), "order: worst first, or by id", "order of transcripts", do(func() { p.byID = !p.byID })})
	if p.open {
		list = append(list, binding{[]string{"esc"}, "esc", fixed("back"), "", "", do(func() { p.open = false })})
	}
	return list
}

func transcriptShots(m *model) []runlog.Snapshot { return m.run().shots.transcripts }

// list returns the transcripts of the shown snapshot in the order of the list.
func (p *transcriptsPane) list(m *model) []runlog.Transcript {
	shots := transcriptShots(m)
	i := p.at.index(shots)
	if i < 0 {
		return nil
	}
	out := slices.Clone(shots[i].Transcripts)
	slices.SortStableFunc(out, func(a, b runlog.Transcript) int {
		if d := cmp.Compare(rate(b.WordErrors, b.Words), rate(a.WordErrors, a.Words)); d != 0 && !p.byID {
			return d
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return out
}

// rate is an error rate; with no words in the reference, all that was written is wrong.
func rate(errors, of int) float64 {
	if of <= 0 {
		return float64(max(errors, 0))
	}
	return float64(errors) / float64(of)
}

// recogniserCharts are the charts beside the transcripts.
func recogniserCharts(m *model) []chartDef {
	return m.known([]chartDef{
		{title: "word error rate", metric: "wer", curves: append(trainValid("wer"), curveDef{runlog.Valid + "/wer_lm", "valid, LM", false})},
		{title: "character error rate", metric: "cer", curves: trainValid("cer")},
		{title: "CTC loss", metric: "ctc_loss", curves: trainValid("ctc_loss")},
	})
}

func (p *transcriptsPane) draw(f *frame, area rect) {
	list, defs := p.list(f.m), recogniserCharts(f.m)
	if len(list) == 0 {
		f.nothing(area.Top(min(2, area.H)), "no transcripts in this log yet: a run that fine-tunes writes them with its validations")
		f.beside(defs, area, 2, 0)
		return
	}
	row := min(max(p.row, 0), len(list)-1)
	if p.open {
		p.utterance(f, area, list[row], true)
		return
	}
	p.head(f, area.Top(1), list)
	switch {
	case area.W >= 130:
		side := area.Right(min(area.W/3, 60))
		side.Left(2)
		f.beside(defs, side, 1, 0)
	case area.H >= 30:
		f.beside(defs, area.Bottom(area.H/4), 3, 0)
	}
	if area.H >= 12 {
		p.utterance(f, area.Bottom(area.H*2/5), list[row], false)
	}
	p.rows(f, area, list, row)
}

// head sums up the validation.
func (p *transcriptsPane) head(f *frame, line rect, list []runlog.Transcript) {
	var words, wrong, chars, wrongChars int
	var blank mean
	for _, t := range list {
		words, wrong = words+t.Words, wrong+t.WordErrors
		chars, wrongChars = chars+t.Chars, wrongChars+t.CharErrors
		blank.add(t.BlankShare)
	}
	share := ""
	if v := blank.value(); !math.IsNaN(v) {
		share = fmt.Sprintf("%.0f %% of frames blank", 100*v)
	}
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, p.at.describe(transcriptShots(f.m)), fmt.Sprintf("WER %s", percent(rate(wrong, words))),
		fmt.Sprintf("CER %s", percent(rate(wrongChars, chars))), fmt.Sprintf("%d utterances", len(list)), share), screen.Plain)
}

func percent(v float64) string { return screen.Number(100*v) + " %" }

// rows draws the list, as much of it around the chosen row as there is room for.
func (p *transcriptsPane) rows(f *frame, area rect, list []runlog.Transcript, chosen int) {
	idWidth := 4
	for _, t := range list {
		idWidth = max(idWidth, min(screen.TextWidth(t.ID), 24, area.W/3))
	}
	head := area.Top(1)
	if area.H == 0 {
		return
	}
	f.c.Text(head.X, head.Y, head.W, fmt.Sprintf("  %-*s  WER %%  CER %%  blank  what was written", idWidth, "id"), screen.Accent)
	first, top := min(max(chosen-area.H/2, 0), max(len(list)-area.H, 0)), area.Y
	f.clickable(area, func(_ *model, _, y int) { p.row = min(first+y-top, len(list)-1) }, func(_ *model, up bool) {
		if up {
			p.row = max(chosen-3, 0)
		} else {
			p.row = min(chosen+3, len(list)-1)
		}
	})
	for i := first; i < len(list) && area.H > 0; i++ {
		line, t := area.Top(1), list[i]
		end := line.X + line.W
		style := screen.Plain
		if i == chosen {
			style = screen.Chosen
			f.c.Set(line.X, line.Y, f.c.Terminal.Character('▶'), screen.Accent)
		}
		f.c.Text(line.X+2, line.Y, min(idWidth, line.W-2), t.ID, style)
		x := line.X + 2 + idWidth
		x = f.c.Text(x, line.Y, end-x, fmt.Sprintf("  %5s  %5s  %5s  ", brief(100*rate(t.WordErrors, t.Words)), brief(100*rate(t.CharErrors, t.Chars)), shareText(t.BlankShare)), screen.Plain)
		f.words(rect{X: x, Y: line.Y, W: end - x, H: 1}, alignWords(cutWords(t.Reference, line.W), cutWords(t.Hypothesis, line.W)))
	}
}

func shareText(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return brief(100*v) + "%"
}

// cutWords keeps the beginning of a text that may be seen in width cells.
func cutWords(text string, width int) string { return text[:min(len(text), 4*max(width, 0))] }

// wordStyles are the looks of errors, and what stands before them.
var wordStyles = map[string]struct {
	style  screen.Style
	before string
}{"": {screen.Plain, ""}, "S": {screen.Warning, "~"}, "D": {screen.Bad, "-"}, "I": {screen.Bad, "+"}}

// words writes aligned words in a line.
func (f *frame) words(line rect, pairs []wordPair) {
	x, end := line.X, line.X+line.W
	for _, p := range pairs {
		look := wordStyles[p.sign()]
		word := p.hypothesis
		if word == "" {
			word = p.reference
		}
		if x >= end {
			return
		}
		x = f.c.Text(x, line.Y, end-x, look.before+word, look.style) + 1
	}
}

// utterance shows one utterance: its numbers, and reference and hypothesis under each other word by word.
func (p *transcriptsPane) utterance(f *frame, area rect, t runlog.Transcript, alone bool) {
	if !alone {
		area.Top(min(1, area.H/4))
	}
	line := area.Top(1)
	loss, seconds := "", ""
	if !math.IsNaN(t.Loss) {
		loss = "loss " + screen.Number(t.Loss)
	}
	if t.Seconds > 0 {
		seconds = fmt.Sprintf("%.2f s", t.Seconds)
	}
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, t.ID, fmt.Sprintf("%d of %d words wrong", t.WordErrors, t.Words),
		fmt.Sprintf("%d of %d characters", t.CharErrors, t.Chars), seconds, loss), screen.Strong)
	if t.Hypothesis == "" {
		line := area.Top(1)
		f.c.Text(line.X, line.Y, line.W*line.H, "nothing was written", screen.Bad)
	}
	pairs := alignWords(t.Reference, t.Hypothesis)
	for len(pairs) > 0 && area.H >= 3 {
		n := f.block(area.Top(3), pairs)
		pairs = pairs[n:]
		if alone {
			area.Top(1)
		}
	}
}

// block writes as many aligned words as fit into three rows, reference, hypothesis and signs, and returns how many.
func (f *frame) block(area rect, pairs []wordPair) int {
	labels := area.Left(min(5, area.W))
	for i, label := range []string{"ref", "hyp", ""} {
		f.c.Text(labels.X, labels.Y+i, labels.W, label, screen.Faint)
	}
	x, end := area.X, area.X+area.W
	for i, p := range pairs {
		w := max(screen.TextWidth(p.reference), screen.TextWidth(p.hypothesis), 1)
		if x+w > end && i > 0 {
			return i
		}
		s := wordStyles[p.sign()].style
		for row, word := range []string{p.reference, p.hypothesis} {
			if word == "" {
				word = "****"[:min(w, 4)]
			}
			f.c.Text(x, area.Y+row, min(w, end-x), word, s)
		}
		f.c.Text(x, area.Y+2, end-x, p.sign(), s)
		x += w + 1
	}
	return len(pairs)
}
