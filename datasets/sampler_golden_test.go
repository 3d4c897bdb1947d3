package datasets

import (
	"fmt"
	"hash/fnv"
	"testing"
)

// The batches of a seed belong to the record of a run: a checkpoint stores (seed, epoch, index) and resumes with them. These
// numbers are FNV-1a hashes of all cuts of epochs 0 and 3 and of a validation pass, made by the first version of the
// sampler, which kept every key and sorted each bucket with them. A change of them must be meant.
func TestBatchesStayAsTheyWere(t *testing.T) {
	pad := SamplerConfig{BatchSamples: 1_000_000, MinSamples: 40_000, MaxSamples: 240_000, Buckets: 5, Mode: Pad, Seed: 1 << 40}
	crop, one := DefaultSamplerConfig(), DefaultSamplerConfig()
	crop.Seed, one.Buckets = 11, 1
	for name, c := range map[string]struct {
		view View
		cfg  SamplerConfig
		want string
	}{
		"crop":         {speechLike(3000), crop, "3223ffd33c1cb7dc"},
		"pad":          {speechLike(3000), pad, "ddb18b7d471eeb1c"},
		"large bucket": {speechLike(20_000), one, "e359b64cd4390597"},
		"small":        {speechLike(5), crop, "1a03a6888e572626"},
	} {
		s, err := NewSampler(c.view, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		h := fnv.New64a()
		for _, epoch := range []int{0, 3} {
			for i := range s.Len() {
				fmt.Fprintln(h, s.Batch(epoch, i))
			}
		}
		fmt.Fprintln(h, s.Sequential(), s.Buckets(), s.LeftOut())
		if got := fmt.Sprintf("%016x", h.Sum64()); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The same for what is held out: resuming a run must not move utterances from validation to training.
func TestSplitStaysAsItWas(t *testing.T) {
	for mode, want := range map[SplitMode]string{SplitSpeakers: "e1f6788d619fae47", SplitUtterances: "6d774c93e922b70f"} {
		var rows []row
		for i := range 3000 {
			rows = append(rows, row{2 * i, Rate * (2 + i%13), fmt.Sprint("s", i*i%101)})
		}
		h := fnv.New64a()
		for seed := range uint64(3) {
			held, err := Split(makeView(rows), SplitConfig{Fraction: 0.07, Mode: mode, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range rowsOf(held.Valid) {
				fmt.Fprintln(h, e.Row, e.Samples, e.Speaker)
			}
		}
		if got := fmt.Sprintf("%016x", h.Sum64()); got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
	}
}
