package train

import (
	"math"
	"time"

	"aural/runlog"
)

// Status is how far a run is, for a line of progress. Numbers that are not known are NaN.
type Status struct {
	Update, Total    uint64 // updates done, and planned; Total is 0 when only the time is limited
	Epoch            int
	Loss, Accuracy   float64 // means since the last status
	LearningRate     float64
	GradientNorm     float64
	Skipped          uint64  // updates, since the run began
	HoursSeen        float64 // of audio, since the run began
	AudioRate        float64 // seconds of audio in a second
	UpdatesPerSecond float64
	GFLOPS           float64
	DataWait         float64 // share of the time spent waiting for batches
	Elapsed          time.Duration
	ETA              time.Duration  // 0 when not known
	Values           []runlog.Value // everything in the record, valid during the call
}

// The names of the loop's own metrics, as the table of runlog describes them.
const (
	lossMetric     = "loss"
	accuracyMetric = "accuracy"
)

// reporter collects updates into records. Its train records hold only what a continued run repeats bit for bit; times, rates and memory are records of
// the kind system.
type reporter struct {
	run     *runlog.Writer
	metrics []metric
	peak    float64 // GFLOP/s of the back end; 0: not known
	total   tally   // of the applied updates since the last record
	update  Window
	cost    cost // of all updates since the last record
	updates int  // that cost counts

	values []runlog.Value
	system []runlog.Value
	record runlog.Record

	codebook runlog.Codebook // without its counts, which are in total
	snapshot runlog.Snapshot
}

// add takes an update that was applied or skipped.
func (r *reporter) add(o outcome, lr float64, t *tally) {
	r.cost.merge(o.cost)
	r.updates++
	if o.bad != "" {
		return // its numbers would make every mean NaN
	}
	r.total.merge(t)
	r.update.Updates++
	r.update.GradientNorm += Number(o.norm)
	r.update.LearningRate = Number(lr)
	if o.clipped {
		r.update.Clipped++
	}
}

// write makes the records of update s.Position.Update and begins new ones. The status lacks what the loop knows.
func (r *reporter) write(s *State) Status {
	nan := math.NaN()
	st := Status{Loss: nan, Accuracy: nan, LearningRate: nan, GradientNorm: nan}
	v := r.values[:0]
	if n := float64(r.update.Updates); n > 0 {
		for i, m := range r.metrics {
			v = append(v, runlog.Value{Name: m.name, Value: r.total.mean(r.metrics, i)})
			switch m.name {
			case lossMetric:
				st.Loss = v[i].Value
			case accuracyMetric:
				st.Accuracy = v[i].Value
			}
		}
		st.LearningRate, st.GradientNorm = float64(r.update.LearningRate), float64(r.update.GradientNorm)/n
		v = append(v,
			runlog.Value{Name: "learning_rate", Value: st.LearningRate},
			runlog.Value{Name: "gradient_norm", Value: st.GradientNorm},
			runlog.Value{Name: "clip_rate", Value: float64(r.update.Clipped) / n},
			runlog.Value{Name: "audio_seconds", Value: r.total.audioSeconds / n})
	}
	st.Epoch, st.Skipped, st.HoursSeen = s.Position.Epoch, s.Skipped, s.AudioSeconds/3600
	v = append(v,
		runlog.Value{Name: "skipped_steps", Value: float64(s.Skipped)},
		runlog.Value{Name: "epoch", Value: float64(s.Position.Epoch)},
		runlog.Value{Name: "hours_seen", Value: st.HoursSeen})
	r.values = v
	r.put(s, runlog.Train, v)
	r.writeCodes(int64(s.Position.Update))
	r.writeSystem(s, &st)
	r.total.reset()
	r.update, r.cost, r.updates = Window{}, cost{}, 0
	st.Values = v
	return st
}

// writeSystem writes what depends on the machine. Rates count the time of updates only, not that of validation and checkpoints between them.
func (r *reporter) writeSystem(s *State, st *Status) {
	seconds := r.cost.step.Seconds()
	if r.updates == 0 || seconds == 0 {
		return
	}
	n := float64(r.updates)
	st.AudioRate = r.cost.audioSeconds / seconds
	st.UpdatesPerSecond = n / seconds
	st.GFLOPS = float64(r.cost.flops) / seconds / 1e9
	st.DataWait = r.cost.data.Seconds() / seconds
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / n }
	v := append(r.system[:0],
		runlog.Value{Name: "audio_rate", Value: st.AudioRate},
		runlog.Value{Name: "gflops", Value: st.GFLOPS},
		runlog.Value{Name: "updates_per_second", Value: st.UpdatesPerSecond},
		runlog.Value{Name: "time/step", Value: ms(r.cost.step)},
		runlog.Value{Name: "time/data", Value: ms(r.cost.data)},
		runlog.Value{Name: "time/forward", Value: ms(r.cost.forward)},
		runlog.Value{Name: "time/backward", Value: ms(r.cost.backward)},
		runlog.Value{Name: "time/optimizer", Value: ms(r.cost.optimizer)},
		runlog.Value{Name: "time/other", Value: ms(r.cost.other())},
		runlog.Value{Name: "data_wait", Value: st.DataWait})
	if r.peak > 0 {
		v = append(v, runlog.Value{Name: "peak_gflops", Value: r.peak}, runlog.Value{Name: "mfu", Value: st.GFLOPS / r.peak})
	}
	if rss, ok := residentBytes(); ok {
		v = append(v, runlog.Value{Name: "memory/rss", Value: float64(rss)})
	}
	r.system = v
	r.put(s, runlog.System, v)
}

func (r *reporter) put(s *State, kind string, v []runlog.Value) {
	r.record = runlog.Record{Step: int64(s.Position.Update), Kind: kind, Values: v}
	r.run.Record(&r.record)
}

// window is the part of the next record that is known, for a checkpoint.
func (r *reporter) window() Window {
	w := r.update
	w.Codes = r.total.codes
	w.SampleSize, w.AudioSeconds = Number(r.total.sampleSize), Number(r.total.audioSeconds)
	w.Totals = make(map[string]Number, len(r.metrics))
	for i, m := range r.metrics {
		w.Totals[m.name] = Number(r.total.totals[i])
	}
	return w
}

// resume continues the record that a checkpoint began. It reports false, and begins a new one, when that has other metrics.
func (r *reporter) resume(w Window) bool {
	if w.Updates == 0 {
		return true
	}
	if len(w.Totals) != len(r.metrics) {
		return false
	}
	for _, m := range r.metrics {
		if _, ok := w.Totals[m.name]; !ok {
			return false
		}
	}
	for i, m := range r.metrics {
		r.total.totals[i] = float64(w.Totals[m.name])
	}
	r.total.sampleSize, r.total.audioSeconds = float64(w.SampleSize), float64(w.AudioSeconds)
	if len(w.Codes) == len(r.total.codes) {
		copy(r.total.codes, w.Codes)
	}
	r.update = w
	r.update.Totals, r.update.Codes = nil, nil
	return true
}
