package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/ref"
)

// backends are those that training can run on here.
func backends(t testing.TB) map[string]kernels.Backend {
	t.Helper()
	c, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return map[string]kernels.Backend{"ref": ref.New(), "cpu": c}
}

func ptr(x float64) *float64 { return &x }

// put copies numbers into a view of a host back end.
func put(t testing.TB, b kernels.Buffer, ok bool, x []float64) {
	t.Helper()
	if !ok || b.Size() != len(x) {
		t.Fatalf("cannot put %d numbers into %v (found: %v)", len(x), b.Desc, ok)
	}
	for i := range x {
		b.F32()[i] = float32(x[i])
	}
}

// torchCase is testdata/adamw.json.
type torchCase struct {
	Shapes       map[string][]int       `json:"shapes"`
	Betas        [2]float64             `json:"betas"`
	Eps          float64                `json:"eps"`
	WeightDecay  float64                `json:"weight_decay"`
	Clip         float64                `json:"clip"`
	SampleSize   float64                `json:"sample_size"`
	CScale       float64                `json:"c_lr_scale"`
	CWeightDecay float64                `json:"c_weight_decay"`
	Rates        []float64              `json:"rates"`
	Start        map[string][]float64   `json:"start"`
	Gradients    []map[string][]float64 `json:"gradients"`
	Float64      torchRun               `json:"float64"`
}

type torchRun struct {
	Norms   []float64 `json:"norms"`
	Updates []map[string]struct {
		W, M, V []float64
	} `json:"updates"`
}

// Five updates equal those of torch.optim.AdamW with clip_grad_norm_, parameter groups and a frozen parameter.
func TestAdamWEqualsPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/adamw.json")
	if err != nil {
		t.Fatal(err)
	}
	var c torchCase
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	cfg := AdamWConfig{Betas: c.Betas, Eps: c.Eps, WeightDecay: c.WeightDecay, Clip: c.Clip,
		Groups: []Group{{Match: "c", LRScale: &c.CScale, WeightDecay: &c.CWeightDecay}, {Match: "[d-z]", Frozen: true}}}
	for name, be := range backends(t) {
		t.Run(name, func(t *testing.T) { c.compare(t, be, cfg) })
	}
}

func (c torchCase) compare(t *testing.T, be kernels.Backend, cfg AdamWConfig) {
	var specs []Spec
	for name, shape := range c.Shapes {
		specs = append(specs, Spec{name, shape})
	}
	w, err := NewWeights(be, specs, false)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Free()
	for name, x := range c.Start {
		b, ok := w.Param(name)
		put(t, b, ok, x)
	}
	o, err := NewAdamW(be, w, cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Free()
	if o.Launches() != 4 { // the norm of a, b and c; the decision; a and b; c
		t.Errorf("%d launches, want 4: neighbours with equal settings share one", o.Launches())
	}
	// Values are float32 and the golden numbers those of float64: an update is wrong by half an ulp of numbers around 0.1 that may cancel.
	tol := testkit.Tol{Rel: 3e-7, Abs: 1e-8}
	for u, grads := range c.Gradients {
		for name, g := range grads {
			b, ok := w.Gradient(name)
			put(t, b, ok, g)
		}
		v := o.mustUpdate(t, uint64(u+1), c.Rates[u], c.SampleSize)
		if want := c.Float64.Norms[u]; math.Abs(v.Norm-want) > 1e-12*want || v.Fault != NoFault {
			t.Errorf("update %d: %+v, PyTorch has the norm %v", u, v, want)
		}
		for name, want := range c.Float64.Updates[u] {
			value, _ := w.Param(name)
			m, v, _ := w.Moments(name)
			for _, x := range []struct {
				what string
				got  kernels.Buffer
				want []float64
			}{{"w", value, want.W}, {"m", m, want.M}, {"v", v, want.V}} {
				d, err := testkit.Compare(x.got.F32(), x.want, tol)
				if err != nil || !d.OK() {
					t.Errorf("update %d, %s of %q: %v %v", u, x.what, name, d, err)
				}
			}
		}
	}
}

// mustUpdate makes an update of gradients that are there.
func (o *AdamW) mustUpdate(t testing.TB, n uint64, lr, size float64) Verdict {
	t.Helper()
	if err := o.Decide(n, lr, size); err != nil {
		t.Fatal(err)
	}
	o.Apply()
	v, err := o.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The gaps between parameters stay zero: no update and no norm may depend on them.
func TestGapsStayZero(t *testing.T) {
	be := ref.New()
	w, err := NewWeights(be, []Spec{{"a", []int{3}}, {"b", []int{20}}}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		g, _ := w.Gradient(name)
		for i := range g.F32() {
			g.F32()[i] = 1
		}
	}
	o, err := NewAdamW(be, w, DefaultAdamW(), 1)
	if err != nil {
		t.Fatal(err)
	}
	o.mustUpdate(t, 1, 1, 1)
	if v := o.mustUpdate(t, 2, 0, 1); math.Abs(v.Norm-math.Sqrt(23)) > 1e-12 {
		t.Errorf("norm %v, want √23", v.Norm)
	}
	changed := 0
	for _, x := range w.Value.F32() {
		if x != 0 {
			changed++
		}
	}
	if changed != 23 || w.Count() != 23 {
		t.Errorf("%d elements changed, want the 23 of the parameters (%d)", changed, w.Count())
	}
}

func TestGroupsAreChecked(t *testing.T) {
	specs := []Spec{{"encoder.layers.0.attention.k_proj.bias", []int{2}}, {"encoder.layers.0.attention.k_proj.weight", []int{2, 2}}, {"quantizer.codevectors", []int{4}}}
	with := func(g ...Group) AdamWConfig {
		c := DefaultAdamW()
		c.Groups = g
		return c
	}
	for _, c := range []struct {
		name string
		cfg  AdamWConfig
		want []string // parts of the error
	}{
		{"no match", with(Group{Match: "*.k_porj.*", Frozen: true}), []string{`"*.k_porj.*" matches no parameter`, "k_proj.bias", "k_proj.weight"}},
		{"no match elsewhere", with(Group{Match: "quantizer.codevector", Frozen: true}), []string{"nearest names are quantizer.codevectors"}},
		{"shadowed", with(Group{Match: "encoder.*", Frozen: true}, Group{Match: "*.bias", WeightDecay: ptr(0)}), []string{`"*.bias" has no effect`, "put it before"}},
		{"all frozen", with(Group{Match: "*", Frozen: true}), []string{"all 3 parameters are frozen"}},
		{"bad pattern", with(Group{Match: "[", Frozen: true}), []string{`"["`, "not a pattern"}},
		{"empty pattern", with(Group{Frozen: true}), []string{"not a pattern"}},
		{"no setting", with(Group{Match: "*"}), []string{"changes nothing"}},
		{"negative", with(Group{Match: "*", LRScale: ptr(-1)}), []string{"lr_scale"}},
		{"beta", AdamWConfig{Betas: [2]float64{0.9, 1}, Eps: 1e-6}, []string{"betas[1] is 1"}},
		{"eps", AdamWConfig{Betas: [2]float64{0.9, 0.98}}, []string{"eps is 0"}},
		{"clip", AdamWConfig{Betas: [2]float64{0.9, 0.98}, Eps: 1, Clip: math.Inf(1)}, []string{"clip is +Inf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := NewWeights(ref.New(), specs, false)
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewAdamW(ref.New(), w, c.cfg, 1)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

// One update from a gradient of norm 8: what clipping leaves of it is in the first moment, and a fault leaves nothing.
func TestVerdicts(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, be := range backends(t) {
		for _, c := range []struct {
			name             string
			clip, size, grad float64
			losses           []float64
			moment           float64 // of a gradient of 1
			want             Verdict
		}{
			{"clipped", 2, 1, 1, []float64{1, 2}, 0.1 * 2 / 8.000001, Verdict{Norm: 8, Clipped: true}},
			{"small", 2, 5, 1, []float64{1, 2}, 0.1 / 5, Verdict{Norm: 1.6}},
			{"without a bound", 0, 1, 1, []float64{1, 2}, 0.1, Verdict{Norm: 8}},
			{"second loss", 2, 1, 1, []float64{1, nan}, 0, Verdict{Norm: 8, Clipped: true, Fault: FaultLoss}},
			{"first loss", 0, 1, 1, []float64{-inf, 1}, 0, Verdict{Norm: 8, Fault: FaultLoss}},
			{"size", 0, 0, 1, []float64{1, 2}, 0, Verdict{Norm: inf, Fault: FaultSize}},
			{"gradient", 0, 1, inf, []float64{1, 2}, 0, Verdict{Norm: inf, Fault: FaultNorm}},
		} {
			w, err := NewWeights(be, []Spec{{"w", []int{64}}}, false)
			if err != nil {
				t.Fatal(err)
			}
			cfg := DefaultAdamW()
			cfg.Clip = c.clip
			o, err := NewAdamW(be, w, cfg, 2)
			if err != nil {
				t.Fatal(err)
			}
			for i := range w.Value.F32() {
				w.Value.F32()[i], w.Grad.F32()[i] = 3, float32(c.grad)
			}
			for i, x := range c.losses {
				loss := kernels.New(kernels.Float32)
				loss.F32()[0] = float32(x)
				if err := o.Loss(i, loss); err != nil {
					t.Fatal(err)
				}
			}
			if v := o.mustUpdate(t, 1, 0.1, c.size); v != c.want {
				t.Errorf("%s, %s: %+v, want %+v", name, c.name, v, c.want)
			}
			if m := float64(w.M.F32()[63]); math.Abs(m-c.moment) > 1e-7 {
				t.Errorf("%s, %s: the first moment is %v, want %v", name, c.name, m, c.moment)
			}
			if changed := w.Value.F32()[63] != 3; changed != (c.want.Fault == NoFault) {
				t.Errorf("%s, %s: the weight changed: %v", name, c.name, changed)
			}
			if err := errors.Join(o.Free(), w.Free()); err != nil {
				t.Error(err)
			}
		}
	}
}

// A group that joins later keeps its bits until then, and from then on goes the way of parameters whose training begins there.
func TestGroupFrom(t *testing.T) {
	specs := []Spec{{Name: "early", Shape: []int{5}}, {Name: "late", Shape: []int{7}}}
	gradient := func(update, i int) float64 { return math.Sin(float64(3*update+i)) + 0.2 }
	for name, be := range backends(t) {
		start := func(cfg AdamWConfig) (*Weights, *AdamW) {
			w, err := NewWeights(be, specs, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range specs {
				b, ok := w.Param(s.Name)
				put(t, b, ok, []float64{1, -2, 3, 0.5, 0.25, -1, 2}[:s.Shape[0]])
			}
			o, err := NewAdamW(be, w, cfg, 1)
			if err != nil {
				t.Fatal(err)
			}
			return w, o
		}
		update := func(w *Weights, o *AdamW, at int, as uint64) {
			for _, s := range specs {
				b, _ := w.Gradient(s.Name)
				for i := range b.F32() {
					b.F32()[i] = float32(gradient(at, i))
				}
			}
			o.mustUpdate(t, as, 0.1, 1)
		}
		late := func(w *Weights) string { b, _ := w.Param("late"); return fmt.Sprint(b.F32()) }
		const from = 3
		cfg := DefaultAdamW()
		fresh, freshOptimizer := start(cfg)
		cfg.Groups = []Group{{Match: "late", From: from}}
		w, o := start(cfg)
		before := late(w)
		for at := 1; at <= from; at++ {
			update(w, o, at, uint64(at))
			if late(w) != before {
				t.Fatalf("%s: update %d moved what joins after %d", name, at, from)
			}
		}
		for at := from + 1; at <= from+4; at++ {
			update(w, o, at, uint64(at))
			update(fresh, freshOptimizer, at, uint64(at-from))
			if late(w) != late(fresh) {
				t.Fatalf("%s: at update %d: %s, from the beginning it would be %s", name, at, late(w), late(fresh))
			}
		}
	}
}
