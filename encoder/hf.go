package encoder

import "fmt"

// HFConfig is config.json of a Hugging Face wav2vec 2.0 model folder: the fields that transformers reads to rebuild the network. Fields that belong
// to heads are set by the packages that own them.
type HFConfig struct {
	Architectures   []string `json:"architectures"`
	ModelType       string   `json:"model_type"`
	TorchDType      string   `json:"torch_dtype"`
	HiddenSize      int      `json:"hidden_size"`
	Layers          int      `json:"num_hidden_layers"`
	Heads           int      `json:"num_attention_heads"`
	Intermediate    int      `json:"intermediate_size"`
	HiddenAct       string   `json:"hidden_act"`
	StableLayerNorm bool     `json:"do_stable_layer_norm"`
	LayerNormEps    float64  `json:"layer_norm_eps"`
	InitRange       float64  `json:"initializer_range"`

	FeatExtractNorm       string `json:"feat_extract_norm"`
	FeatExtractActivation string `json:"feat_extract_activation"`
	ConvLayers            int    `json:"num_feat_extract_layers"`
	ConvDim               []int  `json:"conv_dim"`
	ConvStride            []int  `json:"conv_stride"`
	ConvKernel            []int  `json:"conv_kernel"`
	ConvBias              bool   `json:"conv_bias"`
	PositionKernel        int    `json:"num_conv_pos_embeddings"`
	PositionGroups        int    `json:"num_conv_pos_embedding_groups"`

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

	CodebookGroups  int     `json:"num_codevector_groups"`
	CodebookEntries int     `json:"num_codevectors_per_group"`
	CodevectorDim   int     `json:"codevector_dim"`
	ProjectDim      int     `json:"proj_codevector_dim"`
	Negatives       int     `json:"num_negatives"`
	LogitTemp       float64 `json:"contrastive_logits_temperature"`
	DiversityWeight float64 `json:"diversity_loss_weight"`

	VocabSize int `json:"vocab_size"`
	Pad       int `json:"pad_token_id"`
	BOS       int `json:"bos_token_id"`
	EOS       int `json:"eos_token_id"`
}

// HF is the part of config.json that describes the encoder and its masks.
func (c Config) HF(mask, channels MaskConfig) HFConfig {
	h := HFConfig{
		ModelType: "wav2vec2", TorchDType: "float32", HiddenSize: c.Width, Layers: c.Layers, Heads: c.Heads, Intermediate: c.FFN, HiddenAct: "gelu",
		StableLayerNorm: c.PreNorm, LayerNormEps: c.NormEps, InitRange: 0.02, FeatExtractNorm: string(c.ConvNorm), FeatExtractActivation: "gelu",
		ConvLayers: len(c.Conv), ConvBias: c.ConvBias, PositionKernel: c.PositionKernel, PositionGroups: c.PositionGroups,
		HiddenDropout: c.Dropout, AttentionDropout: c.AttentionDropout, ActivationDropout: c.ActivationDropout, FeatProjDropout: c.InputDropout,
		QuantizerDropout: c.FeatureDropout, LayerDrop: c.LayerDrop, SpecAugment: true, MaskTimeProb: mask.Probability, MaskTimeLength: mask.Length,
		MaskTimeMin: mask.MinSpans, MaskFeatureProb: channels.Probability, MaskFeatureLen: channels.Length,
		VocabSize: 32, Pad: 0, BOS: 1, EOS: 2,
	}
	for _, l := range c.Conv {
		h.ConvDim, h.ConvKernel, h.ConvStride = append(h.ConvDim, l.Channels), append(h.ConvKernel, l.Kernel), append(h.ConvStride, l.Stride)
	}
	return h
}

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

// HFPreprocessor describes the input of the model. Group-norm models take no attention mask, because their statistics include the padding.
func (c Config) HFPreprocessor(normalize bool) Preprocessor {
	return Preprocessor{Type: "Wav2Vec2FeatureExtractor", FeatureSize: 1, SamplingRate: 16000, PaddingSide: "right", Normalize: normalize,
		AttentionMask: c.ConvNorm == LayerNorm}
}

// WeightNormNames are the two spellings of the weight-normed position convolution in Hugging Face files: the one of published checkpoints, which aural
// uses, and the one that newer versions of torch write.
func WeightNormNames() [2][2]string {
	conv := Prefix + "encoder.pos_conv_embed.conv."
	return [2][2]string{
		{conv + "weight_g", conv + "parametrizations.weight.original0"},
		{conv + "weight_v", conv + "parametrizations.weight.original1"},
	}
}

// CheckShape reports a tensor that does not fit the parameter of its name.
func CheckShape(name string, got, want []int) error {
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = got[i] == want[i]
	}
	if !same {
		return fmt.Errorf("encoder: tensor %q has shape %v, the model needs %v; the recipe is not the one of this checkpoint", name, got, want)
	}
	return nil
}
