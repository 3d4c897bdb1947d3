package train

import (
	"fmt"
	"math"
)

// The schedules.
const (
	Polynomial  = "polynomial"   // fairseq's polynomial_decay; with Power 1 the linear decay of wav2vec 2.0 pretraining
	TriStage    = "tri-stage"    // fairseq's tri_stage: warm-up, hold, decay (Park et al. 2019), as in wav2vec 2.0 fine-tuning
	Cosine      = "cosine"       // fairseq's cosine without restarts (Loshchilov and Hutter 2017)
	InverseSqrt = "inverse-sqrt" // Peak·min(n/Warmup, √(Warmup/n)), the schedule of the Transformer (Vaswani et al. 2017) given by its peak
	Constant    = "constant"
)

// The forms of the last stage of [TriStage]. The paper of wav2vec 2.0 says linear; its code, and so every published model, is exponential.
const (
	Exponential = "exponential"
	Linear      = "linear"
)

// ScheduleConfig says how the learning rate goes. Fields that a kind does not name in its comment have no effect on it.
type ScheduleConfig struct {
	Kind   string  `yaml:"kind" json:"kind"`
	Peak   float64 `yaml:"peak" json:"peak"`     // the highest rate
	Warmup uint64  `yaml:"warmup" json:"warmup"` // updates in which the rate rises linearly from Start to Peak; not tri-stage
	Total  uint64  `yaml:"total" json:"total"`   // update at which the decay ends; 0 means the run's max_updates. Polynomial, tri-stage, cosine
	Start  float64 `yaml:"start" json:"start"`   // rate at update 0, when there is a warm-up; not tri-stage
	End    float64 `yaml:"end" json:"end"`       // rate from Total on; polynomial and cosine
	Power  float64 `yaml:"power" json:"power"`   // polynomial

	Stages     [3]float64 `yaml:"stages,flow" json:"stages"`      // tri-stage: shares of Total for warm-up, hold, decay
	StartScale float64    `yaml:"start_scale" json:"start_scale"` // tri-stage: Peak·StartScale is the rate at update 0
	EndScale   float64    `yaml:"end_scale" json:"end_scale"`     // tri-stage: Peak·EndScale is the rate at the end of the decay
	Decay      string     `yaml:"decay" json:"decay"`             // tri-stage: Exponential or Linear
}

// DefaultSchedule is the schedule of wav2vec 2.0 BASE pretraining (Baevski et al. 2020, section 4.2), up to the run's length.
func DefaultSchedule() ScheduleConfig {
	return ScheduleConfig{Kind: Polynomial, Peak: 5e-4, Warmup: 32000, Power: 1,
		Stages: [3]float64{0.1, 0.4, 0.5}, StartScale: 0.01, EndScale: 0.05, Decay: Exponential}
}

// Validate checks a schedule whose Total is known.
func (c ScheduleConfig) Validate() error {
	fail := func(format string, a ...any) error { return fmt.Errorf("train: schedule "+c.Kind+": "+format, a...) }
	for _, f := range []struct {
		name  string
		value float64
	}{{"peak", c.Peak}, {"start", c.Start}, {"end", c.End}, {"power", c.Power}, {"start_scale", c.StartScale}, {"end_scale", c.EndScale}} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			return fail("%s is %v, want a finite number that is not negative", f.name, f.value)
		}
	}
	if c.Peak == 0 {
		return fail("peak is 0: nothing would be learnt")
	}
	if c.Kind != TriStage && (c.Start > c.Peak || c.End > c.Peak) {
		return fail("start %v and end %v must not exceed peak %v", c.Start, c.End, c.Peak)
	}
	switch c.Kind {
	case Constant:
	case InverseSqrt:
		if c.Warmup == 0 {
			return fail("warmup is 0; the decay is measured in warm-ups, so it must be at least 1")
		}
	case Polynomial, Cosine:
		if c.Total <= c.Warmup {
			return fail("warmup of %d updates does not end before total, update %d: lower warmup", c.Warmup, c.Total)
		}
		if c.Kind == Polynomial && c.Power == 0 {
			return fail("power is 0; use %q for a rate that does not decay", Constant)
		}
	case TriStage:
		return c.validateStages(fail)
	default:
		return fmt.Errorf("train: unknown schedule %q: want %s, %s, %s, %s or %s", c.Kind, Polynomial, TriStage, Cosine, InverseSqrt, Constant)
	}
	return nil
}

func (c ScheduleConfig) validateStages(fail func(string, ...any) error) error {
	sum := 0.0
	for _, s := range c.Stages {
		if !(s >= 0) {
			return fail("stages %v must not be negative", c.Stages)
		}
		sum += s
	}
	if math.Abs(sum-1) > 1e-9 {
		return fail("stages %v add up to %v, want 1", c.Stages, sum)
	}
	if _, _, decay := c.stages(); decay == 0 {
		return fail("the decay stage of stages %v has no update of total %d", c.Stages, c.Total)
	}
	if c.StartScale > 1 || c.EndScale > 1 {
		return fail("start_scale %v and end_scale %v must not exceed 1", c.StartScale, c.EndScale)
	}
	switch {
	case c.Decay != Exponential && c.Decay != Linear:
		return fail("unknown decay %q: want %s or %s", c.Decay, Exponential, Linear)
	case c.Decay == Exponential && c.EndScale == 0:
		return fail("end_scale is 0, which an exponential decay never reaches: use decay: %s", Linear)
	}
	return nil
}

// needsTotal reports whether the schedule depends on the length of the run.
func (c ScheduleConfig) needsTotal() bool {
	return c.Kind == Polynomial || c.Kind == Cosine || c.Kind == TriStage
}

// stages are the lengths of the three stages in updates, cut off as fairseq does.
func (c ScheduleConfig) stages() (warm, hold, decay uint64) {
	n := float64(c.Total)
	return uint64(n * c.Stages[0]), uint64(n * c.Stages[1]), uint64(n * c.Stages[2])
}

// LR is the learning rate of the update before which update others were done. The convention is fairseq's and PyTorch's: the first update of a run
// has LR(0), so that with a warm-up from 0 it changes nothing but the moments, and LR(Warmup) = Peak.
func (c ScheduleConfig) LR(update uint64) float64 {
	if c.Kind == TriStage {
		return c.triStage(update)
	}
	if update < c.Warmup {
		return c.Start + (c.Peak-c.Start)*(float64(update)/float64(c.Warmup))
	}
	switch c.Kind {
	case Polynomial, Cosine:
		if update >= c.Total {
			return c.End
		}
		done := float64(update-c.Warmup) / float64(c.Total-c.Warmup)
		if c.Kind == Cosine {
			return c.End + 0.5*(c.Peak-c.End)*(1+math.Cos(math.Pi*done))
		}
		return c.End + (c.Peak-c.End)*math.Pow(1-done, c.Power)
	case InverseSqrt:
		return c.Peak * math.Sqrt(float64(c.Warmup)/float64(update))
	}
	return c.Peak
}

func (c ScheduleConfig) triStage(update uint64) float64 {
	warm, hold, decay := c.stages()
	switch {
	case update < warm:
		start := c.Peak * c.StartScale
		return start + (c.Peak-start)*(float64(update)/float64(warm))
	case update < warm+hold:
		return c.Peak
	case update >= warm+hold+decay:
		return c.Peak * c.EndScale
	}
	done := float64(update-warm-hold) / float64(decay)
	if c.Decay == Linear {
		return c.Peak * (1 + (c.EndScale-1)*done)
	}
	return c.Peak * math.Pow(c.EndScale, done) // e^(-κs) with κ = -ln(EndScale)/decay
}
