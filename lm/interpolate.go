package lm

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
)

// weigh computes, context by context, the discounted probability of each n-gram and the weight of the context: what is left for shorter
// n-grams, which is also its backoff.
func (e *estimator) weigh() error {
	e.gammas = make([]string, e.Order)
	for k := 1; k <= e.Order; k++ {
		e.tell("probabilities", k)
		e.weighted = append(e.weighted, newSorter(e.dir, k, bySuffix, false, e.Memory/2/int64(e.Order)))
		if err := e.weighOrder(k); err != nil {
			return err
		}
		e.byOrder[k-1] = nil
	}
	return nil
}

func (e *estimator) weighOrder(k int) (err error) {
	in, err := e.byOrder[k-1].sorted()
	if err != nil {
		return err
	}
	defer in.close()
	var gammas *gramWriter
	if k > 1 {
		e.gammas[k-2] = filepath.Join(e.dir, fmt.Sprintf("gamma-%d", k-1))
		if gammas, err = newGramWriter(e.gammas[k-2], k-1); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, gammas.close()) }()
	}
	var group []gram // the n-grams of one context, at most as many as there are words
	for {
		g, err := in.next()
		if err != nil && err != io.EOF {
			return err
		}
		if len(group) > 0 && (err == io.EOF || !sameContext(g, &group[0], k)) {
			if err := e.weighContext(group, k, gammas); err != nil {
				return err
			}
			group = group[:0]
		}
		if err == io.EOF {
			return nil
		}
		group = append(group, *g)
	}
}

func sameContext(g, h *gram, k int) bool {
	for i := 1; i < k; i++ {
		if g.words[i] != h.words[i] {
			return false
		}
	}
	return true
}

// weighContext handles one context h: p_u(w|h) = (c(hw) - D(c(hw))) / sum_w c(hw), and
// gamma(h) = (sum_j D_j n_j(h) + sum of the pruned counts) / sum_w c(hw), with n_j of the n-grams kept.
func (e *estimator) weighContext(group []gram, k int, gammas *gramWriter) error {
	d := &e.report.Orders[k-1].Discounts
	var sum, pruned uint64
	var kinds [4]uint64
	for i := range group {
		sum += group[i].a
		if group[i].b == 0 {
			pruned += group[i].a
		} else {
			kinds[min(group[i].a, 3)]++
		}
	}
	gamma := (d[1]*float64(kinds[1]) + d[2]*float64(kinds[2]) + d[3]*float64(kinds[3]) + float64(pruned)) / float64(sum)
	for i := range group {
		g := &group[i]
		if g.b == 0 {
			continue
		}
		g.a, g.b = bitsOf((float64(g.a)-d[min(g.a, 3)])/float64(sum)), bitsOf(gamma)
		if err := e.weighted[k-1].add(g); err != nil {
			return err
		}
		if err := e.tick(); err != nil {
			return err
		}
	}
	if k == 1 { // two words that do not occur: <unk> gets its share of the uniform distribution, <s> nothing
		for _, w := range []WordID{Unknown, beginID} {
			g := gram{a: bitsOf(0), b: bitsOf(gamma)}
			g.words[0] = w
			if err := e.weighted[0].add(&g); err != nil {
				return err
			}
		}
		return nil
	}
	h := gram{a: bitsOf(gamma)}
	copy(h.words[:], group[0].words[1:k])
	return gammas.write(&h)
}

// interpolate adds the weighted probability of the shorter n-gram to each, order by order: p(w|h) = p_u(w|h) + gamma(h) p(w|h').
// The files of the result have p in a, and the backoff of the n-gram as a context in b.
func (e *estimator) interpolate() error {
	for k := 1; k <= e.Order; k++ {
		e.tell("interpolation", k)
		if err := e.interpolateOrder(k); err != nil {
			return err
		}
		e.weighted[k-1] = nil
	}
	return nil
}

func (e *estimator) interpolateOrder(k int) (err error) {
	in, err := e.weighted[k-1].sorted()
	if err != nil {
		return err
	}
	defer in.close()
	var lower, gammas *joined
	if k > 1 {
		if lower, err = join(e.final[k-2], k-1); err != nil {
			return err
		}
		defer lower.close()
	}
	if k < e.Order {
		if gammas, err = join(e.gammas[k-1], k); err != nil {
			return err
		}
		defer gammas.close()
	}
	path := filepath.Join(e.dir, fmt.Sprintf("final-%d", k))
	out, err := newGramWriter(path, k)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	e.final = append(e.final, path)
	uniform := 1 / float64(len(e.words)-1)
	for {
		g, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = e.tick()
		}
		if err != nil {
			return err
		}
		shorter, backoff := uniform, 1.0
		if lower != nil {
			found, err := lower.seek(g)
			if err != nil {
				return err
			}
			if !found {
				return fmt.Errorf("an n-gram of %d words lost its shorter one", k)
			}
			shorter = value(lower.now.a)
		}
		if gammas != nil {
			found, err := gammas.seek(g)
			if err != nil {
				return err
			}
			if found {
				backoff = value(gammas.now.a)
			}
		}
		g.a, g.b = bitsOf(value(g.a)+value(g.b)*shorter), bitsOf(backoff)
		if k == 1 && g.words[0] == beginID {
			g.a = bitsOf(1) // <s> is never predicted; its probability is written as 1, as KenLM does
		}
		if err := out.write(g); err != nil {
			return err
		}
	}
}

// joined is a sorted file that is read beside another sequence in the order of suffixes.
type joined struct {
	*source
	began, ended bool
}

func join(path string, order int) (*joined, error) {
	s, err := openRun(path, order)
	if err != nil {
		return nil, err
	}
	return &joined{source: s}, nil
}

// seek moves to the n-gram that the last words of g are, and reports whether it is there. Calls must come in order.
func (j *joined) seek(g *gram) (bool, error) {
	for !j.ended && (!j.began || bySuffix.compare(&j.now, g, j.order) < 0) {
		j.began = true
		switch err := j.next(); err {
		case nil:
		case io.EOF:
			j.ended = true
		default:
			return false, err
		}
	}
	return !j.ended && bySuffix.compare(&j.now, g, j.order) == 0, nil
}

// save writes the model: ARPA as a stream, a trie through memory.
func (e *estimator) save(path string) error {
	form, err := FormatOf(path)
	if err != nil {
		return err
	}
	e.tell("writing", e.Order)
	if form == Trie {
		b := newBuilder(e.Order)
		err := e.each(func(k int) error {
			if k == 1 {
				return nil
			}
			return b.next()
		}, func(words []WordID, prob, back float32) error {
			if len(words) == 1 {
				_, err := b.unigram(e.words[words[0]], prob, back)
				return err
			}
			return b.gram(words, prob, back)
		})
		if err != nil {
			return err
		}
		m, err := b.model("estimate")
		if err != nil {
			return err
		}
		_, err = m.Save(path, 0)
		return err
	}
	return create(path, func(w io.Writer) error {
		var counts []int
		for _, o := range e.report.Orders {
			counts = append(counts, o.Kept)
		}
		a := newARPAWriter(w, counts)
		err := e.each(func(k int) error {
			a.section(k)
			return nil
		}, func(words []WordID, prob, back float32) error {
			a.gram(e.words, words, prob, back)
			return nil
		})
		return errors.Join(err, a.end())
	})
}

// each visits the finished n-grams, shortest first; words come oldest first. Values are log10 and finite: the smallest probabilities are
// those of words seen never.
func (e *estimator) each(order func(k int) error, visit func(words []WordID, prob, back float32) error) error {
	for k := 1; k <= e.Order; k++ {
		if err := order(k); err != nil {
			return err
		}
		if err := e.eachOf(k, visit); err != nil {
			return err
		}
	}
	return nil
}

func (e *estimator) eachOf(k int, visit func(words []WordID, prob, back float32) error) error {
	in, err := openRun(e.final[k-1], k)
	if err != nil {
		return err
	}
	defer in.close()
	var words [MaxOrder]WordID
	for {
		switch err := in.next(); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
		for i := range k {
			words[i] = in.now.words[k-1-i]
		}
		if err := visit(words[:k], log10(value(in.now.a)), log10(value(in.now.b))); err != nil {
			return err
		}
		if err := e.tick(); err != nil {
			return err
		}
	}
}

// log10 keeps a zero, which only <unk> of a text of single words can have, finite.
func log10(x float64) float32 {
	if x <= 0 {
		return missingUnknown
	}
	return float32(math.Log10(x))
}
