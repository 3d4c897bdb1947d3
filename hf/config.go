package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"aural/encoder"
)

// Config is config.json. The field tags are its keys; network names the part of the model whose arithmetic a key decides.
type Config struct {
	Architectures   []string `json:"architectures"`
	ModelType       string   `json:"model_type"`
	TorchDType      string   `json:"torch_dtype"`
	HiddenSize      int      `json:"hidden_size" network:"model"`
	Layers          int      `json:"num_hidden_layers" network:"model"`
	Heads           int      `json:"num_attention_heads" network:"model"`
	Intermediate    int      `json:"intermediate_size" network:"model"`
	HiddenAct       string   `json:"hidden_act"`
	StableLayerNorm bool     `json:"do_stable_layer_norm" network:"model"`
	LayerNormEps    float64  `json:"layer_norm_eps" network:"model"`
	InitRange       float64  `json:"initializer_range"`

	FeatExtractNorm       string `json:"feat_extract_norm" network:"model"`
	FeatExtractActivation string `json:"feat_extract_activation"`
	ConvLayers            int    `json:"num_feat_extract_layers"`
	ConvDim               []int  `json:"conv_dim" network:"model"`
	ConvStride            []int  `json:"conv_stride" network:"model"`
	ConvKernel            []int  `json:"conv_kernel" network:"model"`
	ConvBias              bool   `json:"conv_bias" network:"model"`
	PositionKernel        int    `json:"num_conv_pos_embeddings" network:"model"`
	PositionGroups        int    `json:"num_conv_pos_embedding_groups" network:"model"`

	HiddenDropout     float64 `json:"hidden_dropout"`
	AttentionDropout  float64 `json:"attention_dropout"`
	ActivationDropout float64 `json:"activation_dropout"`
	FeatProjDropout   float64 `json:"feat_proj_dropout"`
	QuantizerDropout  float64 `json:"feat_quantizer_dropout"`
	FinalDropout      float64 `json:"final_dropout"`
	LayerDrop         float64 `json:"layerdrop"`

	SpecAugment     bool    `json:"apply_spec_augment"`
	MaskTimeProb    float64 `json:"mask_time_prob"`
	MaskTimeLength  int     `json:"mask_time_length"`
	MaskTimeMin     int     `json:"mask_time_min_masks"`
	MaskFeatureProb float64 `json:"mask_feature_prob"`
	MaskFeatureLen  int     `json:"mask_feature_length"`

	CodebookGroups  int     `json:"num_codevector_groups" network:"pretraining"`
	CodebookEntries int     `json:"num_codevectors_per_group" network:"pretraining"`
	CodevectorDim   int     `json:"codevector_dim" network:"pretraining"`
	ProjectDim      int     `json:"proj_codevector_dim" network:"pretraining"`
	Negatives       int     `json:"num_negatives"`
	LogitTemp       float64 `json:"contrastive_logits_temperature"`
	DiversityWeight float64 `json:"diversity_loss_weight"`

	VocabSize int `json:"vocab_size" network:"ctc"`
	Pad       int `json:"pad_token_id" network:"ctc"` // the blank of CTC
	BOS       int `json:"bos_token_id"`
	EOS       int `json:"eos_token_id"`

	// Extra holds the keys that are not listed above, as they were written.
	Extra map[string]json.RawMessage `json:"-"`
}

// defaults are those of transformers' Wav2Vec2Config: what a key means that is absent.
func defaults() Config {
	return Config{
		HiddenSize: 768, Layers: 12, Heads: 12, Intermediate: 3072, HiddenAct: "gelu", LayerNormEps: 1e-5, InitRange: 0.02,
		FeatExtractNorm: "group", FeatExtractActivation: "gelu", ConvDim: []int{512, 512, 512, 512, 512, 512, 512},
		ConvStride: []int{5, 2, 2, 2, 2, 2, 2}, ConvKernel: []int{10, 3, 3, 3, 3, 2, 2}, PositionKernel: 128, PositionGroups: 16,
		HiddenDropout: 0.1, AttentionDropout: 0.1, ActivationDropout: 0.1, FinalDropout: 0.1, LayerDrop: 0.1, SpecAugment: true,
		MaskTimeProb: 0.05, MaskTimeLength: 10, MaskTimeMin: 2, MaskFeatureLen: 10, CodebookGroups: 2, CodebookEntries: 320,
		CodevectorDim: 256, ProjectDim: 256, Negatives: 100, LogitTemp: 0.1, DiversityWeight: 0.1, VocabSize: 32, BOS: 1, EOS: 2,
	}
}

// ForEncoder is the part of config.json that describes the encoder and its masks; the rest has the defaults of transformers.
func ForEncoder(c encoder.Config, mask, channels encoder.MaskConfig) Config {
	h := defaults()
	h.ModelType, h.TorchDType = modelType, "float32"
	h.HiddenSize, h.Layers, h.Heads, h.Intermediate = c.Width, c.Layers, c.Heads, c.FFN
	h.StableLayerNorm, h.LayerNormEps, h.FeatExtractNorm, h.ConvBias = c.PreNorm, c.NormEps, string(c.ConvNorm), c.ConvBias
	h.PositionKernel, h.PositionGroups = c.PositionKernel, c.PositionGroups
	h.HiddenDropout, h.AttentionDropout, h.ActivationDropout = c.Dropout, c.AttentionDropout, c.ActivationDropout
	h.FeatProjDropout, h.QuantizerDropout, h.LayerDrop, h.FinalDropout = c.InputDropout, c.FeatureDropout, c.LayerDrop, 0
	h.MaskTimeProb, h.MaskTimeLength, h.MaskTimeMin = mask.Probability, mask.Length, mask.MinSpans
	h.MaskFeatureProb, h.MaskFeatureLen = channels.Probability, channels.Length
	h.ConvLayers, h.ConvDim, h.ConvKernel, h.ConvStride = len(c.Conv), nil, nil, nil
	for _, l := range c.Conv {
		h.ConvDim, h.ConvKernel, h.ConvStride = append(h.ConvDim, l.Channels), append(h.ConvKernel, l.Kernel), append(h.ConvStride, l.Stride)
	}
	return h
}

// Encoder is the configuration of the encoder. What config.json does not know, the gradient scale, is 1.
func (c Config) Encoder() encoder.Config {
	e := encoder.Config{
		ConvNorm: encoder.ConvNorm(c.FeatExtractNorm), ConvBias: c.ConvBias, Width: c.HiddenSize, Layers: c.Layers, Heads: c.Heads, FFN: c.Intermediate,
		PreNorm: c.StableLayerNorm, PositionKernel: c.PositionKernel, PositionGroups: c.PositionGroups, InputDropout: c.FeatProjDropout,
		FeatureDropout: c.QuantizerDropout, Dropout: c.HiddenDropout, AttentionDropout: c.AttentionDropout, ActivationDropout: c.ActivationDropout,
		LayerDrop: c.LayerDrop, FeatureGradScale: 1, NormEps: c.LayerNormEps,
	}
	for i := range c.ConvDim {
		e.Conv = append(e.Conv, encoder.ConvLayer{Channels: c.ConvDim[i], Kernel: c.ConvKernel[i], Stride: c.ConvStride[i]})
	}
	return e
}

// EncoderLike is [Config.Encoder] with the settings of another one that belong to training: dropout, LayerDrop, and the scale of the feature encoder's gradient.
func (c Config) EncoderLike(t encoder.Config) encoder.Config {
	e := c.Encoder()
	e.InputDropout, e.FeatureDropout, e.Dropout, e.AttentionDropout = t.InputDropout, t.FeatureDropout, t.Dropout, t.AttentionDropout
	e.ActivationDropout, e.LayerDrop, e.FeatureGradScale = t.ActivationDropout, t.LayerDrop, t.FeatureGradScale
	return e
}

// MaskVector says whether the model has the mask vector: transformers leaves it out of a model that never masks.
func (c Config) MaskVector() bool { return c.MaskTimeProb > 0 || c.MaskFeatureProb > 0 }

// Head is what architectures names, "" when that is absent.
func (c Config) Head() Head {
	for _, h := range Heads() {
		if slices.Contains(c.Architectures, h.Architecture()) {
			return h
		}
	}
	return ""
}

// ParseConfig reads config.json. Keys are exact; those that [Config] does not have are kept in Extra, except that dtype counts as torch_dtype.
func ParseConfig(raw []byte) (Config, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return Config{}, fmt.Errorf("hf: %s: %w", ConfigFile, err)
	}
	c := defaults()
	if dtype, ok := all["dtype"]; ok {
		all["torch_dtype"] = dtype
		delete(all, "dtype")
	}
	var errs []error
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		key := keyOf(v.Type().Field(i))
		if key == "-" {
			continue
		}
		value, given := all[key]
		delete(all, key)
		if !given || string(bytes.TrimSpace(value)) == "null" && nullable[key] {
			continue
		}
		if string(bytes.TrimSpace(value)) == "null" {
			errs = append(errs, fmt.Errorf("hf: %s: %s is null", ConfigFile, key))
			continue
		}
		if err := json.Unmarshal(value, v.Field(i).Addr().Interface()); err != nil {
			errs = append(errs, fmt.Errorf("hf: %s: %s: %w", ConfigFile, key, err))
		}
	}
	if c.ConvLayers == 0 {
		c.ConvLayers = len(c.ConvDim)
	}
	c.Extra = all
	errs = append(errs, c.validate()...)
	return c, errors.Join(errs...)
}

// nullable keys may be null, which means the default.
var nullable = map[string]bool{"architectures": true, "torch_dtype": true, "vocab_size": true, "pad_token_id": true, "bos_token_id": true, "eos_token_id": true}

// keyOf is the key of a field, "-" for Extra.
func keyOf(f reflect.StructField) string { return f.Tag.Get("json") }

// MarshalJSON writes the keys in order, Extra among them, as transformers does.
func (c Config) MarshalJSON() ([]byte, error) {
	all := maps.Clone(c.Extra)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if key := keyOf(v.Type().Field(i)); key != "-" {
			raw, err := json.Marshal(v.Field(i).Interface())
			if err != nil {
				return nil, err
			}
			all[key] = raw
		}
	}
	return json.Marshal(all)
}

// Agree reports the keys that decide what the encoder and some heads compute and that have other values in o. Dropout and masks may differ.
func (c Config) Agree(o Config, heads ...Head) error {
	var differ []string
	a, b := reflect.ValueOf(c), reflect.ValueOf(o)
	for i := range a.NumField() {
		f := a.Type().Field(i)
		of := Head(f.Tag.Get("network"))
		if of != NoHead && !slices.Contains(heads, of) {
			continue
		}
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			differ = append(differ, fmt.Sprintf("%s is %v, wanted %v", keyOf(f), x, y))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("hf: this is another network: %s", strings.Join(differ, "; "))
	}
	return nil
}
