package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// folderOf is a model folder that transformers wrote.
func folderOf(name string) string { return filepath.Join("..", "..", "hf", "testdata", name) }

func TestModelExchange(t *testing.T) {
	dir := t.TempDir()
	ours, theirs, file := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"), filepath.Join(dir, "m.onnx")
	out, _ := call(t, exitDone, "model", "import", folderOf("large-pretraining"), "--out", ours)
	has(t, out, "61 tensors, 5,331 parameters", "all equal")
	out, messages := call(t, exitDone, "model", "export", ours, "--for", "model", "--names", "new", "--shard", "1e-5", "--out", theirs, "--json")
	has(t, messages, "7 tensors of other heads stayed behind")
	var r struct {
		Head    string
		Tensors int
		Left    []string
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Head != "model" || r.Tensors != 54 || len(r.Left) != 7 {
		t.Errorf("%s: %+v, %v", out, r, err)
	}
	if _, err := os.Stat(filepath.Join(theirs, "model.safetensors.index.json")); err != nil {
		t.Error(err)
	}
	out, _ = call(t, exitDone, "model", "info", folderOf("large-ctc"))
	has(t, out, "ctc", "large (layer norm, pre-norm blocks)", "5,258", "<pad> <s>")
	out, _ = call(t, exitDone, "model", "info", theirs, "--names")
	has(t, out, "wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original0", "encoder.pos_conv.0.weight_g", "1x1x7")
	out, _ = call(t, exitDone, "model", "onnx", folderOf("base-ctc"), "--out", file, "--external")
	has(t, out, "104 nodes", "weights in m.onnx.data")
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitUsage, []string{"export", ours, "--out", theirs + "2", "--for", "speakers"}, `"speakers" is no kind of model`},
		{exitUsage, []string{"export", ours, "--out", theirs + "2", "--names", "x"}, "--names"},
		{exitUsage, []string{"export", ours, "--out", theirs + "2", "--shard", "-1"}, "--shard"},
		{exitUsage, []string{"onnx", ours, "--out", file + "2", "--for", "pretraining"}, "--for"},
		{exitUsage, []string{"onnx", ours, "--out", file}, "is there already"},
		{exitError, []string{"export", ours, "--out", theirs}, "is there already"},
		{exitError, []string{"export", ours, "--out", theirs + "2", "--for", "ctc"}, `"lm_head.weight"`},
		{exitError, []string{"import", dir, "--out", theirs + "2"}, "no model folder"},
	} {
		_, messages := call(t, c.code, append([]string{"model"}, c.args...)...)
		has(t, messages, c.want)
	}
}
