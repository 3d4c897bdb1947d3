package pretrain

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aural/contrastive"
	"aural/encoder"
	"aural/graph/graphtest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/ref"
	"aural/quantizer"
	"aural/train"
)

// golden is testdata/hf_pretraining_tiny.json: a tiny Wav2Vec2ForPreTraining of Hugging Face transformers in float64, with its losses and the gradients of
// all parameters, and the same with fairseq's objective. gen_pretraining_golden.py made it.
type golden struct {
	Rule      testkit.FillRule `json:"fill_rule"`
	Batch     int
	Samples   int
	Frames    int
	Tau       float64   `json:"gumbel_temperature"`
	LogitTemp float64   `json:"logit_temperature"`
	Diversity float64   `json:"diversity_weight"`
	Penalty   float64   `json:"penalty_weight"`
	GradScale float64   `json:"feature_grad_mult"`
	Masked    [][]int   `json:"masked_frames"`
	Negatives [][][]int `json:"negative_frames"`
	Cases     []goldenCase
}

type goldenCase struct {
	Variant string
	Config  struct {
		Norm     string `json:"feat_extract_norm"`
		PreNorm  bool   `json:"do_stable_layer_norm"`
		Bias     bool   `json:"conv_bias"`
		Dim      []int  `json:"conv_dim"`
		Kernel   []int  `json:"conv_kernel"`
		Stride   []int  `json:"conv_stride"`
		Hidden   int    `json:"hidden_size"`
		Layers   int    `json:"num_hidden_layers"`
		Heads    int    `json:"num_attention_heads"`
		FFN      int    `json:"intermediate_size"`
		PosK     int    `json:"num_conv_pos_embeddings"`
		PosG     int    `json:"num_conv_pos_embedding_groups"`
		Groups   int    `json:"num_codevector_groups"`
		Entries  int    `json:"num_codevectors_per_group"`
		CodeDim  int    `json:"codevector_dim"`
		ProjDim  int    `json:"proj_codevector_dim"`
		Negative int    `json:"num_negatives"`
		Eps      float64
	}
	Params    []testkit.Param
	Features  []float64 `json:"extract_features"`
	Projected []float64 `json:"projected_states"`
	Quantized []float64 `json:"projected_quantized_states"`
	Codes     []float64
	Eval      struct {
		Perplexity  float64 `json:"codevector_perplexity"`
		Contrastive float64 `json:"contrastive_loss"`
		Diversity   float64 `json:"diversity_loss"`
		Loss        float64
	} `json:"hf_eval"`
	Train struct {
		Perplexity  float64 `json:"codevector_perplexity"`
		Contrastive float64 `json:"contrastive_loss"`
		Diversity   float64 `json:"diversity_loss"`
		Loss        float64
		Gradients   map[string][]float64
	} `json:"hf_train"`
	Fairseq struct {
		Contrastive, Diversity, Total float64
		Penalty                       float64  `json:"features_pen"`
		Prob                          float64  `json:"prob_perplexity"`
		Code                          float64  `json:"code_perplexity"`
		Correct                       int      `json:"correct"`
		N                             int      `json:"sample_size"`
		Equal                         [][3]int `json:"negatives_equal"`
		Gradients                     map[string][]float64
	} `json:"fairseq_train"`
}

func loadGolden(t *testing.T) golden {
	var g golden
	testkit.Golden(t, "hf_pretraining_tiny.json", &g)
	if len(g.Cases) != 2 {
		t.Fatalf("%d cases, want 2", len(g.Cases))
	}
	return g
}

func (g golden) recipe(c goldenCase) Recipe {
	r := Default()
	r.Encoder = encoder.Config{ConvNorm: encoder.ConvNorm(c.Config.Norm), ConvBias: c.Config.Bias, Width: c.Config.Hidden, Layers: c.Config.Layers,
		Heads: c.Config.Heads, FFN: c.Config.FFN, PreNorm: c.Config.PreNorm, PositionKernel: c.Config.PosK, PositionGroups: c.Config.PosG,
		FeatureGradScale: g.GradScale, NormEps: 1e-5}
	for i := range c.Config.Dim {
		r.Encoder.Conv = append(r.Encoder.Conv, encoder.ConvLayer{Channels: c.Config.Dim[i], Kernel: c.Config.Kernel[i], Stride: c.Config.Stride[i]})
	}
	r.Quantizer = quantizer.Config{Groups: c.Config.Groups, Entries: c.Config.Entries, Dim: c.Config.CodeDim}
	r.Contrastive = contrastive.Config{Distractors: c.Config.Negative, Temperature: g.LogitTemp}
	r.Loss = LossConfig{Diversity: g.Diversity, FeaturePenalty: g.Penalty, TargetDim: c.Config.ProjDim}
	return r
}

// run builds the model of a case, with spare places after the masked frames, and runs it once.
func (g golden) run(t *testing.T, r Recipe, c goldenCase, mode Mode, be kernels.Backend) *graphtest.Bench {
	t.Helper()
	const spare = 3
	n := len(g.Masked) * len(g.Masked[0])
	m, err := Build(r, Shape{Rows: g.Batch, Samples: g.Samples, Masked: n + spare}, mode)
	if err != nil {
		t.Fatal(err)
	}
	outputs := m.outputs
	if mode.Training {
		outputs = append(outputs, m.gradients(false)...) // a missing one fails when it is read
	}
	b := graphtest.New(t, m.Builder, be, outputs...)
	fill := g.Rule.Fill(c.Params)
	if len(fill) != len(m.Specs()) {
		t.Fatalf("the model declares %d parameters, the golden has %d", len(m.Specs()), len(fill))
	}
	for _, s := range m.Specs() {
		x, ok := fill[s.Name]
		if !ok {
			t.Fatalf("the golden has no parameter %q", s.Name)
		}
		b.Set(s.Name, x)
	}
	wave := make([]float64, g.Batch*g.Samples)
	for i := range wave {
		row, k := float64(i/g.Samples), float64(i%g.Samples)
		wave[i] = math.Sin(0.05*k+0.9*row) + 0.3*math.Sin(0.31*k+1+1.7*row)
	}
	mask := make([]float64, g.Batch*g.Frames)
	var masked, negatives []float64
	for row, frames := range g.Masked {
		for i, f := range frames {
			mask[row*g.Frames+f] = 1
			masked = append(masked, float64(row*g.Frames+f))
			for _, neg := range g.Negatives[row][i] {
				negatives = append(negatives, float64(row*len(frames)+slices.Index(frames, neg)))
			}
		}
	}
	for range spare {
		masked = append(masked, -1)
		for range c.Config.Negative {
			negatives = append(negatives, -1)
		}
	}
	b.Feed(encoder.WaveInput, wave)
	b.Feed(MaskInput, mask)
	b.Feed(MaskedInput, masked)
	b.Feed(DistractorInput, negatives)
	b.Feed(TempInput, []float64{g.Tau})
	b.Feed(DiversityInput, []float64{r.Loss.Diversity * float64(n)})
	if r.Loss.FeaturePenalty > 0 {
		b.Feed(PenaltyInput, []float64{r.Loss.FeaturePenalty * float64(n)})
	}
	b.Run(&kernels.Step{})
	return b
}

// precision is a back end with the error that it may make, relative to the largest element.
type precision struct {
	name  string
	float kernels.DType
	be    kernels.Backend
	rel   float64
}

// precisions are all ways to compute. The golden prints 13 digits; float32 is held to 1e-5.
func precisions(t *testing.T) []precision {
	list := []precision{{"float64", kernels.Float64, ref.New(), 1e-10}, {"float32", kernels.Float32, ref.New(), 1e-5}}
	for _, be := range graphtest.CPUs(t) {
		list = append(list, precision{be.Name(), kernels.Float32, be, 1e-5})
	}
	return list
}

func near(t *testing.T, what string, got, want []float64, rel float64) {
	t.Helper()
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	testkit.Close(t, what, got, want, testkit.Tol{Abs: rel * largest, Rel: rel})
}

// gradients holds every gradient to its record: norm, sum and eight elements. Errors are measured against the norm of the gradient; that of a key bias is
// zero in exact arithmetic (it moves all scores of a query alike), so what is left is rounding of sums whose terms are as large as those of the key weights.
func gradients(t *testing.T, b *graphtest.Bench, records map[string][]float64, rel float64) {
	t.Helper()
	for name, rec := range records {
		size := rec[0]
		if weight, is := strings.CutSuffix(name, "k_proj.bias"); is {
			size = records[weight+"k_proj.weight"][0]
		}
		d := b.Out(train.GradientOutput(name))
		norm, sum, largest := 0.0, 0.0, 0.0
		for _, x := range d {
			norm, sum, largest = norm+x*x, sum+x, max(largest, math.Abs(x))
		}
		norm = math.Sqrt(norm)
		m := min(8, len(d))
		var at []float64
		for j := range m {
			at = append(at, d[j*(len(d)-1)/max(m-1, 1)])
		}
		budget := testkit.Tol{Abs: rel * size, Rel: rel}
		testkit.Close(t, name+": norm", []float64{norm}, rec[:1], budget)
		testkit.Close(t, name+": sum", []float64{sum}, rec[1:2], testkit.Tol{Abs: budget.Abs * math.Sqrt(float64(len(d))), Rel: rel})
		testkit.Close(t, name+": elements", at, rec[2:], budget)
	}
}

func TestFairseqObjectiveAndAllGradients(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Cases {
		for _, p := range precisions(t) {
			t.Run(c.Variant+"/"+p.name, func(t *testing.T) {
				b := g.run(t, g.recipe(c), c, Mode{Float: p.float, Training: true, NoNoise: true}, p.be)
				f := c.Fairseq
				for name, want := range map[string]float64{ContrastiveOutput: f.Contrastive, DiversityOutput: f.Diversity, PenaltyOutput: f.Penalty, LossOutput: f.Total} {
					near(t, name, b.Out(name), []float64{want}, p.rel)
				}
				prob := b.Out(PerplexityOutput)
				near(t, "prob perplexity", []float64{prob[0] + prob[1]}, []float64{f.Prob}, p.rel)
				counts, code := make([]float64, c.Config.Groups*c.Config.Entries), 0.0
				codes := make([]int32, 0)
				for _, x := range b.Out(CodesOutput) {
					codes = append(codes, int32(x))
				}
				quantizer.CodeCounts(counts, codes, c.Config.Groups, c.Config.Entries)
				for i := range c.Config.Groups {
					code += quantizer.Perplexity(counts[i*c.Config.Entries : (i+1)*c.Config.Entries])
				}
				near(t, "code perplexity", []float64{code}, []float64{f.Code}, 1e-6) // the reference adds 1e-7 inside its logarithm
				hits := make([]int32, 0)
				for _, x := range b.Out(HitsOutput) {
					hits = append(hits, int32(x))
				}
				if got, want := contrastive.ReadScore(hits), (contrastive.Score{Frames: f.N, Correct: f.Correct, Duplicates: len(f.Equal)}); got != want {
					t.Errorf("score %+v, want %+v", got, want)
				}
				gradients(t, b, f.Gradients, p.rel)
			})
		}
	}
}

func TestHFObjectiveAndAllGradients(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Cases {
		for _, p := range precisions(t) {
			t.Run(c.Variant+"/"+p.name, func(t *testing.T) {
				r := g.recipe(c)
				r.Loss.FeaturePenalty, r.Encoder.FeatureGradScale = 0, 1
				n := float64(c.Fairseq.N)
				b := g.run(t, r, c, Mode{Float: p.float, Training: true, NoNoise: true}, p.be)
				near(t, "loss", b.Out(LossOutput), []float64{c.Train.Loss}, p.rel)
				near(t, "contrastive", b.Out(ContrastiveOutput), []float64{c.Train.Contrastive}, p.rel)
				near(t, "diversity", b.Out(DiversityOutput), []float64{c.Train.Diversity / n}, p.rel)
				gradients(t, b, c.Train.Gradients, p.rel)
			})
		}
	}
}

// In evaluation Hugging Face takes the perplexity of the chosen codes; the values of context and targets are those of all frames.
func TestHFEvaluation(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Cases {
		for _, p := range precisions(t) {
			t.Run(c.Variant+"/"+p.name, func(t *testing.T) {
				r := g.recipe(c)
				r.Loss.FeaturePenalty, r.Quantizer.HardEvalPerplexity = 0, true
				b := g.run(t, r, c, Mode{Float: p.float}, p.be)
				near(t, "loss", b.Out(LossOutput), []float64{c.Eval.Loss}, p.rel)
				ppl := b.Out(PerplexityOutput)
				near(t, "perplexity", []float64{ppl[0] + ppl[1]}, []float64{c.Eval.Perplexity}, p.rel)
				var context, target, codes []float64
				d := c.Config.ProjDim
				for row, frames := range g.Masked {
					for _, f := range frames {
						at := row*g.Frames + f
						context = append(context, c.Projected[at*d:(at+1)*d]...)
						target = append(target, c.Quantized[at*d:(at+1)*d]...)
						codes = append(codes, c.Codes[at*c.Config.Groups:(at+1)*c.Config.Groups]...)
					}
				}
				near(t, "context", b.Out(ContextOutput)[:len(context)], context, p.rel)
				near(t, "targets", b.Out(TargetOutput)[:len(target)], target, p.rel)
				if got := b.Out(CodesOutput)[:len(codes)]; fmt.Sprint(got) != fmt.Sprint(codes) {
					t.Errorf("codes %v, want %v", got, codes)
				}
			})
		}
	}
}

// The published sizes, and the names and shapes of the published checkpoints.
func TestParameterCounts(t *testing.T) {
	large := Default()
	large.Encoder.ConvNorm, large.Encoder.ConvBias, large.Encoder.PreNorm = encoder.LayerNorm, true, true
	large.Encoder.Width, large.Encoder.Layers, large.Encoder.Heads, large.Encoder.FFN = 1024, 24, 16, 4096
	large.Quantizer.Dim, large.Loss.TargetDim = 768, 768
	for _, c := range []struct {
		name    string
		r       Recipe
		tensors int
		count   int
	}{{"base", Default(), 218, 95044608}, {"large", large, 429, 317390592}} {
		m, err := Build(c.r, Shape{Rows: 1, Samples: 16000, Masked: 4}, Mode{Float: kernels.Float32, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, s := range m.Specs() {
			total += kernels.Of(kernels.Float32, s.Shape...).Size()
		}
		if len(m.Specs()) != c.tensors || total != c.count {
			t.Errorf("%s: %d tensors with %d parameters, want %d with %d", c.name, len(m.Specs()), total, c.tensors, c.count)
		}
	}
}
