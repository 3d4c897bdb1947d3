package quantizer

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Values of the published schedules: base (floor 0.5 at update 277,258) and large (floor 0.1 at 599,146).
func TestTemperature(t *testing.T) {
	base := Default()
	for u, want := range map[uint64]float64{0: 2, 10000: 1.902, 50000: 1.558, 100000: 1.213, 200000: 0.736, 277259: 0.5, 400000: 0.5} {
		if got := base.Temperature(u); math.Abs(got-want) > 6e-4 {
			t.Errorf("temperature of update %d is %.4f, want %.3f", u, got, want)
		}
	}
	if base.Temperature(277250) <= 0.5 || base.Temperature(277260) != 0.5 {
		t.Error("the floor is not reached at 277,258")
	}
}

func TestPerplexity(t *testing.T) {
	for _, c := range []struct {
		counts []float64
		want   float64
	}{{[]float64{5, 0, 0}, 1}, {[]float64{2, 2, 2, 2}, 4}, {[]float64{0, 0}, 0}, {[]float64{1, 1, 0, 2}, math.Exp(1.0397207708399179)}} {
		if got := Perplexity(c.counts); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("perplexity of %v is %v, want %v", c.counts, got, c.want)
		}
	}
}

func TestCodeCounts(t *testing.T) {
	counts := make([]float64, 6)
	CodeCounts(counts, []int32{0, 2, 1, 2, -1, -1}, 2, 3)
	for i, want := range []float64{1, 1, 0, 0, 0, 2} {
		if counts[i] != want {
			t.Fatalf("counts %v", counts)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	bad := Config{}
	if bad.Validate() == nil {
		t.Error("the empty config is valid")
	}
}

// EntryCosine is the mean over all pairs of different entries of a group.
func TestEntryCosine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Groups: rapid.IntRange(1, 3).Draw(t, "groups"), Entries: rapid.IntRange(2, 9).Draw(t, "entries")}
		dim := rapid.IntRange(1, 5).Draw(t, "dim")
		cfg.Dim = dim * cfg.Groups
		x := rapid.SliceOfN(rapid.Float32Range(-2, 2), cfg.Dim*cfg.Entries, cfg.Dim*cfg.Entries).Draw(t, "codevectors")
		want, pairs := 0.0, 0
		for g := range cfg.Groups {
			for i := range cfg.Entries {
				for j := range cfg.Entries {
					if i == j {
						continue
					}
					pairs++
					a, b := x[(g*cfg.Entries+i)*dim:][:dim], x[(g*cfg.Entries+j)*dim:][:dim]
					var ab, aa, bb float64
					for k := range dim {
						ab, aa, bb = ab+float64(a[k])*float64(b[k]), aa+float64(a[k])*float64(a[k]), bb+float64(b[k])*float64(b[k])
					}
					if aa > 0 && bb > 0 {
						want += ab / math.Sqrt(aa) / math.Sqrt(bb)
					}
				}
			}
		}
		if got := EntryCosine(x, cfg); math.Abs(got-want/float64(pairs)) > 1e-9 {
			t.Fatalf("got %v, want %v", got, want/float64(pairs))
		}
	})
}
