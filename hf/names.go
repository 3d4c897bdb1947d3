package hf

import (
	"fmt"
	"strings"
)

// Spelling is a way to write the two tensors of the weight-normed position convolution.
type Spelling string

const (
	// OldSpelling has weight_g and weight_v, as published checkpoints do. It is the one of this program.
	OldSpelling Spelling = "old"
	// NewSpelling has parametrizations.weight.original0 and 1, as transformers writes with torch 2.1 and later. Every version reads the old one.
	NewSpelling Spelling = "new"
)

// weightNorm are the ends of names that spellings write differently.
var weightNorm = [][2]string{{"weight_g", "parametrizations.weight.original0"}, {"weight_v", "parametrizations.weight.original1"}}

const positions = prefix + "encoder.pos_conv_embed.conv."

// spell writes a canonical name in a spelling; a model without heads drops the prefix.
func spell(name string, s Spelling, h Head) string {
	if s == NewSpelling {
		for _, w := range weightNorm {
			if name == positions+w[0] {
				name = positions + w[1]
			}
		}
	}
	if h == NoHead {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// canonical gives the names of a file ours: the prefix, which models without heads leave out, and the old spelling of weight norm. Names of fairseq are translated
// for an encoder of the given depth. Two names that come out the same are an error.
func canonical(names []string, c Config) (map[string]string, error) {
	prefixed, fairseq := false, map[string]string{}
	for _, n := range names {
		prefixed = prefixed || strings.HasPrefix(n, prefix)
		if strings.HasSuffix(n, "post_extract_proj.weight") {
			fairseq = fairseqNames(c, strings.HasPrefix(n, fairseqFineTuned))
		}
	}
	from := make(map[string]string, len(names))
	for _, n := range names {
		to := n
		if ours, ok := fairseq[n]; ok {
			to = ours
		} else if !prefixed && len(fairseq) == 0 && !isHead(n) {
			to = prefix + n
		}
		for _, w := range weightNorm {
			if to == positions+w[1] {
				to = positions + w[0]
			}
		}
		if other, twice := from[to]; twice {
			return nil, fmt.Errorf("hf: %q and %q are two names of one tensor", other, n)
		}
		from[to] = n
	}
	return from, nil
}

// fairseqFineTuned begins the names of the encoder in a model that fairseq has fine-tuned with CTC.
const fairseqFineTuned = "w2v_encoder.w2v_model."

// fairseqModules maps parts of names, ours to fairseq's; the first that fits the beginning is taken. The order matters.
func fairseqModules(c Config) [][2]string {
	m := [][2]string{
		{prefix + "masked_spec_embed", "mask_emb"}, {prefix + "feature_projection.layer_norm.", "layer_norm."},
		{prefix + "feature_projection.projection.", "post_extract_proj."}, {positions, "encoder.pos_conv.0."},
		{prefix + "encoder.layer_norm.", "encoder.layer_norm."}, {"quantizer.codevectors", "quantizer.vars"},
		{"quantizer.weight_proj.", "quantizer.weight_proj."}, {"project_hid.", "final_proj."}, {"project_q.", "project_q."},
	}
	norm := ".2."
	if c.FeatExtractNorm == "layer" {
		norm = ".2.1." // fairseq wraps the layer norm between two transpositions
	}
	for i := range c.ConvLayers {
		theirs := fmt.Sprintf("feature_extractor.conv_layers.%d", i)
		m = append(m, [2]string{prefix + theirs + ".conv.", theirs + ".0."}, [2]string{prefix + theirs + ".layer_norm.", theirs + norm})
	}
	for i := range c.Layers {
		theirs := fmt.Sprintf("encoder.layers.%d.", i)
		for _, part := range [][2]string{{"attention.", "self_attn."}, {"layer_norm.", "self_attn_layer_norm."}, {"feed_forward.intermediate_dense.", "fc1."},
			{"feed_forward.output_dense.", "fc2."}, {"final_layer_norm.", "final_layer_norm."}} {
			m = append(m, [2]string{prefix + theirs + part[0], theirs + part[1]})
		}
	}
	return m
}

// fairseqNames maps fairseq's names to ours: those of a pretrained model, or those of one fine-tuned with CTC.
func fairseqNames(c Config, fineTuned bool) map[string]string {
	out := map[string]string{}
	for _, n := range Names(c, NoHead, Pretraining, CTC) {
		if strings.HasPrefix(n.Fairseq, ctcProjection) {
			out[n.Fairseq] = n.Ours
		} else if fineTuned {
			out[fairseqFineTuned+n.Fairseq] = n.Ours
		} else {
			out[n.Fairseq] = n.Ours
		}
	}
	return out
}

// ctcProjection is fairseq's name of the CTC head.
const ctcProjection = "w2v_encoder.proj."

// TensorName is one tensor under its names.
type TensorName struct {
	Ours    string `json:"name"`    // as in published checkpoints
	Newer   string `json:"newer"`   // as transformers writes it today
	Fairseq string `json:"fairseq"` // in a pretrained model of fairseq; a fine-tuned one has w2v_encoder.w2v_model. before those of the encoder
	Shape   []int  `json:"shape"`
}

// Names lists the tensors of a model with some heads under all their names.
func Names(c Config, heads ...Head) []TensorName {
	var out []TensorName
	modules := append(fairseqModules(c), [2]string{"lm_head.", ctcProjection})
	for _, s := range Specs(c, heads...) {
		n := TensorName{Ours: s.Name, Newer: spell(s.Name, NewSpelling, CTC), Shape: s.Shape}
		for _, m := range modules {
			if rest, ok := strings.CutPrefix(s.Name, m[0]); ok {
				n.Fairseq = m[1] + rest
				break
			}
		}
		out = append(out, n)
	}
	return out
}
