package main

import (
	"slices"
	"strings"

	"aural/finetune"
	"aural/kernels"
	"aural/pretrain"
	"aural/recipes"
	"aural/train"

	"github.com/spf13/cobra"
)

// recipeInfo is a line of the list.
type recipeInfo struct {
	Name       string `json:"name"`
	Task       string `json:"task"`
	Parameters int    `json:"parameters"`
	Note       string `json:"note"`
}

func (a *app) recipes() *cobra.Command {
	var resolved, asJSON bool
	var sets []string
	c := a.command(&cobra.Command{
		Use:   "recipes [NAME|FILE]",
		Short: "List the recipes, or print one",
		Long: `A recipe is a YAML file with what differs from base, or for fine-tuning
from ft-10h. Without a name all recipes are listed. With one
its text is printed, or with --resolved every setting that it ends up with, which is a good start
for a recipe of your own.

What a run logs: numbers and codebook counts every train.log_every updates, validations every
train.valid_every, and one row of a batch with its masks, codes, scores and audio every
train.snapshot_every (0: ten times log_every; -1: never).

How matrices are multiplied: precision is float32, high (three products of bfloat16 halves, close
to float32) or bf16 (as mixed-precision training does). The last two need a processor with AMX,
which aural doctor tells; weights, activations and sums are float32 in each of them.`,
		Example: `  aural recipes
  aural recipes large
  aural recipes tiny --resolved --set encoder.layers=6 > mine.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: words(append(recipes.Pretrain.Names(), recipes.Finetune.Names()...)...),
	}, func(args []string) error {
		if len(args) == 0 {
			if resolved || len(sets) > 0 {
				return usagef("--resolved and --set need the name of a recipe")
			}
			return a.listRecipes(asJSON)
		}
		text, err := recipeText(args[0], resolved, sets)
		if err != nil {
			return err
		}
		_, err = a.out.Write(text)
		return err
	})
	c.Flags().BoolVar(&resolved, "resolved", false, "print every setting")
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	setFlag(c, &sets, recipes.Pretrain.Paths())
	return c
}

// recipeText is a recipe of any task as it was written, or with all settings.
func recipeText(name string, resolved bool, sets []string) ([]byte, error) {
	if slices.Contains(recipes.Finetune.Names(), name) {
		return textOf(recipes.Finetune, name, resolved, sets)
	}
	text, err := textOf(recipes.Pretrain, name, resolved, sets)
	if err == nil || slices.Contains(recipes.Pretrain.Names(), name) {
		return text, err
	}
	if text, other := textOf(recipes.Finetune, name, resolved, sets); other == nil { // a file of that task
		return text, nil
	}
	return nil, err
}

func textOf[R recipes.Recipe](k recipes.Kind[R], name string, resolved bool, sets []string) ([]byte, error) {
	if slices.Contains(k.Names(), name) && !resolved && len(sets) == 0 {
		return k.Source(name)
	}
	r, err := k.Load(name, sets)
	if err != nil {
		return nil, usage(err)
	}
	return recipes.Marshal(r)
}

func (a *app) listRecipes(asJSON bool) error {
	list := []recipeInfo{}
	for _, name := range recipes.Pretrain.Names() {
		r, err := recipes.Pretrain.Load(name, nil)
		if err != nil {
			return err
		}
		n, err := parameters(r)
		if err != nil {
			return err
		}
		list = append(list, recipeInfo{name, "pretrain", n, r.Note})
	}
	for _, name := range recipes.Finetune.Names() {
		r, err := recipes.Finetune.Load(name, nil)
		if err != nil {
			return err
		}
		n, err := finetuneParameters(r)
		if err != nil {
			return err
		}
		list = append(list, recipeInfo{name, "finetune", n, r.Note})
	}
	if asJSON {
		return writeJSON(a.out, list)
	}
	rows := [][]string{{"RECIPE", "TASK", ">PARAMETERS", "FOR"}}
	for _, r := range list {
		first, _, _ := strings.Cut(r.Note, "\n")
		rows = append(rows, []string{r.Name, r.Task, grouped(r.Parameters), first})
	}
	table(a.out, rows, nil)
	return nil
}

// parameters counts the weights of a recipe's model without making them.
func parameters(r pretrain.Recipe) (int, error) {
	m, err := pretrain.Build(r, pretrain.Shape{Rows: 1, Samples: r.Data.MinSamples, Masked: 2}, pretrain.Mode{Float: kernels.Float32, Training: true})
	if err != nil {
		return 0, err
	}
	return count(m.Specs()), nil
}

// englishTokens is a vocabulary of the letters, the apostrophe, the mark between words and four special tokens.
const englishTokens = 32

// finetuneParameters does the same for fine-tuning, with the vocabulary of English characters.
func finetuneParameters(r finetune.Recipe) (int, error) {
	m, err := finetune.Build(r, englishTokens, 0, finetune.Shape{Rows: 1, Samples: r.Data.MinSamples, Labels: 1}, kernels.Float32, true)
	if err != nil {
		return 0, err
	}
	return count(m.Specs()), nil
}

func count(specs []train.Spec) int {
	n := 0
	for _, s := range specs {
		n += kernels.Of(kernels.Float32, s.Shape...).Size()
	}
	return n
}
