package exec

import (
	"cmp"
	"fmt"
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

// Profile sums time, work and traffic of the calls by op and variant since the program was made or ResetProfile, the slowest first.
// What the times are on a device, see clock.
func (p *Program) Profile() []OpTime {
	p.collect()
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

// ResetProfile forgets the runs that Profile has summed up.
func (p *Program) ResetProfile() {
	p.collect()
	p.clock.before = p.clock.pending
	for i := range p.steps {
		p.steps[i].ns, p.steps[i].calls = 0, 0
	}
	for k := range p.segments {
		p.segments[k].time.untimed = 0
	}
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

// Call is one kernel call of a program, or several that differ in their data alone.
type Call struct {
	Op, Variant  string
	In, Out      []kernels.Desc
	Count        int             // calls of this kind in one run without a condition that fails
	FLOPs, Bytes int64           // of one call
	Times        []time.Duration // of single calls, the shortest first; empty when none was measured
}

// same reports whether two calls do the same work. Ops that differ in where their noise comes from do.
func (c *Call) same(d *Call) bool {
	equal := func(a, b []kernels.Desc) bool { return slices.EqualFunc(a, b, kernels.Desc.Equal) }
	return c.Op == d.Op && c.Variant == d.Variant && c.FLOPs == d.FLOPs && equal(c.In, d.In) && equal(c.Out, d.Out)
}

// fewestTimes is how often a call is measured at least.
const fewestTimes = 3

// Measure runs the program once with the inputs fed last, and each kind of call again and again when its turn comes, for the given time. So every
// call has the data, the places in memory and the neighbours that it has in a step. An op that want refuses runs once and is not timed. Calls are
// in the order of the program; the profile does not count them.
func (p *Program) Measure(s *kernels.Step, each time.Duration, want func(op string) bool) ([]Call, error) {
	if !p.bound {
		return nil, fmt.Errorf("exec: the program is not bound to memory")
	}
	if err := p.send(); err != nil {
		return nil, err
	}
	var calls []Call
	i := 0
	for _, n := range p.nodes {
		if kernels.IsIdentity(n.Op) {
			continue
		}
		l := &p.steps[i]
		i++
		in, out := p.descs(n.In), p.descs(n.Out)
		c := Call{Op: n.Op.Name(), Variant: l.kernel.Variant, In: in, Out: out, FLOPs: n.Op.FLOPs(in, out), Bytes: kernels.Bytes(in, out)}
		k := slices.IndexFunc(calls, func(d Call) bool { return d.same(&c) })
		if k < 0 {
			k = len(calls)
			calls = append(calls, c)
		}
		calls[k].Count++
		ran, err := p.launch(l, s)
		if err != nil {
			return nil, err
		}
		if !ran || len(calls[k].Times) > 0 || !want(c.Op) {
			continue
		}
		calls[k].Times, err = Repeat(each, func() error {
			l.kernel.Run(s, l.in, l.out, l.mem)
			return p.backend.Sync()
		})
		if err != nil {
			return nil, err
		}
	}
	return calls, p.backend.Sync()
}

// Repeat calls f for the given time, three times at least, and returns how long each took, the shortest first.
func Repeat(each time.Duration, f func() error) ([]time.Duration, error) {
	var times []time.Duration
	for begin := time.Now(); len(times) < fewestTimes || time.Since(begin) < each; {
		start := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times, nil
}
