package reference

import (
	"math"
	"slices"
	"sort"
)

// Band is where published runs lie: between Low and High at the updates Steps, and on straight lines between them.
type Band struct {
	Steps     []int64 // rising
	Low, High []float64
	Label     string // what the band is, in a few words
	Source    string // who published it
}

// At returns the band at an update. ok is false before its first and after its last update, for which nothing is known.
func (b Band) At(step int64) (low, high float64, ok bool) {
	n := len(b.Steps)
	if n == 0 || step < b.Steps[0] || step > b.Steps[n-1] {
		return 0, 0, false
	}
	i := sort.Search(n, func(i int) bool { return b.Steps[i] >= step })
	if b.Steps[i] == step {
		return b.Low[i], b.High[i], true
	}
	w := float64(step-b.Steps[i-1]) / float64(b.Steps[i]-b.Steps[i-1])
	mix := func(v []float64) float64 { return v[i-1] + w*(v[i]-v[i-1]) }
	return mix(b.Low), mix(b.High), true
}

// The sources, as figures cite them.
const (
	sourceSeeds = "NVIDIA DeepLearningExamples wav2vec2, 8 seeds"
	sourceSizes = "Vaessen and van Leeuwen 2024, arXiv 2402.13723"
	sourceNorm  = "README of transformers, speech pretraining"
)

// For returns the band of a metric for a run that trains on batchSeconds of audio an update and has entries codebook
// entries in all groups together; entries counts for the perplexity only, 0 stands for the published 640. ok is false for a
// metric of which nothing is published, and for batches below 60 s, where nothing is.
//
// Where the publication has one run for each batch size, the band reaches from the curve of half the batch to that of
// twice the batch, interpolated in the logarithm of the batch and held at the smallest and largest one. At 40 min and above,
// the accuracy from 50,000 updates on is that of eight seeds at 1.56 h, mean ± 2 standard deviations.
//
// A perplexity is scaled by entries/640: that a codebook of another size is used to the same share is an assumption, and
// not a published result.
func For(metric string, batchSeconds float64, entries int) (b Band, ok bool) {
	if !(batchSeconds >= 60) || math.IsInf(batchSeconds, 0) || entries < 0 {
		return Band{}, false
	}
	switch metric {
	case "accuracy":
		if batchSeconds >= 2400 {
			return seedBand(batchSeconds), true
		}
		b = sizeBand(accuracySteps, accuracyRows, batchSeconds)
		b.Label, b.Source = "published, half to twice this batch", sourceSizes
		return b, true
	case "prob_perplexity":
		return perplexityBand(batchSeconds, entries), true
	case "codebook_cosine":
		return Band{Steps: []int64{0, lastStep}, Low: []float64{firstCosineLow, lastCosineLow}, High: []float64{firstCosineTop, lastCosineTop},
			Label: "published good runs: start and end", Source: sourceSizes}, true
	case "gradient_norm":
		return Band{Steps: []int64{0, lastStep}, Low: []float64{gradientNormLow, gradientNormLow}, High: []float64{gradientNormTop, gradientNormTop},
			Label: "healthy", Source: sourceNorm}, true
	}
	return Band{}, false
}

// seedBand is the accuracy at batches of 40 min and more. Before the table of the eight seeds begins, the band reaches from
// the smaller-batch publication to what can be read off the figure of the seeds.
func seedBand(batchSeconds float64) Band {
	b := Band{Label: "published, 8 seeds ± 2 deviations", Source: sourceSeeds + "; before 50,000 updates also " + sourceSizes}
	for i, step := range accuracySteps {
		if step >= seedSteps[0] {
			break
		}
		b.Steps = append(b.Steps, step)
		b.Low = append(b.Low, interpolate(accuracyRows, batchSeconds/2, i))
		b.High = append(b.High, seedFigure(step))
	}
	for i, step := range seedSteps {
		b.Steps = append(b.Steps, step)
		b.Low = append(b.Low, seedMean[i]-2*seedDeviation[i])
		b.High = append(b.High, seedMean[i]+2*seedDeviation[i])
	}
	return b
}

// seedFigure is the accuracy read off the figure of the seeds, on straight lines over the logarithm of the update.
func seedFigure(step int64) float64 {
	steps, values := append(slices.Clone(seedEarlySteps), seedSteps[0]), append(slices.Clone(seedEarly), seedMean[0])
	i := sort.Search(len(steps)-1, func(i int) bool { return steps[i] >= step })
	i = max(i, 1)
	w := math.Log(float64(step)/float64(steps[i-1])) / math.Log(float64(steps[i])/float64(steps[i-1]))
	return values[i-1] + w*(values[i]-values[i-1])
}

// sizeBand reaches from the curve at half the batch to the one at twice the batch.
func sizeBand(steps []int64, rows []row, batchSeconds float64) Band {
	b := Band{Steps: slices.Clone(steps)}
	for i := range steps {
		low, high := interpolate(rows, batchSeconds/2, i), interpolate(rows, batchSeconds*2, i)
		b.Low, b.High = append(b.Low, min(low, high)), append(b.High, max(low, high))
	}
	return b
}

// interpolate is column i at a batch size, on straight lines over the logarithm of the batch.
func interpolate(rows []row, seconds float64, i int) float64 {
	last := len(rows) - 1
	if seconds <= rows[0].seconds {
		return rows[0].values[i]
	}
	if seconds >= rows[last].seconds {
		return rows[last].values[i]
	}
	k := sort.Search(last, func(k int) bool { return rows[k].seconds >= seconds })
	w := math.Log(seconds/rows[k-1].seconds) / math.Log(rows[k].seconds/rows[k-1].seconds)
	return rows[k-1].values[i] + w*(rows[k].values[i]-rows[k-1].values[i])
}

// perplexityBand begins with the high start and the valley, and goes on with the table. Nothing is published for what
// follows the valley at batches below 150 s: the band ends there.
func perplexityBand(batchSeconds float64, entries int) Band {
	if entries == 0 {
		entries = PublishedEntries
	}
	scale := float64(entries) / PublishedEntries
	valley := EarlyShape(batchSeconds).Valley
	b := Band{Label: "published, half to twice this batch", Source: sourceSizes}
	add := func(step int64, low, high float64) {
		b.Steps, b.Low, b.High = append(b.Steps, step), append(b.Low, low*scale), append(b.High, high*scale)
	}
	add(firstPerplexityStep, firstPerplexityLow, firstPerplexityTop)
	add(valley, valleyLow, valleyTop)
	if batchSeconds >= perplexityRows[0].seconds {
		rest := sizeBand(perplexitySteps, perplexityRows, batchSeconds)
		for i, step := range rest.Steps {
			if step > valley {
				add(step, rest.Low[i], rest.High[i])
			}
		}
	}
	return b
}
