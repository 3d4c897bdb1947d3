package train

import "aural/datasets"

// Footprint is what a run will need.
type Footprint struct {
	Parameters  int
	WeightBytes int // weights, gradients and optimiser state
	ArenaBytes  int // activations of the largest batch
	BatchBytes  int // a prepared micro-batch
	GFLOPs      float64
	Shapes      []datasets.Bucket
	LeftOut     int // training utterances that are in no batch
	WhyLeftOut  string
}
