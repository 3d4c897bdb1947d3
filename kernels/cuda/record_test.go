package cuda

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// bench is a back end with kernels and their buffers: a product, dropout of its result, and a sum of squares, which needs scratch memory.
type bench struct {
	*Backend
	t     testing.TB
	calls []func(s *kernels.Step)
	y     kernels.Buffer // of the dropout
	mems  []kernels.Memory
}

func newBench(t testing.TB, b *Backend) *bench {
	r := &bench{Backend: b, t: t}
	const f = kernels.Float32
	x, w := r.buffer(kernels.Of(f, 70, 64)), r.buffer(kernels.Of(f, 33, 64))
	z := r.add(kernels.Linear{}, x, w)
	r.y = r.add(kernels.Dropout{P: 0.5, Site: 7}, z)
	r.add(kernels.SumSquares{}, r.y)
	ones := make([]float32, 70*64)
	for i := range ones {
		ones[i] = float32(i%5) + 1
	}
	r.do(b.Upload(x, kernels.BytesOf(ones)))
	r.do(b.Upload(w, kernels.BytesOf(ones[:33*64])))
	return r
}

func (r *bench) do(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *bench) buffer(d kernels.Desc) kernels.Buffer {
	r.t.Helper()
	m, err := r.Alloc(d.Bytes())
	r.do(err)
	r.mems = append(r.mems, m)
	b, err := m.Slice(d, 0)
	r.do(err)
	return b
}

// add makes an op part of the run, and returns its first output.
func (r *bench) add(op kernels.Op, in ...kernels.Buffer) kernels.Buffer {
	r.t.Helper()
	var descs []kernels.Desc
	for _, x := range in {
		descs = append(descs, x.Desc)
	}
	outs, err := op.Infer(descs)
	r.do(err)
	k, err := r.Compile(op, descs, outs)
	r.do(err)
	var to []kernels.Buffer
	for _, d := range outs {
		to = append(to, r.buffer(d))
	}
	r.calls = append(r.calls, func(s *kernels.Step) { k.Run(s, in, to, nil) })
	return to[0]
}

func (r *bench) run(s *kernels.Step) {
	for _, call := range r.calls {
		call(s)
	}
}

func (r *bench) free() {
	for _, m := range r.mems {
		r.do(m.Free())
	}
}

func (r *bench) read(b kernels.Buffer) []byte {
	r.t.Helper()
	to := make([]byte, b.Bytes())
	r.do(r.Download(to, b))
	return to
}

func onFake(t testing.TB, o cudafake.Options) (*bench, *cudafake.Driver) {
	t.Helper()
	fake := cudafake.New(o)
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, b), fake
}

// summary is the kinds of the commands from one place on, one letter each.
func summary(commands []cudafake.Command) string {
	var s strings.Builder
	for _, c := range commands {
		s.WriteString(map[cudafake.Kind]string{cudafake.Launch: "l", cudafake.CopyToDevice: "u", cudafake.CopyToHost: "d", cudafake.Fill: "f", cudafake.Graph: "G",
			cudafake.Sync: "|", cudafake.Record: "e"}[c.Kind])
	}
	return s.String()
}

// A recording is captured in one go and launched whole, with the step before it when that is another one, and freed by Free or Close.
func TestRecordingOnFake(t *testing.T) {
	r, fake := onFake(t, cudafake.Options{})
	rec := &fake.Recording
	from := len(rec.Commands)
	r.run(&kernels.Step{Update: 1})
	r.do(r.Sync())
	if got := summary(rec.Commands[from:]); got != "lulll|" {
		t.Errorf("a plain run is %q", got)
	}
	plain := slices.DeleteFunc(slices.Clone(rec.Commands[from:]), func(c cudafake.Command) bool { return c.Kind != cudafake.Launch })
	from, calls := len(rec.Commands), len(rec.Calls)
	replay, err := r.Record("part", r.run)
	r.do(err)
	if got, want := strings.Join(rec.Calls[calls:], " "), "BeginCapture Launch Launch Launch Launch EndCapture"; got != want {
		t.Errorf("recording calls %s, want %s", got, want)
	}
	if got := summary(rec.Commands[from:]); got != "" {
		t.Errorf("recording queues %q", got)
	}
	for _, s := range []kernels.Step{{Update: 1}, {Update: 2}, {Update: 2}, {Update: 2, Row: 3}} {
		if !replay.Run(&s) {
			t.Fatal("nothing has moved, but the recording is not run")
		}
	}
	r.run(&kernels.Step{Update: 2, Row: 3})
	r.do(r.Sync())
	if got := summary(rec.Commands[from:]); got != "GuGGuGllll|" {
		t.Errorf("replays are %q", got)
	}
	graph := rec.Commands[from].Graph
	if len(graph) != len(plain) {
		t.Fatalf("%d launches in the graph, %d in a plain run", len(graph), len(plain))
	}
	for i := range graph {
		if graph[i].Kernel != plain[i].Kernel || !bytes.Equal(graph[i].Launch.Args, plain[i].Launch.Args) {
			t.Errorf("launch %d of the graph is %v, of a plain run %v, or other arguments", i, graph[i], plain[i])
		}
	}
	if _, err := r.Record("left to Close", r.run); err != nil {
		t.Error(err)
	}
	r.do(replay.Free())
	r.do(replay.Free())
	r.free()
	r.do(r.Close())
}

// Recorded work knows addresses of scratch memory, so it does not run once that has moved.
func TestRecordingIsStale(t *testing.T) {
	r, fake := onFake(t, cudafake.Options{})
	replay, err := r.Record("part", r.run)
	r.do(err)
	small := []kernels.Desc{kernels.Of(kernels.Float32, 10)}
	if _, err := r.Compile(kernels.SumSquares{}, small, []kernels.Desc{kernels.Of(kernels.Float64)}); err != nil || !replay.Run(&kernels.Step{}) {
		t.Errorf("a plan that needs no more scratch memory: %v", err)
	}
	r.do(r.Sync())
	from := len(fake.Recording.Commands)
	large := []kernels.Desc{kernels.Of(kernels.Float32, 4000000)}
	if _, err := r.Compile(kernels.SumSquares{}, large, []kernels.Desc{kernels.Of(kernels.Float64)}); err != nil {
		t.Fatal(err)
	}
	if replay.Run(&kernels.Step{}) {
		t.Error("it runs where scratch memory was")
	}
	if got := summary(fake.Recording.Commands[from:]); got != "|" {
		t.Errorf("queued: %q", got)
	}
	r.do(replay.Free())
	if replay, err = r.Record("part", r.run); err != nil || !replay.Run(&kernels.Step{}) {
		t.Errorf("a new recording: %v", err)
	}
	r.free()
	r.do(r.Close())
}

// What fails has the name of the recording and the call, and the back end can do everything else afterwards.
func TestRecordingFails(t *testing.T) {
	for _, call := range []string{"BeginCapture", "Launch", "EndCapture", "LaunchGraph"} {
		r, fake := onFake(t, cudafake.Options{FailAt: map[string]cudafake.Failure{call: {Call: 1, Code: 901}}})
		replay, err := r.Record("block 3", r.run)
		if call == "LaunchGraph" {
			r.do(err)
			replay.Run(&kernels.Step{})
			err = r.Sync()
		} else if replay != nil {
			t.Errorf("%s: there is a recording", call)
		}
		var e *driver.Error
		if !errors.As(err, &e) || e.Call != call || !strings.Contains(err.Error(), "block 3") {
			t.Errorf("%s: %v", call, err)
		}
		if call != "LaunchGraph" { // whose errors stay, like all of what runs
			r.run(&kernels.Step{})
			r.do(r.Sync())
			r.free()
			r.do(r.Close())
			if n := len(fake.Recording.Commands); n == 0 {
				t.Error("nothing ran")
			}
			continue
		}
		r.free()
		if err := r.Close(); !errors.As(err, &e) {
			t.Errorf("closing after the error: %v", err)
		}
	}
}

// What others do with the back end while something is recorded is neither recorded nor in the way.
func TestRecordingAmongOthers(t *testing.T) {
	r, fake := onFake(t, cudafake.Options{})
	others := func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.run(&kernels.Step{Update: 100})
			r.do(errors.Join(r.Upload(r.y, make([]byte, r.y.Bytes())), r.Sync()))
		}()
		<-done
	}
	r.do(r.Sync())
	from := len(fake.Recording.Commands)
	replay, err := r.Record("part", func(s *kernels.Step) {
		others()
		r.run(s)
		others()
	})
	r.do(err)
	replay.Run(&kernels.Step{})
	r.do(r.Sync())
	if got := summary(fake.Recording.Commands[from:]); got != "lulllu||llllu||uG|" {
		t.Errorf("queued: %q", got)
	}
	stop, ended := make(chan struct{}), make(chan error)
	go func() { // and at any moment
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
				if err := errors.Join(r.Upload(r.y, make([]byte, r.y.Bytes())), r.Sync()); err != nil {
					<-stop
					ended <- err
					return
				}
			}
		}
	}()
	for range 50 {
		replay, err := r.Record("part", r.run)
		r.do(err)
		replay.Run(&kernels.Step{})
		r.do(replay.Free())
	}
	close(stop)
	r.do(<-ended)
	for _, c := range fake.Recording.Commands {
		if c.Kind == cudafake.Graph && len(c.Graph) != 4 {
			t.Errorf("%d launches in a graph, want 4", len(c.Graph))
		}
	}
	r.free()
	r.do(r.Close())
}

func TestRecordingIsOff(t *testing.T) {
	for _, variable := range []string{GraphVariable + "=0", driver.SyncVariable + "=1", ""} {
		name, value, _ := strings.Cut(variable, "=")
		o := Options{SyncEach: name == ""}
		if name != "" {
			t.Setenv(name, value)
		}
		b, err := New(cudafake.New(cudafake.Options{}), anyImage{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Record("part", func(*kernels.Step) { t.Error("it runs") }); !errors.Is(err, kernels.ErrUnsupported) {
			t.Errorf("%q: %v", variable, err)
		}
		if name != "" {
			t.Setenv(name, "")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
