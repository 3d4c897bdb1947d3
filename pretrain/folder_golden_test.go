package pretrain

import (
	"slices"
	"testing"

	"aural/contrastive"
	"aural/encoder"
	"aural/graph"
	"aural/graph/graphtest"
	"aural/hf"
	"aural/hf/hftest"
	"aural/kernels"
	"aural/nn"
	"aural/quantizer"
)

// folderFeeds are the inputs of the batch: rows are padded with zeros, and lengths are their frames.
func folderFeeds(g hftest.Golden, e encoder.Config, frames int) map[string][]float64 {
	count, mask := len(g.Masked[0]), make([]float64, frames*len(g.Samples))
	out := map[string][]float64{"wave": g.Waves(), "mask": mask, "tau": {1}}
	for b, samples := range g.Samples {
		out["lengths"] = append(out["lengths"], float64(e.Frames(samples)))
		for i, f := range g.Masked[b] {
			mask[b*frames+f] = 1
			out["masked"] = append(out["masked"], float64(b*frames+f))
			for _, neg := range g.Negatives[b][i] {
				out["distractors"] = append(out["distractors"], float64(b*count+slices.Index(g.Masked[b], neg)))
			}
		}
	}
	return out
}

// All pieces of the loss of folders that transformers wrote are those of transformers in evaluation; in the large variant the second row has padding, which
// attention does not see. [Build] has no padding, so its parts are put together here.
func TestLossOfFolders(t *testing.T) {
	g := hftest.Load(t)
	for _, name := range []string{"base-pretraining", "large-pretraining"} {
		want := g.Cases[name].Pretraining
		for _, p := range precisions(t) {
			t.Run(name+"/"+p.name, func(t *testing.T) {
				f, err := hf.Open(hftest.Folder(name), hf.Pretraining)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				e, frames, rows := f.Config.Encoder(), g.Cases[name].Frames, len(g.Samples)
				total := rows * len(g.Masked[0])
				feeds := folderFeeds(g, e, frames)

				n := nn.New(p.float, false)
				normalised, x := encoder.Project(n, e, encoder.Features(n, e, n.Input("wave", p.float, rows, slices.Max(g.Samples), 1)))
				x = encoder.Mask(n, x, n.Input("mask", kernels.Uint8, rows, frames))
				var lengths *graph.Node
				if f.Preprocessor.AttentionMask {
					lengths = n.Input("lengths", kernels.Int32, rows)
				} else {
					delete(feeds, "lengths")
				}
				c, _ := encoder.Context(n, e, x, lengths)
				index := n.Input("masked", kernels.Int32, total)
				m := &Model{Net: n, Recipe: Recipe{Loss: LossConfig{TargetDim: f.Config.ProjectDim}}}
				q := quantizer.Quantize(n, quantizer.Config{Groups: f.Config.CodebookGroups, Entries: f.Config.CodebookEntries, Dim: f.Config.CodevectorDim,
					HardEvalPerplexity: true}, n.Apply(kernels.GatherRows{}, normalised, index), index, n.Input("tau", p.float), frames)
				context, target := m.head("project_hid", n.Apply(kernels.GatherRows{}, c, index)), m.head("project_q", q.Quantized)
				loss := contrastive.Loss(n, contrastive.Config{Distractors: f.Config.Negatives, Temperature: f.Config.LogitTemp}, context, target,
					n.Input("distractors", kernels.Int32, total, f.Config.Negatives), q.Codes)

				b := graphtest.New(t, n.Builder, p.be, graph.Output{Name: "contrastive", Node: loss.Loss}, graph.Output{Name: "diversity", Node: q.Diversity},
					graph.Output{Name: "perplexity", Node: q.Perplexity}, graph.Output{Name: "context", Node: context}, graph.Output{Name: "target", Node: target})
				if got, there := len(n.Specs()), len(f.Specs()); got != there {
					t.Errorf("%d parameters, the folder has %d tensors", got, there)
				}
				for _, s := range n.Specs() {
					value, err := f.Float32(s.Name)
					if err != nil {
						t.Fatal(err)
					}
					wide := make([]float64, len(value))
					for i, v := range value {
						wide[i] = float64(v)
					}
					b.Set(s.Name, wide)
				}
				for input, x := range feeds {
					b.Feed(input, x)
				}
				b.Run(&kernels.Step{})

				rel := max(p.rel, 2e-9) // the golden prints nine digits
				diversity := float64(total) * b.Out("diversity")[0]
				perplexity := b.Out("perplexity")
				near(t, "contrastive loss", b.Out("contrastive"), []float64{want.Contrastive}, rel)
				// fairseq, and transformers once, add 1e-7 inside the logarithm of the perplexity; transformers of this golden does not.
				loose := max(rel, 1e-6)
				near(t, "diversity loss", []float64{diversity}, []float64{want.Diversity}, loose)
				near(t, "perplexity", []float64{perplexity[0] + perplexity[1]}, []float64{want.Perplexity}, loose)
				near(t, "loss", []float64{b.Out("contrastive")[0] + f.Config.DiversityWeight*diversity}, []float64{want.Loss}, loose)
				near(t, "context", b.Out("context"), want.Context, rel)
				near(t, "target", b.Out("target"), want.Target, rel)
			})
		}
	}
}
