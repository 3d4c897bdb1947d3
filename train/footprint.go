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
