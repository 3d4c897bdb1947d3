package pretrain

import (
	"math"

	"aural/contrastive"
	"aural/exec"
	"aural/quantizer"
)

// Metrics is what a micro-batch, an update or a validation run reports. Losses are in nats per masked frame.
type Metrics struct {
	Loss           float64 `metric:"loss"`
	Contrastive    float64 `metric:"contrastive_loss"`
	Diversity      float64 `metric:"diversity_loss"`
	DiversityTerm  float64 `metric:"weighted_diversity_loss"`
	Penalty        float64 `metric:"feature_penalty"`
	PenaltyTerm    float64 `metric:"weighted_feature_penalty"`
	Accuracy       float64 `metric:"accuracy"`
	ChanceAccuracy float64 `metric:"chance_accuracy"`
	ChanceLoss     float64 `metric:"chance_loss"`
	// Perplexities are those of one micro-batch (averaged over the micro-batches of an update): how many codes 100 frames can use depends on
	// there being only 100, so they compare only between equal batches.
	CodePerplexity float64   `metric:"code_perplexity"`
	CodePerGroup   []float64 `metric:"code_perplexity"`
	ProbPerplexity float64   `metric:"prob_perplexity"`
	ProbPerGroup   []float64 `metric:"prob_perplexity"`
	MaxPerplexity  float64   `metric:"max_perplexity"`
	Duplicates     float64   `metric:"duplicate_distractors"`
	MaskedShare    float64   `metric:"masked_share"`
	MaskRun        float64   `metric:"mask_run"`
	Temperature    float64   `metric:"gumbel_temperature"`

	counts []float64 // (G,V) codes of the micro-batch
}

// checked is what a validation reports.
type checked struct {
	Metrics
	CodebookCosine float64 `metric:"codebook_cosine"` // of the weights, not of the data
}

func newMetrics(r Recipe) *Metrics {
	g := r.Quantizer.Groups
	return &Metrics{
		ChanceAccuracy: r.Contrastive.Chance(), ChanceLoss: math.Log(float64(r.Contrastive.Total() + 1)),
		MaxPerplexity: float64(g * r.Quantizer.Entries),
		CodePerGroup:  make([]float64, g), ProbPerGroup: make([]float64, g), counts: make([]float64, g*r.Quantizer.Entries),
	}
}

// results are the raw outputs of a program for one micro-batch, in memory that they are copied to while the device goes on.
type results struct {
	*exec.Results
	loss, contrastive, diversity, penalty []float32 // one number each
	prob                                  []float32 // (G)
	codes, hits                           []int32
}

// set computes the metrics of one micro-batch of n masked frames.
func (m *Metrics) set(r Recipe, w *facts, out *results) {
	n := float64(w.count)
	score := contrastive.ReadScore(out.hits)
	m.Loss = float64(out.loss[0]) / n
	m.Contrastive = float64(out.contrastive[0]) / n
	m.Diversity, m.DiversityTerm = float64(out.diversity[0]), r.Loss.Diversity*float64(out.diversity[0])
	m.Penalty, m.PenaltyTerm = float64(out.penalty[0]), r.Loss.FeaturePenalty*float64(out.penalty[0])
	m.Accuracy = float64(score.Correct) / n
	m.Duplicates = float64(score.Duplicates) / (n * float64(r.Contrastive.Total()))
	clear(m.counts)
	quantizer.CodeCounts(m.counts, out.codes, r.Quantizer.Groups, r.Quantizer.Entries)
	m.CodePerplexity, m.ProbPerplexity = 0, 0
	for g := range m.CodePerGroup {
		m.CodePerGroup[g] = quantizer.Perplexity(m.counts[g*r.Quantizer.Entries : (g+1)*r.Quantizer.Entries])
		m.ProbPerGroup[g] = float64(out.prob[g])
		m.CodePerplexity += m.CodePerGroup[g]
		m.ProbPerplexity += m.ProbPerGroup[g]
	}
	m.MaskedShare = n / float64(w.shape.Rows*w.frames)
	m.MaskRun = n / float64(max(w.runs, 1))
	m.Temperature = float64(w.temperature)
}

// numbers lists the metrics that a validation run averages over its batches.
func (m *Metrics) numbers() []*float64 {
	list := []*float64{&m.Loss, &m.Contrastive, &m.Diversity, &m.DiversityTerm, &m.Penalty, &m.PenaltyTerm, &m.Accuracy, &m.CodePerplexity,
		&m.ProbPerplexity, &m.Duplicates, &m.MaskedShare, &m.MaskRun, &m.Temperature}
	for g := range m.CodePerGroup {
		list = append(list, &m.CodePerGroup[g], &m.ProbPerGroup[g])
	}
	return list
}

// average is the mean of batches, weighted by their masked frames.
type average struct {
	sums   []float64
	frames float64
}

func (a *average) add(m *Metrics, frames float64) {
	list := m.numbers()
	if a.sums == nil {
		a.sums = make([]float64, len(list))
	}
	for i, x := range list {
		a.sums[i] += frames * *x
	}
	a.frames += frames
}

func (a *average) store(m *Metrics) {
	for i, x := range m.numbers() {
		*x = a.sums[i] / a.frames
	}
}
