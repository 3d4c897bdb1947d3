package plots

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"aural/runlog"
)

// synthetic describes a made-up run whose curves have the shapes of the reference trajectories: accuracy leaves chance
// late, perplexity falls into a valley and rises again, the gradient norm has spikes.
type synthetic struct {
	name    string
	seed    uint64
	updates int64
	every   int64   // updates between records
	speed   float64 // how fast it learns; 1 is the base model at 1.5 hours a batch
	spoiled bool    // with NaN, infinities and a loss spike
}

// make writes the run below root and returns a reader that has read it.
func (s synthetic) make(t testing.TB, root string) *runlog.Reader {
	t.Helper()
	dir := filepath.Join(root, s.name)
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: s.updates}, runlog.Options{NoTensorBoard: true, Report: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(time.Second) // after the session marker, which takes the time of now
	random := rand.New(rand.NewPCG(s.seed, 1))
	for u := s.every; u <= s.updates; u += s.every {
		at := start.Add(time.Duration(float64(u) * 0.9 * float64(time.Second)))
		w.Record(&runlog.Record{Step: u, Time: at, Kind: runlog.Train, Values: s.values(u, random, 1)})
		w.Record(&runlog.Record{Step: u, Time: at, Kind: runlog.System, Values: machineValues(random)})
		if u%(s.every*50) == 0 {
			w.Record(&runlog.Record{Step: u, Time: at, Kind: runlog.Valid, Values: s.values(u, random, 0.1)[:8]})
		}
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	r, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, _, err := r.Poll(runlog.Budget{}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (s synthetic) values(u int64, random *rand.Rand, noise float64) []runlog.Value {
	n := func(sigma float64) float64 { return random.NormFloat64() * sigma * noise }
	x := float64(u) * s.speed
	accuracy := 0.0099 + 0.62*(1-math.Exp(-x/40e3)) + n(0.012)
	contrastive := 4.615 - 2.75*(1-math.Exp(-x/30e3)) + n(0.06)
	perplexity := 330*(1-math.Exp(-x/25e3)) + 300*math.Exp(-x/400) + 18 + n(6)
	penalty := 0.3 + 0.4*math.Exp(-x/1e3) + x/1e6
	norm := (0.7 + 2*math.Exp(-x/4e3)) * math.Exp(n(0.15))
	rate := 5e-4 * min(float64(u)/32e3, max(0, (400e3-float64(u))/368e3))
	if random.IntN(400) == 0 {
		norm *= 20
	}
	if s.spoiled && u > s.updates/2 && u < s.updates*11/20 {
		contrastive = math.NaN()
		norm = math.Inf(1)
	}
	if s.spoiled && u == s.updates/4 {
		contrastive = 9
	}
	diversity := (640 - perplexity) / 640
	return []runlog.Value{
		{Name: "loss", Value: contrastive + 0.1*diversity + penalty/10}, {Name: "contrastive_loss", Value: contrastive},
		{Name: "weighted_diversity_loss", Value: 0.1 * diversity}, {Name: "weighted_feature_penalty", Value: penalty / 10},
		{Name: "accuracy", Value: accuracy}, {Name: "code_perplexity", Value: perplexity * 0.8}, {Name: "prob_perplexity", Value: perplexity},
		{Name: "chance_loss", Value: math.Log(101)}, {Name: "chance_accuracy", Value: 1.0 / 101}, {Name: "max_perplexity", Value: 640},
		{Name: "gradient_norm", Value: norm}, {Name: "learning_rate", Value: rate},
		{Name: "gumbel_temperature", Value: max(0.5, 2*math.Pow(0.999995, float64(u)))},
		{Name: "hours_seen", Value: float64(u) * 1.56},
	}
}

// machineValues is what the training loop records of the machine.
func machineValues(random *rand.Rand) []runlog.Value {
	n := func(sigma float64) float64 { return random.NormFloat64() * sigma }
	return []runlog.Value{
		{Name: "audio_rate", Value: 6200 + n(150)}, {Name: "gflops", Value: 310e3 + n(5e3)}, {Name: "data_wait", Value: math.Abs(n(0.01)) + 0.02},
		{Name: "time/data", Value: 18 + math.Abs(n(6))}, {Name: "time/forward", Value: 260 + n(8)}, {Name: "time/backward", Value: 540 + n(12)},
		{Name: "time/optimizer", Value: 42 + n(2)},
	}
}
