package recipes

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"aural/internal/spelling"
)

// unknownKey says that a section has no such key, and what may have been meant.
func unknownKey(t reflect.Type, path, key string, paths []string) string {
	text := fmt.Sprintf("unknown key %q", key)
	if near := nearest(key, keys(t)); near != "" {
		return text + fmt.Sprintf(", did you mean %q?", near)
	}
	if other := elsewhere(key, paths); other != "" {
		return text + ", did you mean " + other + "?"
	}
	return text + ": want one of " + strings.Join(keys(t), ", ")
}

// unknownPath says the same of an override.
func unknownPath(path string, paths []string) string {
	last := path[strings.LastIndex(path, ".")+1:]
	text := fmt.Sprintf("there is no setting %q", path)
	if other := elsewhere(last, paths); other != "" {
		return text + ", did you mean " + other + "?"
	}
	if near := nearest(path, paths); near != "" {
		return text + ", did you mean " + near + "?"
	}
	return text + `; "aural recipes base" shows all`
}

// elsewhere finds settings with this very key anywhere, or what fairseq or transformers call so.
func elsewhere(key string, paths []string) string {
	var found []string
	for _, p := range paths {
		if p == key || strings.HasSuffix(p, "."+key) {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return strings.Join(found, " or ")
	}
	for _, f := range foreign() {
		if slices.Contains(f.names, key) && slices.Contains(paths, f.path) {
			return f.path
		}
	}
	return ""
}

// foreignNames are what other programs call a setting.
type foreignNames struct {
	path  string
	names []string
}

// foreign lists the names that users of fairseq (wav2vec2_base_librispeech.yaml) and of transformers (Wav2Vec2Config, the pretraining example) know and
// that do not resemble ours.
func foreign() []foreignNames {
	return []foreignNames{
		{"train.schedule.peak", []string{"lr", "learning_rate"}},
		{"train.schedule.warmup", []string{"warmup_updates", "warmup_steps", "num_warmup_steps"}},
		{"train.max_updates", []string{"max_update", "max_steps", "max_train_steps", "steps"}},
		{"train.accumulate", []string{"update_freq", "gradient_accumulation_steps"}},
		{"train.optimizer.eps", []string{"adam_eps", "adam_epsilon"}},
		{"train.optimizer.betas", []string{"adam_betas", "adam_beta1", "adam_beta2"}},
		{"train.optimizer.clip", []string{"clip_norm", "max_grad_norm"}},
		{"data.batch_samples", []string{"max_tokens", "batch_size", "per_device_train_batch_size"}},
		{"data.max_samples", []string{"max_sample_size", "max_duration_in_seconds"}},
		{"data.min_samples", []string{"min_sample_size", "min_duration_in_seconds"}},
		{"encoder.conv", []string{"conv_feature_layers", "conv_dim", "conv_kernel", "conv_stride"}},
		{"encoder.conv_norm", []string{"extractor_mode", "feat_extract_norm"}},
		{"encoder.width", []string{"encoder_embed_dim", "hidden_size", "dim"}},
		{"encoder.layers", []string{"encoder_layers", "num_hidden_layers"}},
		{"encoder.heads", []string{"encoder_attention_heads", "num_attention_heads"}},
		{"encoder.ffn", []string{"encoder_ffn_embed_dim", "intermediate_size"}},
		{"encoder.pre_norm", []string{"layer_norm_first", "do_stable_layer_norm"}},
		{"encoder.layer_drop", []string{"encoder_layerdrop", "layerdrop"}},
		{"encoder.feature_grad_scale", []string{"feature_grad_mult"}},
		{"encoder.position_kernel", []string{"conv_pos", "num_conv_pos_embeddings"}},
		{"encoder.position_groups", []string{"conv_pos_groups", "num_conv_pos_embedding_groups"}},
		{"mask.probability", []string{"mask_prob", "mask_time_prob"}},
		{"mask.length", []string{"mask_length", "mask_time_length"}},
		{"channel_mask.probability", []string{"mask_channel_prob", "mask_feature_prob"}},
		{"channel_mask.length", []string{"mask_channel_length", "mask_feature_length"}},
		{"head.dropout", []string{"final_dropout"}},
		{"freeze.updates", []string{"freeze_finetune_updates"}},
		{"init", []string{"w2v_path", "model_name_or_path"}},
		{"loss.average", []string{"sentence_avg", "ctc_loss_reduction"}},
		{"loss.zero_infinity", []string{"ctc_zero_infinity"}},
		{"quantizer.entries", []string{"latent_vars", "num_codevectors_per_group"}},
		{"quantizer.groups", []string{"latent_groups", "num_codevector_groups"}},
		{"quantizer.dim", []string{"latent_dim", "codevector_dim"}},
		{"quantizer.temp_start", []string{"latent_temp", "max_gumbel_temperature"}},
		{"quantizer.temp_end", []string{"min_gumbel_temperature"}},
		{"quantizer.temp_decay", []string{"gumbel_temperature_decay"}},
		{"contrastive.distractors", []string{"num_negatives"}},
		{"contrastive.cross_distractors", []string{"cross_sample_negatives"}},
		{"contrastive.temperature", []string{"logit_temp", "contrastive_logits_temperature"}},
		{"loss.diversity", []string{"diversity_loss_weight", "loss_weights"}},
		{"loss.target_dim", []string{"final_dim", "proj_codevector_dim"}},
	}
}

// nearest returns the option most like word, or nothing when none is much like it. Words between dots and underscores may come in another order.
func nearest(word string, options []string) string {
	best, least := "", len(word)/3+1
	for _, o := range options {
		if d := min(spelling.Distance(word, o), spelling.Distance(ordered(word), ordered(o))); d <= least && (best == "" || d < least) {
			best, least = o, d
		}
	}
	return best
}

// ordered sorts the parts of a key.
func ordered(key string) string {
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '_' || r == '.' || r == '-' })
	slices.Sort(parts)
	return strings.Join(parts, "_")
}
