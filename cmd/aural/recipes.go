package main

import (
	"slices"
	"strings"

	"aural/kernels"
	"aural/pretrain"
	"aural/recipes"

	"github.com/spf13/cobra"
)

// recipeInfo is a line of the list.
type recipeInfo struct {
	Name       string `json:"name"`
	Parameters int    `json:"parameters"`
	Note       string `json:"note"`
}

func (a *app) recipes() *cobra.Command {
	var resolved, asJSON bool
	var sets []string
	c := a.command(&cobra.Command{
		Use:   "recipes [NAME|FILE]",
		Short: "List the recipes, or print one",
		Long: `A recipe is a YAML file with what differs from base. Without a name all recipes are listed. With one
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
		ValidArgsFunction: words(recipes.Names()...),
	}, func(args []string) error {
		if len(args) == 0 {
			if resolved || len(sets) > 0 {
				return usagef("--resolved and --set need the name of a recipe")
			}
			return a.listRecipes(asJSON)
		}
		if slices.Contains(recipes.Names(), args[0]) && !resolved && len(sets) == 0 {
			text, err := recipes.Source(args[0])
			if err != nil {
				return err
			}
			_, err = a.out.Write(text)
			return err
		}
		r, err := recipes.Load(args[0], sets)
		if err != nil {
			return usage(err)
		}
		text, err := recipes.Marshal(r)
		if err != nil {
			return err
		}
		_, err = a.out.Write(text)
		return err
	})
	c.Flags().BoolVar(&resolved, "resolved", false, "print every setting")
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	setFlag(c, &sets)
	return c
}

func (a *app) listRecipes(asJSON bool) error {
	list := []recipeInfo{}
	for _, name := range recipes.Names() {
		r, err := recipes.Load(name, nil)
		if err != nil {
			return err
		}
		n, err := parameters(r)
		if err != nil {
			return err
		}
		list = append(list, recipeInfo{name, n, r.Note})
	}
	if asJSON {
		return writeJSON(a.out, list)
	}
	rows := [][]string{{"RECIPE", ">PARAMETERS", "FOR"}}
	for _, r := range list {
		first, _, _ := strings.Cut(r.Note, "\n")
		rows = append(rows, []string{r.Name, grouped(r.Parameters), first})
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
	n := 0
	for _, s := range m.Specs() {
		n += kernels.Of(kernels.Float32, s.Shape...).Size()
	}
	return n, nil
}
