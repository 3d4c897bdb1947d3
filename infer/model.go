// Package infer runs a model folder over audio: log-probabilities of a CTC head, and hidden states.
//
//	audio ─normalise─▶ cuts ─batch─▶ program (B,S) ─▶ rows of each cut that count ─▶ (T,V) or (T,D)
//
// Audio of more than [Options].ChunkSeconds goes through the network in overlapping chunks of equal length. Their outputs are joined in the middle of each overlap, so
// the context that a frame loses is what lies beyond its chunk: at a seam, everything further than half an overlap away on one side. Attention does not reach
// beyond a chunk either. The convolutional position embedding of the published models sees 1.3 s on each side, less than half of the default overlap.
//
// The mean and the variance that normalise the input are those of the whole utterance. The group norm of base models has its statistics over a chunk, as over a
// whole utterance when there is only one.
//
// Results do not depend on what else is in a batch: models with layer norm get rows of different lengths padded and masked; for those with group norm, whose
// statistics would count the padding, only rows of equal length share a batch.
package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"aural/encoder"
	"aural/hf"
	"aural/kernels"
	"aural/train"
	"aural/vocab"
)

// Rate is the sampling rate of the audio that models take, in Hz.
const Rate = 16000

// Options say how a model is run. A field that is 0 has the value of [DefaultOptions].
type Options struct {
	Backend        kernels.Backend // required; the caller closes it after the model
	ChunkSeconds   float64         // longest piece that goes through the network whole
	OverlapSeconds float64         // least overlap of neighbouring chunks; below 0: none
	BatchSeconds   float64         // most audio in one batch, padding included; a single row may be longer
	// Progress, when not nil, is told after each batch how many seconds of the audio of the running call are done.
	Progress func(seconds float64)
}

// DefaultOptions has chunks of 30 s with overlaps of 4 s, and batches of as much audio as one chunk has.
func DefaultOptions() Options { return Options{ChunkSeconds: 30, OverlapSeconds: 4, BatchSeconds: 30} }

// Model is an open model. Its methods may be called by several goroutines, which then wait for each other.
type Model struct {
	dir       string
	cfg       encoder.Config
	normalize bool
	vocab     *vocab.Vocabulary
	classes   int // outputs of the CTC head, 0 without one
	groups    int // codebooks of the quantizer, 0 without one
	entries   int // of each
	opt       Options
	chunk     int // samples of a chunk
	overlap   int // frames
	batch     int // samples
	hop       int // samples between frames
	field     int // samples that one frame sees in the feature encoder

	mu       sync.Mutex
	weights  *train.Weights
	arena    *train.Arena
	programs *train.Programs[shape, *program]
	work     work
	// Layers of emissions, the head, and their key in a shape; nil without a head.
	emitted    []int
	emittedKey string
}

// Open reads a model folder of any head or none: a checkpoint of this program or a folder of transformers.
func Open(dir string, o Options) (m *Model, err error) {
	if o.Backend == nil {
		return nil, errors.New("infer: Options.Backend is nil; nothing can compute")
	}
	f, err := hf.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m = &Model{dir: dir, cfg: f.Config.Encoder(), normalize: f.Preprocessor.Normalize, opt: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
			m = nil
		}
	}()
	if err = m.cfg.Validate(); err != nil {
		return m, err
	}
	if err = m.measure(); err != nil {
		return m, err
	}
	if slices.Contains(f.Heads, hf.CTC) {
		m.classes = f.Config.VocabSize
		if m.vocab, err = f.Vocabulary(); err != nil {
			return m, fmt.Errorf("infer: %w", err)
		}
	}
	if slices.Contains(f.Heads, hf.Pretraining) {
		m.groups, m.entries = f.Config.CodebookGroups, f.Config.CodebookEntries
	}
	return m, m.load(f)
}

// measure turns seconds into samples and frames.
func (m *Model) measure() error {
	d := DefaultOptions()
	for _, v := range []struct {
		name  string
		value *float64
		def   float64
	}{{"ChunkSeconds", &m.opt.ChunkSeconds, d.ChunkSeconds}, {"OverlapSeconds", &m.opt.OverlapSeconds, d.OverlapSeconds}, {"BatchSeconds", &m.opt.BatchSeconds, d.BatchSeconds}} {
		if *v.value == 0 {
			*v.value = v.def
		}
		if *v.value > math.MaxInt32 || math.IsNaN(*v.value) {
			return fmt.Errorf("infer: %s is %v, want a number of seconds", v.name, *v.value)
		}
	}
	m.hop, m.field = 1, 1
	for _, l := range m.cfg.Conv {
		m.field += (l.Kernel - 1) * m.hop
		m.hop *= l.Stride
	}
	frames := m.Frames(int(m.opt.ChunkSeconds * Rate))
	if frames < 1 {
		return fmt.Errorf("infer: chunks of %v s; the first frame of this model needs %.3f s", m.opt.ChunkSeconds, float64(m.field)/Rate)
	}
	m.chunk = (frames-1)*m.hop + m.field
	m.overlap = max(0, int(math.Round(m.opt.OverlapSeconds/m.FrameSeconds())))
	if m.overlap > frames/2 {
		return fmt.Errorf("infer: chunks of %v s overlap by %v s, more than half", m.opt.ChunkSeconds, m.opt.OverlapSeconds)
	}
	m.batch = max(0, int(m.opt.BatchSeconds*Rate))
	return nil
}

// load brings the weights that the network needs to the back end.
func (m *Model) load(f *hf.Model) (err error) {
	n := newNet()
	if _, err = m.build(n, shape{rows: 1, samples: m.field, outputs: outputs(m.available())}); err != nil {
		return err
	}
	if m.weights, err = train.NewValues(m.opt.Backend, n.Specs()); err != nil {
		return err
	}
	if err = f.LoadParts(m.weights, m.opt.Backend, f.Heads...); err != nil {
		return err
	}
	if err = m.foldPositions(f); err != nil {
		return fmt.Errorf("infer: %s: %w", m.dir, err)
	}
	m.arena = train.NewArena(m.opt.Backend)
	m.programs = train.NewPrograms(m.arena, m.weights, m.compile)
	if m.classes > 0 {
		m.emitted = []int{headLayer}
		m.emittedKey = outputs(m.emitted)
	}
	return nil
}

// Vocabulary says what the outputs of the CTC head mean; nil when there is no head or no vocab.json.
func (m *Model) Vocabulary() *vocab.Vocabulary { return m.vocab }

// Head reports whether the model has a CTC head.
func (m *Model) Head() bool { return m.classes > 0 }

// Classes is the number of outputs of the CTC head, 0 without one.
func (m *Model) Classes() int { return m.classes }

// Encoder describes the network.
func (m *Model) Encoder() encoder.Config { return m.cfg }

// Dir is the folder that was opened.
func (m *Model) Dir() string { return m.dir }

// Parameters is the number of weights that are in use.
func (m *Model) Parameters() int { return m.weights.Count() }

// FrameSeconds is the time from one frame to the next.
func (m *Model) FrameSeconds() float64 { return float64(m.hop) / Rate }

// Frames is the number of frames of so many samples.
func (m *Model) Frames(samples int) int { return m.cfg.Frames(samples) }

// Close frees the memory of the model.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.weights == nil {
		return nil
	}
	err := m.weights.Free()
	if m.arena != nil {
		err = errors.Join(err, m.arena.Free())
	}
	m.weights = nil
	return err
}
