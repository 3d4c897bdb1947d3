package decode

import "math"

// stay sets next of each entry: the paths that do not leave the beam's prefixes. Hannun et al. 2014, algorithm 1, with the in-beam
// extensions taken at the prefix they arrive in.
func (d *Prefix) stay(row []float32) {
	t, blank, inf := int32(d.frame), float64(row[d.blank]), math.Inf(-1)
	for i := range d.beam {
		e := &d.beam[i]
		e.child, e.sibling = -1, -1
		best, tr := e.now.best()
		e.next = paths{blank: e.total + blank, label: inf, bestBlank: best + blank, blankTrail: tr, bestLabel: inf, labelTrail: e.now.labelTrail}
		switch {
		case e.last < 0:
		case e.last == d.boundary: // another boundary changes nothing, with or without a blank before it
			e.next.label, e.next.bestLabel, e.next.labelTrail = e.total+float64(row[e.last]), best+float64(row[e.last]), tr
		default:
			e.next.label, e.next.bestLabel = e.now.label+float64(row[e.last]), e.now.bestLabel+float64(row[e.last])
			e.next.labelTrail.end = t + 1
		}
	}
	for j := range d.beam {
		e := &d.beam[j]
		parent := d.tree.links[e.node].parent
		if parent < 0 || d.tree.nodes[parent].slot < 0 {
			continue
		}
		i := d.tree.nodes[parent].slot
		src := &d.beam[i]
		e.sibling, src.child = src.child, int32(j)
		sum, best, tr := src.leave(e.last)
		e.next.label = addLogs(e.next.label, sum+float64(row[e.last]))
		if best += float64(row[e.last]); best > e.next.bestLabel {
			e.next.bestLabel, e.next.labelTrail = best, d.extend(tr, parent, e.last, t)
		}
	}
}

// leave returns the paths of e that a new token may follow: after the same token only those that end in the blank.
func (e *entry) leave(token int32) (sum, best float64, tr trail) {
	if token == e.last {
		return e.now.blank, e.now.bestBlank, e.now.blankTrail
	}
	best, tr = e.now.best()
	return e.total, best, tr
}

// extend returns the trail of node n after token at frame t.
func (d *Prefix) extend(tr trail, n, token, t int32) trail {
	if d.closes[token] {
		tr = d.close(tr, n)
	}
	if token == d.boundary {
		return tr
	}
	if tr.start < 0 {
		tr.start = t
	}
	tr.end = t + 1
	return tr
}

// close returns the trail of node n with its open word complete; one without letters is none.
func (d *Prefix) close(tr trail, n int32) trail {
	if d.tree.nodes[n].open {
		return d.history.close(tr)
	}
	return trail{tr.done, -1, -1}
}

// limits are the best score of a frame and the least that may enter the beam.
type limits struct{ best, least float64 }

// collect fills found. All entries of a full beam may stay, so the worst of them bounds the next beam from below: what a new prefix
// must reach is known before any is made.
func (d *Prefix) collect(row []float32) limits {
	inf := math.Inf(1)
	l := limits{best: -inf, least: -inf}
	worst, reach := inf, -inf
	d.found = d.found[:0]
	for i := range d.beam {
		e := &d.beam[i]
		sum := addLogs(e.next.blank, e.next.label)
		l.best, worst = max(l.best, sum+e.bonus), min(worst, sum+e.bonus)
		reach = max(reach, e.total+e.bonus)
		d.found = append(d.found, candidate{from: int32(i), token: -1, acoustic: sum, bonus: e.bonus})
	}
	if len(d.beam) >= d.o.Beam {
		l.least = worst
	}
	l.least = max(l.least, l.best-d.o.BeamThreshold)
	d.cut.pick(row, l.least-reach-d.gain)
	for i := range d.beam {
		d.extensions(row, int32(i), &l)
	}
	l.least = max(l.least, l.best-d.o.BeamThreshold)
	return l
}

// extensions adds the new prefixes of entry i.
func (d *Prefix) extensions(row []float32, i int32, l *limits) {
	e := &d.beam[i]
	for j := e.child; j >= 0; j = d.beam[j].sibling {
		d.taken[d.beam[j].last] = i + 1
	}
	for _, k := range d.cut.tokens {
		x := float64(row[k])
		if e.total+e.bonus+x+d.gain < l.least {
			break // and so are all that follow
		}
		if d.taken[k] == i+1 || k == d.boundary && e.last == d.boundary {
			continue
		}
		sum, best, _ := e.leave(k)
		if sum+e.bonus+x+d.gain < l.least || math.IsInf(sum, -1) {
			continue
		}
		bonus, possible := d.bonus(e.node, k)
		score := sum + x + bonus
		if !possible || score < l.least || math.IsInf(score, -1) {
			continue
		}
		if score > l.best {
			l.best = score
			l.least = max(l.least, score-d.o.BeamThreshold)
		}
		d.found = append(d.found, candidate{from: i, token: k, acoustic: sum + x, best: best + x, bonus: bonus})
	}
	for j := e.child; j >= 0; j = d.beam[j].sibling {
		d.taken[d.beam[j].last] = 0
	}
}

// replace makes the chosen candidates the beam.
func (d *Prefix) replace(row []float32, chosen []ranked) {
	for i := range d.beam {
		d.tree.nodes[d.beam[i].node].slot = -1
	}
	next := d.spare[:0]
	for _, r := range chosen {
		c := &d.found[r.at]
		src := &d.beam[c.from]
		if c.token < 0 {
			next = append(next, *src)
			e := &next[len(next)-1]
			e.now, e.total = src.next, c.acoustic
			continue
		}
		n := d.tree.child(src.node, c.token)
		if n < 0 {
			n = d.tree.add(src.node, c.token, d.derive(src.node, c.token))
		}
		_, _, tr := src.leave(c.token)
		none, inf := trail{-1, -1, -1}, math.Inf(-1)
		next = append(next, entry{node: n, last: c.token, total: c.acoustic, bonus: c.bonus,
			now: paths{blank: inf, label: c.acoustic, bestBlank: inf, bestLabel: c.best, blankTrail: none, labelTrail: d.extend(tr, src.node, c.token, int32(d.frame))}})
	}
	for i := range next {
		d.tree.nodes[next[i].node].slot = int32(i)
	}
	d.beam, d.spare = next, d.beam
}

func (d *Prefix) compactTree() {
	d.tree.begin()
	for i := range d.beam {
		d.tree.mark(d.beam[i].node)
	}
	d.tree.compact()
	for i := range d.beam {
		d.beam[i].node = d.tree.remap[d.beam[i].node]
	}
}

func (d *Prefix) compactHistory() {
	d.history.begin()
	for i := range d.beam {
		d.history.mark(d.beam[i].now.blankTrail.done)
		d.history.mark(d.beam[i].now.labelTrail.done)
	}
	d.history.compact()
	for i := range d.beam {
		p := &d.beam[i].now
		p.blankTrail.done, p.labelTrail.done = d.history.moved(p.blankTrail.done), d.history.moved(p.labelTrail.done)
	}
}
