package cuda

import (
	"errors"
	"fmt"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// GraphVariable switches CUDA graphs off when it is 0: every launch is given to the driver one by one then, as with driver.SyncVariable.
const GraphVariable = "AURAL_CUDA_GRAPH"

// recording implements kernels.Replay: a CUDA graph of launches.
type recording struct {
	b     *Backend
	name  string
	graph driver.Graph // 0: there was nothing to launch
	drew  bool         // some launch draws noise
	moves int          // how often it had moved

	// While it is made: the step that marks its calls, and what they launch.
	step     kernels.Step
	launches []command
}

// Record implements kernels.Recorder. The launches are collected first and captured in one go on the executor, so that nobody else's call falls into the capture.
func (b *Backend) Record(name string, run func(s *kernels.Step)) (kernels.Replay, error) {
	if !b.graphs {
		return nil, fmt.Errorf("cuda: recording %s: %w: graphs are switched off", name, kernels.ErrUnsupported)
	}
	b.recording.Lock()
	defer b.recording.Unlock()
	r := &recording{b: b, name: name}
	b.mu.Lock()
	b.recorded, r.moves = r, b.moves
	b.mu.Unlock()
	run(&r.step)
	b.mu.Lock()
	b.recorded = nil
	b.mu.Unlock()
	launches := r.launches
	r.launches = nil
	if len(launches) == 0 {
		return r, nil
	}
	err := b.exec.do(func(ctx driver.Context) (err error) {
		if r.graph, err = b.exec.capture(ctx, launches); err == nil {
			b.exec.graphs[r.graph] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cuda: recording %s: %w", name, err)
	}
	return r, nil
}

// capture makes a graph of launches. What was begun is ended whatever happens: a stream that stays captured can do nothing else.
func (e *executor) capture(ctx driver.Context, launches []command) (driver.Graph, error) {
	if e.failed != nil {
		return 0, e.failed
	}
	if err := ctx.BeginCapture(e.stream); err != nil {
		return 0, err
	}
	var failed error
	for i := range launches {
		if failed = e.launch(ctx, &launches[i]); failed != nil {
			break
		}
	}
	g, err := ctx.EndCapture(e.stream)
	if failed != nil && err == nil {
		err = ctx.FreeGraph(g)
	}
	return g, errors.Join(failed, err)
}

// Run implements kernels.Replay.
func (r *recording) Run(s *kernels.Step) bool {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.moves != b.moves {
		return false
	}
	if r.graph == 0 {
		return true
	}
	if r.drew {
		b.draw(s)
	}
	b.exec.commands <- command{what: launchGraph, graph: r}
	return true
}

// Free implements kernels.Replay. A graph that still runs is freed by the driver when it is done.
func (r *recording) Free() error {
	return r.b.exec.do(func(ctx driver.Context) error {
		g := r.graph
		r.graph = 0
		if !r.b.exec.graphs[g] {
			return nil
		}
		delete(r.b.exec.graphs, g)
		return ctx.FreeGraph(g)
	})
}
