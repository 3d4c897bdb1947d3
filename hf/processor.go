package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"aural/encoder"
	"aural/vocab"
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
	if m.Tokens, err = vocab.ParseTokens(raw, m.Files["added_tokens.json"], size); err != nil {
		return fmt.Errorf("%s: %w", m.Dir, err)
	}
	return nil
}

// Vocabulary is that of the folder's CTC head, nil without a vocab.json. Tokens that are word pieces can spell text if the folder has their SentencePiece model.
// Vocabularies that this program does not know how to read words from, or whose blank is not pad_token_id, are errors.
func (m *Model) Vocabulary() (*vocab.Vocabulary, error) {
	if m.Tokens == nil {
		return nil, nil
	}
	v, err := vocab.New(m.Tokens)
	if model := m.Files[vocab.PiecesFile]; err == nil && model != nil && v.HasPieces() {
		v, err = v.WithPieces(model)
	}
	if err == nil && v.Blank() != m.Config.Pad {
		err = fmt.Errorf("hf: %s: pad_token_id is %d, and %s says that it is %d", ConfigFile, m.Config.Pad, VocabFile, v.Blank())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Dir, err)
	}
	return v, nil
}
