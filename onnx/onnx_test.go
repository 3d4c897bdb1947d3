package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/hf"
	"aural/hf/hftest"
	"aural/internal/testkit"
)

func export(t *testing.T, name string, o Options) (string, Summary) {
	t.Helper()
	m, err := hf.Open(hftest.Folder(name))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	path := filepath.Join(t.TempDir(), "m.onnx")
	s, err := Export(path, m, o)
	if err != nil {
		t.Fatal(err)
	}
	return path, s
}

// run computes the outputs of a model.
func (p parsed) run(t *testing.T, inputs map[string]array) map[string]array {
	t.Helper()
	values := map[string]array{}
	for _, all := range []map[string]array{p.tensors, inputs} {
		for name, a := range all {
			values[name] = a
		}
	}
	for _, n := range p.nodes {
		var in []array
		for _, name := range n.in {
			a, ok := values[name]
			if !ok {
				t.Fatalf("node %s reads %q, which nothing before it gives", n.name, name)
			}
			in = append(in, a)
		}
		if _, twice := values[n.out[0]]; twice || len(n.out) != 1 {
			t.Fatalf("node %s gives %q", n.name, n.out)
		}
		values[n.out[0]] = eval(t, n, in)
	}
	return values
}

// The files, read by a parser and computed by an evaluator that share no code with the writer, give the outputs of transformers, padding included. What
// onnxruntime makes of them is checked by tools/check_onnx.py.
func TestOutputsAreThoseOfTransformers(t *testing.T) {
	g := hftest.Load(t)
	longest := slices.Max(g.Samples)
	shape := []int{len(g.Samples), longest}
	wave, mask := array{shape: shape, v: g.Waves()}, array{shape: shape, v: make([]float64, len(g.Samples)*longest), whole: true}
	for row, count := range g.Samples {
		for n := range count {
			mask.v[row*longest+n] = 1
		}
	}
	for name, c := range g.Cases {
		for _, external := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/", external), func(t *testing.T) {
				head := hf.NoHead
				if c.Logits != nil {
					head = hf.CTC
				}
				path, _ := export(t, name, Options{Head: head, External: external})
				p := parse(t, path)
				if (p.outside > 0) != external {
					t.Errorf("%d tensors are outside", p.outside)
				}
				inputs := map[string]array{"input_values": wave}
				padded := strings.HasPrefix(name, "large")
				if padded {
					inputs["attention_mask"] = mask
				}
				out := p.run(t, inputs)
				m, err := hf.Open(hftest.Folder(name))
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				for what, want := range map[string][]float64{"last_hidden_state": c.Last, "logits": c.Logits} {
					width := len(want) / c.Frames / len(g.Samples)
					for row, count := range g.Samples {
						frames := c.Frames
						if padded {
							frames = m.Config.Encoder().Frames(count)
						}
						if at := row * c.Frames * width; width > 0 {
							testkit.Close(t, fmt.Sprintf("%s of row %d", what, row), out[what].v[at:at+frames*width], want[at:at+frames*width], testkit.Tol{Abs: 2e-7, Rel: 2e-7})
						}
					}
				}
			})
		}
	}
}

// What a file says of itself.
func TestInterface(t *testing.T) {
	path, s := export(t, "large-ctc", Options{Head: hf.CTC})
	p := parse(t, path)
	if p.opset != Opset || fmt.Sprint(p.inputs, p.outputs) != "[input_values attention_mask] [last_hidden_state logits]" {
		t.Errorf("opset %d, inputs %v, outputs %v", p.opset, p.inputs, p.outputs)
	}
	for name, want := range map[string]string{"input_values": "1 batch samples", "attention_mask": "7 batch samples",
		"last_hidden_state": "1 batch frames 16", "logits": "1 batch frames 11"} {
		if p.shapes[name] != want {
			t.Errorf("%s is %q, want %q", name, p.shapes[name], want)
		}
	}
	if p.meta["do_normalize"] != "true" || p.meta["pad_token_id"] != "0" || !strings.Contains(p.meta[hf.VocabFile], `"<pad>"`) {
		t.Errorf("metadata %v", p.meta)
	}
	// All tensors of the model but the mask vector (16), and the 7 gains of weight norm, which are folded into the weight.
	if s.Nodes != len(p.nodes) || s.Parameters != 5258-16-7 || s.Data != "" {
		t.Errorf("summary %+v", s)
	}
	used := map[string]bool{}
	for _, n := range p.nodes {
		for _, name := range n.in {
			used[name] = true
		}
	}
	for name := range p.tensors {
		if !used[name] {
			t.Errorf("nothing reads %q", name)
		}
	}
}

// A model without the head, and a head that is none of an ONNX file.
func TestExportRefuses(t *testing.T) {
	m, err := hf.Open(hftest.Folder("base-pretraining"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	path := filepath.Join(t.TempDir(), "m.onnx")
	for head, want := range map[hf.Head]string{hf.CTC: `no tensor "lm_head.weight"`, hf.Pretraining: `"pretraining" cannot be written`} {
		if _, err := Export(path, m, Options{Head: head}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", head, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file is there after errors")
	}
}

// The frames that attention_mask leaves are those of the feature encoder for every length, too short ones too.
func TestFramesOfTheMask(t *testing.T) {
	path, _ := export(t, "large-ctc", Options{Head: hf.NoHead})
	m, err := hf.Open(hftest.Folder("large-ctc"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const longest = 90
	wave, mask := array{shape: []int{longest + 1, longest}}, array{shape: []int{longest + 1, longest}, whole: true}
	for n := range longest + 1 {
		for i := range longest {
			real := 0.0
			if i < n {
				real = 1
			}
			wave.v, mask.v = append(wave.v, real*float64(i%7)), append(mask.v, real)
		}
	}
	frames := parse(t, path).run(t, map[string]array{"input_values": wave, "attention_mask": mask})["padding/Div_3"]
	for n := range longest + 1 {
		if want := m.Config.Encoder().Frames(n); int(frames.v[n]) != want {
			t.Errorf("%d samples: %v frames, want %d", n, frames.v[n], want)
		}
	}
}
