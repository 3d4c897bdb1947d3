package lm

import "math"

// Figures are sums over scored text.
type Figures struct {
	Sentences, Tokens, OOV int     // tokens include the end of each sentence, as KenLM counts
	Log10, Log10OOV        float64 // of all tokens, and of those that the model does not have
}

// Add scores a sentence. each, which may be nil, gets every word with its log10 probability, and </s> at the end.
func (f *Figures) Add(m *Model, words [][]byte, each func(word string, known bool, log10 float32)) (total float64) {
	s := m.Start()
	for i := 0; i <= len(words); i++ {
		w, known, text := m.end, true, endOfText
		if i < len(words) {
			text = string(words[i])
			w, known = m.Word(text)
			known = known && w != Unknown
		}
		var p float32
		p, s = m.Score(s, w)
		total += float64(p)
		if f.Tokens++; !known {
			f.OOV++
			f.Log10OOV += float64(p)
		}
		if each != nil {
			each(text, known, p)
		}
	}
	f.Sentences++
	f.Log10 += total
	return total
}

// Perplexity returns 10^(-mean log10 probability) over all tokens, and over those that the model has. It is NaN without tokens.
func (f *Figures) Perplexity() (all, known float64) {
	return math.Pow(10, -f.Log10/float64(f.Tokens)), math.Pow(10, -(f.Log10-f.Log10OOV)/float64(f.Tokens-f.OOV))
}
