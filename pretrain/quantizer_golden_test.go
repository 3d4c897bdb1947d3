package pretrain

import (
	"math"
	"testing"

	"aural/contrastive"
	"aural/graph"
	"aural/graph/graphtest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/nn"
	"aural/quantizer"
)

// quantizerGolden is testdata/wav2vec2_quantizer_tiny.json: fairseq's GumbelVectorQuantizer and contrastive loss in evaluation mode, run once.
type quantizerGolden struct {
	Config struct {
		Dim, Groups, Vars int
		VQDim             int `json:"vq_dim"`
		Kappa, Alpha      float64
	}
	Params      []testkit.Param
	NegIdx      [][]float64 `json:"neg_idx"`
	Q           []float64
	Code        float64     `json:"code_perplexity"`
	Prob        float64     `json:"prob_perplexity"`
	Logits      [][]float64 // (1+K, N): the positive first
	Contrastive float64     `json:"contrastive_sum"`
	Diversity   float64
	Total       float64
}

func TestQuantizerGolden(t *testing.T) {
	var g quantizerGolden
	testkit.Golden(t, "wav2vec2_quantizer_tiny.json", &g)
	const frames = 5
	cfg := quantizer.Config{Groups: g.Config.Groups, Entries: g.Config.Vars, Dim: g.Config.VQDim}
	for _, p := range precisions(t) {
		t.Run(p.name, func(t *testing.T) {
			n := nn.New(p.float, false)
			z := n.Input("z", p.float, frames, g.Config.Dim)
			c := n.Input("c", p.float, frames, g.Config.VQDim)
			q := quantizer.Quantize(n, cfg, z, n.Input("index", kernels.Int32, frames), n.Input("tau", p.float), frames)
			loss := contrastive.Loss(n, contrastive.Config{Distractors: 3, Temperature: g.Config.Kappa}, c, q.Quantized, n.Input("neg", kernels.Int32, frames, 3), q.Codes)
			total := n.Apply(kernels.AddN{}, loss.Loss, n.Apply(kernels.ScaleBy{}, q.Diversity, n.Input("scale", p.float)))
			b := graphtest.New(t, n.Builder, p.be, graph.Output{Name: "q", Node: q.Quantized}, graph.Output{Name: "prob", Node: q.Perplexity},
				graph.Output{Name: "codes", Node: q.Codes}, graph.Output{Name: "div", Node: q.Diversity}, graph.Output{Name: "nce", Node: loss.Loss},
				graph.Output{Name: "lse", Node: n.Part(loss.Loss, 1)}, graph.Output{Name: "hits", Node: loss.Hits}, graph.Output{Name: "total", Node: total})
			fill := testkit.Fill(g.Params) // the fairseq names sort as the file says: vars, weight_proj.bias, weight_proj.weight
			b.Set("quantizer.codevectors", fill["vars"])
			b.Set("quantizer.weight_proj.bias", fill["weight_proj.bias"])
			b.Set("quantizer.weight_proj.weight", fill["weight_proj.weight"])
			var zs, cs, neg []float64
			for k := range frames * g.Config.Dim {
				zs = append(zs, math.Sin(0.37*float64(k)+0.2))
			}
			for k := range frames * g.Config.VQDim {
				cs = append(cs, math.Cos(0.23*float64(k)))
			}
			for _, row := range g.NegIdx {
				neg = append(neg, row...)
			}
			b.Feed("z", zs)
			b.Feed("c", cs)
			b.Feed("neg", neg)
			b.Feed("index", []float64{0, 1, 2, 3, 4})
			b.Feed("tau", []float64{1})
			b.Feed("scale", []float64{g.Config.Alpha * frames})
			b.Run(&kernels.Step{})

			// fairseq computed this vector with a float32 codebook and float32 perplexities; 1e-6 is what is left of them.
			rel := max(p.rel, 1e-6)
			near(t, "quantized", b.Out("q"), g.Q, rel)
			prob := b.Out("prob")
			near(t, "prob perplexity", []float64{prob[0] + prob[1]}, []float64{g.Prob}, rel)
			near(t, "diversity", b.Out("div"), []float64{g.Diversity}, 20*rel) // a difference of numbers 90 times as large
			near(t, "contrastive", b.Out("nce"), []float64{g.Contrastive}, rel)
			near(t, "total", b.Out("total"), []float64{g.Total}, rel)
			counts, code := make([]float64, cfg.Groups*cfg.Entries), 0.0
			codes := make([]int32, 0)
			for _, x := range b.Out("codes") {
				codes = append(codes, int32(x))
			}
			quantizer.CodeCounts(counts, codes, cfg.Groups, cfg.Entries)
			for i := range cfg.Groups {
				code += quantizer.Perplexity(counts[i*cfg.Entries : (i+1)*cfg.Entries])
			}
			near(t, "code perplexity", []float64{code}, []float64{g.Code}, 1e-6)
			var lse, correct []float64
			for i := range frames {
				sum, best := 0.0, 1.0
				for _, row := range g.Logits {
					sum += math.Exp(row[i])
				}
				for _, row := range g.Logits[1:] {
					if row[i] > g.Logits[0][i] {
						best = 0
					}
				}
				lse, correct = append(lse, math.Log(sum)), append(correct, best)
			}
			near(t, "log-sum-exp of the logits", b.Out("lse"), lse, rel)
			for i, hit := range b.Out("hits") {
				if i%2 == 0 && hit != correct[i/2] || i%2 == 1 && hit != 0 {
					t.Errorf("hits %v, want %v and no duplicates", b.Out("hits"), correct)
					break
				}
			}
		})
	}
}
