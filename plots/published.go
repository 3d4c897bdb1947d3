package plots

import (
	"aural/reference"
	"aural/runlog"
)

// published draws behind a panel what published runs with as much audio in an update did, and the values that the table
// of metrics gives to compare with. Of several runs the first with a batch that something is published for counts. The
// axis must be updates, or hours of audio.
func (b *builder) published(p panel, metric string) panel {
	if !b.options.Reference || p.empty() {
		return p
	}
	for _, r := range b.runs {
		seconds, ok := batchSeconds(r.log)
		if !ok {
			continue
		}
		_, entries, _ := r.log.Last(runlog.Train + "/max_perplexity")
		band, ok := reference.For(metric, seconds, int(entries))
		if !ok {
			continue
		}
		v := ViewBand{Label: band.Label, Low: b.convert(metric, band.Low), High: b.convert(metric, band.High), Colour: Grey}
		for _, s := range band.Steps {
			x := float64(s)
			switch b.options.X {
			case Updates:
			case Hours:
				x *= seconds / 3600
			default:
				return p
			}
			v.X = append(v.X, x)
		}
		p.bands = append(p.bands, v.within(p.limits()))
		return p
	}
	return p
}

// batchSeconds is how much audio an update of a run has.
func batchSeconds(log runlog.Curves) (float64, bool) {
	step, hours, ok := log.Last(hoursSeen)
	if !ok || step == 0 || !finite(hours) {
		return 0, false
	}
	return hours * 3600 / float64(step), true
}

// within returns the part of a band between two places, cut there: a run that has just begun is not made small by what is
// published of the end.
func (v ViewBand) within(x0, x1, _, _ float64) ViewBand {
	cut := ViewBand{Label: v.Label, Colour: v.Colour}
	add := func(x, low, high float64) {
		cut.X, cut.Low, cut.High = append(cut.X, x), append(cut.Low, low), append(cut.High, high)
	}
	at := func(i int, x float64) { // between places i-1 and i
		w := (x - v.X[i-1]) / (v.X[i] - v.X[i-1])
		add(x, v.Low[i-1]+w*(v.Low[i]-v.Low[i-1]), v.High[i-1]+w*(v.High[i]-v.High[i-1]))
	}
	for i, x := range v.X {
		if i > 0 && v.X[i-1] < x0 && x > x0 {
			at(i, x0)
		}
		if x >= x0 && x <= x1 {
			add(x, v.Low[i], v.High[i])
		}
		if i > 0 && v.X[i-1] < x1 && x > x1 {
			at(i, x1)
		}
	}
	return cut
}
