package hf

import (
	"encoding/json"
	"fmt"
	"strings"

	"aural/encoder"
)

const modelType = "wav2vec2"

// Bounds on what config.json may ask for, several times above every published model. They keep sizes far from overflow.
const (
	maxWidth    = 1 << 16 // channels, and tokens of a codebook group
	maxLayers   = 256
	maxConv     = 32
	maxKernel   = 1 << 12
	maxField    = 1 << 24 // samples behind one frame
	maxVocab    = 1 << 20
	maxElements = 1 << 36 // of one tensor
)

// validate reports every setting with which the model cannot be built here. It needs no tensors.
func (c Config) validate() (errs []error) {
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("hf: "+ConfigFile+": "+format, args...))
		}
	}
	within := func(key string, v, most int) {
		bad(v < 1 || v > most, "%s: %d is outside 1 to %d", key, v, most)
	}
	bad(c.ModelType != modelType, "model_type is %q; only %q can be read", c.ModelType, modelType)
	bad(len(c.Architectures) > 0 && c.Head() == "", "architectures are %s; only %s, %s and %s can be read",
		strings.Join(c.Architectures, ", "), NoHead.Architecture(), Pretraining.Architecture(), CTC.Architecture())
	for _, act := range [][2]string{{"hidden_act", c.HiddenAct}, {"feat_extract_activation", c.FeatExtractActivation}} {
		bad(act[1] != "gelu", "%s is %q; the network here has %q, the exact one", act[0], act[1], "gelu")
	}
	for _, off := range [][2]string{{"add_adapter", "false"}, {"adapter_attn_dim", "null"}} {
		v, given := c.Extra[off[0]]
		bad(given && string(v) != off[1], "%s is %s; adapters are not known here", off[0], clip(v))
	}
	bad(c.FeatExtractNorm != string(encoder.GroupNorm) && c.FeatExtractNorm != string(encoder.LayerNorm), "feat_extract_norm is %q, neither %q nor %q",
		c.FeatExtractNorm, encoder.GroupNorm, encoder.LayerNorm)
	n := len(c.ConvDim)
	bad(len(c.ConvKernel) != n || len(c.ConvStride) != n || c.ConvLayers != n,
		"conv_dim, conv_kernel, conv_stride and num_feat_extract_layers disagree: %d, %d, %d, %d layers", n, len(c.ConvKernel), len(c.ConvStride), c.ConvLayers)
	within("num_feat_extract_layers", n, maxConv)
	each := func(key string, list []int, most int) {
		for i, v := range list[:min(len(list), maxConv)] {
			within(fmt.Sprintf("%s[%d]", key, i), v, most)
		}
	}
	each("conv_dim", c.ConvDim, maxWidth)
	each("conv_kernel", c.ConvKernel, maxKernel)
	each("conv_stride", c.ConvStride, maxKernel)
	for _, k := range []struct {
		key     string
		v, most int
	}{{"hidden_size", c.HiddenSize, maxWidth}, {"num_hidden_layers", c.Layers, maxLayers}, {"num_attention_heads", c.Heads, maxWidth},
		{"intermediate_size", c.Intermediate, maxWidth}, {"num_conv_pos_embeddings", c.PositionKernel, maxKernel},
		{"num_conv_pos_embedding_groups", c.PositionGroups, maxWidth}, {"num_codevector_groups", c.CodebookGroups, maxWidth},
		{"num_codevectors_per_group", c.CodebookEntries, maxWidth}, {"codevector_dim", c.CodevectorDim, maxWidth},
		{"proj_codevector_dim", c.ProjectDim, maxWidth}, {"vocab_size", c.VocabSize, maxVocab}} {
		within(k.key, k.v, k.most)
	}
	bad(c.Pad < 0 || c.Pad >= c.VocabSize, "pad_token_id: %d is no token of a vocabulary of %d", c.Pad, c.VocabSize)
	if len(errs) > 0 {
		return errs
	}
	bad(c.CodevectorDim%c.CodebookGroups != 0, "codevector_dim %d is no multiple of num_codevector_groups %d", c.CodevectorDim, c.CodebookGroups)
	bad(c.Negatives < 0, "num_negatives: %d is negative", c.Negatives)
	bad(c.CodebookEntries < 2, "num_codevectors_per_group: %d is less than 2", c.CodebookEntries)
	bad(!(c.LogitTemp > 0), "contrastive_logits_temperature: %v is not positive", c.LogitTemp)
	bad(c.HiddenSize/c.PositionGroups*c.PositionKernel > maxElements/c.HiddenSize, "the position convolution of %d x %d channels x %d frames is absurd",
		c.HiddenSize, c.HiddenSize/c.PositionGroups, c.PositionKernel)
	_, err := receptiveField(c)
	bad(err != nil, "%v", err)
	if err := c.Encoder().Validate(); err != nil {
		errs = append(errs, fmt.Errorf("hf: %s: %w", ConfigFile, err))
	}
	return errs
}

// receptiveField is the number of samples behind one frame.
func receptiveField(c Config) (int, error) {
	samples := 1
	for i := len(c.ConvKernel) - 1; i >= 0; i-- {
		samples = (samples-1)*c.ConvStride[i] + c.ConvKernel[i]
		if samples > maxField {
			return 0, fmt.Errorf("conv_kernel and conv_stride: one frame sees more than %d samples", maxField)
		}
	}
	return samples, nil
}

// clip shortens what a hostile file may have made long.
func clip(raw json.RawMessage) string {
	if s := string(raw); len(s) > 40 {
		return fmt.Sprintf("%.40q…", s)
	} else {
		return s
	}
}
