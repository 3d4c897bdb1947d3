// Package onnx writes wav2vec 2.0 models as ONNX files, for programs that run such files (onnxruntime, browsers, phones). It writes the protocol buffer
// messages of onnx.proto that it needs by hand and holds no more than one tensor in memory.
//
//	input_values (batch, samples) ─▶ last_hidden_state (batch, frames, width) ─▶ logits (batch, frames, vocabulary)
//
// Batch and time are dynamic axes. Models with layer norm also take attention_mask (batch, samples), 1 at audio and 0 at padding, as transformers does; those
// with group norm take padding as audio. Audio is to be prepared as preprocessor_config.json says: the graph begins at the first convolution. It is the
// network in evaluation: no dropout, and the weight norm of the position convolution is folded into its weight.
package onnx

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aural/hf"
	"aural/internal/atomicfile"

	"google.golang.org/protobuf/encoding/protowire"
)

// Opset is the version of the operators: the first one with LayerNormalization. Its format version is irVersion.
const (
	Opset     = 17
	irVersion = 8
)

// maxInside is the most bytes of tensors that go into the file itself; protocol buffers end at 2 GiB.
const maxInside = 2_000_000_000

// Options say what to write.
type Options struct {
	Head     hf.Head // hf.NoHead or hf.CTC
	External bool    // put the weights into a file of their own; large models have them there in any case
}

// Summary says what was written.
type Summary struct {
	Nodes      int    `json:"nodes"`
	Parameters int64  `json:"parameters"`
	Data       string `json:"data,omitempty"` // the file with the weights, when it is one of its own
}

// Export writes the encoder of a model folder, with its CTC head when asked for, to path. With external data a second file, path with ".data" appended, appears
// first; both are needed, side by side.
func Export(path string, m *hf.Model, o Options) (Summary, error) {
	if o.Head != hf.NoHead && o.Head != hf.CTC {
		return Summary{}, fmt.Errorf("onnx: a model for %q cannot be written; there are %q and %q", o.Head, hf.NoHead, hf.CTC)
	}
	g, err := network(m, o.Head)
	if err != nil {
		return Summary{}, fmt.Errorf("onnx: %w", err)
	}
	s := Summary{Nodes: len(g.nodes)}
	total := 0
	for _, t := range g.tensors {
		total += t.bytes
		if len(t.shape) > 0 && t.kind == float {
			s.Parameters += int64(t.bytes / 4)
		}
	}
	if o.External || total > maxInside {
		s.Data = path + ".data"
		if err := atomicfile.Create(s.Data, 0o644, func(f *os.File) error { return g.writeExternal(f, filepath.Base(s.Data)) }); err != nil {
			return Summary{}, fmt.Errorf("onnx: %w", err)
		}
	}
	err = atomicfile.Create(path, 0o644, func(f *os.File) error {
		w := bufio.NewWriter(f)
		if err := g.writeModel(w, metadata(m, o.Head)); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		return Summary{}, fmt.Errorf("onnx: %w", err)
	}
	return s, nil
}

// metadata tells what the graph cannot: how to prepare audio and read the logits.
func metadata(m *hf.Model, head hf.Head) [][2]string {
	list := [][2]string{{"sampling_rate", fmt.Sprint(m.Preprocessor.SamplingRate)}, {"do_normalize", fmt.Sprint(m.Preprocessor.Normalize)}}
	if head == hf.CTC {
		list = append(list, [2]string{"pad_token_id", fmt.Sprint(m.Config.Pad)})
		if vocab, ok := m.Files[hf.VocabFile]; ok {
			list = append(list, [2]string{hf.VocabFile, string(vocab)})
		}
	}
	return list
}

// externalAlign is where tensors of a data file begin: a multiple of the pages of all systems, so that they can be mapped.
const externalAlign = 4096

// writeExternal writes the elements of all large tensors one after the other and remembers where they are.
func (g *graph) writeExternal(f io.Writer, name string) error {
	w, at := bufio.NewWriter(f), 0
	for _, t := range g.tensors {
		if t.kind != float || t.bytes < 1024 {
			continue // constants stay in the graph, where optimisers look for them
		}
		for ; at%externalAlign != 0; at++ {
			if err := w.WriteByte(0); err != nil {
				return err
			}
		}
		raw, err := t.value()
		if err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		t.file, t.offset = name, at
		at += t.bytes
	}
	return w.Flush()
}

// writeModel writes ModelProto.
func (g *graph) writeModel(w io.Writer, meta [][2]string) error {
	head := number(nil, 1, irVersion)
	head = text(head, 2, "aural")
	head = message(head, 8, number(nil, 2, Opset))
	for _, m := range meta {
		head = message(head, 14, entry(m[0], m[1]))
	}
	body := g.encode()
	size := uint64(0)
	for _, p := range body {
		size += uint64(len(p.raw) + p.size())
	}
	head = protowire.AppendVarint(protowire.AppendTag(head, 7, protowire.BytesType), size)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, p := range body {
		if _, err := w.Write(p.raw); err != nil {
			return err
		}
		if p.size() == 0 {
			continue
		}
		raw, err := p.inside.value()
		if err == nil && len(raw) != p.size() {
			err = fmt.Errorf("tensor %q has %d bytes, not %d", p.inside.name, len(raw), p.size())
		}
		if err == nil {
			_, err = w.Write(raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
