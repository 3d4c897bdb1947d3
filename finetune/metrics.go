package finetune

// Metrics is what a micro-batch or an update reports.
type Metrics struct {
	Loss        float64 `metric:"loss"`     // nats, by what the gradient is divided by
	CTC         float64 `metric:"ctc_loss"` // nats an utterance
	Fill        float64 `metric:"fill"`
	MaskedShare float64 `metric:"masked_share"`
}

// size is what the gradient of a micro-batch is divided by.
func (w *facts) size(r Recipe) float64 {
	if r.Loss.Average == PerLabel {
		return float64(w.labels)
	}
	return float64(w.shape.Rows)
}

func (m *Metrics) set(r Recipe, w *facts, loss float64) {
	m.Loss, m.CTC = loss/w.size(r), loss/float64(w.shape.Rows)
	m.Fill = float64(w.samples) / float64(w.shape.Rows*w.shape.Samples)
	m.MaskedShare = float64(w.masked) / float64(max(w.real, 1))
}
