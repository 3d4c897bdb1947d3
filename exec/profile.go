package exec

import (
	"cmp"
	"slices"
	"time"

	"aural/kernels"
)

// OpTime is the time spent in one kind of op.
type OpTime struct {
	Op, Variant  string
	Calls        int64
	Time         time.Duration
	FLOPs, Bytes int64 // over all calls
}

// Profile sums time, work and traffic by op and variant since the program was made, the slowest first.
func (p *Program) Profile() []OpTime {
	var list []OpTime
	i := 0
	for _, n := range p.nodes {
		if kernels.IsIdentity(n.Op) {
			continue
		}
		l := &p.steps[i]
		i++
		in, out := p.descs(n.In), p.descs(n.Out)
		list = append(list, OpTime{
			Op: n.Op.Name(), Variant: l.kernel.Variant, Calls: l.calls, Time: time.Duration(l.ns),
			FLOPs: l.calls * n.Op.FLOPs(in, out), Bytes: l.calls * kernels.Bytes(in, out),
		})
	}
	return MergeProfiles(list)
}

// MergeProfiles adds up entries of the same op and variant, the slowest first.
func MergeProfiles(list []OpTime) []OpTime {
	order := func(a, b OpTime) int { return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Variant, b.Variant)) }
	list = slices.Clone(list)
	slices.SortFunc(list, order)
	var out []OpTime
	for _, t := range list {
		if k := len(out) - 1; k >= 0 && order(out[k], t) == 0 {
			out[k].Calls += t.Calls
			out[k].Time += t.Time
			out[k].FLOPs += t.FLOPs
			out[k].Bytes += t.Bytes
			continue
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b OpTime) int { return cmp.Compare(b.Time, a.Time) })
	return out
}
