package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"aural/infer"

	"github.com/spf13/cobra"
)

type benchTranscribeFlags struct {
	model, precision string
	lengths          []float64
	repeat           int
	json             bool
	machine          machineFlags
}

func (a *app) benchTranscribe() *cobra.Command {
	var f benchTranscribeFlags
	c := a.command(&cobra.Command{
		Use:   "transcribe --model MODEL",
		Short: "Time the transcription of synthetic audio with a model",
		Long: `Transcribe makes utterances of noise in memory and transcribes all of them with the greedy decoder,
again and again: input normalised, network, log-probabilities, text. It prints seconds of audio a
second, by the median, and where the time of the network goes. The first round does not count: it
compiles the programs. What is said does not change the time, so noise will do.`,
		Example: `  aural bench transcribe --model wav2vec2-base-960h
  aural bench transcribe --model runs/mine/best --lengths 2,2,2,3,3,5 --json`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.runBenchTranscribe(f) })
	p := c.Flags()
	p.StringVar(&f.model, "model", "", "`MODEL` folder with a CTC head (required)")
	p.Float64SliceVar(&f.lengths, "lengths", []float64{15.6}, "lengths of the utterances of a round, `SECONDS` with commas between")
	p.IntVar(&f.repeat, "repeat", 5, "rounds to time")
	precisionFlag(c, &f.precision)
	p.BoolVar(&f.json, "json", false, "print the measurements as JSON")
	machineFlagsOf(c, &f.machine)
	a.deviceFlagOf(c, &f.machine)
	c.MarkFlagRequired("model")
	return c
}

// transcribeReport is the outcome of bench transcribe.
type transcribeReport struct {
	Machine        benchMachine `json:"machine"`
	Parameters     int          `json:"parameters"`
	Lengths        []float64    `json:"lengths"`       // seconds of audio
	Rounds         []float64    `json:"round_seconds"` // in order
	Median         float64      `json:"median_seconds"`
	AudioPerSecond float64      `json:"audio_seconds_per_second"` // by the median
	Compile        float64      `json:"first_round_seconds"`      // with the programs compiled
	Network        float64      `json:"network_share"`            // of the rounds
	GFLOPs         float64      `json:"gflops"`                   // of the network
	PeakMemory     int64        `json:"peak_resident_bytes,omitempty"`
	Ops            []opRow      `json:"ops"`
}

func (a *app) runBenchTranscribe(f benchTranscribeFlags) (err error) {
	total := 0.0
	for _, s := range f.lengths {
		if !(s > 0 && s <= 3600) {
			return usagef("--lengths has %v, want seconds above 0, to 3600", s)
		}
		total += s
	}
	if f.repeat < 1 || len(f.lengths) == 0 {
		return usagef("--repeat is %d and there are %d --lengths, want at least 1 of each", f.repeat, len(f.lengths))
	}
	t := &transcriber{app: a, walk: walk{bar: newTicker(a.err, true)}, silent: true}
	o := infer.DefaultOptions()
	if err := t.open(transcribeFlags{model: f.model, precision: f.precision, machine: f.machine, chunk: o.ChunkSeconds, overlap: o.OverlapSeconds}, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	group := make([]heard, len(f.lengths))
	for i, s := range f.lengths {
		x := make([]float32, int(s*infer.Rate))
		word := uint32(i + 1)
		for j := range x {
			word = word*1664525 + 1013904223 // Numerical Recipes' generator: noise, the same each time
			x[j] = float32(int32(word)) / (1 << 34)
		}
		group[i] = heard{audio: x}
	}
	r := transcribeReport{Machine: benchMachine{versionText(), t.backend.Name(), threadsOf(t.backend)}, Parameters: t.recogniser.model.Parameters(), Lengths: f.lengths}
	for i := range f.repeat + 1 {
		began := time.Now()
		if _, err := t.transcribe(context.Background(), group); err != nil {
			return err
		}
		spent := time.Since(began).Seconds()
		if i == 0 {
			r.Compile = spent
			t.recogniser.model.ResetProfile()
			continue
		}
		r.Rounds = append(r.Rounds, spent)
	}
	r.measure(t, total)
	if f.json {
		return writeJSON(a.out, r)
	}
	a.print("%.2f s of audio a second (median of %d rounds of %s, %.3f s each), %s, %d threads", r.AudioPerSecond, len(r.Rounds), audioText(total), r.Median,
		r.Machine.Kernels, r.Machine.Threads)
	a.print("network %s of the time, %.1f GFLOP/s; first round %.3f s; peak memory %s\n", percent(r.Network), r.GFLOPs, r.Compile, bytesText(r.PeakMemory))
	table(a.out, opTable(r.Ops), nil)
	return nil
}

// measure fills in what follows from the rounds.
func (r *transcribeReport) measure(t *transcriber, audio float64) {
	sorted := slices.Sorted(slices.Values(r.Rounds))
	n := len(sorted)
	r.Median = (sorted[(n-1)/2] + sorted[n/2]) / 2
	r.AudioPerSecond = audio / r.Median
	all := 0.0
	for _, s := range r.Rounds {
		all += s
	}
	var flops int64
	network := 0.0
	for _, o := range t.recogniser.model.Profile() {
		if o.Calls > 0 {
			r.Ops = append(r.Ops, opRow{o.Op, o.Variant, o.Calls, o.Time.Seconds(), o.Time.Seconds() / all, o.FLOPs, o.Bytes})
			flops += o.FLOPs
			network += o.Time.Seconds()
		}
	}
	r.Network, r.GFLOPs = network/all, float64(flops)/network/1e9
	r.PeakMemory, _ = peakMemory()
}
