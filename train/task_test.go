package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aural/kernels"
	"aural/kernels/cpu"
	"aural/rng"
	"aural/runlog"
	"aural/safetensors"
)

// regression is a small task: linear regression y = w·x + b on rows that are drawn by their position, with inputs that are dropped at random
// by the position in the update, as dropout and masks are. Position.Index counts rows; an epoch has epochRows.
type regression struct {
	seed               uint64
	rows               int // of a micro-batch
	dataSite, dropSite uint32
	be                 kernels.Backend
	w                  *Weights
	m                  regressionMetrics
	loss               kernels.Buffer
	flight             []flown // micro-batches that Collect has not had
	errors             []float64

	poison  map[uint64]float64 // update → what its loss becomes
	spoil   map[uint64]float64 // update → what an element of its gradient becomes
	failRun map[uint64]error
	failPut error         // of Prepare
	save    error         // of SaveModel, after half of a file
	pace    time.Duration // of a micro-batch
	valid   func(update uint64) float64
	at      uint64            // last update that ran
	ran     func(at Position) // called when a micro-batch begins
	checked func()            // called when a validation begins

	codes   []float64 // of the last micro-batch
	failPic error     // of Show
}

const (
	features  = 19
	epochRows = 48
	groups    = 2
	entries   = 3
	modelFile = "model.safetensors"
)

// regressionMetrics has every kind of field that a task may have.
type regressionMetrics struct {
	regressionLoss
	Accuracy   float64    `metric:"accuracy"`
	Rows       float64    `metric:"rows,sum"`
	Perplexity [2]float64 `metric:"code_perplexity"`
	Untagged   float64
	Nowhere    float64 `metric:"nowhere"` // NaN at some updates, which is no reason to skip them
}

type regressionLoss struct {
	Loss float64 `metric:"loss"`
}

// flown is what Run leaves for Collect.
type flown struct {
	m     regressionMetrics
	codes [groups * entries]float64
}

// batch is a prepared micro-batch.
type batch struct {
	x []float32 // (rows, features)
	y []float32 // (rows)
}

func newRegression(t testing.TB, be kernels.Backend, rows int, accumulate bool) *regression {
	t.Helper()
	r, err := makeRegression(be, rows, accumulate)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func makeRegression(be kernels.Backend, rows int, accumulate bool) (*regression, error) {
	w, err := NewWeights(be, []Spec{{"linear.weight", []int{1, features}}, {"linear.bias", []int{1}}, {"unused", []int{3}}}, accumulate)
	if err != nil {
		return nil, err
	}
	r := &regression{seed: 5, dataSite: rng.Site("data"), dropSite: rng.Site("drop"), rows: rows, be: be, w: w, errors: make([]float64, rows), codes: make([]float64, groups*entries), loss: kernels.New(kernels.Float32), poison: map[uint64]float64{}}
	weight, _ := w.Param("linear.weight")
	for i := range weight.F32() {
		weight.F32()[i] = 0.01 * float32(i)
	}
	return r, nil
}

func (r *regression) Weights() *Weights { return r.w }

func (r *regression) NewWork() *batch {
	return &batch{x: make([]float32, r.rows*features), y: make([]float32, r.rows)}
}

func (r *regression) Prepare(ctx context.Context, at Position, b *batch) (int, Position, error) {
	if r.failPut != nil && at.Update == 3 {
		return 0, at, r.failPut
	}
	next := at
	for row := range r.rows {
		data := rng.At(r.seed, uint64(next.Epoch)<<32|uint64(next.Index), r.dataSite)
		drop := rng.At(r.seed, at.Update<<16|uint64(at.Row+row), r.dropSite)
		y := 0.1 * (rng.Unit(data.Uint32()) - 0.5)
		for i := range features {
			x := rng.Unit(data.Uint32()) - 0.5
			y += x * float32(i%5)
			if drop.Uint32()%8 == 0 {
				x = 0
			}
			b.x[row*features+i] = x
		}
		b.y[row] = y + 2
		if next.Index++; next.Index == epochRows {
			next.Epoch, next.Index = next.Epoch+1, 0
		}
	}
	return r.rows, next, nil
}

func (r *regression) Run(ctx context.Context, at Position, b *batch, m *Measured) error {
	began := time.Now()
	r.at = at.Update
	if r.ran != nil {
		r.ran(at)
	}
	time.Sleep(r.pace)
	if err := r.failRun[at.Update]; err != nil {
		return err
	}
	weight, _ := r.w.Param("linear.weight")
	bias, _ := r.w.Param("linear.bias")
	loss, hits := 0.0, 0
	for row := range r.rows {
		e := float64(bias.F32()[0]) - float64(b.y[row])
		for i, w := range weight.F32() {
			e += float64(w) * float64(b.x[row*features+i])
		}
		r.errors[row] = e
		loss += e * e / 2
		if math.Abs(e) < 0.5 {
			hits++
		}
	}
	if at.Micro == 0 {
		r.flight = r.flight[:0]
	}
	var f flown
	for row, y := range b.y {
		f.codes[int(math.Abs(float64(y))*1000)%entries]++
		f.codes[entries+row%entries]++
	}
	m.Forward = time.Since(began)
	if bad, ok := r.poison[at.Update]; ok {
		loss = bad
	}
	r.gradient(b, at)
	r.loss.F32()[0] = float32(loss)
	n := float64(r.rows)
	f.m = regressionMetrics{regressionLoss: regressionLoss{loss / n}, Accuracy: float64(hits) / n, Rows: n,
		Perplexity: [2]float64{1 / (1 + loss), loss / 3}, Untagged: math.NaN()}
	if at.Update%7 == 6 {
		f.m.Nowhere = math.NaN()
	}
	r.flight = append(r.flight, f)
	m.Loss = r.loss
	m.SampleSize, m.AudioSeconds, m.FLOPs = n, n/4, int64(4*r.rows*features)
	m.Backward = time.Since(began) - m.Forward
	return nil
}

func (r *regression) Collect(*Measured) error {
	r.m = r.flight[0].m
	copy(r.codes, r.flight[0].codes[:])
	r.flight = r.flight[:copy(r.flight, r.flight[1:])]
	return nil
}

func (r *regression) gradient(b *batch, at Position) {
	weight, _ := r.w.Gradient("linear.weight")
	bias, _ := r.w.Gradient("linear.bias")
	clear(weight.F32())
	bias.F32()[0] = 0
	for row, e := range r.errors {
		bias.F32()[0] += float32(e)
		for i := range features {
			weight.F32()[i] += float32(e) * b.x[row*features+i]
		}
	}
	if bad, ok := r.spoil[at.Update]; ok {
		bias.F32()[0] = float32(bad)
	}
}

func (r *regression) Validate(ctx context.Context) (Validation, error) {
	if r.checked != nil {
		r.checked()
	}
	score := 0.0
	for _, w := range r.w.Value.F32() {
		score += float64(w * w)
	}
	if r.valid != nil {
		score = r.valid(r.at + 1)
	}
	return Validation{Metrics: &regressionLoss{score}, Score: score, Better: Lower}, ctx.Err()
}

func (r *regression) Metrics() any { return &r.m }

func (r *regression) Codes() ([]float64, int, int) { return r.codes, groups, entries }

func (r *regression) Show(at Position, b *batch) (*runlog.Batch, []int16, error) {
	if r.failPic != nil {
		return nil, nil, r.failPic
	}
	return &runlog.Batch{ID: fmt.Sprintf("%+v", at), Rate: 16000, Samples: 2, Rows: r.rows, Text: fmt.Sprint(b.y[0])}, []int16{1, -1}, nil
}

func (r *regression) SaveModel(dir string) error {
	if r.save != nil {
		return errors.Join(os.WriteFile(filepath.Join(dir, modelFile), []byte("half"), 0o666), r.save)
	}
	var tensors []safetensors.Tensor
	for _, s := range r.w.Specs() {
		b, _ := r.w.Param(s.Name)
		tensors = append(tensors, safetensors.Tensor{Name: s.Name, DType: safetensors.F32, Shape: s.Shape, Data: b.HostBytes()})
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}\n"), 0o666); err != nil {
		return err
	}
	return safetensors.Write(filepath.Join(dir, modelFile), map[string]string{"format": "pt"}, tensors)
}

func (r *regression) LoadModel(dir string) error {
	f, err := safetensors.Open(filepath.Join(dir, modelFile))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range r.w.Specs() {
		x, err := f.Tensor(s.Name)
		if err != nil {
			return err
		}
		b, _ := r.w.Param(s.Name)
		if err := r.be.Upload(b, x.Data); err != nil {
			return err
		}
	}
	return nil
}

// testConfig is a short run. Neither the checkpoints nor the records fall on the same updates.
func testConfig(updates uint64) Config {
	c := DefaultConfig()
	c.MaxUpdates, c.LogEvery, c.ValidEvery, c.SaveEvery, c.SaveMinutes, c.SnapshotEvery = updates, 4, 6, 5, 0, 3
	c.Schedule.Peak, c.Schedule.Warmup = 0.05, 3
	c.Optimizer.Clip = 3
	c.Keep.Best = 0
	return c
}

func testBackend(t testing.TB) kernels.Backend {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// begin makes a run directory and its log.
func begin(t testing.TB) *runlog.Writer {
	t.Helper()
	w, err := runlog.Create(filepath.Join(t.TempDir(), "run"), runlog.Meta{Env: runlog.CollectEnv()}, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Failed, "the test ended") })
	return w
}

func quiet(t testing.TB) runlog.Options {
	return runlog.Options{NoTensorBoard: true, Report: func(err error) { t.Error(err) }}
}

// attach ends the log of a run and continues it.
func attach(t testing.TB, w *runlog.Writer, step uint64) *runlog.Writer {
	t.Helper()
	if err := w.Close(runlog.Stopped, ""); err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Attach(w.Dir(), int64(step), nil, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Failed, "the test ended") })
	return w
}

// series are the records of a run, without those of the machine.
func series(t testing.TB, dir string) map[string]map[int64]uint64 {
	t.Helper()
	r := read(t, dir)
	out := map[string]map[int64]uint64{}
	for _, name := range r.Names() {
		if kind, _, _ := strings.Cut(name, "/"); kind == runlog.System || kind == runlog.Host {
			continue
		}
		out[name] = map[int64]uint64{}
		steps, values := r.Series(name)
		for i, s := range steps {
			out[name][s] = math.Float64bits(values[i])
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no records", dir)
	}
	return out
}

func read(t testing.TB, dir string) *runlog.Reader {
	t.Helper()
	r, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for more := true; more; {
		if _, more, err = r.Poll(runlog.Budget{}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// alerts counts the alerts of a run by rule.
func alerts(t testing.TB, dir string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, e := range read(t, dir).Events() {
		if e.Kind == runlog.Alert {
			n[e.Data["rule"]]++
		}
	}
	return n
}
