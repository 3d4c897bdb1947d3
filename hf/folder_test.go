package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/hf/hftest"
	"aural/safetensors"
)

// copyFolder makes a changeable copy of a folder of testdata.
func copyFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(hftest.Folder(name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change rewrites the weights of a folder with one file.
func change(t *testing.T, dir string, f func(list []safetensors.Tensor) []safetensors.Tensor) {
	t.Helper()
	path := filepath.Join(dir, WeightsFile)
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []safetensors.Tensor
	for _, name := range file.Names() {
		x, err := file.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		x.Data = slices.Clone(x.Data)
		all = append(all, x)
	}
	if err := safetensors.Write(path, nil, f(all)); err != nil {
		t.Fatal(err)
	}
}

// edit changes a JSON file of a folder; nil deletes a key.
func edit(t *testing.T, path string, keys map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for k, v := range keys {
		if v == nil {
			delete(all, k)
		} else {
			all[k] = v
		}
	}
	if raw, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// same fails unless two folders hold equal bits under equal canonical names.
func same(t *testing.T, a, b *Model) {
	t.Helper()
	if fmt.Sprint(a.Specs()) != fmt.Sprint(b.Specs()) {
		t.Fatalf("tensors %v and %v", a.Specs(), b.Specs())
	}
	for _, s := range a.Specs() {
		x, err := a.Float32(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Float32(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, y) {
			t.Errorf("%s differs", s.Name)
		}
	}
	for name, raw := range a.Files {
		if !bytes.Equal(raw, b.Files[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// Theirs to ours to theirs, in every kind of folder, spelling and number of files, keeps every bit and every key.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"base-pretraining", "large-pretraining", "base-ctc", "large-ctc", "base-model"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ours, theirs, again := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"), filepath.Join(dir, "again")
			first, err := Convert(hftest.Folder(name), ours, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Convert(ours, theirs, Options{Spelling: NewSpelling, ShardBytes: 5000}); err != nil {
				t.Fatal(err)
			}
			last, err := Convert(theirs, again, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(first) != fmt.Sprint(last) || first.Tensors < 40 || len(first.Left) > 0 {
				t.Errorf("reports %+v and %+v", first, last)
			}
			a, b, c := open(t, hftest.Folder(name)), open(t, ours), open(t, theirs)
			same(t, a, b)
			same(t, b, c)
			if len(c.files) < 3 {
				t.Errorf("%d files, want several", len(c.files))
			}
			for _, file := range []string{WeightsFile, ConfigFile, PreprocessorFile} {
				x, errX := os.ReadFile(filepath.Join(ours, file))
				y, errY := os.ReadFile(filepath.Join(again, file))
				if errX != nil || errY != nil || !bytes.Equal(x, y) {
					t.Errorf("%s is not the same after a round trip (%v, %v)", file, errX, errY)
				}
			}
			// Every key of theirs is in ours with its value, but for the name of dtype.
			var x, y map[string]any
			for path, v := range map[string]*map[string]any{filepath.Join(hftest.Folder(name), ConfigFile): &x, filepath.Join(ours, ConfigFile): &y} {
				raw, err := os.ReadFile(path)
				if err == nil {
					err = json.Unmarshal(raw, v)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			x["torch_dtype"] = x["dtype"]
			delete(x, "dtype")
			if fmt.Sprint(x) != fmt.Sprint(y) {
				t.Errorf("config.json: %v became %v", x, y)
			}
		})
	}
}

// What is written for another purpose has the tensors of that purpose, and the report names those that stayed behind.
func TestConvertToAnotherHead(t *testing.T) {
	to := filepath.Join(t.TempDir(), "bare")
	r, err := Convert(hftest.Folder("base-pretraining"), to, Options{Head: NoHead})
	if err != nil {
		t.Fatal(err)
	}
	if r.Head != NoHead || len(r.Left) != 7 || r.Tensors != 47 {
		t.Errorf("report %+v", r)
	}
	f, err := safetensors.Open(filepath.Join(to, WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range f.Names() {
		if strings.HasPrefix(n, prefix) || isHead(n) {
			t.Errorf("a model without head has the tensor %q", n)
		}
	}
	var mismatch *MismatchError
	if _, err := Convert(hftest.Folder("base-pretraining"), to+"2", Options{Head: CTC}); !errors.As(err, &mismatch) || len(mismatch.Missing) != 2 {
		t.Errorf("a CTC model out of one without that head: %v", err)
	}
	if _, err := Convert(hftest.Folder("base-ctc"), to, Options{}); err == nil {
		t.Error("a folder that was there was replaced")
	}
	left, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(left) != 1 {
		t.Errorf("after failures there is %v (%v)", left, err)
	}
}

// A head may be absent when nobody asks for it.
func TestHeadOnRequest(t *testing.T) {
	dir := copyFolder(t, "base-ctc")
	change(t, dir, func(list []safetensors.Tensor) []safetensors.Tensor {
		return slices.DeleteFunc(list, func(x safetensors.Tensor) bool { return strings.HasPrefix(x.Name, "lm_head.") })
	})
	if m := open(t, dir); len(m.Heads) != 0 {
		t.Errorf("heads %v", m.Heads)
	}
	if _, err := Open(dir, CTC); err == nil || !strings.Contains(err.Error(), `"lm_head.weight"`) {
		t.Errorf("asking for the missing head: %v", err)
	}
	if _, err := Convert(dir, dir+"-out", Options{}); err == nil || !strings.Contains(err.Error(), `"lm_head.weight"`) {
		t.Errorf("a Wav2Vec2ForCTC without head was imported: %v", err)
	}
	if _, err := Convert(dir, dir+"-out", Options{Head: NoHead}); err != nil {
		t.Error(err)
	}
}

// Both spellings at once, tensors that are missing, left over, of another shape or type: each is named.
func TestEveryTensorIsAccountedFor(t *testing.T) {
	const bias = prefix + "encoder.layers.1.attention.q_proj.bias"
	at := func(list []safetensors.Tensor, name string) *safetensors.Tensor {
		i := slices.IndexFunc(list, func(x safetensors.Tensor) bool { return x.Name == name })
		return &list[i]
	}
	for _, c := range []struct {
		what   string
		change func(list []safetensors.Tensor) []safetensors.Tensor
		want   []string
	}{
		{"missing", func(l []safetensors.Tensor) []safetensors.Tensor { at(l, bias).Name = "x"; return l }, []string{"1 missing", bias, "1 unexpected", `"x"`}},
		{"half a head", func(l []safetensors.Tensor) []safetensors.Tensor { at(l, "lm_head.bias").Name = "x"; return l }, []string{"1 missing", "lm_head.bias"}},
		{"shape", func(l []safetensors.Tensor) []safetensors.Tensor { at(l, bias).Shape = []int{4, 4}; return l }, []string{"another shape", bias, "[4 4] instead of [16]"}},
		{"type", func(l []safetensors.Tensor) []safetensors.Tensor { at(l, bias).DType = safetensors.I32; return l }, []string{"no float", bias, "I32"}},
		{"double", func(l []safetensors.Tensor) []safetensors.Tensor {
			x := at(l, bias)
			x.DType, x.Data = safetensors.F64, make([]byte, 2*len(x.Data))
			return l
		}, []string{"no float", bias, "F64"}},
		{"both spellings", func(l []safetensors.Tensor) []safetensors.Tensor {
			x := *at(l, positions+weightNorm[0][1])
			x.Name = positions + weightNorm[0][0]
			return append(l, x)
		}, []string{"two names of one tensor", "weight_g", "original0"}},
		{"no mask vector", func(l []safetensors.Tensor) []safetensors.Tensor {
			return slices.DeleteFunc(l, func(x safetensors.Tensor) bool { return x.Name == maskVector })
		}, []string{"1 missing", maskVector}},
	} {
		dir := copyFolder(t, "base-ctc")
		change(t, dir, c.change)
		_, err := Open(dir)
		if err == nil {
			t.Errorf("%s: accepted", c.what)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", c.what, w, err)
			}
		}
	}
	// Without masks transformers leaves the mask vector out.
	dir := copyFolder(t, "base-ctc")
	edit(t, filepath.Join(dir, ConfigFile), map[string]any{"mask_time_prob": 0.0})
	if with := open(t, dir); !with.has(maskVector) {
		t.Error("a mask vector that is there was dropped")
	}
	change(t, dir, func(l []safetensors.Tensor) []safetensors.Tensor {
		return slices.DeleteFunc(l, func(x safetensors.Tensor) bool { return x.Name == maskVector })
	})
	if _, err := Convert(dir, dir+"-out", Options{}); err != nil {
		t.Error(err)
	}
}

// Half floats become float32 without loss, and that is said.
func TestHalfFloats(t *testing.T) {
	dir := copyFolder(t, "base-ctc")
	change(t, dir, func(l []safetensors.Tensor) []safetensors.Tensor {
		for i, x := range l {
			half := make([]byte, 0, len(x.Data)/2)
			for k := 0; k < len(x.Data); k += 4 {
				half = append(half, x.Data[k+2:k+4]...) // the upper half is a bfloat16
			}
			l[i].DType, l[i].Data = safetensors.BF16, half
		}
		return l
	})
	r, err := Convert(dir, dir+"-out", Options{})
	if err != nil || r.Widened != "BF16" {
		t.Fatalf("report %+v, %v", r, err)
	}
	same(t, open(t, dir), open(t, dir+"-out"))
}

// fairseq's names stand for the same tensors, with and without a head of its own.
func TestFairseqNames(t *testing.T) {
	for _, name := range []string{"base-pretraining", "base-ctc", "large-ctc"} {
		dir := copyFolder(t, name)
		m := open(t, hftest.Folder(name))
		theirs := map[string]string{}
		for _, n := range Names(m.Config, m.Heads...) {
			if n.Fairseq == "" {
				t.Fatalf("%s has no name in fairseq", n.Ours)
			}
			theirs[n.Newer] = n.Fairseq
			if strings.HasSuffix(name, "ctc") && headOf(n.Ours) == NoHead {
				theirs[n.Newer] = fairseqFineTuned + n.Fairseq
			}
		}
		change(t, dir, func(l []safetensors.Tensor) []safetensors.Tensor {
			for i, x := range l {
				l[i].Name = theirs[x.Name]
			}
			return l
		})
		same(t, m, open(t, dir))
	}
	// Spellings as the published checkpoints have them.
	got := map[string]string{}
	for _, n := range Names(open(t, hftest.Folder("large-ctc")).Config, Pretraining, CTC) {
		got[n.Fairseq] = n.Ours
	}
	for fairseq, ours := range map[string]string{
		"mask_emb": "wav2vec2.masked_spec_embed", "encoder.pos_conv.0.weight_g": "wav2vec2.encoder.pos_conv_embed.conv.weight_g",
		"feature_extractor.conv_layers.2.2.1.bias": "wav2vec2.feature_extractor.conv_layers.2.layer_norm.bias",
		"encoder.layers.1.self_attn.out_proj.bias": "wav2vec2.encoder.layers.1.attention.out_proj.bias",
		"encoder.layers.0.fc2.weight":              "wav2vec2.encoder.layers.0.feed_forward.output_dense.weight",
		"encoder.layer_norm.bias":                  "wav2vec2.encoder.layer_norm.bias", "quantizer.vars": "quantizer.codevectors",
		"layer_norm.weight": "wav2vec2.feature_projection.layer_norm.weight", "final_proj.bias": "project_hid.bias",
		"w2v_encoder.proj.weight": "lm_head.weight", "encoder.layers.1.self_attn_layer_norm.bias": "wav2vec2.encoder.layers.1.layer_norm.bias",
	} {
		if got[fairseq] != ours {
			t.Errorf("%s is %q, want %q", fairseq, got[fairseq], ours)
		}
	}
}
