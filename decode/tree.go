package decode

import (
	"slices"

	"aural/lm"
)

// node is one prefix: its parent's tokens and one more. In the prefix search tokens are those of the vocabulary; repeated boundaries and one
// at the start are no part of a prefix. In the lexicon search they are words, and slot, lex and ahead are not used.
type node struct {
	parent, token int32
	depth         int32
	slot          int32 // place in the beam, -1 when out
	lex           int32 // node of the lexicon where the current word stands
	hot           int32 // state of the hotwords
	words         int32 // complete ones
	// lm is ln p of the complete words, bonus all that they and their hotwords add to the acoustic score.
	lm, boost, bonus float64
	state            lm.State
	ahead            lookAhead
}

// lookAhead is what the LM says of a prefix's open word, asked for once.
type lookAhead struct {
	asked, possible bool
	lm              float64
	state           lm.State
}

// tree holds all prefixes of the beam and their ancestors. A prefix that left the beam and comes back is found again while any
// descendant lives, so that the paths of one prefix meet in one node.
type tree struct {
	nodes []node
	keys  []uint64 // open addressing: parent and token of the node in vals
	vals  []int32  // node+1, 0 when free
	remap []int32
	limit int // nodes that make the next step compact
}

const treeFloor = 1 << 12

func (t *tree) reset(root node) {
	t.nodes = append(t.nodes[:0], root)
	clear(t.vals)
	t.limit = treeFloor
}

// at returns the slot of key: the one that holds it, or a free one.
func (t *tree) at(key uint64) int {
	mask := len(t.vals) - 1
	i := int((key * 0x9E3779B97F4A7C15) >> 20)
	for i &= mask; t.vals[i] != 0 && t.keys[i] != key; i = (i + 1) & mask {
	}
	return i
}

func key(parent, token int32) uint64 { return uint64(uint32(parent))<<32 | uint64(uint32(token)) }

// child returns the node below parent by token, and its place in the table where it belongs if there is none (-1).
func (t *tree) child(parent, token int32) int32 {
	if len(t.vals) == 0 {
		return -1
	}
	return t.vals[t.at(key(parent, token))] - 1
}

func (t *tree) add(n node) int32 {
	if 2*(len(t.nodes)+1) > len(t.vals) {
		t.grow()
	}
	i := t.at(key(n.parent, n.token))
	t.keys[i], t.vals[i] = key(n.parent, n.token), int32(len(t.nodes))+1
	t.nodes = append(t.nodes, n)
	return int32(len(t.nodes) - 1)
}

func (t *tree) grow() {
	size := max(2*treeFloor, 2*len(t.vals))
	t.keys, t.vals = make([]uint64, size), make([]int32, size)
	t.index()
}

// index fills an empty table. The root is nobody's child.
func (t *tree) index() {
	for n := 1; n < len(t.nodes); n++ {
		k := key(t.nodes[n].parent, t.nodes[n].token)
		i := t.at(k)
		t.keys[i], t.vals[i] = k, int32(n)+1
	}
}

// begin starts a compaction: mark what lives, then compact, then take new numbers from remap.
func (t *tree) begin() {
	t.remap = append(t.remap[:0], make([]int32, len(t.nodes))...)
	t.remap[0] = 1
}

func (t *tree) mark(n int32) {
	for ; t.remap[n] == 0; n = t.nodes[n].parent {
		t.remap[n] = 1
	}
}

// compact drops nodes without a marked descendant. Order stays, so parents stay before children.
func (t *tree) compact() {
	live := int32(0)
	for n := range t.nodes {
		if t.remap[n] == 0 {
			continue
		}
		moved := t.nodes[n]
		if n > 0 {
			moved.parent = t.remap[moved.parent]
		}
		t.nodes[live], t.remap[n] = moved, live
		live++
	}
	t.nodes = t.nodes[:live]
	clear(t.vals)
	t.index()
	t.limit = 2*len(t.nodes) + treeFloor
}

// ancestor returns the lowest node that has a and b below it or is one of them.
func (t *tree) ancestor(a, b int32) int32 {
	for a != b {
		if t.nodes[a].depth >= t.nodes[b].depth {
			a = t.nodes[a].parent
		} else {
			b = t.nodes[b].parent
		}
	}
	return a
}

// path lists the tokens of node n from the root.
func (t *tree) path(n int32) []int32 {
	list := make([]int32, 0, t.nodes[n].depth)
	for ; n > 0; n = t.nodes[n].parent {
		list = append(list, t.nodes[n].token)
	}
	slices.Reverse(list)
	return list
}

// span is a complete word on the best path of a prefix, with those before it.
type span struct{ before, start, end int32 }

// trail is the best path of a prefix as far as words are concerned: the complete ones and the frames of the open one, start -1 when
// there is none.
type trail struct{ done, start, end int32 }

// history holds the words of all trails.
type history struct {
	spans []span
	remap []int32
	limit int
}

func (h *history) reset() { h.spans, h.limit = h.spans[:0], treeFloor }

// close returns tr with its open word complete.
func (h *history) close(tr trail) trail {
	if tr.start < 0 {
		return tr
	}
	h.spans = append(h.spans, span{tr.done, tr.start, tr.end})
	return trail{int32(len(h.spans) - 1), -1, -1}
}

// begin starts a compaction: mark what lives, then compact, then take new numbers from moved.
func (h *history) begin() { h.remap = append(h.remap[:0], make([]int32, len(h.spans))...) }

func (h *history) mark(done int32) {
	for ; done >= 0 && h.remap[done] == 0; done = h.spans[done].before {
		h.remap[done] = 1
	}
}

func (h *history) compact() {
	live := int32(0)
	for i, s := range h.spans {
		if h.remap[i] == 0 {
			continue
		}
		if s.before >= 0 {
			s.before = h.remap[s.before]
		}
		h.spans[live], h.remap[i] = s, live
		live++
	}
	h.spans = h.spans[:live]
	h.limit = 2*len(h.spans) + treeFloor
}

func (h *history) moved(done int32) int32 {
	if done < 0 {
		return done
	}
	return h.remap[done]
}
