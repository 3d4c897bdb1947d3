package hf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/hf/hftest"
	"aural/vocab"
)

func readTest(t testing.TB, name ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Settings that cannot be are errors that name the key.
func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		keys map[string]any
		want string
	}{
		{map[string]any{"model_type": "wav2vec2-conformer"}, `model_type is "wav2vec2-conformer"`},
		{map[string]any{"model_type": nil}, `model_type is ""`},
		{map[string]any{"architectures": []string{"Wav2Vec2ForSequenceClassification"}}, "Wav2Vec2ForSequenceClassification"},
		{map[string]any{"hidden_act": "relu"}, `hidden_act is "relu"`},
		{map[string]any{"feat_extract_activation": "gelu_new"}, "feat_extract_activation"},
		{map[string]any{"add_adapter": true}, "add_adapter is true"},
		{map[string]any{"adapter_attn_dim": 16}, "adapter_attn_dim is 16"},
		{map[string]any{"feat_extract_norm": "batch"}, `feat_extract_norm is "batch"`},
		{map[string]any{"conv_stride": []int{5, 2}}, "disagree: 3, 3, 2, 3 layers"},
		{map[string]any{"num_feat_extract_layers": 7}, "disagree"},
		{map[string]any{"conv_dim": []int{}}, "num_feat_extract_layers: 0"},
		{map[string]any{"conv_dim": []int{8, 8, 1 << 40}}, "conv_dim[2]: 1099511627776"},
		{map[string]any{"conv_kernel": []int{10, -3, 2}}, "conv_kernel[1]: -3"},
		{map[string]any{"conv_stride": []int{4096, 4096, 4096}}, "one frame sees more than"},
		{map[string]any{"hidden_size": 1 << 50}, "hidden_size: 1125899906842624 is outside 1 to 65536"},
		{map[string]any{"hidden_size": 17}, "must be a multiple of heads 2"},
		{map[string]any{"hidden_size": 65536, "num_conv_pos_embedding_groups": 1, "num_conv_pos_embeddings": 4096}, "position convolution"},
		{map[string]any{"hidden_size": "16"}, "hidden_size: json"},
		{map[string]any{"hidden_size": 16.5}, "hidden_size: json"},
		{map[string]any{"hidden_size": json.RawMessage("null")}, "hidden_size is null"},
		{map[string]any{"num_hidden_layers": 1000000}, "num_hidden_layers: 1000000"},
		{map[string]any{"num_attention_heads": 0}, "num_attention_heads: 0"},
		{map[string]any{"layer_norm_eps": 0}, "norm_eps: 0 is not positive"},
		{map[string]any{"hidden_dropout": 1.5}, "dropout: 1.5"},
		{map[string]any{"codevector_dim": 7}, "codevector_dim 7"},
		{map[string]any{"pad_token_id": 11}, "pad_token_id: 11"},
		{map[string]any{"vocab_size": 1 << 30}, "vocab_size: 1073741824"},
	} {
		dir := copyFolder(t, "base-ctc")
		edit(t, filepath.Join(dir, ConfigFile), c.keys)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %q is not in: %v", c.keys, c.want, err)
		}
	}
	// Absent keys have the defaults of transformers, case counts, and what is not known is kept.
	cfg, err := ParseConfig([]byte(`{"model_type": "wav2vec2", "Hidden_Size": 1, "task": {"b": [1]}, "pad_token_id": null, "adapter_attn_dim": null}`))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.HiddenSize != 768 || cfg.ConvLayers != 7 || cfg.FeatExtractNorm != "group" || string(cfg.Extra["task"]) != `{"b": [1]}` || len(cfg.Extra) != 3 {
		t.Errorf("%+v", cfg)
	}
}

// Weights that are not what they seem.
func TestWeightsRefuse(t *testing.T) {
	index := func(m map[string]any) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { edit(t, filepath.Join(dir, IndexFile), m) }
	}
	moved := func(change func(w map[string]any)) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			var doc map[string]any
			if err := json.Unmarshal(readTest(t, "large-pretraining", IndexFile), &doc); err != nil {
				t.Fatal(err)
			}
			change(doc["weight_map"].(map[string]any))
			edit(t, filepath.Join(dir, IndexFile), map[string]any{"weight_map": doc["weight_map"]})
		}
	}
	to := func(file string) func(t *testing.T, dir string) {
		return moved(func(w map[string]any) { w["project_q.bias"] = file })
	}
	const first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	for _, c := range []struct {
		what   string
		change func(t *testing.T, dir string)
		want   string
	}{
		{"a way up", to("../large/model.safetensors"), "no name of a .safetensors file in the folder"},
		{"a way up on Windows", to(`..\model.safetensors`), "no name of a .safetensors file"},
		{"a drive", to("C:model.safetensors"), "no name of a .safetensors file"},
		{"an absolute path", to("/etc/passwd"), "no name of a .safetensors file"},
		{"a hidden file", to(".safetensors"), "no name of a .safetensors file"},
		{"a pickle", to("pytorch_model.bin"), "no name of a .safetensors file"},
		{"no name", to(""), "no name of a .safetensors file"},
		{"the wrong file", to(first), `says that ` + first + ` holds ["project_q.bias"]`},
		{"a file that is not there", to("a.safetensors"), "no such file"},
		{"a tensor that is not listed", moved(func(w map[string]any) { delete(w, "project_q.bias") }), `"project_q.bias"`},
		{"no map", index(map[string]any{"weight_map": nil}), "weight_map is missing"},
		{"a wrong size", index(map[string]any{"metadata": map[string]any{"total_size": 5}}), "have 5 bytes, they have"},
		{"no JSON", func(t *testing.T, dir string) { writeTest(t, dir, IndexFile, []byte("{")) }, IndexFile},
		{"a file cut short", func(t *testing.T, dir string) {
			raw := readTest(t, "large-pretraining", second)
			writeTest(t, dir, second, raw[:len(raw)-100])
		}, "cut short"},
		{"a header without end", func(t *testing.T, dir string) { writeTest(t, dir, second, slices.Repeat([]byte{0xff}, 100)) }, "header length"},
		{"overlapping tensors", func(t *testing.T, dir string) {
			writeTest(t, dir, second, withHeader(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12))
		}, "overlaps"},
		{"an absurd tensor", func(t *testing.T, dir string) {
			writeTest(t, dir, second, withHeader(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}`, 8))
		}, "larger than memory"},
		{"only a pickle", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, IndexFile))
			writeTest(t, dir, "pytorch_model.bin", []byte("x"))
		}, "save_pretrained"},
		{"nothing", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, IndexFile)) }, "has neither"},
		{"a folder for a file", func(t *testing.T, dir string) { os.Mkdir(filepath.Join(dir, WeightsFile), 0o755) }, "is no file"},
		{"no config", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, ConfigFile)) }, "no model folder"},
		{"a huge config", func(t *testing.T, dir string) { writeTest(t, dir, ConfigFile, make([]byte, maxConfigBytes+1)) }, "more than"},
		{"another rate", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, PreprocessorFile), map[string]any{"sampling_rate": 8000})
		}, "sampling_rate is 8000"},
		{"another kind of features", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, PreprocessorFile), map[string]any{"feature_extractor_type": "X"})
		}, "feature_extractor_type"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := copyFolder(t, "large-pretraining")
			c.change(t, dir)
			if m, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is not in: %v (%v)", c.want, err, m)
			}
		})
	}
	for name, want := range map[string]string{"checkpoint_best.pt": "Python pickle", "model.safetensors": "give the folder", "x.txt": "is no folder"} {
		path := filepath.Join(t.TempDir(), name)
		writeTest(t, filepath.Dir(path), name, []byte("x"))
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func writeTest(t *testing.T, dir, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// withHeader is a safetensors file with any header.
func withHeader(header string, data int) []byte {
	return append(append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...), make([]byte, data)...)
}

func TestVocabulary(t *testing.T) {
	m := open(t, hftest.Folder("base-ctc"))
	if got := strings.Join(m.Tokens, " "); got != "<pad> <s> </s> <unk> | E T A O N é" {
		t.Errorf("tokens %q", got)
	}
	v, err := m.Vocabulary()
	if err != nil || !slices.Equal(v.Tokens(), m.Tokens) {
		t.Errorf("vocabulary %v, %v", v, err)
	}
	m.Config.Pad = 1
	if _, err := m.Vocabulary(); err == nil || !strings.Contains(err.Error(), "pad_token_id is 1") {
		t.Errorf("another blank: %v", err)
	}
	m.Config.Pad = 0
	m.Tokens[0] = "blank"
	if _, err := m.Vocabulary(); err == nil || !strings.Contains(err.Error(), "<pad>") {
		t.Errorf("no blank: %v", err)
	}
	m.Tokens = nil
	if v, err := m.Vocabulary(); v != nil || err != nil {
		t.Errorf("no vocab.json: %v, %v", v, err)
	}
	model, err := vocab.TrainPieces(slices.Values([]string{"ab abc ab"}), 9)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := vocab.ParsePieces(model)
	if err != nil {
		t.Fatal(err)
	}
	m.Tokens = pieces.Tokens()
	if v, err := m.Vocabulary(); err != nil || !v.HasPieces() || v.SentencePiece() != nil {
		t.Errorf("pieces without a model: %v, %v", v, err)
	}
	m.Files[vocab.PiecesFile] = model
	if v, err := m.Vocabulary(); err != nil || v.SentencePiece() == nil {
		t.Errorf("pieces with a model: %v, %v", v, err)
	}
	m.Files[vocab.PiecesFile] = model[:10]
	if _, err := m.Vocabulary(); err == nil {
		t.Error("pieces with a broken model")
	}
}

// The settings of the input may stand in processor_config.json.
func TestProcessorOfNewerFolders(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"feature_extractor": {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": false}, "processor_class": "Wav2Vec2Processor"}`, ""},
		{`{"feature_extractor": {"sampling_rate": 8000}}`, "sampling_rate is 8000"},
		{`{"processor_class": "Wav2Vec2Processor"}`, "no feature_extractor"},
		{`[]`, "processor_config.json"},
	} {
		dir := copyFolder(t, "base-ctc")
		if err := os.Rename(filepath.Join(dir, PreprocessorFile), filepath.Join(dir, "old.json")); err != nil {
			t.Fatal(err)
		}
		writeTest(t, dir, processorFile, []byte(c.text))
		m, err := Open(dir)
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.text, err)
		case c.want == "" && (err != nil || m.Preprocessor.Normalize || m.Preprocessor.AttentionMask):
			t.Errorf("%s: %+v, %v", c.text, m, err)
		}
	}
}

// What passes can be built and written, and reads back as it is.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"base-ctc", "large-pretraining", "base-model"} {
		f.Add(readTest(f, name, ConfigFile))
	}
	f.Add([]byte(`{"model_type":"wav2vec2","conv_dim":[1],"conv_kernel":[1],"conv_stride":[1]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseConfig(raw)
		if err != nil {
			return
		}
		specs := Specs(c, Pretraining, CTC)
		for _, s := range specs {
			if n := bytesOf(s) / 4; n < 1 || n > maxElements {
				t.Fatalf("%s has %d elements", s.Name, n)
			}
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseConfig(again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if err := d.Agree(c, Pretraining, CTC); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever an index says, files are looked for in the folder only.
func FuzzIndex(f *testing.F) {
	f.Add(readTest(f, "large-pretraining", IndexFile))
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"b.safetensors","c":"../d.safetensors"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ix, err := parseIndex(raw)
		if err != nil {
			return
		}
		for file, tensors := range ix.shards {
			if filepath.Base(file) != file || file == ".." || !filepath.IsLocal(file) || len(tensors) == 0 {
				t.Fatalf("%q with %q", file, tensors)
			}
		}
	})
}

func FuzzPreprocessor(f *testing.F) {
	f.Add(readTest(f, "base-ctc", PreprocessorFile))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := NewPreprocessor("group", true)
		if parsePreprocessor(raw, &p) == nil && (p.SamplingRate != 16000 || p.FeatureSize != 1) {
			t.Fatalf("%+v", p)
		}
	})
}
