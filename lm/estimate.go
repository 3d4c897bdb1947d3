package lm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// Options say how to estimate a model.
type Options struct {
	Order int // words of the longest n-grams, 1 to MaxOrder
	// Prune has a threshold for each order; the last one counts for all longer n-grams, none is 0. N-grams that occur that often or less are
	// left out. Thresholds must not fall, and that of unigrams must be 0.
	Prune    []uint64
	Memory   int64          // bytes for n-grams before they go to temporary files
	TempDir  string         // where these are; empty: the system's
	Progress func(Progress) // may be nil
}

// Progress tells how far an estimation is.
type Progress struct {
	Stage            string
	Sentences, Words int // read
	Order            int // in work, after the reading
}

// Report tells what an estimation saw.
type Report struct {
	Sentences, Words int // tokens, without the marks of sentences
	Vocabulary       int // different words, special ones included
	Orders           []OrderReport
}

// OrderReport tells of the n-grams of one order.
type OrderReport struct {
	Seen, Kept int
	Discounts  [4]float64 // subtracted from adjusted counts of 1, 2, and 3 and more; [0] is 0
	Fallback   string     // why the discounts are not those of the counts; empty: they are
}

// fallbackDiscounts stand in where the counts give none, as lmplz documents for --discount_fallback.
var fallbackDiscounts = [4]float64{0, 0.5, 1, 1.5}

// The words that the estimator has besides those of the text.
const (
	beginID = WordID(1)
	endID   = WordID(2)
)

// DefaultMemory is what an estimation keeps in memory unless it is told otherwise.
const DefaultMemory = 1 << 30

// Check reports what is wrong with the options.
func (o Options) Check() error { return o.complete() }

func (o *Options) complete() error {
	if o.Order < 1 || o.Order > MaxOrder {
		return fmt.Errorf("order %d: want 1 to %d", o.Order, MaxOrder)
	}
	if len(o.Prune) > o.Order {
		return fmt.Errorf("%d pruning thresholds for %d orders", len(o.Prune), o.Order)
	}
	if len(o.Prune) > 0 && o.Prune[0] != 0 {
		return fmt.Errorf("the pruning threshold of unigrams is %d: it must be 0, as in 0,0,1", o.Prune[0])
	}
	if !slices.IsSorted(o.Prune) {
		return fmt.Errorf("the pruning thresholds %v fall: an n-gram cannot stay without its parts", o.Prune)
	}
	last := uint64(0)
	if len(o.Prune) > 0 {
		last = o.Prune[len(o.Prune)-1]
	}
	o.Prune = slices.Clone(o.Prune)
	for len(o.Prune) < o.Order {
		o.Prune = append(o.Prune, last)
	}
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	if o.Memory < minMemory {
		return fmt.Errorf("%d bytes of memory: want at least %d (1M)", o.Memory, minMemory)
	}
	return nil
}

const minMemory = 1 << 20

// Estimate makes a model from texts by interpolated modified Kneser-Ney smoothing and writes it to a file by the ending of its name, as
// Save does. The model depends on the texts and the options alone. Memory is limited but for the vocabulary and, if a trie is written,
// the model.
//
// An adjusted count is the number of occurrences for the longest n-grams and those that begin with <s>, and of different words before the
// n-gram for others. Discounts come from the numbers of n-grams with adjusted counts of 1 to 4 (Chen and Goodman 1998, equation 26).
// Unigrams are interpolated with the uniform distribution over all words but <s>, with <unk>.
func Estimate(ctx context.Context, texts []string, out string, o Options) (_ Report, err error) {
	if err := o.complete(); err != nil {
		return Report{}, err
	}
	if _, err := FormatOf(out); err != nil {
		return Report{}, err
	}
	dir, err := os.MkdirTemp(o.TempDir, "aural-lm-*")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e := &estimator{Options: o, ctx: ctx, dir: dir, vocabulary: newVocabulary()}
	e.add(startOfText)
	e.add(endOfText)
	for _, stage := range []func() error{func() error { return e.count(texts) }, e.adjust, e.discount, e.weigh, e.interpolate,
		func() error { return e.save(out) }} {
		if err := stage(); err != nil {
			return e.report, err
		}
	}
	return e.report, nil
}

// estimator holds what goes from stage to stage: sorted streams of n-grams of each order.
type estimator struct {
	Options
	vocabulary
	ctx      context.Context
	dir      string
	report   Report
	counted  *sorter    // the longest n-grams with their counts
	byOrder  []*sorter  // then, with adjusted counts, by context
	stats    []adjusted // numbers of n-grams with adjusted counts 1 to 4
	weighted []*sorter  // then with probabilities before interpolation, by suffix
	gammas   []string   // files of the weights of contexts, by suffix
	final    []string   // files of probabilities and backoffs, by suffix
	done     int        // n-grams since the last look at ctx
}

type adjusted [5]uint64

// tick looks whether to stop, now and then.
func (e *estimator) tick() error {
	if e.done++; e.done&0xffff == 0 {
		return e.ctx.Err()
	}
	return nil
}

func (e *estimator) tell(stage string, order int) {
	if e.Progress != nil {
		e.Progress(Progress{stage, e.report.Sentences, e.report.Words, order})
	}
}

// count reads the texts. A sentence of order 3 begins with <s> <s>, so that all n-grams have the same length.
func (e *estimator) count(texts []string) error {
	e.counted = newSorter(e.dir, e.Order, bySuffix, true, e.Memory/2)
	err := EachSentence(e.ctx, texts, func(words [][]byte) error {
		var g gram
		for i := range e.Order {
			g.words[i] = beginID
		}
		g.a = 1
		for i := 0; i <= len(words); i++ {
			w := endID
			if i < len(words) {
				id, ok := e.ids[string(words[i])]
				if !ok {
					id, _ = e.add(string(words[i]))
				}
				if id <= endID {
					return fmt.Errorf("the text has the word %s, which marks sentences or unknown words: remove it", words[i])
				}
				w = id
			}
			copy(g.words[1:e.Order], g.words[:e.Order-1])
			g.words[0] = w
			if err := e.counted.add(&g); err != nil {
				return err
			}
		}
		e.report.Words += len(words)
		if e.report.Sentences++; e.report.Sentences%1024 == 0 {
			e.tell("counting", 0)
		}
		return nil
	})
	if err == nil && e.report.Sentences == 0 {
		err = errors.New("the text has no words: give files with a sentence a line")
	}
	e.report.Vocabulary = len(e.words)
	return err
}

// openGram is an n-gram whose adjusted count is not complete: the suffix of some length of the n-gram read last.
type openGram struct{ adjusted, occurs uint64 }

// adjust computes adjusted counts and passes the n-grams of each order on to a sorter by context. The field a of the result is the
// adjusted count, b is 0 if the n-gram is pruned.
func (e *estimator) adjust() error {
	in, err := e.counted.sorted()
	if err != nil {
		return err
	}
	defer in.close()
	e.stats = make([]adjusted, e.Order)
	e.report.Orders = make([]OrderReport, e.Order)
	for k := 1; k <= e.Order; k++ {
		e.byOrder = append(e.byOrder, newSorter(e.dir, k, byContext, false, e.Memory/2/int64(e.Order)))
	}
	e.tell("adjusting counts", e.Order)
	var open [MaxOrder]openGram
	var last gram
	length := 0 // of the longest open n-gram
	for {
		g, err := in.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = e.tick()
		}
		if err != nil {
			return err
		}
		same := 0
		for same < length && g.words[same] == last.words[same] {
			same++
		}
		if err := e.emit(&last, open[:], same, length); err != nil {
			return err
		}
		length = 1
		for length < e.Order && g.words[length-1] != beginID {
			length++
		}
		for k := range length {
			if k >= same {
				open[k] = openGram{}
			}
			open[k].occurs += g.a
			switch {
			case k+1 == length: // the longest, or it begins with <s>: occurrences count
				open[k].adjusted = g.a
			case k+1 >= same:
				open[k].adjusted++ // a new word before it
			}
		}
		last = *g
	}
	e.counted = nil
	return e.emit(&last, open[:], 0, length)
}

// emit closes the open n-grams of more than same words.
func (e *estimator) emit(last *gram, open []openGram, same, length int) error {
	for k := same; k < length; k++ {
		g := gram{a: open[k].adjusted}
		copy(g.words[:], last.words[:k+1])
		e.report.Orders[k].Seen++
		if open[k].occurs > e.Prune[k] {
			g.b = 1
			e.report.Orders[k].Kept++
		}
		if g.a < uint64(len(e.stats[k])) {
			e.stats[k][g.a]++
		}
		if err := e.byOrder[k].add(&g); err != nil {
			return err
		}
	}
	return nil
}

// discount computes the discounts of each order.
func (e *estimator) discount() error {
	for k := range e.stats {
		e.report.Orders[k].Discounts, e.report.Orders[k].Fallback = discounts(e.stats[k])
	}
	e.report.Orders[0].Kept += 2 // <unk> and <s>, which do not occur
	return nil
}

// discounts computes D1, D2 and D3+ from the numbers n[j] of n-grams with adjusted count j: D_j = j - (j+1) Y n_{j+1}/n_j with
// Y = n1/(n1 + 2 n2). Where that is not possible it says why.
func discounts(n adjusted) (d [4]float64, fallback string) {
	for j := 1; j <= 3; j++ {
		if n[j] == 0 {
			return fallbackDiscounts, fmt.Sprintf("no n-gram has an adjusted count of %d", j)
		}
	}
	y := float64(n[1]) / float64(n[1]+2*n[2])
	for j := 1; j <= 3; j++ {
		d[j] = float64(j) - float64(j+1)*y*float64(n[j+1])/float64(n[j])
		if d[j] < 0 || d[j] > float64(j) {
			return fallbackDiscounts, fmt.Sprintf("the discount of an adjusted count of %d would be %.3g", j, d[j])
		}
	}
	return d, ""
}

// bitsOf and value carry float64 values in n-grams.
func bitsOf(x float64) uint64 { return math.Float64bits(x) }
func value(b uint64) float64  { return math.Float64frombits(b) }
