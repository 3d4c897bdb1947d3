package main

import (
	"os"
	"path/filepath"

	"aural/hf"
	"aural/onnx"

	"github.com/spf13/cobra"
)

func (a *app) modelImport() *cobra.Command {
	var out, purpose string
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "import FOLDER --out MODEL",
		Short: "Take a wav2vec 2.0 model folder of Hugging Face",
		Long: `Import reads a folder of Wav2Vec2ForPreTraining, Wav2Vec2Model or Wav2Vec2ForCTC, checks all of
it, and writes it anew with one file of float32 weights under the names of published checkpoints.
Every tensor that config.json asks for must be there, and nothing else; the error lists what is not
so. Afterwards both folders are compared bit by bit. Files in one piece or in shards, both spellings
of weight norm, and fairseq's names are understood; Python pickles are refused.`,
		Example: "  aural model import ~/models/wav2vec2-base --out models/base\n  aural model import ~/models/wav2vec2-base-960h --for model --out models/encoder",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		h, err := head(purpose)
		if err != nil {
			return err
		}
		return a.convert(args[0], out, hf.Options{Head: h}, asJSON)
	})
	headFlag(c, &purpose, "take only what `KIND` needs: pretraining, model (no head) or ctc", hf.Heads()...)
	c.Flags().StringVar(&out, "out", "", "new folder `MODEL` (required)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("out")
	return c
}

func (a *app) modelExport() *cobra.Command {
	var out, purpose, spelling string
	var shard float64
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "export MODEL --out FOLDER",
		Short: "Write a model folder for Hugging Face transformers",
		Long: `Export writes a checkpoint or another model folder as transformers has it, for the class that --for
names: Wav2Vec2ForPreTraining, Wav2Vec2Model or Wav2Vec2ForCTC. from_pretrained reads it without
missing or unexpected keys. Afterwards both folders are compared bit by bit.`,
		Example: "  aural model export runs/first/best --for model --out first-encoder\n  aural model export models/large --shard 0.5 --names new --out large-hf",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		h, err := head(purpose)
		if err != nil {
			return err
		}
		bytes, err := shardBytes(shard)
		if err != nil {
			return err
		}
		s := hf.Spelling(spelling)
		if s != hf.OldSpelling && s != hf.NewSpelling {
			return usagef("--names: %q is neither %q nor %q", spelling, hf.OldSpelling, hf.NewSpelling)
		}
		return a.convert(args[0], out, hf.Options{Head: h, Spelling: s, ShardBytes: bytes}, asJSON)
	})
	headFlag(c, &purpose, "write what `KIND` needs: pretraining, model (no head) or ctc", hf.Heads()...)
	p := c.Flags()
	p.StringVar(&out, "out", "", "new `FOLDER` (required)")
	p.StringVar(&spelling, "names", string(hf.OldSpelling), "spelling of weight norm: old (every version reads it) or new")
	p.Float64Var(&shard, "shard", 0, "cut the weights into files of at most `GB`; 0 writes one")
	p.BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("names", words(string(hf.OldSpelling), string(hf.NewSpelling)))
	return c
}

func (a *app) modelONNX() *cobra.Command {
	var out, purpose string
	var external, asJSON bool
	c := a.command(&cobra.Command{
		Use:   "onnx MODEL --out FILE",
		Short: "Write a model as an ONNX file",
		Long: `Onnx writes the encoder, with the CTC head when there is one, for onnxruntime and other programs
that run ONNX files (operators 17). Inputs are input_values (batch, samples) and, in models with
layer norm, attention_mask; outputs are last_hidden_state and logits. Both axes are dynamic. Weights
of more than 2 GB, or with --external, go into FILE.data, which belongs beside FILE.`,
		Example: "  aural model onnx models/ctc --out ctc.onnx\n  aural model onnx runs/first/best --out encoder.onnx --external",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		h, err := head(purpose)
		if err == nil && h == hf.Pretraining {
			err = usagef("--for: an ONNX file is for %q or %q", hf.NoHead, hf.CTC)
		}
		if err != nil {
			return err
		}
		if _, err := os.Lstat(out); err == nil {
			return usagef("%s is there already; give a new file", out)
		}
		var heads []hf.Head
		if h != "" {
			heads = append(heads, h)
		}
		m, err := hf.Open(args[0], heads...)
		if err != nil {
			return err
		}
		defer m.Close()
		if h == "" {
			h = hf.NoHead
			for _, there := range m.Heads {
				if there == hf.CTC {
					h = there
				}
			}
		}
		s, err := onnx.Export(out, m, onnx.Options{Head: h, External: external})
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(a.out, s)
		}
		beside := ""
		if s.Data != "" {
			beside = ", weights in " + filepath.Base(s.Data)
		}
		a.print("%s: %s, %s parameters%s", out, plural(s.Nodes, "node"), grouped(s.Parameters), beside)
		return nil
	})
	headFlag(c, &purpose, "what to write, `KIND`: model (no head) or ctc; ctc where there is that head", hf.NoHead, hf.CTC)
	c.Flags().StringVar(&out, "out", "", "new `FILE` (required)")
	c.Flags().BoolVar(&external, "external", false, "put the weights into a file of their own")
	c.Flags().BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("out")
	return c
}
