package decode

import (
	"slices"

	"aural/lm"
)

// node is one prefix: its parent's tokens and one more. In the prefix search tokens are those of the vocabulary; repeated boundaries and one
// at the start are no part of a prefix. In the lexicon search they are words, and slot, lex and ahead are not used.
type node struct {
	depth    int32
	slot     int32  // place in the beam, -1 when out
	lex      int32  // node of the lexicon where the current word stands
	hot      int32  // state of the hotwords
	words    int32  // complete ones
	open     bool   // a word with letters is under way
	children uint64 // bit t%64 is set if there is a child by token t
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

// link is a node's place. Links lie apart from the nodes so that a walk to the root reads 8 bytes a step.
type link struct{ parent, token int32 }

// tree holds all prefixes of the beam and their ancestors. A prefix that left the beam and comes back is found again while any
// descendant lives, so that the paths of one prefix meet in one node.
type tree struct {
	nodes []node
	links []link
	table []int32 // open addressing by link: node+1, 0 when free
	remap []int32
	limit int // nodes that make the next step compact
}

const treeFloor = 1 << 12

func (t *tree) reset(root node) {
	t.nodes = append(t.nodes[:0], root)
	t.links = append(t.links[:0], link{-1, -1})
	clear(t.table)
	t.limit = treeFloor
}

// at returns the place of l in the table: where it is, or a free one.
func (t *tree) at(l link) int {
	mask := len(t.table) - 1
	i := int(mixed(l.parent, l.token)>>32) & mask
	for t.table[i] != 0 && t.links[t.table[i]-1] != l {
		i = (i + 1) & mask
	}
	return i
}

// mixed spreads two numbers over 64 bits.
func mixed(a, b int32) uint64 {
	h := (uint64(uint32(a))<<32 | uint64(uint32(b))) * 0x9E3779B97F4A7C15
	return (h ^ h>>32) * 0xFF51AFD7ED558CCD
}

// child returns the node below parent by token, or -1.
func (t *tree) child(parent, token int32) int32 {
	if t.nodes[parent].children>>(uint32(token)%64)&1 == 0 {
		return -1
	}
	return t.table[t.at(link{parent, token})] - 1
}

// add makes the node below parent by token.
func (t *tree) add(parent, token int32, n node) int32 {
	t.nodes[parent].children |= 1 << (uint32(token) % 64)
	t.nodes, t.links = append(t.nodes, n), append(t.links, link{parent, token})
	if 2*len(t.nodes) > len(t.table) {
		t.table = make([]int32, max(2*treeFloor, 2*len(t.table)))
		t.index()
	} else {
		t.table[t.at(link{parent, token})] = int32(len(t.nodes))
	}
	return int32(len(t.nodes) - 1)
}

// index fills an empty table. The root is nobody's child.
func (t *tree) index() {
	for n := 1; n < len(t.links); n++ {
		t.table[t.at(t.links[n])] = int32(n) + 1
	}
}

// begin starts a compaction: mark what lives, then compact, then take new numbers from remap.
func (t *tree) begin() {
	t.remap = zeros(t.remap, len(t.nodes))
	t.remap[0] = 1
}

// zeros returns n of them in list's memory if they fit. Appending a new slice would do it without memory for that slice only where the
// compiler sees through it, and for the race detector it does not.
func zeros(list []int32, n int) []int32 {
	list = slices.Grow(list[:0], n)[:n]
	clear(list)
	return list
}

func (t *tree) mark(n int32) {
	for ; t.remap[n] == 0; n = t.links[n].parent {
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
		moved := t.links[n]
		if n > 0 {
			moved.parent = t.remap[moved.parent]
			t.nodes[moved.parent].children |= 1 << (uint32(moved.token) % 64)
		}
		t.nodes[live], t.links[live], t.remap[n] = t.nodes[n], moved, live
		t.nodes[live].children = 0
		live++
	}
	t.nodes, t.links = t.nodes[:live], t.links[:live]
	clear(t.table)
	t.index()
	t.limit = 2*len(t.nodes) + treeFloor
}

// ancestor returns the lowest node that has a and b below it or is one of them.
func (t *tree) ancestor(a, b int32) int32 {
	for a != b {
		if t.nodes[a].depth >= t.nodes[b].depth {
			a = t.links[a].parent
		} else {
			b = t.links[b].parent
		}
	}
	return a
}

// path lists the tokens of node n from the root.
func (t *tree) path(n int32) []int32 {
	list := make([]int32, 0, t.nodes[n].depth)
	for ; n > 0; n = t.links[n].parent {
		list = append(list, t.links[n].token)
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
func (h *history) begin() { h.remap = zeros(h.remap, len(h.spans)) }

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
