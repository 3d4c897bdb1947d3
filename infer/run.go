package infer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/datasets"
	"aural/exec"
	"aural/kernels"
)

// Matrix is a list of rows.
type Matrix struct {
	Rows, Cols int
	Data       []float32 // row after row
}

// mostPrograms is how many shapes are kept compiled. Planning one takes milliseconds.
const mostPrograms = 64

// work is memory that is used again from call to call.
type work struct {
	cuts    []cut
	wave    []float32
	lengths []int32
	stage   []float32 // an output of a batch
	moments [][2]float64
	one     [1][]float32
	single  [1]Matrix
	rows    [1][]Matrix
	step    kernels.Step
}

func grow[T any](s *[]T, n int) []T {
	*s = slices.Grow((*s)[:0], n)[:n]
	return *s
}

// Emissions gives the natural log-probabilities of the outputs of the CTC head (frames, [Model.Classes]) for 16 kHz mono audio as it was read, in dst when it has room. Audio too
// short for a frame gives none. Repeated calls with audio of the same length do not allocate.
func (m *Model) Emissions(ctx context.Context, audio, dst []float32) (logp []float32, frames int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.emitted == nil {
		return nil, 0, m.noHead()
	}
	w := &m.work
	w.one[0], w.single[0] = audio, Matrix{Data: dst}
	w.rows[0] = w.single[:]
	err = m.run(ctx, w.one[:], m.emitted, m.emittedKey, w.rows[:])
	out := w.single[0]
	w.one[0], w.single[0] = nil, Matrix{}
	if err != nil {
		return nil, 0, err
	}
	logSoftmax(out)
	return out.Data, out.Rows, nil
}

// EmissionsBatch is [Model.Emissions] of several utterances at once.
func (m *Model) EmissionsBatch(ctx context.Context, audio [][]float32) ([]Matrix, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.emitted == nil {
		return nil, m.noHead()
	}
	out := matrices(len(audio), 1)
	if err := m.run(ctx, audio, m.emitted, m.emittedKey, out); err != nil {
		return nil, err
	}
	list := make([]Matrix, len(audio))
	for i := range out {
		logSoftmax(out[i][0])
		list[i] = out[i][0]
	}
	return list, nil
}

// Hidden gives hidden states (frames, width), numbered as hidden_states of transformers: 0 is what enters the first block, i what leaves block i; the last is after the
// final norm where the model has one. The layer [Conv] is (frames, channels of the feature encoder).
func (m *Model) Hidden(ctx context.Context, audio []float32, layers []int) ([]Matrix, error) {
	out, err := m.HiddenBatch(ctx, [][]float32{audio}, layers)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// HiddenBatch is [Model.Hidden] of several utterances at once: for each, a matrix for each layer.
func (m *Model) HiddenBatch(ctx context.Context, audio [][]float32, layers []int) ([][]Matrix, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, l := range layers {
		if l != Conv && (l < 0 || l > m.cfg.Layers) {
			return nil, fmt.Errorf("infer: layer %d is outside 0 to %d, those of %s", l, m.cfg.Layers, m.dir)
		}
		if slices.Contains(layers[:i], l) {
			return nil, fmt.Errorf("infer: layer %d is asked for twice", l)
		}
	}
	out := matrices(len(audio), len(layers))
	return out, m.run(ctx, audio, layers, outputs(layers), out)
}

func (m *Model) noHead() error {
	return fmt.Errorf("infer: %s has no CTC head: it gives features, no transcripts; fine-tune it first", m.dir)
}

func matrices(utterances, layers int) [][]Matrix {
	out, all := make([][]Matrix, utterances), make([]Matrix, utterances*layers)
	for i := range out {
		out[i] = all[i*layers:][:layers:layers]
	}
	return out
}

// Profile sums the time, work and traffic of the calls of all programs since the last ResetProfile, by op and variant.
func (m *Model) Profile() []exec.OpTime {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []exec.OpTime
	for p := range m.programs.All() {
		all = append(all, p.Program.Profile()...)
	}
	return exec.MergeProfiles(all)
}

// ResetProfile forgets what was measured.
func (m *Model) ResetProfile() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.programs.All() {
		p.Program.ResetProfile()
	}
}

// run fills out, a matrix for each utterance and layer.
func (m *Model) run(ctx context.Context, audio [][]float32, layers []int, key string, out [][]Matrix) error {
	if m.weights == nil {
		return errors.New("infer: the model is closed")
	}
	w := &m.work
	w.cuts, w.moments = w.cuts[:0], w.moments[:0]
	for i, x := range audio {
		mean, scale, err := m.moments(x)
		if err != nil {
			return fmt.Errorf("infer: utterance %d: %w", i, err)
		}
		w.moments = append(w.moments, [2]float64{mean, scale})
		frames := m.Frames(len(x))
		for k, l := range layers {
			o := &out[i][k]
			o.Rows, o.Cols = frames, m.cols(l)
			grow(&o.Data, o.Rows*o.Cols)
		}
		w.cuts = m.appendCuts(w.cuts, i, len(x))
	}
	order(w.cuts)
	done := 0 // frames
	for rest := w.cuts; len(rest) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := m.together(rest)
		if err := m.runBatch(audio, rest[:n], layers, key, out); err != nil {
			return err
		}
		for _, c := range rest[:n] {
			done += c.keepEnd - c.keep
		}
		if m.opt.Progress != nil {
			m.opt.Progress(float64(done) * m.FrameSeconds())
		}
		rest = rest[n:]
	}
	return nil
}

// cols is the number of channels of a layer.
func (m *Model) cols(layer int) int {
	switch layer {
	case headLayer:
		return m.classes
	case quantizer:
		return m.groups * m.entries
	case Conv:
		return m.cfg.Conv[len(m.cfg.Conv)-1].Channels
	}
	return m.cfg.Width
}

// moments are what brings an utterance to mean 0 and variance 1 where the model wants it.
func (m *Model) moments(x []float32) (mean, scale float64, err error) {
	mean, scale = datasets.Moments(x)
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return 0, 0, errors.New("a sample is not finite")
	}
	if !m.normalize {
		return 0, 1, nil
	}
	return mean, scale, nil
}

// runBatch runs cuts of which the first is the longest.
func (m *Model) runBatch(audio [][]float32, cuts []cut, layers []int, key string, out [][]Matrix) error {
	w := &m.work
	s := shape{rows: len(cuts), samples: cuts[0].samples, outputs: key}
	wave, lengths := grow(&w.wave, s.rows*s.samples), grow(&w.lengths, s.rows)
	for i, c := range cuts {
		row := wave[i*s.samples:][:s.samples]
		mean, scale := w.moments[c.utterance][0], w.moments[c.utterance][1]
		for j, v := range audio[c.utterance][c.start:][:c.samples] {
			row[j] = float32((float64(v) - mean) * scale)
		}
		clear(row[c.samples:])
		lengths[i] = int32(m.Frames(c.samples))
	}
	if m.programs.Len() >= mostPrograms {
		if err := m.programs.Forget(); err != nil {
			return err
		}
	}
	p, err := m.programs.Get(s)
	if err != nil {
		return err
	}
	if !p.frozen {
		if err := p.Freeze(); err != nil {
			return err
		}
		p.frozen = true
	}
	if err := p.Feed(waveInput, kernels.BytesOf(wave)); err != nil {
		return err
	}
	if p.HasInput(lengthInput) {
		if err := p.Feed(lengthInput, kernels.BytesOf(lengths)); err != nil {
			return err
		}
	}
	if err := p.Run(&w.step); err != nil {
		return err
	}
	for k, l := range layers {
		cols := m.cols(l)
		stage := grow(&w.stage, s.rows*p.frames*cols)
		if err := p.Read(p.names[k], kernels.BytesOf(stage)); err != nil {
			return err
		}
		for i, c := range cuts {
			row := stage[i*p.frames*cols:][:p.frames*cols]
			copy(out[c.utterance][k].Data[c.keep*cols:c.keepEnd*cols], row[(c.keep-c.first)*cols:])
		}
	}
	return nil
}

// logSoftmax turns rows of logits into natural log-probabilities, summed in float64.
func logSoftmax(x Matrix) {
	for t := range x.Rows {
		row := x.Data[t*x.Cols:][:x.Cols]
		top := slices.Max(row)
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		norm := float64(top) + math.Log(sum)
		for k, v := range row {
			row[k] = float32(float64(v) - norm)
		}
	}
}
