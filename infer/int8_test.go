package infer

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/encoder"
	"aural/hf"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/rng"
)

// wideModel writes a model with a CTC head whose layers are large enough to be computed in integers, with random weights.
func wideModel(t *testing.T, norm encoder.ConvNorm) string {
	dir := t.TempDir()
	c := encoder.Default()
	c.Conv = []encoder.ConvLayer{{Channels: 64, Kernel: 10, Stride: 5}, {Channels: 96, Kernel: 3, Stride: 2}, {Channels: 64, Kernel: 2, Stride: 2}}
	c.Width, c.Layers, c.Heads, c.FFN, c.PositionKernel, c.ConvNorm, c.PreNorm = 96, 3, 4, 160, 16, norm, norm == encoder.LayerNorm
	cfg := hf.ForEncoder(c, encoder.MaskConfig{Length: 10}, encoder.MaskConfig{Length: 10})
	cfg.VocabSize = 30
	specs, shapes := hf.Specs(cfg, hf.CTC), map[string][]int{}
	for _, s := range specs {
		shapes[s.Name] = s.Shape
	}
	tokens := map[string]int{"<pad>": 0, "|": 1}
	for i := 2; i < cfg.VocabSize; i++ {
		tokens[string(rune('A'+i))] = i
	}
	words, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	err = hf.Write(dir, hf.Content{Head: hf.CTC, Config: cfg, Preprocessor: hf.NewPreprocessor(norm, true), Specs: specs, Files: map[string][]byte{hf.VocabFile: words},
		Value: func(name string) ([]byte, error) {
			shape, size := shapes[name], 1
			for _, n := range shape {
				size *= n
			}
			x, s := make([]float32, size), rng.At(4, 0, rng.Site(name))
			for i := range x {
				switch {
				case len(shape) > 1:
					x[i] = float32(s.NormFloat64() * math.Sqrt(float64(shape[0])/float64(size)))
				case strings.HasSuffix(name, "weight"):
					x[i] = 1
				}
			}
			return kernels.BytesOf(x), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, hf.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Precision int8 gives nearly the log-probabilities of float32: those differ by what rounding to 8 bits explains, and all variants give the same but for the last bits
// of what stays in float32. A batch gives what single utterances give.
func TestInt8IsNearFloat32(t *testing.T) {
	ctx := context.Background()
	for _, norm := range []encoder.ConvNorm{encoder.GroupNorm, encoder.LayerNorm} {
		dir := wideModel(t, norm)
		audio := [][]float32{noise(1, 5000), noise(2, 5000), noise(3, 4000)}
		run := func(variant string, precision kernels.Precision) []Matrix {
			be, err := cpu.New(cpu.Options{Threads: 2, Variant: variant, Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			defer be.Close()
			m, err := Open(dir, Options{Backend: be})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			batch, err := m.EmissionsBatch(ctx, audio)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range audio {
				one, _, err := m.Emissions(ctx, x, nil)
				if err != nil {
					t.Fatal(err)
				}
				if d := distance(one, batch[i].Data); d > 1e-3 {
					t.Errorf("%s, %s: utterance %d alone is off by %v", variant, precision, i, d)
				}
			}
			served := int64(0)
			for _, o := range m.Profile() {
				if strings.HasSuffix(o.Variant, "/int8") && strings.HasPrefix(o.Variant, "gemm_") {
					served += int64(o.Calls)
				}
			}
			if (served > 0) != (precision == kernels.PrecisionInt8) {
				t.Errorf("%s, %s: %d calls in integers", variant, precision, served)
			}
			return batch
		}
		want := run("", kernels.PrecisionFloat32)
		var first []Matrix
		for _, variant := range cpu.Variants() {
			got := run(variant, kernels.PrecisionInt8)
			for i := range got {
				if d := distance(got[i].Data, want[i].Data); !(d > 1e-4 && d < 0.03) {
					t.Errorf("%s, %s: utterance %d differs from float32 by %v on the average", norm, variant, i, d)
				}
				if first != nil {
					if d := distance(got[i].Data, first[i].Data); d > 1e-2 {
						t.Errorf("%s, %s: utterance %d differs from the first variant by %v", norm, variant, i, d)
					}
				}
			}
			if first == nil {
				first = got
			}
		}
	}
}

// distance is the mean absolute difference.
func distance(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += math.Abs(float64(v) - float64(b[i]))
	}
	return sum / float64(len(a))
}
