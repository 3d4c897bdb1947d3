package exec

import (
	"fmt"
	"math"
	"time"

	"aural/kernels"
)

// Program is a planned graph for one back end.
type Program struct {
	graph   *Graph
	backend kernels.Backend
	nodes   []Node
	steps   []launch
	place   []int // arena offset of each root value, -1 when it is not in the arena
	arena   int   // bytes
	bufs    []kernels.Buffer
	inputs  map[string]int
	outputs map[string]Output
	conds   map[int]bool // condition inputs: was the value fed last not 0
	bound   bool
	phases  Phases

	transfer transfer
	segments []segment
	recorder kernels.Recorder // nil: every run is a plain one
	clock    clock
}

// launch is one compiled node with its buffers.
type launch struct {
	kernel  kernels.Kernel
	in, out []kernels.Buffer
	scratch int    // arena offset of the working memory
	mem     []byte // that memory
	zero    []int  // outputs to clear when the node is skipped
	cond    int
	name    string // its place in the model and op, for errors

	backward bool
	ns       int64
	calls    int64
	plain    time.Duration // on a device, in plain runs
}

// Phases is the time that runs took, by part of the program.
type Phases struct{ Forward, Backward time.Duration }

// Plan prunes the graph, makes chains of ops that the back end computes together, plans the memory and compiles every op. An op that the back end cannot do is an
// error here, with its place in the model.
func Plan(g *Graph, be kernels.Backend) (*Program, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	nodes := g.prune()
	g = stored(g, nodes, be)
	p := &Program{graph: g, backend: be, nodes: fuse(g, nodes, be), inputs: map[string]int{}, outputs: map[string]Output{}, conds: map[int]bool{}}
	external := map[int]bool{}
	for _, o := range g.Outputs {
		p.outputs[o.Name] = o
		if !o.External {
			continue
		}
		if v := g.Values[o.Value]; v.Kind != Temp || v.Alias >= 0 || external[o.Value] {
			return nil, fmt.Errorf("exec: external output %q must be written by one node of its own", o.Name)
		}
		external[o.Value] = true
	}
	for _, n := range p.nodes {
		if kernels.IsIdentity(n.Op) {
			continue
		}
		l := launch{cond: n.Cond, name: n.Scope + ": " + n.Op.Name(), backward: n.Backward, in: make([]kernels.Buffer, len(n.In)), out: make([]kernels.Buffer, len(n.Out))}
		in, out := p.descs(n.In), p.descs(n.Out)
		k, err := be.Compile(n.Op, in, out)
		if err != nil {
			return nil, fmt.Errorf("exec: %s: %s%v on %s: %w", n.Scope, n.Op.Name(), in, be.Name(), err)
		}
		l.kernel = k
		if n.Cond >= 0 {
			p.conds[n.Cond] = false
			l.zero = p.readOutside(n)
		}
		p.steps = append(p.steps, l)
	}
	p.layout(external)
	p.planTransfer()
	p.cut()
	return p, nil
}

func (p *Program) descs(vs []int) []kernels.Desc { return descs(p.graph, vs) }

// layout gives every root value a place: inputs and named outputs for the whole run, the rest from first write to last read. The working memory of a kernel
// has one while it runs.
func (p *Program) layout(external map[int]bool) {
	g := p.graph
	p.place = make([]int, len(g.Values))
	last := make([]int, len(g.Values))
	for i := range p.place {
		p.place[i], last[i] = -1, -1
	}
	var a allocator
	for v, val := range g.Values {
		if val.Kind == Input {
			p.inputs[val.Name] = v
			p.place[v] = a.alloc(val.Desc.Bytes())
			last[v] = math.MaxInt
		}
	}
	for n, node := range p.nodes {
		for _, v := range node.In {
			last[g.root(v)] = max(last[g.root(v)], n)
		}
	}
	for _, o := range g.Outputs {
		last[g.root(o.Value)] = math.MaxInt
	}
	step := 0
	for n, node := range p.nodes {
		if kernels.IsIdentity(node.Op) {
			// Reads of an alias keep its root alive, so there is nothing to place or free here.
			continue
		}
		l := &p.steps[step]
		step++
		for _, v := range node.Out {
			if !external[v] {
				p.place[v] = a.alloc(g.Values[v].Desc.Bytes())
			}
		}
		l.scratch = a.alloc(l.kernel.Scratch)
		a.release(l.scratch, l.kernel.Scratch)
		free := func(v int) {
			if last[v] <= n && p.place[v] >= 0 && g.Values[v].Kind == Temp {
				a.release(p.place[v], g.Values[v].Desc.Bytes())
				last[v] = math.MaxInt // once
			}
		}
		for _, v := range node.In {
			free(g.root(v))
		}
		for _, v := range node.Out { // outputs that nobody reads
			free(v)
		}
	}
	p.arena = a.size
}

// readOutside lists outputs of a conditional node that something outside of the condition reads. The taken branch of the Select that
// closes the region does not count: it reads the branch only where the condition holds.
func (p *Program) readOutside(n Node) []int {
	var zero []int
	for i, v := range n.Out {
		outside := false
		for _, o := range p.graph.Outputs {
			outside = outside || p.graph.root(o.Value) == v
		}
		for _, m := range p.nodes {
			if m.Cond == n.Cond {
				continue
			}
			for j, u := range m.In {
				_, sel := m.Op.(kernels.Select)
				closes := sel && j == 1 && m.In[0] == n.Cond
				outside = outside || p.graph.root(u) == v && !closes
			}
		}
		if outside {
			zero = append(zero, i)
		}
	}
	return zero
}

// ArenaBytes is the memory that Bind needs, working memory included.
func (p *Program) ArenaBytes() int { return p.arena }

// Bind gives the program its memory: an arena of at least ArenaBytes, which programs that do not run at the same time may share, and the
// external buffers (parameters and external outputs) by name. It may be called again, and must be when the memory has moved.
func (p *Program) Bind(arena kernels.Memory, external func(name string) (kernels.Buffer, bool)) error {
	if err := p.forgetRecordings(); err != nil {
		return err
	}
	g := p.graph
	p.bufs = make([]kernels.Buffer, len(g.Values))
	bind := func(name string, v int) error {
		b, ok := external(name)
		if !ok || !b.Desc.Equal(g.Values[v].Desc) {
			return fmt.Errorf("exec: no external buffer %q of %v (found %v)", name, g.Values[v].Desc, b.Desc)
		}
		p.bufs[v] = b
		return nil
	}
	for v, val := range g.Values {
		switch {
		case val.Kind == Param:
			if err := bind(val.Name, v); err != nil {
				return err
			}
		case p.place[v] >= 0:
			b, err := arena.Slice(val.Desc, p.place[v])
			if err != nil {
				return err
			}
			p.bufs[v] = b
		}
	}
	for _, o := range g.Outputs {
		if o.External {
			if err := bind(o.Name, o.Value); err != nil {
				return err
			}
		}
	}
	p.transfer.home = arena
	i := 0
	for _, n := range p.nodes {
		if kernels.IsIdentity(n.Op) {
			continue
		}
		l := &p.steps[i]
		if arena.Host != nil {
			l.mem = arena.Host[l.scratch:][:l.kernel.Scratch]
		}
		for j, v := range n.In {
			l.in[j] = p.bufs[g.root(v)]
		}
		for j, v := range n.Out {
			l.out[j] = p.bufs[v]
		}
		i++
	}
	p.bound = true
	return nil
}

// Freeze tells the back end, if it gains from that, that the weights of linear layers and convolutions that are parameters never change again. The program must be
// bound.
func (p *Program) Freeze() error {
	f, ok := p.backend.(kernels.Freezer)
	if !ok {
		return nil
	}
	for _, n := range p.nodes {
		for _, w := range weights(n) {
			if p.graph.Values[w.value].Kind != Param {
				continue
			}
			if err := f.Freeze(w.op, p.bufs[w.value]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Feed copies data to an input for the next Run; data is free again when it returns. The bytes must be exactly the input's.
func (p *Program) Feed(name string, data []byte) error {
	v, ok := p.inputs[name]
	if !ok {
		return fmt.Errorf("exec: the program has no input %q", name)
	}
	if want := p.graph.Values[v].Desc.Bytes(); len(data) != want {
		return fmt.Errorf("exec: input %q takes %d bytes (%v), got %d", name, want, p.graph.Values[v].Desc, len(data))
	}
	if _, cond := p.conds[v]; cond {
		p.conds[v] = data[0]|data[1]|data[2]|data[3] != 0
	}
	if p.transfer.stream != nil {
		return p.stage(v, data)
	}
	return p.backend.Upload(p.bufs[v], data)
}

// HasInput reports whether the program reads an input of that name.
func (p *Program) HasInput(name string) bool { _, ok := p.inputs[name]; return ok }

// InputDesc is the descriptor of an input.
func (p *Program) InputDesc(name string) (kernels.Desc, bool) {
	v, ok := p.inputs[name]
	if !ok {
		return kernels.Desc{}, false
	}
	return p.graph.Values[v].Desc, true
}

// Read copies an output to the host. It is valid after Run until the arena is used again.
func (p *Program) Read(name string, dst []byte) error {
	o, ok := p.outputs[name]
	if !ok {
		return fmt.Errorf("exec: the program has no output %q", name)
	}
	b := p.bufs[p.graph.root(o.Value)]
	if len(dst) != b.Bytes() {
		return fmt.Errorf("exec: output %q has %d bytes (%v), the destination %d", name, b.Bytes(), b.Desc, len(dst))
	}
	err := p.backend.Download(dst, b)
	p.collect()
	return err
}

// Run executes the program once with the inputs fed last. It does not allocate. On a [kernels.Streamer] it returns when all is queued: errors of kernels come
// out of the back end's Sync, and of Read, which waits.
func (p *Program) Run(s *kernels.Step) error {
	if !p.bound {
		return fmt.Errorf("exec: the program is not bound to memory")
	}
	if err := p.send(); err != nil {
		return err
	}
	if err := p.walk(s); err != nil || p.transfer.stream != nil {
		return err
	}
	if err := p.backend.Sync(); err != nil {
		return err
	}
	p.collect()
	return p.clock.err
}

// launch runs a node, or clears what others read of it when its condition does not hold.
func (p *Program) launch(l *launch, s *kernels.Step) (ran bool, err error) {
	if l.cond < 0 || p.conds[l.cond] {
		l.kernel.Run(s, l.in, l.out, l.mem)
		return true, nil
	}
	return false, p.skip(l)
}

func (p *Program) clear(b kernels.Buffer) error {
	if h := b.HostBytes(); h != nil {
		clear(h)
		return nil
	}
	if c, ok := p.backend.(kernels.Clearer); ok {
		return c.Clear(b)
	}
	return p.backend.Upload(b, make([]byte, b.Bytes()))
}

// TakePhases returns the time since the last call, and starts counting anew. On a device it is the device's, of the runs that somebody has waited for.
func (p *Program) TakePhases() Phases {
	p.collect()
	t := p.phases
	p.phases = Phases{}
	return t
}

// FLOPs counts the floating point operations of one run.
func (p *Program) FLOPs() int64 {
	var n int64
	for _, node := range p.nodes {
		n += node.Op.FLOPs(p.descs(node.In), p.descs(node.Out))
	}
	return n
}
