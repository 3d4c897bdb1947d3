// Package hf reads and writes wav2vec 2.0 model folders of Hugging Face transformers: config.json, the weights in one safetensors file or in several with an
// index, preprocessor_config.json and vocab.json. It is the one place where the names and settings of transformers and fairseq are known.
//
// A folder is taken whole or refused. Every tensor that config.json asks for must be there with its shape, and every tensor that is there must be one
// that config.json asks for; [MismatchError] lists what is not so. Settings that this program has no equal of are errors; settings that do not
// change what the network computes are carried along unread. Nothing in a folder is executed: pickles (pytorch_model.bin, fairseq's .pt) are refused by name.
package hf

import (
	"fmt"
	"slices"

	"aural/encoder"
	"aural/vocab"
)

// Head is what a model has on top of the encoder.
type Head string

const (
	// NoHead is the encoder alone, transformers' Wav2Vec2Model.
	NoHead Head = "model"
	// Pretraining is the quantizer with both projections, Wav2Vec2ForPreTraining.
	Pretraining Head = "pretraining"
	// CTC is a linear layer to the vocabulary, Wav2Vec2ForCTC.
	CTC Head = "ctc"
)

// Heads are all heads.
func Heads() []Head { return []Head{NoHead, Pretraining, CTC} }

var architectures = map[Head]string{NoHead: "Wav2Vec2Model", Pretraining: "Wav2Vec2ForPreTraining", CTC: "Wav2Vec2ForCTC"}

// Architecture is the name of the class of transformers.
func (h Head) Architecture() string { return architectures[h] }

// Check refuses a word that is no head.
func (h Head) Check() error {
	if !slices.Contains(Heads(), h) {
		return fmt.Errorf("hf: %q is no kind of model; there are %q, %q and %q", string(h), NoHead, Pretraining, CTC)
	}
	return nil
}

// Names of the files of a model folder.
const (
	ConfigFile       = "config.json"
	WeightsFile      = "model.safetensors"
	IndexFile        = "model.safetensors.index.json"
	PreprocessorFile = "preprocessor_config.json"
	VocabFile        = "vocab.json"
)

// tokenizerFiles describe the vocabulary further. They are carried along byte by byte.
var tokenizerFiles = []string{VocabFile, "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json", vocab.PiecesFile}

// prefix begins the canonical name of every tensor of the encoder.
const prefix = encoder.Prefix
