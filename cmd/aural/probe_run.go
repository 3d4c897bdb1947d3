package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"

	"aural/datasets"
	"aural/infer"
	"aural/probe"
	"aural/probe/ctc"
	"aural/score"
	"aural/vocab"
)

// prober probes layers on rows of a store.
type prober struct {
	*extractor
	flags      probeFlags
	store      *datasets.Store
	utterances []probe.Utterance
	names      []string      // of classes
	leftOut    int           // rows that cannot be used
	place      map[int]int   // of a row among the utterances
	labels     map[int][]int // of the task frames: classes of the frames of a row, -1 where there is none
	vocabulary *vocab.Vocabulary
	targets    [][]int32 // of utterances, with a vocabulary
}

// layerResult is what was found in a layer.
type layerResult struct {
	Layer string `json:"layer"`
	probe.Result
}

// choose takes rows of the store and gives them labels.
func (p *prober) choose() error {
	f := p.flags
	view, err := p.store.View()
	if err != nil {
		return err
	}
	var failed error
	if f.split != "" {
		view = view.Filter(func(e datasets.Entry) bool {
			u, err := p.store.Utterance(e.Row)
			if err != nil {
				failed = err
			}
			return u.Split == f.split
		})
		if failed != nil {
			return failed
		}
		if view.Len() == 0 {
			return fmt.Errorf("%s has no rows of split %q", p.store.Where(), f.split)
		}
	}
	view = view.Filter(func(e datasets.Entry) bool { return p.model.Frames(e.Samples) > 0 })
	if f.seconds > 0 && view.Seconds() > f.seconds {
		by := datasets.SubsetUtterances
		if f.task == string(probe.Speaker) && view.Speakers() > 1 {
			by = datasets.SubsetBalanced
		}
		if view, err = datasets.Subset(view, datasets.SubsetConfig{Seconds: f.seconds, Seed: f.seed, By: by}); err != nil {
			return err
		}
	}
	switch {
	case f.classifiesFrames:
		err = p.align(view)
	case f.transcribes:
		err = p.spell(view)
	default:
		var c probe.Classes
		c, err = probe.Classify(p.store, view, probe.Task(f.task))
		p.utterances, p.names, p.leftOut = c.Utterances, c.Names, c.LeftOut
	}
	p.place = map[int]int{}
	for i, u := range p.utterances {
		p.place[u.Row] = i
	}
	return err
}

// align reads the alignment and labels the frames of rows: a frame has the label of its middle.
func (p *prober) align(view datasets.View) error {
	a, err := readFile(p.flags.alignment, func(file *os.File) (probe.Alignment, error) { return probe.ReadCTM(file) })
	if err != nil {
		return err
	}
	p.labels = map[int][]int{}
	classes := map[string]int{}
	middle := receptiveField(p.model) / 2
	total := 0
	for e := range view.All() {
		u, err := p.store.Utterance(e.Row)
		if err != nil {
			return err
		}
		spans, ok := a[u.ID]
		if !ok {
			p.leftOut++
			continue
		}
		labels := make([]int, p.model.Frames(e.Samples))
		for t := range labels {
			labels[t] = -1
			if name, ok := probe.At(spans, float64(t)*p.model.FrameSeconds()+middle); ok {
				class, known := classes[name]
				if !known {
					class = len(p.names)
					classes[name] = class
					p.names = append(p.names, name)
				}
				labels[t] = class
				total++
			}
		}
		p.labels[e.Row] = labels
		p.utterances = append(p.utterances, probe.Of(e.Row, u))
	}
	switch {
	case len(p.utterances) == 0:
		return fmt.Errorf("%s has none of the IDs of %s: are they of other rows?", p.flags.alignment, p.store.Where())
	case len(p.names) < 2:
		return fmt.Errorf("%s labels the frames of %s with %d labels, want at least 2", p.flags.alignment, plural(len(p.utterances), "utterance"), len(p.names))
	}
	if every := (total + p.flags.frames - 1) / max(p.flags.frames, 1); p.flags.frames > 0 && every > 1 {
		p.thin(every)
	}
	return nil
}

// thin keeps every so-manieth labelled frame.
func (p *prober) thin(every int) {
	n := 0
	for _, u := range p.utterances {
		for t, class := range p.labels[u.Row] {
			if class < 0 {
				continue
			}
			if n%every != 0 {
				p.labels[u.Row][t] = -1
			}
			n++
		}
	}
}

// receptiveField is how many seconds of audio a frame sees in the feature encoder.
func receptiveField(m *infer.Model) float64 {
	field, hop := 1, 1
	for _, l := range m.Encoder().Conv {
		field += (l.Kernel - 1) * hop
		hop *= l.Stride
	}
	return float64(field) / infer.Rate
}

// spell makes targets of transcripts. The vocabulary is what the chosen rows have.
func (p *prober) spell(view datasets.View) error {
	var list []datasets.Utterance
	var entries []datasets.Entry
	for e := range view.All() {
		u, err := p.store.Utterance(e.Row)
		if err != nil {
			return err
		}
		list, entries = append(list, u), append(entries, e)
	}
	var texts iter.Seq[string] = func(yield func(string) bool) {
		for _, u := range list {
			if !yield(u.Transcript) {
				return
			}
		}
	}
	build := vocab.Characters
	if p.flags.task == string(probe.Phones) {
		build = vocab.Phones
	}
	var err error
	if p.vocabulary, err = build(texts); err != nil {
		return fmt.Errorf("%s has no transcripts to read: %w", p.store.Where(), err)
	}
	for i, u := range list {
		target, err := p.vocabulary.Encode(u.Transcript)
		if err != nil {
			return fmt.Errorf("%s: %w", u.ID, err)
		}
		if len(target) == 0 || ctc.Needs(target) > p.model.Frames(entries[i].Samples) {
			p.leftOut++
			continue
		}
		p.utterances, p.targets = append(p.utterances, probe.Of(entries[i].Row, u)), append(p.targets, target)
	}
	return nil
}

// mostFeatures bounds the features that are kept: 1 GB. Where all layers of all frames are more, the model runs again for the others.
const mostFeatures = 256 << 20

// run reads the features of the layers and probes them.
func (p *prober) run(ctx context.Context) ([]layerResult, error) {
	layers := p.layers
	frames := len(p.utterances)
	if p.labels != nil || p.targets != nil {
		frames = 0
		for _, u := range p.utterances {
			n, err := p.store.Samples(u.Row)
			if err != nil {
				return nil, err
			}
			frames += p.model.Frames(n)
		}
	}
	width := max(p.model.Encoder().Width, p.model.Encoder().Conv[len(p.model.Encoder().Conv)-1].Channels)
	together := max(1, mostFeatures/max(1, frames*width))
	var results []layerResult
	for part := range slices.Chunk(layers, together) {
		p.layers = part
		features, err := p.read(ctx)
		if err != nil {
			return nil, err
		}
		for i, l := range part {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r, err := p.layer(features[i])
			if err != nil {
				return nil, fmt.Errorf("layer %s: %w", layerText(l), err)
			}
			results = append(results, layerResult{layerText(l), r})
			p.bar.show(true, fmt.Sprintf("layer %s: %s %s, chance %s", layerText(l), p.metric(), percent(p.value(r.Error.Estimate)), percent(p.value(r.Chance))))
		}
	}
	p.layers = layers
	return results, nil
}

// matrix is features of one layer: of an utterance, its frames or its mean.
type matrix struct {
	dim  int
	data [][]float32 // by utterance
}

// read runs the model over the utterances: for each layer, the features of each.
func (p *prober) read(ctx context.Context) ([]matrix, error) {
	out := make([]matrix, len(p.layers))
	for i := range out {
		out[i].data = make([][]float32, len(p.utterances))
	}
	list := &recordings{store: p.store}
	for _, u := range p.utterances {
		list.items = append(list.items, recording{id: u.ID, row: u.Row})
	}
	p.total, p.done, p.seconds = len(list.items), 0, 0
	err := p.each(ctx, list, func(x extracted) error {
		at := p.place[x.row]
		for i, m := range x.states {
			out[i].dim = m.Cols
			out[i].data[at] = m.Data
			if p.labels == nil && p.targets == nil {
				out[i].data[at] = make([]float32, m.Cols)
				probe.Mean(out[i].data[at], m.Data)
			}
		}
		return nil
	})
	if err == nil && p.failed > 0 {
		err = fmt.Errorf("%d of %s of %s could not be read: verify the store", p.failed, plural(len(list.items), "row"), p.store.Where())
	}
	return out, err
}

// layer probes one layer.
func (p *prober) layer(x matrix) (probe.Result, error) {
	if p.targets != nil {
		d := &ctc.Data{Vocabulary: p.vocabulary, Unit: score.Char, Utterances: p.utterances}
		if p.flags.task == string(probe.Phones) {
			d.Unit = score.Phone
		}
		d.Config = ctc.Config{Dim: x.dim, Classes: p.vocabulary.Len(), Blank: p.vocabulary.Blank(), L2: p.flags.penalty, Minimiser: ctc.DefaultMinimiser(), Backend: p.backend}
		for i, frames := range x.data {
			d.Sequences = append(d.Sequences, ctc.Sequence{Frames: frames, Target: p.targets[i]})
		}
		return ctc.Run(d, p.flags.options)
	}
	e := &probe.Examples{Names: p.names, Utterances: p.utterances}
	e.Dim, e.Classes = x.dim, len(p.names)
	for i, u := range p.utterances {
		if p.labels == nil {
			e.X, e.Class, e.Unit = append(e.X, x.data[i]...), append(e.Class, u.Class), append(e.Unit, i)
			continue
		}
		for t, class := range p.labels[u.Row] {
			if class >= 0 {
				e.X, e.Class, e.Unit = append(e.X, x.data[i][t*x.dim:][:x.dim]...), append(e.Class, class), append(e.Unit, i)
			}
		}
	}
	return probe.Run(e, p.flags.options)
}
