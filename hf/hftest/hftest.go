// Package hftest opens the model folders of hf/testdata in tests, and what transformers computes with them. gen_hf_golden.py made both.
package hftest

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"aural/internal/testkit"
)

// Golden is hf/testdata/golden.json: what transformers computes, in float64. Arrays are flat, (rows, frames, channels); frames beyond the end of a row are there too.
type Golden struct {
	Samples   []int     // of each row of the batch
	Masked    [][]int   // frames of each row
	Negatives [][][]int // frames of the row that are distractors, of each row and masked frame
	Cases     map[string]Case
}

// Case is what comes of one folder.
type Case struct {
	Frames      int         // of the padded batch
	Blocks      [][]float64 // outputs of the transformer blocks
	Last        []float64   // last hidden state
	Logits      []float64   // nil without a CTC head
	Pretraining *struct {   // nil without the heads of pretraining
		Loss, Contrastive, Diversity, Perplexity float64
		Context, Target                          []float64
	}
}

// Load reads the golden from the test of a package at the top of the module.
func Load(t testing.TB) Golden {
	t.Helper()
	var g Golden
	testkit.Golden(t, filepath.Join("..", Folder("golden.json")), &g)
	if len(g.Cases) != 5 {
		t.Fatalf("%d cases, want 5", len(g.Cases))
	}
	return g
}

// Folder is the path of a folder of hf/testdata from a package at the top of the module.
func Folder(name string) string { return filepath.Join("..", "hf", "testdata", name) }

// Wave is a row of the batch, without padding.
func (g Golden) Wave(row int) []float64 {
	x := make([]float64, g.Samples[row])
	for n := range x {
		x[n] = math.Sin(0.05*float64(n)+0.9*float64(row)) + 0.3*math.Sin(0.31*float64(n)+1+1.7*float64(row))
	}
	return x
}

// Waves are all rows, (rows, samples of the longest), padded with zeros.
func (g Golden) Waves() []float64 {
	longest := slices.Max(g.Samples)
	x := make([]float64, longest*len(g.Samples))
	for row := range g.Samples {
		copy(x[row*longest:], g.Wave(row))
	}
	return x
}
