package plots

import (
	"fmt"
	"slices"

	"aural/runlog"
)

// Figure describes a figure that Render can draw.
type Figure struct {
	Name          string
	Description   string
	Width, Height float64 // default size in millimetres
	columns, rows int     // of panels, in the default size
	panels        func(b *builder) ([]panel, error)
	source        string // what it shows when that is no series
}

// Figures returns the table of figures.
func Figures() []Figure {
	return []Figure{
		{Name: "loss", Description: "total and contrastive loss, training and validation", Width: 170, Height: 105, columns: 2, rows: 1, panels: series(lossPanels)},
		{Name: "losses", Description: "the parts of the total loss: contrastive, weighted diversity, weighted feature penalty", Width: 170, Height: 130, columns: 2, rows: 2,
			panels: series(lossesPanels)},
		{Name: "accuracy", Description: "contrastive accuracy with the line of chance", Width: 170, Height: 105, columns: 1, rows: 1, panels: series(accuracyPanels)},
		{Name: "perplexity", Description: "code and prob perplexity against the size of the codebooks", Width: 170, Height: 105, columns: 2, rows: 1, panels: series(perplexityPanels)},
		{Name: "groups", Description: "code and prob perplexity of each codebook group", Width: 170, Height: 85, columns: 2, rows: 1, panels: series(groupPanels)},
		{Name: "codebook", Description: "how often each code was chosen, over updates; dead codes are marked", Width: 170, Height: 150, columns: 1, rows: 2, panels: codebookPanels,
			source: "snapshot of its codebooks"},
		{Name: "gradient", Description: "gradient norm, learning rate and Gumbel temperature", Width: 170, Height: 170, columns: 1, rows: 3, panels: series(gradientPanels)},
		{Name: "masks", Description: "masked share, run length, duplicate distractors, similarity of targets and distractors", Width: 170, Height: 130, columns: 2, rows: 2,
			panels: series(maskPanels)},
		{Name: "spectrogram", Description: "a recording of a batch with its masked spans and their codes", Width: 170, Height: 90, columns: 1, rows: 1, panels: spectrogramPanels,
			source: "snapshot of a batch whose audio is still there"},
		{Name: "throughput", Description: "audio and arithmetic per second, share of time spent waiting for data", Width: 170, Height: 170, columns: 1, rows: 3, panels: series(throughputPanels)},
		{Name: "time", Description: "where the time of an update goes", Width: 170, Height: 105, columns: 2, rows: 1, panels: series(timePanels)},
		{Name: "finetuning", Description: "word and character error rates, CTC loss", Width: 170, Height: 75, columns: 3, rows: 1, panels: series(finetuningPanels)},
		{Name: "probe", Description: "what a linear probe reads of held-out speech, with the line of chance", Width: 170, Height: 85, columns: 1, rows: 1,
			panels: series(probePanels)},
		{Name: "metric", Description: "any metrics, one panel each (--metric)", Width: 170, Height: 75, columns: 2, rows: 1, panels: metricPanels},
		{Name: "overview", Description: "the six most useful panels", Width: 260, Height: 170, columns: 3, rows: 2, panels: series(overviewPanels)},
	}
}

// series makes figures of what is always there to ask for.
func series(panels func(b *builder) []panel) func(b *builder) ([]panel, error) {
	return func(b *builder) ([]panel, error) { return panels(b), nil }
}

func lossPanels(b *builder) []panel {
	wants := trainValidOfTwo("loss", "total", "contrastive_loss", "contrastive")
	if len(b.sets) == 1 {
		return []panel{b.panel("Loss", "loss", wants, chanceLoss)}
	}
	return []panel{
		b.panel("Total loss", "loss", trainValid("loss")),
		b.panel("Contrastive loss", "contrastive_loss", trainValid("contrastive_loss"), chanceLoss),
	}
}

func lossesPanels(b *builder) []panel {
	return []panel{
		b.panel("Total loss", "loss", trainValid("loss")),
		b.panel("Contrastive loss", "contrastive_loss", trainValid("contrastive_loss"), chanceLoss),
		b.panel("Diversity loss, weighted", "weighted_diversity_loss", trainValid("weighted_diversity_loss")),
		b.panel("Feature penalty, weighted", "weighted_feature_penalty", trainValid("weighted_feature_penalty")),
	}
}

func accuracyPanels(b *builder) []panel {
	p := zeroed(b.panel("Contrastive accuracy", "accuracy", trainValid("accuracy"), chanceAccuracy))
	p.unit = "share of masked steps"
	return []panel{b.published(p, "accuracy")}
}

func perplexityPanels(b *builder) []panel {
	if len(b.sets) == 1 {
		wants := trainValidOfTwo("code_perplexity", "code", "prob_perplexity", "prob")
		return []panel{b.published(zeroed(b.panel("Codebook perplexity, sum over groups", "code_perplexity", wants, allEntries)), "prob_perplexity")}
	}
	return []panel{
		zeroed(b.panel("Code perplexity, sum over groups", "code_perplexity", trainValid("code_perplexity"), allEntries)),
		b.published(zeroed(b.panel("Prob perplexity, sum over groups", "prob_perplexity", trainValid("prob_perplexity"), allEntries)), "prob_perplexity"),
	}
}

// groupPanels has a panel for each codebook group that any run has.
func groupPanels(b *builder) []panel {
	var panels []panel
	for group := 0; b.has(fmt.Sprintf("code_perplexity/%d", group)); group++ {
		wants := trainValidOfTwo(fmt.Sprintf("code_perplexity/%d", group), "code", fmt.Sprintf("prob_perplexity/%d", group), "prob")
		if len(b.sets) > 1 {
			wants = trainValid(fmt.Sprintf("code_perplexity/%d", group))
		}
		panels = append(panels, zeroed(b.panel(fmt.Sprintf("Perplexity of group %d", group), "code_perplexity", wants)))
	}
	if panels == nil { // nothing recorded: say what is missing
		panels = []panel{b.panel("Perplexity of group 0", "code_perplexity", trainValid("code_perplexity/0"))}
	}
	return panels
}

// has reports whether any run has a metric, in training or validation.
func (b *builder) has(metric string) bool {
	return slices.ContainsFunc(b.runs, func(r run) bool {
		return slices.ContainsFunc(trainValid(metric), func(w want) bool {
			steps, _ := r.log.Series(w.series)
			return len(steps) > 0
		})
	})
}

// maskPanels tells what the contrastive task was made of.
func maskPanels(b *builder) []panel {
	share := zeroed(b.panel("Masked share", "masked_share", trainValid("masked_share")))
	share.unit = "share of time steps"
	duplicates := zeroed(b.panel("Distractors that equal the target", "duplicate_distractors", trainValid("duplicate_distractors")))
	duplicates.unit = "share of distractors"
	cosine := b.derived().panel("Similarity to target and nearest distractor", "positive_cosine",
		trainValidOfTwo("positive_cosine", "target", "negative_cosine", "distractor"))
	cosine.unit = "cosine to context vector"
	return []panel{share, zeroed(b.panel("Length of masked runs", "mask_run", trainValid("mask_run"))), duplicates, cosine}
}

// finetuningPanels shows what a head for recognition learns.
func finetuningPanels(b *builder) []panel {
	words := percent(zeroed(b.panel("Word error rate", "wer", append(trainValid("wer"), want{series: runlog.Valid + "/wer_lm", label: "valid, with LM", colour: 2}))))
	letters := percent(zeroed(b.panel("Character error rate", "cer", trainValid("cer"))))
	return []panel{words, letters, b.panel("CTC loss", "ctc_loss", trainValid("ctc_loss"))}
}

// probePanels shows what a linear probe reads from a layer of the network.
func probePanels(b *builder) []panel {
	p := zeroed(b.panel("Linear probe", "probe/accuracy", []want{{series: runlog.Valid + "/probe/accuracy", label: "held out", colour: 1}}, chanceProbe))
	p.unit = "share of utterances"
	return []panel{p}
}

func gradientPanels(b *builder) []panel {
	return []panel{gradientNorm(b), learningRate(b), zeroed(b.panel("Gumbel temperature", "gumbel_temperature", schedule("gumbel_temperature")))}
}

func gradientNorm(b *builder) panel {
	p := b.panel("Gradient norm", "gradient_norm", train("gradient_norm"))
	p.log = true
	return b.published(p, "gradient_norm")
}

func learningRate(b *builder) panel {
	return zeroed(b.panel("Learning rate", "learning_rate", schedule("learning_rate")))
}

func throughputPanels(b *builder) []panel {
	wait := zeroed(b.panel("Waiting for data", "data_wait", machine("data_wait")))
	wait.unit = "share of time"
	return []panel{audioRate(b), arithmetic(b), wait}
}

func audioRate(b *builder) panel {
	p := zeroed(b.panel("Throughput", "audio_rate", machine("audio_rate")))
	p.unit = "audio s / s"
	return p
}

// arithmetic is in TFLOP/s when the numbers are large.
func arithmetic(b *builder) panel {
	p := zeroed(b.panel("Arithmetic", "gflops", machine("gflops")))
	if _, _, _, most := p.limits(); most >= 2000 && finite(most) {
		p.unit = "TFLOP/s"
		p.scale(1e-3)
	}
	return p
}

// percent shows shares in percent.
func percent(p panel) panel {
	p.unit = "%"
	p.scale(100)
	return p
}

// scale multiplies the curves.
func (p *panel) scale(by float64) {
	for i := range p.curves {
		c := &p.curves[i]
		c.raw, c.smooth, c.low, c.high = scaled(c.raw, by), scaled(c.smooth, by), scaled(c.low, by), scaled(c.high, by)
	}
}

func zeroed(p panel) panel {
	p.zero = true
	return p
}

// timePanels stacks the parts of an update, one panel a run. Its areas are means already and are not smoothed.
func timePanels(b *builder) []panel {
	var panels []panel
	for i, r := range b.runs {
		one := *b
		one.runs, one.sets = b.runs[i:i+1], []set{{r.label, b.runs[i : i+1]}}
		p := one.panel("Time of an update", "time/step", []want{
			{series: runlog.System + "/time/data", label: "waiting for data", colour: 0, exact: true},
			{series: runlog.System + "/time/forward", label: "forward", colour: 3, exact: true},
			{series: runlog.System + "/time/backward", label: "backward", colour: 2, exact: true},
			{series: runlog.System + "/time/optimizer", label: "optimiser", colour: 4, exact: true},
			{series: runlog.System + "/time/other", label: "other", colour: 5, exact: true},
		})
		if len(b.runs) > 1 {
			p.title += ": " + r.label
		}
		p.stack, p.zero = true, true
		panels = append(panels, p)
	}
	return panels
}

func overviewPanels(b *builder) []panel {
	contrastive := b.panel("Contrastive loss", "contrastive_loss", trainValid("contrastive_loss"), chanceLoss)
	perplexity := zeroed(b.panel("Code perplexity", "code_perplexity", trainValid("code_perplexity"), allEntries))
	return []panel{contrastive, accuracyPanels(b)[0], perplexity, gradientNorm(b), learningRate(b), audioRate(b)}
}
