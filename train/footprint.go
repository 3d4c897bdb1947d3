package train

import (
	"aural/datasets"
	"aural/exec"
)

// Footprint is what a run will need.
type Footprint struct {
	Parameters   int
	WeightBytes  int          // weights, gradients and optimiser state
	ArenaBytes   int          // activations of the largest batch
	ScratchBytes int          // working memory of kernels that is not in the arena, on a GPU
	Peak         []exec.Share // what takes the arena of the largest batch, the most first
	BatchBytes   int          // a prepared micro-batch
	GFLOPs       float64
	Shapes       []datasets.Bucket
	LeftOut      int // training utterances that are in no batch
	WhyLeftOut   string
}

// FootprintOf is that of weights and of the programs of all shapes that a sampler gives, which plan compiles without memory. The task knows the rest: BatchBytes and
// WhyLeftOut.
func FootprintOf[P Planned](w *Weights, s *datasets.Sampler, plan func(datasets.Bucket) (P, error)) (Footprint, error) {
	f := Footprint{Parameters: w.Count(), WeightBytes: w.Bytes(), Shapes: s.Buckets(), LeftOut: s.LeftOut()}
	var largest *exec.Program
	for _, b := range f.Shapes {
		q, err := plan(b)
		if err != nil {
			return f, err
		}
		p := q.Exec()
		if largest == nil || p.ArenaBytes() > f.ArenaBytes {
			largest, f.ArenaBytes = p, p.ArenaBytes()
		}
		f.GFLOPs = max(f.GFLOPs, float64(p.FLOPs())/1e9)
	}
	f.Peak = largest.Peak()
	return f, nil
}
