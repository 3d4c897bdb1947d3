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
			valid := s.values(u, random, 0.1)
			w.Record(&runlog.Record{Step: u, Time: at, Kind: runlog.Valid, Values: append(valid[:8:8], valid[12:25]...)})
			w.Snapshot(codes(u, s.every*50, s.updates), nil)
			w.Snapshot(batch(u, s.updates))
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
		{Name: "code_perplexity/0", Value: perplexity * 0.3}, {Name: "code_perplexity/1", Value: perplexity * 0.5},
		{Name: "prob_perplexity/0", Value: perplexity * 0.4}, {Name: "prob_perplexity/1", Value: perplexity * 0.6},
		{Name: "masked_share", Value: 0.49 + n(0.01)}, {Name: "mask_run", Value: 14.7 + n(0.3)}, {Name: "duplicate_distractors", Value: 0.02 + 0.5*math.Exp(-x/3e3)},
		{Name: "positive_cosine", Value: 0.1 + 0.5*(1-math.Exp(-x/30e3)) + n(0.01)}, {Name: "negative_cosine", Value: 0.35 + n(0.01)},
		{Name: "wer", Value: 0.1 + 0.9*math.Exp(-x/50e3)}, {Name: "wer_lm", Value: 0.06 + 0.9*math.Exp(-x/40e3)}, {Name: "cer", Value: 0.04 + 0.9*math.Exp(-x/30e3)},
		{Name: "probe/accuracy", Value: 0.8 - 0.7*math.Exp(-x/15e3)}, {Name: "probe/chance_accuracy", Value: 0.0625}, {Name: "ctc_loss", Value: 0.3 + 4*math.Exp(-x/20e3) + n(0.1)},
		{Name: "epoch", Value: math.Floor(float64(u) / 7300)},
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
		{Name: "time/optimizer", Value: 42 + n(2)}, {Name: "time/other", Value: 12 + n(1)},
	}
}

// codes is the snapshot of two codebooks of 40 entries: of the first some die, the second becomes even.
func codes(u, updates, of int64) *runlog.Snapshot {
	const entries = 40
	c := &runlog.Codebook{Groups: 2, Entries: entries, Counts: make([]int64, 2*entries), Updates: updates}
	done := float64(u) / float64(of)
	for i := range entries {
		if float64(i) > entries*(1-0.4*done) {
			continue
		}
		c.Counts[i*7%entries] = int64(1 + 900*math.Exp(-float64(i)/8))
		c.Counts[entries+i] = int64(40 + 900*math.Exp(-float64(i)/(2+40*done)))
	}
	return &runlog.Snapshot{Step: u, Codebook: c}
}

// batch is the snapshot of 3 s of a rising tone with a third of it masked, in two spans.
func batch(u, of int64) (*runlog.Snapshot, []int16) {
	const rate, seconds, frames = 16000, 3, 150
	random := rand.New(rand.NewPCG(uint64(u), 2))
	sample := make([]int16, rate*seconds)
	for i := range sample {
		at := float64(i) / rate
		sample[i] = int16(9000*math.Sin(2*math.Pi*(200+400*at)*at)*math.Abs(math.Sin(3*at)) + 60*random.NormFloat64())
	}
	b := &runlog.Batch{ID: "1089-134686-0007", Speaker: "1089", Samples: len(sample), Rate: rate, Frames: frames, Rows: 8, Spans: [][2]int{{20, 30}, {80, 20}}}
	for _, span := range b.Spans {
		for f := span[0]; f < span[0]+span[1]; f++ {
			b.Masked = append(b.Masked, runlog.MaskedFrame{Frame: f, Codes: []int{f / 3 % 40, random.IntN(40)}, Correct: random.Float64() < float64(u)/float64(of),
				Positive: 0.5, BestNegative: 0.3})
		}
	}
	return &runlog.Snapshot{Step: u, Batch: b}, sample
}
