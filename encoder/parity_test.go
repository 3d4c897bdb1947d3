package encoder

import (
	"fmt"
	"math"
	"testing"

	"aural/graph"
	"aural/graph/graphtest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/ref"
	"aural/nn"
)

// golden is testdata/wav2vec2_tiny.json: outputs of torchaudio's wav2vec 2.0 in float64 with weights that any program can rebuild.
type golden struct {
	Cases []struct {
		Config struct {
			Mode    string `json:"mode"`
			PreNorm bool   `json:"pre_norm"`
			Conv    [][3]int
			Bias    bool `json:"conv_bias"`
			Hidden  int
			Heads   int
			Layers  int
			FF      int
			Kernel  int `json:"pos_kernel"`
			Groups  int `json:"pos_groups"`
			Vocab   int
		}
		Params        []testkit.Param
		FeaturesShape []int       `json:"feature_extractor_shape"`
		FirstFrame    []float64   `json:"feature_extractor_first_frame"`
		LastFrames    [][]float64 `json:"layer_out_last_frame"`
		Logits        []float64
	}
}

// wave400 is the input of the golden: x[n] = sin(0.05n) + 0.3 sin(0.31n+1).
func wave400() []float64 {
	x := make([]float64, 400)
	for n := range x {
		x[n] = math.Sin(0.05*float64(n)) + 0.3*math.Sin(0.31*float64(n)+1)
	}
	return x
}

type backend struct {
	float kernels.DType
	be    kernels.Backend
	tol   testkit.Tol
}

// backends are all ways to compute. The golden prints ten significant digits; float32 is held to 1e-5, its values being of order 1.
func backends(t *testing.T) []backend {
	list := []backend{{kernels.Float64, ref.New(), testkit.Tol{Abs: 2e-9, Rel: 2e-9}}, {kernels.Float32, ref.New(), testkit.Tol{Abs: 1e-5}}}
	for _, be := range graphtest.CPUs(t) {
		list = append(list, backend{kernels.Float32, be, testkit.Tol{Abs: 1e-5}})
	}
	return list
}

func TestGoldenForward(t *testing.T) {
	var g golden
	testkit.Golden(t, "wav2vec2_tiny.json", &g)
	if len(g.Cases) != 2 {
		t.Fatalf("%d cases, want 2", len(g.Cases))
	}
	for _, c := range g.Cases {
		cfg := Config{ConvBias: c.Config.Bias, Width: c.Config.Hidden, Layers: c.Config.Layers, Heads: c.Config.Heads, FFN: c.Config.FF,
			PreNorm: c.Config.PreNorm, PositionKernel: c.Config.Kernel, PositionGroups: c.Config.Groups, ConvNorm: GroupNorm, FeatureGradScale: 1, NormEps: 1e-5}
		if c.Config.Mode == "layer_norm" {
			cfg.ConvNorm = LayerNorm
		}
		for _, l := range c.Config.Conv {
			cfg.Conv = append(cfg.Conv, ConvLayer{l[0], l[1], l[2]})
		}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, run := range backends(t) {
			t.Run(fmt.Sprintf("%s/%s/%v", c.Config.Mode, run.be.Name(), run.float), func(t *testing.T) {
				n := nn.New(run.float, false)
				wave := n.Input("wave", run.float, 1, 400, 1)
				z := Features(n, cfg, wave)
				_, x := Project(n, cfg, z)
				out, states := Context(n, cfg, x, nil)
				logits := nn.Linear(n, "lm_head", out, c.Config.Vocab, nn.Constant(0), nn.Constant(0))
				outputs := []graph.Output{{Name: "z", Node: z}, {Name: "logits", Node: logits}}
				for i, b := range states[1:] {
					outputs = append(outputs, graph.Output{Name: fmt.Sprint("block", i), Node: b})
				}
				r := graphtest.New(t, n.Builder, run.be, outputs...)
				fill := testkit.Fill(c.Params)
				for name, x := range fill {
					if name != Prefix+"masked_spec_embed" {
						r.Set(name, x)
					}
				}
				if want := len(n.Specs()); want != len(c.Params) && want+1 != len(c.Params) {
					t.Errorf("the model declares %d parameters, the golden %d", want, len(c.Params))
				}
				r.Feed("wave", wave400())
				r.Run(&kernels.Step{})
				testkit.Close(t, "first frame of the features", r.Out("z")[:len(c.FirstFrame)], c.FirstFrame, run.tol)
				frames := c.FeaturesShape[1]
				for i, want := range c.LastFrames {
					got := r.Out(fmt.Sprint("block", i))
					testkit.Close(t, fmt.Sprint("last frame of block ", i), got[(frames-1)*cfg.Width:], want, run.tol)
				}
				testkit.Close(t, "logits", r.Out("logits"), c.Logits, run.tol)
			})
		}
	}
}
