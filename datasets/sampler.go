package datasets

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"

	"aural/rng"
)

// LengthMode says how utterances of different lengths become rows of one batch.
type LengthMode uint8

const (
	// Crop cuts each utterance to the length of its bucket, which it reaches, at a random place. It is for pretraining. An
	// utterance longer than the longest bucket gives one crop an epoch, each time another.
	Crop LengthMode = iota
	// Pad takes utterances whole and fills up with zeros to the length of the bucket. It is for training on transcripts.
	Pad
)

// SamplerConfig says which batches a sampler makes. All lengths are samples at Rate.
type SamplerConfig struct {
	BatchSamples int        // most samples of a batch, rows × length
	MinSamples   int        // shorter utterances are left out
	MaxSamples   int        // longest row; longer utterances are cropped, or left out when padding
	Buckets      int        // most different lengths; each is one batch shape to compile
	Mode         LengthMode // Crop or Pad
	Lengths      []int      // lengths to use instead of choosing them for the view, as Lengths of another sampler
	Seed         uint64
}

// DefaultSamplerConfig is what fairseq uses for wav2vec 2.0 base (wav2vec2_base_librispeech.yaml: max_tokens,
// min_sample_size, max_sample_size), with 8 lengths.
func DefaultSamplerConfig() SamplerConfig {
	return SamplerConfig{BatchSamples: 1_400_000, MinSamples: 32_000, MaxSamples: 250_000, Buckets: 8}
}

// Validate reports the first field that makes no sense.
func (c SamplerConfig) Validate() error {
	switch {
	case c.MinSamples < minSamples:
		return fmt.Errorf("datasets: sampler: MinSamples %d, one frame needs %d", c.MinSamples, minSamples)
	case c.MaxSamples < c.MinSamples:
		return fmt.Errorf("datasets: sampler: MaxSamples %d is below MinSamples %d", c.MaxSamples, c.MinSamples)
	case c.BatchSamples < c.MaxSamples:
		return fmt.Errorf("datasets: sampler: BatchSamples %d is below MaxSamples %d: a batch holds at least one row", c.BatchSamples, c.MaxSamples)
	case c.Buckets < 1 || c.Buckets > maxBuckets:
		return fmt.Errorf("datasets: sampler: %d buckets, want 1 to %d", c.Buckets, maxBuckets)
	case c.Mode > Pad:
		return fmt.Errorf("datasets: sampler: mode %d, want Crop or Pad", c.Mode)
	}
	for _, length := range c.Lengths {
		if length < c.MinSamples || length > c.MaxSamples {
			return fmt.Errorf("datasets: sampler: length %d is not between MinSamples %d and MaxSamples %d", length, c.MinSamples, c.MaxSamples)
		}
	}
	return nil
}

// Cut is a view of an utterance.
type Cut struct {
	Row     int // of the store
	Offset  int // first sample
	Samples int
}

// Batch is a choice of cuts that become the rows of one (len(Cuts), Length) array. When cropping every cut has Length
// samples, when padding at most that.
type Batch struct {
	Cuts   []Cut
	Length int
}

// State is a position in the endless sequence of batches: the next batch to take. It is all that a resume needs.
type State struct {
	Seed  uint64 `json:"seed"`
	Epoch int    `json:"epoch"`
	Index int    `json:"index"`
}

// Sampler makes batches from lengths alone. Every batch is a pure function of (seed, epoch, index): the order of an epoch
// and the place of a crop are drawn from a stream keyed by (seed, epoch, row), so they depend neither on other rows nor on
// threads nor on what was asked before. Each utterance occurs at most once in an epoch.
//
// A Sampler may be used by many goroutines at once.
type Sampler struct {
	cfg      SamplerConfig
	view     View
	buckets  []Bucket
	members  [][]int // positions in view, by bucket
	leftOut  int
	perEpoch int
	site     uint32
	memo     atomic.Pointer[epochPlan] // the plan made last; a plan is a function of the epoch, so this is no state
}

// epochPlan is the order of one epoch.
type epochPlan struct {
	epoch   int
	batches []plannedBatch
}

type plannedBatch struct {
	bucket int
	queue  []ordered
}

// ordered is an utterance with the number that sorts the epoch.
type ordered struct {
	key      uint64
	position int // in view
}

func (x ordered) compare(y ordered) int {
	if x.key != y.key {
		return cmp.Compare(x.key, y.key)
	}
	return cmp.Compare(x.position, y.position)
}

// NewSampler prepares to draw from view.
func NewSampler(view View, cfg SamplerConfig) (*Sampler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Sampler{cfg: cfg, site: rng.Site("datasets.sampler.utterance")}
	for _, e := range view {
		if e.Samples >= cfg.MinSamples && (cfg.Mode == Crop || e.Samples <= cfg.MaxSamples) {
			s.view = append(s.view, e)
		}
	}
	if len(s.view) == 0 {
		return nil, fmt.Errorf("datasets: sampler: none of %d utterances has %d to %d samples: change MinSamples or MaxSamples",
			len(view), cfg.MinSamples, cfg.MaxSamples)
	}
	lengths := slices.Clone(cfg.Lengths)
	if len(lengths) == 0 {
		all := make([]int, len(s.view))
		for i, e := range s.view {
			all[i] = e.Samples
		}
		lengths = chooseLengths(lengthBins(all, cfg.Mode, cfg.MinSamples, cfg.MaxSamples), cfg.Mode, cfg.Buckets, cfg.BatchSamples)
	}
	slices.SortFunc(lengths, func(a, b int) int { return flowOrder(a, b, cfg.Mode) })
	var unfit int
	s.buckets, s.members, unfit = makeBuckets(s.view, slices.Compact(lengths), cfg.Mode, cfg.BatchSamples)
	s.leftOut = len(view) - len(s.view) + unfit
	for _, b := range s.buckets {
		s.perEpoch += b.Batches
	}
	if s.perEpoch == 0 {
		return nil, fmt.Errorf("datasets: sampler: no utterance fits any of the lengths %v", lengths)
	}
	return s, nil
}

// Len returns the number of batches of an epoch. It is the same for every epoch.
func (s *Sampler) Len() int { return s.perEpoch }

// Buckets returns the batch shapes.
func (s *Sampler) Buckets() []Bucket { return slices.Clone(s.buckets) }

// Lengths returns the lengths of the buckets, for SamplerConfig.Lengths of another sampler: validation with the lengths of
// training needs no further batch shapes but the one of its last, smaller batch.
func (s *Sampler) Lengths() []int {
	lengths := make([]int, len(s.buckets))
	for i, b := range s.buckets {
		lengths[i] = b.Length
	}
	return lengths
}

// LeftOut returns how many utterances of the view occur in no epoch, because they are too short or too long.
func (s *Sampler) LeftOut() int { return s.leftOut }

// Batch returns batch index of epoch. Like indexing a slice it panics when there is no such batch.
func (s *Sampler) Batch(epoch, index int) Batch {
	p := s.plan(epoch).batches[index]
	b := Batch{Cuts: make([]Cut, len(p.queue)), Length: s.buckets[p.bucket].Length}
	for i, u := range p.queue {
		e := s.view[u.position]
		_, place := s.draw(epoch, e)
		b.Cuts[i] = cut(e, b.Length, place)
	}
	return b
}

// draw returns the random numbers of an utterance for an epoch: its place in the order, and the place of its crop as a
// fraction of 2^64.
func (s *Sampler) draw(epoch int, e Entry) (key, place uint64) {
	w := rng.Block(s.cfg.Seed, uint64(epoch), s.site, uint32(e.Row))
	return uint64(w[0])<<32 | uint64(w[1]), uint64(w[2])<<32 | uint64(w[3])
}

// cut places a cut of at most length samples: place is a fraction of 2^64 of the possible offsets.
func cut(e Entry, length int, place uint64) Cut {
	if e.Samples <= length {
		return Cut{e.Row, 0, e.Samples}
	}
	offset, _ := bits.Mul64(place, uint64(e.Samples-length+1))
	return Cut{e.Row, int(offset), length}
}

// Next returns the batch at st and the position after it, which is in the next epoch when this one ends.
func (s *Sampler) Next(st State) (Batch, State) {
	if st.Index >= s.perEpoch {
		st.Epoch, st.Index = st.Epoch+1, 0
	}
	b := s.Batch(st.Epoch, st.Index)
	if st.Index++; st.Index == s.perEpoch {
		st.Epoch, st.Index = st.Epoch+1, 0
	}
	return b, st
}

// Start returns the position of the first batch.
func (s *Sampler) Start() State { return State{Seed: s.cfg.Seed} }

// plan shuffles one epoch. It takes about half a microsecond an utterance, once an epoch.
func (s *Sampler) plan(epoch int) *epochPlan {
	if p := s.memo.Load(); p != nil && p.epoch == epoch {
		return p
	}
	p := &epochPlan{epoch, s.deal(func(e Entry) uint64 {
		key, _ := s.draw(epoch, e)
		return key
	})}
	p.batches = p.batches[:s.perEpoch] // without the utterances that fill no batch
	rng.At(s.cfg.Seed, uint64(epoch), rng.Site("datasets.sampler.batches")).Shuffle(s.perEpoch, func(i, j int) {
		p.batches[i], p.batches[j] = p.batches[j], p.batches[i]
	})
	s.memo.Store(p)
	return p
}

// deal hands the utterances to batches, bucket by bucket in the order that key gives. If some are left at the end, they are
// a last batch with fewer rows.
func (s *Sampler) deal(key func(Entry) uint64) []plannedBatch {
	var planned []plannedBatch
	var waiting []ordered
	for b, bucket := range s.buckets {
		// A new slice each time, because the batches keep parts of it.
		queue := append(make([]ordered, 0, len(waiting)+len(s.members[b])), waiting...)
		for _, p := range s.members[b] {
			queue = append(queue, ordered{key(s.view[p]), p})
		}
		slices.SortFunc(queue, ordered.compare)
		for range bucket.Batches {
			planned = append(planned, plannedBatch{b, queue[:bucket.Rows]})
			queue = queue[bucket.Rows:]
		}
		waiting = queue
	}
	if len(waiting) > 0 {
		planned = append(planned, plannedBatch{len(s.buckets) - 1, waiting})
	}
	return planned
}

// Sequential returns the fixed batches of a validation pass: every utterance that is not left out exactly once, in the order
// of the rows within a bucket, cropped at its middle. Only the last batch may have fewer rows than its bucket.
func (s *Sampler) Sequential() []Batch {
	planned := s.deal(func(e Entry) uint64 { return uint64(e.Row) })
	out := make([]Batch, len(planned))
	for i, p := range planned {
		out[i].Length = s.buckets[p.bucket].Length
		for _, u := range p.queue {
			out[i].Cuts = append(out[i].Cuts, cut(s.view[u.position], out[i].Length, 1<<63))
		}
	}
	return out
}
