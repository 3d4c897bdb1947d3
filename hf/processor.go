package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"aural/encoder"
)

// Preprocessor is preprocessor_config.json: what has to be done to audio before the network.
type Preprocessor struct {
	Type          string  `json:"feature_extractor_type"`
	FeatureSize   int     `json:"feature_size"`
	SamplingRate  int     `json:"sampling_rate"`
	PaddingValue  float64 `json:"padding_value"`
	PaddingSide   string  `json:"padding_side"`
	Normalize     bool    `json:"do_normalize"`
	AttentionMask bool    `json:"return_attention_mask"`
}

// NewPreprocessor describes the input of a model. Group-norm models take no attention mask, because their statistics include the padding. normalize says that
// each utterance is given mean 0 and variance 1.
func NewPreprocessor(norm encoder.ConvNorm, normalize bool) Preprocessor {
	return Preprocessor{Type: "Wav2Vec2FeatureExtractor", FeatureSize: 1, SamplingRate: 16000, PaddingSide: "right", Normalize: normalize,
		AttentionMask: norm == encoder.LayerNorm}
}

// readPreprocessor reads preprocessor_config.json, or the same out of processor_config.json, which the processors of transformers 5 write. With neither
// transformers normalises, so that is assumed.
func (m *Model) readPreprocessor() error {
	m.Preprocessor = NewPreprocessor(encoder.ConvNorm(m.Config.FeatExtractNorm), true)
	raw, err := readFile(m.Dir, PreprocessorFile, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = readFile(m.Dir, processorFile, maxConfigBytes)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			raw, err = featureExtractor(raw)
		}
	}
	if err == nil {
		err = parsePreprocessor(raw, &m.Preprocessor)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.Dir, err)
	}
	return nil
}

const processorFile = "processor_config.json"

// featureExtractor is the part of processor_config.json that stands for preprocessor_config.json.
func featureExtractor(raw []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("hf: %s: %w", processorFile, err)
	}
	if len(all["feature_extractor"]) == 0 {
		return nil, fmt.Errorf("hf: %s has no feature_extractor; add a %s", processorFile, PreprocessorFile)
	}
	return all["feature_extractor"], nil
}

// parsePreprocessor reads the keys that are there into p; others are ignored. What would change the input otherwise than this program does is an error.
func parsePreprocessor(raw []byte, p *Preprocessor) error {
	if err := json.Unmarshal(raw, p); err != nil {
		return fmt.Errorf("hf: %s: %w", PreprocessorFile, err)
	}
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("hf: "+PreprocessorFile+": "+format, args...))
		}
	}
	bad(p.Type != "Wav2Vec2FeatureExtractor", "feature_extractor_type is %q; only Wav2Vec2FeatureExtractor is known", p.Type)
	bad(p.SamplingRate != 16000, "sampling_rate is %d; stores have 16000", p.SamplingRate)
	bad(p.FeatureSize != 1, "feature_size is %d; a waveform has 1", p.FeatureSize)
	bad(p.PaddingValue != 0 || p.PaddingSide != "right", "padding with %v on the %s; it is with 0 on the right here", p.PaddingValue, p.PaddingSide)
	return errors.Join(errs...)
}

// readVocabulary reads vocab.json and keeps the files beside it. With a CTC head every output must have its token, here or in added_tokens.json.
func (m *Model) readVocabulary() error {
	for _, name := range tokenizerFiles {
		raw, err := readFile(m.Dir, name, maxVocabBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		m.Files[name] = raw
	}
	raw, ok := m.Files[VocabFile]
	if !ok {
		return nil
	}
	size := 0
	if slices.Contains(m.Heads, CTC) {
		size = m.Config.VocabSize
	}
	var err error
	if m.Tokens, err = parseVocabulary(raw, m.Files["added_tokens.json"], size); err != nil {
		return fmt.Errorf("%s: %w", m.Dir, err)
	}
	return nil
}

// parseVocabulary reads vocab.json, an object from token to number, and what added_tokens.json adds. With size outputs, each number below must have a token, and none of vocab.json
// may lie above; without outputs (0) the numbers must be 0, 1, 2 and so on.
func parseVocabulary(vocab, added []byte, size int) ([]string, error) {
	var numbers, more map[string]int
	if err := json.Unmarshal(vocab, &numbers); err != nil {
		return nil, fmt.Errorf("hf: %s: %w", VocabFile, err)
	}
	if len(added) > 0 {
		if err := json.Unmarshal(added, &more); err != nil {
			return nil, fmt.Errorf("hf: added_tokens.json: %w", err)
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("hf: %s: there are no tokens", VocabFile)
	}
	if size == 0 {
		size = len(numbers)
	}
	for token, n := range more { // transformers adds <s> and </s> behind the outputs of models that do not have them
		if _, ok := numbers[token]; !ok && n < size {
			numbers[token] = n
		}
	}
	tokens, used := make([]string, size), make([]bool, size)
	for _, token := range slices.Sorted(maps.Keys(numbers)) {
		n := numbers[token]
		if n < 0 || n >= size {
			return nil, fmt.Errorf("hf: %s: token %q has number %d, outside 0 to %d", VocabFile, token, n, size-1)
		}
		if used[n] {
			return nil, fmt.Errorf("hf: %s: number %d has the tokens %q and %q", VocabFile, n, tokens[n], token)
		}
		tokens[n], used[n] = token, true
	}
	if n := slices.Index(used, false); n >= 0 {
		return nil, fmt.Errorf("hf: %s: number %d of %d has no token", VocabFile, n, size)
	}
	return tokens, nil
}
