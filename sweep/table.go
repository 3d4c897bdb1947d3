package sweep

import (
	"math"
	"slices"

	"aural/finetune"
)

// Spread is what the seeds of a subset and mode have in common. Without a value all is NaN.
type Spread struct {
	Mean, Low, High float64
	N               int
}

// SpreadOf sums up values, one a seed.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN(), 0}
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return Spread{sum / float64(len(values)), slices.Min(values), slices.Max(values), len(values)}
}

// Row is a subset and mode with one decoder.
type Row struct {
	Subset  string
	Mode    finetune.Mode
	Decoder string
	Seconds float64 // of labelled audio, the mean over seeds; NaN without a run
	WER     Spread
	CER     Spread
	// Gain is by which share the mean WER is lower than that of Scratch with the same labels and decoder; NaN where that is not known or 0, and for Scratch.
	Gain   float64
	Took   Spread // seconds of training
	Failed int    // cells
	Open   int    // cells without a result yet
}

// Decoders lists with what the cells of a plan were measured: greedy first, the others in the order in which they came.
func Decoders(p Plan, r *Results) []string {
	names := []string{Greedy}
	for _, c := range p.Cells() {
		for _, t := range r.Of(c).Tested {
			if !slices.Contains(names, t.Decoder) {
				names = append(names, t.Decoder)
			}
		}
	}
	return names
}

// Table sums up the cells of a plan over seeds: for each decoder, subset and mode a row, in this order.
func Table(p Plan, r *Results) []Row {
	var rows []Row
	for _, d := range Decoders(p, r) {
		for _, s := range p.Subsets {
			first := len(rows)
			for _, m := range p.Modes {
				rows = append(rows, rowOf(p, r, Row{Subset: s.Name, Mode: m, Decoder: d}))
			}
			scratch := math.NaN()
			for _, row := range rows[first:] {
				if row.Mode == finetune.Scratch {
					scratch = row.WER.Mean
				}
			}
			for i := first; i < len(rows); i++ {
				rows[i].Gain = math.NaN()
				if rows[i].Mode != finetune.Scratch && scratch > 0 {
					rows[i].Gain = 1 - rows[i].WER.Mean/scratch
				}
			}
		}
	}
	return rows
}

func rowOf(p Plan, r *Results, row Row) Row {
	var seconds, took, wer, cer []float64
	for _, seed := range p.Seeds {
		o := r.Of(Cell{row.Subset, row.Mode, seed})
		if o.Trained != nil {
			seconds, took = append(seconds, o.Trained.Seconds), append(took, o.Trained.Took)
		}
		t, ok := o.By(row.Decoder)
		switch {
		case ok:
			wer, cer = append(wer, t.WER), append(cer, t.CER)
		case o.Failed != "":
			row.Failed++
		default:
			row.Open++
		}
	}
	row.Seconds, row.Took, row.WER, row.CER = SpreadOf(seconds).Mean, SpreadOf(took), SpreadOf(wer), SpreadOf(cer)
	return row
}
