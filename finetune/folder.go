package finetune

import (
	"encoding/json"
	"errors"
	"fmt"

	"aural/hf"
	"aural/vocab"
)

// tokenizerFile describes the vocabulary to transformers.
const tokenizerFile = "tokenizer_config.json"

// tokenizer is the part of tokenizer_config.json that Wav2Vec2CTCTokenizer needs.
type tokenizer struct {
	Class     string `json:"tokenizer_class"`
	Pad       string `json:"pad_token"`
	Unknown   string `json:"unk_token"`
	BOS       string `json:"bos_token"`
	EOS       string `json:"eos_token"`
	Delimiter string `json:"word_delimiter_token"`
	Lower     bool   `json:"do_lower_case"`
}

// Adopt takes the architecture of the network and the normalisation of its input from a model folder, and the folder as Init. Dropout, LayerDrop and masks stay
// those of the recipe, and so does InitLayers, the number of blocks if it is not 0.
func (r *Recipe) Adopt(dir string) error {
	m, err := hf.Open(dir)
	if err != nil {
		return err
	}
	defer m.Close()
	e := m.Config.EncoderLike(r.Encoder)
	if r.InitLayers > e.Layers {
		return fmt.Errorf("finetune: init_layers: %d, and %s has %d blocks", r.InitLayers, dir, e.Layers)
	}
	if r.InitLayers > 0 {
		e.Layers = r.InitLayers
	}
	r.Encoder, r.Data.Normalize, r.Init = e, m.Preprocessor.Normalize, dir
	return r.Validate()
}

// HF is config.json of the model that a recipe trains, with a vocabulary.
func (r Recipe) HF(v *vocab.Vocabulary) hf.Config {
	h := hf.ForEncoder(r.Encoder, r.Mask, r.Channels)
	h.FinalDropout, h.VocabSize, h.Pad = r.Head.Dropout, v.Len(), v.Blank()
	for token, id := range map[string]*int{vocab.StartToken: &h.BOS, vocab.EndToken: &h.EOS} {
		if i, ok := v.Index(token); ok {
			*id = i
		}
	}
	return h
}

// SaveModel writes a folder that transformers opens with Wav2Vec2ForCTC.from_pretrained.
func (t *Task) SaveModel(dir string) error {
	v := t.labels.vocab
	words, err := v.JSON()
	if err != nil {
		return err
	}
	tok := tokenizer{Class: "Wav2Vec2CTCTokenizer", Pad: v.Token(v.Blank()), Unknown: vocab.UnknownToken, BOS: vocab.StartToken, EOS: vocab.EndToken,
		Delimiter: vocab.BoundaryToken}
	files := map[string][]byte{hf.VocabFile: words}
	if v.HasPieces() { // transformers leaves the marks in text, and would add | behind the outputs
		tok.Delimiter, files[vocab.PiecesFile] = vocab.WordMark, v.SentencePiece()
	}
	about, err := json.MarshalIndent(tok, "", "  ")
	if err != nil {
		return fmt.Errorf("finetune: %w", err)
	}
	files[tokenizerFile] = append(about, '\n')
	return hf.Write(dir, hf.Content{
		Head: hf.CTC, Config: t.recipe.HF(v), Specs: t.weights.Specs(), Value: hf.ValueOf(t.weights, t.backend),
		Preprocessor: hf.NewPreprocessor(t.recipe.Encoder.ConvNorm, t.recipe.Data.Normalize),
		Files:        files,
	})
}

// LoadModel reads the weights of a model folder, which must hold the network of the recipe with a CTC head for the vocabulary of the task.
func (t *Task) LoadModel(dir string) error {
	m, err := hf.Open(dir, hf.CTC)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Config.Agree(t.recipe.HF(t.labels.vocab), hf.CTC); err != nil {
		return fmt.Errorf("finetune: %s is not a model of this recipe and vocabulary: %w", dir, err)
	}
	if err := sameTokens(m.Tokens, t.labels.vocab); err != nil {
		return fmt.Errorf("finetune: %s: %w", dir, err)
	}
	return m.Load(t.weights, t.backend)
}

// sameTokens tells where the tokens of a folder differ from a vocabulary.
func sameTokens(tokens []string, v *vocab.Vocabulary) error {
	if tokens == nil {
		return errors.New("there is no vocab.json: nothing says what its outputs mean")
	}
	for i, tok := range tokens {
		if i >= v.Len() || v.Token(i) != tok {
			return fmt.Errorf("output %d is %q there and another one in the vocabulary of these transcripts: take the store and labels.vocabulary of that model", i, tok)
		}
	}
	return nil
}

// loadEncoder takes the weights of the encoder from a model folder with any head or none. A mask vector that it lacks keeps its initial value.
func (t *Task) loadEncoder(dir string) error {
	m, err := hf.Open(dir)
	if err != nil {
		return fmt.Errorf("finetune: init: %w", err)
	}
	defer m.Close()
	want := t.recipe.HF(t.labels.vocab)
	if t.recipe.InitLayers > 0 {
		want.Layers = m.Config.Layers // those above are not taken
	}
	if err := m.Config.Agree(want); err != nil {
		return fmt.Errorf("finetune: init: %s holds another network than the recipe asks for: %w", dir, err)
	}
	return m.LoadParts(t.weights, t.backend)
}
