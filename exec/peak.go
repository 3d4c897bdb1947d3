package exec

import (
	"cmp"
	"math"
	"slices"

	"aural/kernels"
)

// Share is what the results of one kind of op take of the arena.
type Share struct {
	Op      string // "input" for what is fed
	Tensors int
	Bytes   int
}

// Peak lists what is in the arena when it is fullest, by the ops that made it, the largest first. Working memory is not in it.
func (p *Program) Peak() []Share {
	last := make([]int, len(p.graph.Values)) // node of the last read; -1: not in the arena
	for v := range last {
		last[v] = -1
	}
	maker := make([]string, len(last))
	for _, v := range p.inputs {
		last[v], maker[v] = math.MaxInt, "input"
	}
	for n, node := range p.nodes {
		if kernels.IsIdentity(node.Op) {
			continue
		}
		for _, v := range node.Out {
			if p.place[v] >= 0 {
				last[v], maker[v] = n, node.Op.Name()
			}
		}
	}
	for n, node := range p.nodes {
		for _, v := range node.In {
			if r := p.graph.root(v); last[r] >= 0 {
				last[r] = max(last[r], n)
			}
		}
	}
	for _, o := range p.outputs {
		if r := p.graph.root(o.Value); last[r] >= 0 {
			last[r] = math.MaxInt
		}
	}
	live, bytes, most := map[int]bool{}, 0, 0
	for _, v := range p.inputs {
		live[v] = true
		bytes += p.bytes(v)
	}
	var best []int
	for n, node := range p.nodes {
		for _, v := range node.Out {
			if last[v] >= 0 && !live[v] {
				live[v] = true
				bytes += p.bytes(v)
			}
		}
		if bytes > most {
			most, best = bytes, best[:0]
			for v := range live {
				best = append(best, v)
			}
		}
		for v := range live {
			if last[v] <= n {
				delete(live, v)
				bytes -= p.bytes(v)
			}
		}
	}
	by := map[string]*Share{}
	for _, v := range best {
		s := by[maker[v]]
		if s == nil {
			s = &Share{Op: maker[v]}
			by[maker[v]] = s
		}
		s.Tensors++
		s.Bytes += p.bytes(v)
	}
	shares := make([]Share, 0, len(by))
	for _, s := range by {
		shares = append(shares, *s)
	}
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Op, b.Op)) })
	return shares
}

// bytes is what a value takes of the arena.
func (p *Program) bytes(v int) int { return round(p.graph.Values[v].Desc.Bytes()) }
