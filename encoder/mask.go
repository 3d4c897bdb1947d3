package encoder

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/rng"
)

// Semantics names whose details apply where the two public implementations of wav2vec 2.0 differ.
type Semantics string

const (
	Fairseq Semantics = "fairseq"
	HF      Semantics = "hf" // Hugging Face transformers
)

// SpanLength says how the length of a mask span is drawn.
type SpanLength string

const (
	Static  SpanLength = "static"  // always MaskConfig.Length
	Uniform SpanLength = "uniform" // from [Other, 2·Length]
	Normal  SpanLength = "normal"  // N(Length, Other²), at least 1
	Poisson SpanLength = "poisson" // Poisson(Length)
)

// MaskConfig describes span masks over time or over channels.
type MaskConfig struct {
	// Probability is the share of frames that the spans would cover if they never overlapped; the number of spans is
	// Probability·T/Length, rounded up or down at random. The paper's p = 0.065, the chance that a frame starts a span, is this divided
	// by Length. With the published 0.65 and 10 about 49 % of the frames are masked.
	Probability float64    `yaml:"probability"`
	Length      int        `yaml:"length"`
	Selection   SpanLength `yaml:"selection"`
	Other       float64    `yaml:"other"` // second parameter of Selection
	MinSpans    int        `yaml:"min_spans"`
	NoOverlap   bool       `yaml:"no_overlap"`
	MinSpace    int        `yaml:"min_space"` // unmasked frames between spans with NoOverlap
	// SameCount unmasks random frames of a batch's rows down to the smallest count (fairseq: require_same_masks).
	SameCount bool      `yaml:"same_count"`
	Semantics Semantics `yaml:"semantics"`
}

// DefaultMask is the time mask of the published pretraining recipes.
func DefaultMask() MaskConfig {
	return MaskConfig{Probability: 0.65, Length: 10, Selection: Static, MinSpans: 2, MinSpace: 1, SameCount: true, Semantics: Fairseq}
}

// Validate reports every setting that cannot work.
func (c MaskConfig) Validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("mask: "+format, args...))
		}
	}
	bad(!(c.Probability >= 0 && c.Probability < 1), "probability: %v is outside [0,1)", c.Probability)
	bad(c.Length < 1, "length: %d is less than 1", c.Length)
	bad(!slices.Contains([]SpanLength{Static, Uniform, Normal, Poisson}, c.Selection), "selection: %q is not static, uniform, normal or poisson", c.Selection)
	bad(c.Selection == Uniform && (c.Other < 0 || c.Other > float64(2*c.Length)), "other: %v is outside [0, 2·length]", c.Other)
	bad(c.MinSpans < 0, "min_spans: %d is negative", c.MinSpans)
	bad(c.MinSpace < 0, "min_space: %d is negative", c.MinSpace)
	bad(c.Semantics != Fairseq && c.Semantics != HF, "semantics: %q is neither fairseq nor hf", c.Semantics)
	bad(c.Semantics == HF && (c.NoOverlap || c.Selection != Static), "semantics hf knows only static spans that may overlap")
	return errors.Join(errs...)
}

// Most is the largest number of frames that spans of the usual length can mask in a row of a number of frames. Spans of other lengths may rarely mask more.
func (c MaskConfig) Most(frames int) int {
	spans := max(c.MinSpans, int(c.Probability*float64(frames)/float64(c.Length)+1))
	return min(frames, spans*c.Length)
}

// MinFrames is the shortest row that can be masked: one span of the usual length and one frame to spare.
func (c MaskConfig) MinFrames() int { return c.Length + 1 }

// Masker draws span masks. It keeps its working memory, so that drawing does not allocate once it has seen the largest batch. It is for one goroutine.
type Masker struct {
	Config MaskConfig
	// Stream names the random stream, so that time masks and channel masks of one update differ; "mask" when empty.
	Stream                   string
	streams                  []rng.Stream
	lengths, starts, indices []int
	parts                    []part
}

// Draw draws the mask of one batch: dst (len(lengths), frames) becomes 1 at masked frames and 0 elsewhere. lengths are the real frames of the rows;
// padding is never masked. It returns the number of masked frames.
//
// Each row has a stream of its own, (seed, update, site, first row + row), so that masks do not depend on how an update is cut into micro-batches; only
// SameCount and the shared rounding of hf look across rows.
func (m *Masker) Draw(dst []uint8, lengths []int, frames int, seed, update uint64, firstRow int) (int, error) {
	c := m.Config
	clear(dst)
	if len(dst) != len(lengths)*frames {
		return 0, fmt.Errorf("encoder: a mask of %d rows x %d frames does not have %d elements", len(lengths), frames, len(dst))
	}
	if c.Probability == 0 {
		return 0, nil
	}
	site := rng.Site(cmp.Or(m.Stream, "mask"))
	m.streams = slices.Grow(m.streams[:0], len(lengths)+1)[:len(lengths)+1]
	rounding := &m.streams[len(lengths)]
	rounding.Reset(seed, update, site+1)
	shared := rounding.Float64()
	least := frames
	for r, length := range lengths {
		if length > frames || length < c.MinFrames() {
			return 0, fmt.Errorf("encoder: row %d has %d frames; a mask with spans of %d needs at least %d and at most %d", r, length, c.Length, c.MinFrames(), frames)
		}
		s := &m.streams[r]
		s.Reset(seed, update<<20|uint64(firstRow+r), site)
		row := dst[r*frames : r*frames+length]
		if c.Semantics == HF {
			m.drawHF(row, shared, s)
		} else {
			m.drawFairseq(row, s)
		}
		least = min(least, count(row))
	}
	total := 0
	for r := range lengths {
		row := dst[r*frames : (r+1)*frames]
		if c.SameCount {
			m.unmask(row, count(row)-least, &m.streams[r])
		}
		total += count(row)
	}
	return total, nil
}

// ints gives a slice of n integers in reused memory.
func ints(buf *[]int, n int) []int {
	*buf = slices.Grow((*buf)[:0], n)[:n]
	return *buf
}

func count(row []uint8) int {
	n := 0
	for _, m := range row {
		n += int(m)
	}
	return n
}

// drawFairseq draws one row as fairseq's compute_mask_indices (mask version 2) does.
func (m *Masker) drawFairseq(row []uint8, s *rng.Stream) {
	c := m.Config
	n := max(c.MinSpans, int(c.Probability*float64(len(row))/float64(c.Length)+s.Float64()))
	lengths := ints(&m.lengths, n)
	sum := 0
	for i := range lengths {
		lengths[i] = c.span(s)
		sum += lengths[i]
	}
	if n == 0 {
		return
	}
	if sum == 0 {
		lengths[0] = min(c.Length, len(row)-1)
	}
	if c.NoOverlap {
		m.drawApart(row, lengths, c.MinSpace, s)
		return
	}
	shortest := slices.Min(lengths)
	if len(row)-shortest <= n {
		shortest = len(row) - n - 1
	}
	if shortest < 0 { // more spans than frames: there is no way to place them all
		n, shortest = len(row)-1, 0
	}
	starts := ints(&m.starts, n)
	s.Sample(starts, len(row)-shortest)
	for i, start := range starts {
		for j := start; j < min(start+lengths[i], len(row)); j++ {
			row[j] = 1
		}
	}
	if count(row) == len(row) { // a mask that leaves nothing to see
		row[s.IntN(len(row))] = 0
	}
}

// drawHF draws one row as transformers' _compute_mask_indices does: the rounding draw is the batch's, and a span may also start at the last
// place where it fits.
func (m *Masker) drawHF(row []uint8, shared float64, s *rng.Stream) {
	c := m.Config
	n := max(c.MinSpans, int(c.Probability*float64(len(row))/float64(c.Length)+shared))
	if n*c.Length > len(row) {
		n = len(row) / c.Length
	}
	n = min(n, len(row)-c.Length+1)
	starts := ints(&m.starts, n)
	s.Sample(starts, len(row)-c.Length+1)
	for _, start := range starts {
		for j := range c.Length {
			row[start+j] = 1
		}
	}
}

// span draws the length of one span.
func (c MaskConfig) span(s *rng.Stream) int {
	switch c.Selection {
	case Uniform:
		lo := int(c.Other)
		return lo + s.IntN(2*c.Length-lo+1)
	case Normal:
		return max(1, int(math.Round(float64(c.Length)+c.Other*s.NormFloat64())))
	case Poisson: // Knuth's product of uniforms; span lengths are small
		limit, p, k := math.Exp(-float64(c.Length)), 1.0, 0
		for p *= s.Float64(); p > limit; p *= s.Float64() {
			k++
		}
		return k
	}
	return c.Length
}

// part is a stretch of frames without spans.
type part struct{ from, to int }

// drawApart places spans, longest first, so that at least space frames stay between them. Each goes into a free part chosen with probability
// proportional to its length; spans that fit nowhere are left out (fairseq's no_overlap).
func (m *Masker) drawApart(row []uint8, lengths []int, space int, s *rng.Stream) {
	parts := append(m.parts[:0], part{0, len(row)})
	defer func() { m.parts = parts }()
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	shortest := lengths[len(lengths)-1]
	for _, n := range lengths {
		room := 0
		for _, p := range parts {
			if p.to-p.from >= n+space {
				room += p.to - p.from
			}
		}
		if room == 0 {
			return
		}
		at := s.IntN(room)
		chosen := 0
		for i, p := range parts {
			if p.to-p.from < n+space {
				continue
			}
			if at -= p.to - p.from; at < 0 {
				chosen = i
				break
			}
		}
		p := parts[chosen]
		parts = slices.Delete(parts, chosen, chosen+1)
		start := p.from
		if d := p.to - n - p.from; d > 0 {
			start += s.IntN(d)
		}
		for j := range n {
			row[start+j] = 1
		}
		if start-p.from-space >= shortest {
			parts = append(parts, part{p.from, start - space + 1})
		}
		if p.to-start-n-space > shortest {
			parts = append(parts, part{start + n + space, p.to})
		}
	}
}

// unmask clears n random masked frames.
func (m *Masker) unmask(row []uint8, n int, s *rng.Stream) {
	if n <= 0 {
		return
	}
	masked := m.indices[:0]
	for t, on := range row {
		if on != 0 {
			masked = append(masked, t)
		}
	}
	m.indices = masked
	drop := ints(&m.starts, n)
	s.Sample(drop, len(masked))
	for _, i := range drop {
		row[masked[i]] = 0
	}
}
