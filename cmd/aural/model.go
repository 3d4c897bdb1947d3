package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"aural/hf"

	"github.com/spf13/cobra"
)

func (a *app) model() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "model",
		Short: "Exchange models with other programs",
		Long: `A model is a folder as Hugging Face transformers has it: config.json, model.safetensors and
preprocessor_config.json, with vocab.json when it writes text. The checkpoints of a run, such as
RUN/best, are such folders.`,
	}, a.modelInfo(), a.modelImport(), a.modelExport(), a.modelONNX())
}

func (a *app) modelInfo() *cobra.Command {
	var asJSON, names bool
	c := a.command(&cobra.Command{
		Use:   "info MODEL",
		Short: "Say what is in a model folder",
		Long: `Info checks a model folder and prints what it holds. With --names it lists every tensor with its
shape and its names: here and in published checkpoints, in files that transformers writes today,
and in fairseq.`,
		Example: "  aural model info runs/first/best\n  aural model info wav2vec2-base-960h --names",
		Args:    cobra.ExactArgs(1),
	}, func(args []string) error {
		m, err := hf.Open(args[0])
		if err != nil {
			return err
		}
		defer m.Close()
		list := hf.Names(m.Config, m.Heads...)
		switch {
		case names && asJSON:
			return writeJSON(a.out, list)
		case names:
			rows := [][]string{{"tensor", "newer name", "fairseq", "shape"}}
			for _, n := range list {
				newer := n.Newer
				if newer == n.Ours {
					newer = "same"
				}
				rows = append(rows, []string{n.Ours, newer, n.Fairseq, shapeText(n.Shape)})
			}
			table(a.out, rows, nil)
			return nil
		}
		i := describeModel(m)
		if asJSON {
			return writeJSON(a.out, i)
		}
		variant := "base (group norm, post-norm blocks)"
		if m.Config.StableLayerNorm {
			variant = "large (" + m.Config.FeatExtractNorm + " norm, pre-norm blocks)"
		}
		rows := [][]string{
			{"for", strings.Join(i.Heads, ", ")}, {"variant", variant},
			{"network", fmt.Sprintf("%s of width %d, %d heads, %d inside", plural(i.Layers, "block"), i.Width, m.Config.Heads, m.Config.Intermediate)},
			{"tensors", grouped(i.Tensors)}, {"parameters", grouped(i.Parameters)}, {"numbers", i.Numbers},
			{"input", map[bool]string{true: "normalised to mean 0, variance 1", false: "as it is"}[i.Normalize]},
		}
		if m.Tokens != nil {
			rows = append(rows, []string{"tokens", strconv.Quote(printable(strings.Join(m.Tokens[:min(len(m.Tokens), 40)], " "))) + ", " + grouped(len(m.Tokens))})
		}
		table(a.out, rows, nil)
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	c.Flags().BoolVar(&names, "names", false, "list the tensors under all their names")
	return c
}

// modelInfo is what "aural model info --json" prints.
type modelInfo struct {
	Heads      []string `json:"heads"`
	Layers     int      `json:"layers"`
	Width      int      `json:"width"`
	Tensors    int      `json:"tensors"`
	Parameters int64    `json:"parameters"`
	Numbers    string   `json:"numbers"` // the type in the file
	Normalize  bool     `json:"normalize"`
	Tokens     int      `json:"tokens"`
}

func describeModel(m *hf.Model) modelInfo {
	i := modelInfo{Layers: m.Config.Layers, Width: m.Config.HiddenSize, Numbers: "F32", Normalize: m.Preprocessor.Normalize, Tokens: len(m.Tokens)}
	for _, h := range m.Heads {
		i.Heads = append(i.Heads, string(h))
	}
	if len(i.Heads) == 0 {
		i.Heads = []string{string(hf.NoHead)}
	}
	if m.Widened != 0 {
		i.Numbers = m.Widened.String()
	}
	for _, s := range m.Specs() {
		n := int64(1)
		for _, d := range s.Shape {
			n *= int64(d)
		}
		i.Tensors, i.Parameters = i.Tensors+1, i.Parameters+n
	}
	return i
}

func shapeText(shape []int) string {
	var parts []string
	for _, d := range shape {
		parts = append(parts, strconv.Itoa(d))
	}
	return strings.Join(parts, "x")
}

// convert is what import and export do.
func (a *app) convert(from, to string, o hf.Options, asJSON bool) error {
	r, err := hf.Convert(from, to, o)
	if err != nil {
		return err
	}
	if len(r.Left) > 0 {
		a.say("note: %s of other heads stayed behind, %s first", plural(len(r.Left), "tensor"), r.Left[0])
	}
	if r.Widened != "" {
		a.say("note: %s became float32, which is exact", r.Widened)
	}
	if asJSON {
		return writeJSON(a.out, struct {
			Out string `json:"out"`
			hf.Report
		}{to, r})
	}
	a.print("%s: %s, %s parameters, all equal when read back", to, plural(r.Tensors, "tensor"), grouped(r.Parameters))
	return nil
}

// headFlag adds --for.
func headFlag(c *cobra.Command, p *string, use string, heads ...hf.Head) {
	c.Flags().StringVar(p, "for", "", use)
	var list []string
	for _, h := range heads {
		list = append(list, string(h))
	}
	c.RegisterFlagCompletionFunc("for", words(list...))
}

// head is the value of --for.
func head(text string) (hf.Head, error) {
	if text == "" {
		return "", nil
	}
	return hf.Head(text), usage(hf.Head(text).Check())
}

// shardBytes is the value of --shard, in gigabytes.
func shardBytes(gigabytes float64) (int64, error) {
	if !(gigabytes >= 0 && gigabytes <= math.MaxInt64/2e9) {
		return 0, usagef("--shard: %v is no size", gigabytes)
	}
	return int64(gigabytes * 1e9), nil
}
