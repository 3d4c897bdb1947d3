package train

import (
	"math"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*max(math.Abs(a), math.Abs(b)) }

// with changes the defaults.
func schedule(kind string, change func(*ScheduleConfig)) ScheduleConfig {
	c := DefaultSchedule()
	c.Kind = kind
	if change != nil {
		change(&c)
	}
	return c
}

// Published values, computed by hand from the formulas of the sources: fairseq's schedulers, the recipes of wav2vec and wav2vec 2.0, and the
// Conformer paper's peaks 0.05/√d.
func TestSchedulesHaveThePublishedValues(t *testing.T) {
	base := schedule(Polynomial, func(c *ScheduleConfig) { c.Total = 400000 })
	tri := schedule(TriStage, func(c *ScheduleConfig) { c.Peak, c.Total = 3e-5, 20000 })
	linear := tri
	linear.Decay = Linear
	v1 := schedule(Cosine, func(c *ScheduleConfig) { c.Peak, c.Start, c.End, c.Warmup, c.Total = 5e-3, 1e-7, 1e-6, 500, 400000 })
	conformer := schedule(InverseSqrt, func(c *ScheduleConfig) { c.Peak, c.Warmup = 0.05/math.Sqrt(512), 10000 })
	for _, c := range []struct {
		name   string
		cfg    ScheduleConfig
		update uint64
		want   float64
	}{
		{"base, first update", base, 0, 0},
		{"base, second update", base, 1, 5e-4 / 32000},
		{"base, half of the warm-up", base, 16000, 2.5e-4},
		{"base, peak", base, 32000, 5e-4},
		{"base, half of the decay", base, 216000, 2.5e-4},
		{"base, last update", base, 399999, 5e-4 / 368000},
		{"base, end", base, 400000, 0},
		{"base, beyond", base, 500000, 0},
		{"tri-stage, first update", tri, 0, 3e-7},
		{"tri-stage, half of the warm-up", tri, 1000, 3e-7 + (3e-5-3e-7)/2},
		{"tri-stage, hold begins", tri, 2000, 3e-5},
		{"tri-stage, hold ends", tri, 10000, 3e-5},
		{"tri-stage, half of the decay", tri, 15000, 3e-5 * math.Exp(math.Log(0.05)/2)},
		{"tri-stage, end", tri, 20000, 1.5e-6},
		{"tri-stage, beyond", tri, 30000, 1.5e-6},
		{"linear tri-stage, half of the decay", linear, 15000, 3e-5 * 1.05 / 2},
		{"linear tri-stage, end", linear, 20000, 1.5e-6},
		{"wav2vec, first update", v1, 0, 1e-7},
		{"wav2vec, peak", v1, 500, 5e-3},
		{"wav2vec, half", v1, 200250, (5e-3 + 1e-6) / 2},
		{"wav2vec, end", v1, 400000, 1e-6},
		{"conformer, peak", conformer, 10000, 2.2097e-3},
		{"conformer, later", conformer, 40000, 2.2097e-3 / 2},
		{"conformer, warm-up", conformer, 1000, 2.2097e-4},
		{"constant", schedule(Constant, func(c *ScheduleConfig) { c.Warmup = 0 }), 7, 5e-4},
		{"constant, warm-up", schedule(Constant, func(c *ScheduleConfig) { c.Warmup = 10 }), 7, 3.5e-4},
	} {
		if err := c.cfg.Validate(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := c.cfg.LR(c.update); !near(got, c.want, 1e-5) {
			t.Errorf("%s: LR(%d) = %v, want %v", c.name, c.update, got, c.want)
		}
	}
}

// NeMo's form of the Transformer schedule, 5·d^-½·min(n^-½, n·w^-1.5), is the same as ours by its peak 5·(d·w)^-½.
func TestInverseSqrtIsNoam(t *testing.T) {
	const d, w = 256, 10000
	c := schedule(InverseSqrt, func(c *ScheduleConfig) { c.Warmup, c.Peak = w, 5/math.Sqrt(d*w) })
	for _, n := range []float64{1, 10, 5000, 10000, 20000, 1e6} {
		want := 5 / math.Sqrt(d) * min(1/math.Sqrt(n), n*math.Pow(w, -1.5))
		if got := c.LR(uint64(n)); !near(got, want, 1e-12) {
			t.Errorf("LR(%v) = %v, want %v", n, got, want)
		}
	}
}

// anySchedule draws schedules that are valid.
func anySchedule(t *rapid.T) ScheduleConfig {
	total := rapid.Uint64Range(20, 3000).Draw(t, "total")
	peak := rapid.Float64Range(1e-6, 1).Draw(t, "peak")
	warm := rapid.Float64Range(0, 0.8).Draw(t, "warm")
	hold := rapid.Float64Range(0, 0.9-warm).Draw(t, "hold")
	c := ScheduleConfig{
		Kind:   rapid.SampledFrom([]string{Polynomial, TriStage, Cosine, InverseSqrt, Constant}).Draw(t, "kind"),
		Peak:   peak,
		Warmup: rapid.Uint64Range(1, total-10).Draw(t, "warmup"),
		Total:  total,
		Start:  peak * rapid.Float64Range(0, 1).Draw(t, "start"),
		End:    peak * rapid.Float64Range(0, 1).Draw(t, "end"),
		Power:  rapid.Float64Range(0.5, 3).Draw(t, "power"),
		Stages: [3]float64{warm, hold, 1 - warm - hold}, StartScale: rapid.Float64Range(0, 1).Draw(t, "start scale"),
		EndScale: rapid.Float64Range(0.01, 1).Draw(t, "end scale"), Decay: rapid.SampledFrom([]string{Exponential, Linear}).Draw(t, "decay"),
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	return c
}

// Whatever the settings: the rate rises to the peak, reaches it, never exceeds it, then does not rise, ends at its end, and does not jump.
func TestSchedulesRiseAndFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anySchedule(t)
		top := c.Warmup
		end, stay := c.End, c.Total
		warm, hold, decay := c.stages()
		switch c.Kind {
		case TriStage:
			top, end, stay = warm, c.Peak*c.EndScale, warm+hold+decay
		case Constant:
			end, stay = c.Peak, c.Warmup
		case InverseSqrt:
			stay = math.MaxUint64
		}
		for n := uint64(0); n < c.Total+5; n++ {
			lr, next := c.LR(n), c.LR(n+1)
			switch {
			case !(lr >= 0) || lr > c.Peak*(1+1e-12):
				t.Fatalf("LR(%d) = %v is outside [0, %v]", n, lr, c.Peak)
			case n < top && next < lr*(1-1e-12):
				t.Fatalf("the rate falls in the warm-up, from %v to %v at %d", lr, next, n)
			case n >= top && next > lr*(1+1e-12):
				t.Fatalf("the rate rises after the warm-up, from %v to %v at %d", lr, next, n)
			case n >= stay && !near(lr, end, 1e-12):
				t.Fatalf("LR(%d) = %v, want the end %v", n, lr, end)
			}
		}
		if !near(c.LR(top), c.Peak, 1e-12) {
			t.Fatalf("LR(%d) = %v, want the peak %v", top, c.LR(top), c.Peak)
		}
	})
}

// Seen at a hundredth of the pace, no schedule jumps where its parts meet: scaled to more updates, each step becomes as small.
func TestSchedulesAreContinuous(t *testing.T) {
	for _, kind := range []string{Polynomial, TriStage, Cosine, InverseSqrt} {
		for _, decay := range []string{Exponential, Linear} {
			c := schedule(kind, func(c *ScheduleConfig) { c.Warmup, c.Total, c.Decay, c.Start = 20000, 200000, decay, 1e-5 })
			for n := uint64(0); n < 210000; n++ {
				if jump := math.Abs(c.LR(n+1) - c.LR(n)); jump > c.Peak*1e-4 {
					t.Errorf("%s: the rate jumps by %v at update %d", kind, jump, n)
					break
				}
			}
		}
	}
}

func TestScheduleIsChecked(t *testing.T) {
	for name, change := range map[string]func(*ScheduleConfig){
		"unknown kind":        func(c *ScheduleConfig) { c.Kind = "polynomal" },
		"no peak":             func(c *ScheduleConfig) { c.Peak = 0 },
		"NaN":                 func(c *ScheduleConfig) { c.Peak = math.NaN() },
		"negative end":        func(c *ScheduleConfig) { c.End = -1 },
		"end above the peak":  func(c *ScheduleConfig) { c.End = 1 },
		"warm-up too long":    func(c *ScheduleConfig) { c.Total = c.Warmup },
		"no power":            func(c *ScheduleConfig) { c.Power = 0 },
		"no warm-up":          func(c *ScheduleConfig) { c.Kind, c.Warmup = InverseSqrt, 0 },
		"stages not 1":        func(c *ScheduleConfig) { c.Kind, c.Stages = TriStage, [3]float64{0.1, 0.4, 0.4} },
		"negative stage":      func(c *ScheduleConfig) { c.Kind, c.Stages = TriStage, [3]float64{-0.1, 0.6, 0.5} },
		"no decay stage":      func(c *ScheduleConfig) { c.Kind, c.Stages = TriStage, [3]float64{0.5, 0.5, 0} },
		"decay unknown":       func(c *ScheduleConfig) { c.Kind, c.Decay = TriStage, "cubic" },
		"exponential to zero": func(c *ScheduleConfig) { c.Kind, c.EndScale = TriStage, 0 },
		"scale above 1":       func(c *ScheduleConfig) { c.Kind, c.EndScale = TriStage, 2 },
	} {
		c := schedule(Polynomial, func(c *ScheduleConfig) { c.Total = 400000 })
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no micro-batch": func(c *Config) { c.Accumulate = 0 },
		"never logs":     func(c *Config) { c.LogEvery = 0 },
		"keeps nothing":  func(c *Config) { c.Keep.Last = 0 },
		"never skips":    func(c *Config) { c.MaxSkipped = 0 },
		"never ends":     func(c *Config) { c.MaxUpdates = 0 },
		"no total":       func(c *Config) { c.MaxUpdates, c.MaxMinutes = 0, 1 },
		"NaN minutes":    func(c *Config) { c.SaveMinutes = math.NaN() },
		"bad optimizer":  func(c *Config) { c.Optimizer.Eps = 0 },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Recipes are YAML: what is written must be read back, and only the known keys be there.
func TestConfigIsYAML(t *testing.T) {
	c := DefaultConfig()
	c.Optimizer.Groups = []Group{{Match: "*.bias", WeightDecay: ptr(0)}, {Match: "x", LRScale: ptr(0.5)}}
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Config
	if err := yaml.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := yaml.Marshal(back)
	if err != nil || string(again) != string(data) {
		t.Errorf("written as\n%s\nread back as\n%s (%v)", data, again, err)
	}
}
