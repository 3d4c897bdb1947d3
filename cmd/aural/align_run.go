package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"aural/align"
	"aural/infer"
	"aural/score"
	"aural/transcript"
)

// placer aligns recordings with their texts.
type placer struct {
	*app
	recogniser
	walk
	flags alignFlags
	rules score.Rules
	lines []string // of the only recording; nil for a store

	utterances int
	doubtful   []shown
	shown      *shown // utterance of the figure, with what it needs
}

// shown is an utterance to name or to draw.
type shown struct {
	id        string
	placed    align.Placed
	audio     []float32
	emissions infer.Matrix
}

// texts are those of a recording, normalised.
func (t *placer) texts(list *recordings, r recording) ([]string, error) {
	texts := slices.Clone(t.lines)
	if list.store != nil {
		u, err := list.store.Utterance(r.row)
		if err != nil {
			return nil, err
		}
		texts = []string{u.Transcript}
	}
	for i := range texts {
		texts[i] = t.rules.Apply(texts[i])
	}
	return texts, nil
}

// group aligns some recordings.
func (t *placer) group(ctx context.Context, list *recordings, group []heard, out *output) error {
	audio := make([][]float32, len(group))
	for i := range group {
		audio[i] = group[i].audio
	}
	emissions, err := t.recogniser.model.EmissionsBatch(ctx, audio)
	if err != nil {
		return err
	}
	a := align.New(t.recogniser.model.Vocabulary(), t.recogniser.model.FrameSeconds())
	for i, h := range group {
		texts, err := t.texts(list, h.recording)
		if err != nil {
			return err
		}
		seconds := float64(len(h.audio)) / infer.Rate
		place := a.Whole
		if t.flags.method == segmentMethod || t.flags.method == autoMethod && seconds > longSeconds {
			place = a.Within
		}
		placed, err := place(emissions[i].Data, emissions[i].Rows, texts)
		if err != nil {
			t.fail(h.recording, err)
			continue
		}
		tr := &transcript.Transcript{ID: h.id, Path: h.path, Seconds: seconds, Lines: true}
		for _, p := range placed {
			tr.Segments = append(tr.Segments, p.Segment)
		}
		written, err := t.write(out, h.recording, tr)
		if err != nil {
			return err
		}
		if !written {
			continue
		}
		t.seconds += seconds
		for k, p := range placed {
			t.look(shown{t.name(h.id, k), p, h.audio, emissions[i]})
		}
	}
	t.progress(0)
	return nil
}

// name is how an utterance is called: a line by its number, a row by its ID.
func (t *placer) name(id string, line int) string {
	if t.lines == nil {
		return id
	}
	return strconv.Itoa(line + 1)
}

// look takes down an utterance that is doubtful, and the one to draw.
func (t *placer) look(u shown) {
	t.utterances++
	if u.placed.Confidence() < t.flags.confidence {
		t.doubtful = append(t.doubtful, shown{id: u.id, placed: u.placed})
	}
	switch {
	case t.flags.figure == "":
	case t.flags.show != "" && u.id == t.flags.show, t.flags.show == "" && (t.shown == nil || u.placed.Confidence() < t.shown.placed.Confidence()):
		t.shown = &u
	}
}

// mostNamed is how many doubtful utterances are named.
const mostNamed = 20

// report says how sure all is.
func (t *placer) report() {
	slices.SortStableFunc(t.doubtful, func(a, b shown) int {
		switch x, y := a.placed.Confidence(), b.placed.Confidence(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	what := ""
	if t.lines != nil {
		what = "line "
	}
	for i, u := range t.doubtful {
		if i == mostNamed {
			t.say("and %d more", len(t.doubtful)-i)
			break
		}
		t.say("doubtful: %s%s at %.2f s, confidence %.3f: %s", what, printable(u.id), u.placed.Start, u.placed.Confidence(), printable(excerpt(u.placed.Hypotheses[0].Text)))
	}
	t.say("%s of %s aligned, %s; %d below confidence %.2g", plural(t.utterances, "utterance"), plural(t.done, "recording"), audioText(t.seconds), len(t.doubtful), t.flags.confidence)
}

// excerpt is the beginning of a text.
func excerpt(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return text
}

// progress shows how far it is, with some seconds of the group under way.
func (t *placer) progress(seconds float64) {
	t.bar.show(false, fmt.Sprintf("%s/%s recordings  %s of audio", grouped(t.done+t.failed), grouped(t.total), audioText(t.seconds+seconds)))
}
