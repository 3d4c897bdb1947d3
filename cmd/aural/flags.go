package main

import (
	"slices"

	"aural/kernels"

	"github.com/spf13/cobra"
)

// setFlag adds --set, whose values are completed to the names of settings, paths.
func setFlag(c *cobra.Command, sets *[]string, paths []string) {
	c.Flags().StringArrayVar(sets, "set", nil, "override a setting, `PATH=VALUE`, as in train.schedule.peak=3e-4; may be repeated")
	c.RegisterFlagCompletionFunc("set", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		paths := slices.Clone(paths)
		for i := range paths {
			paths[i] += "="
		}
		return paths, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// precisionFlag adds --precision to a command that runs models and does not train.
func precisionFlag(c *cobra.Command, precision *string) {
	c.Flags().StringVar(precision, "precision", string(kernels.PrecisionFloat32),
		"of matrix products, `HOW`: float32, high or bf16, or int8 (on the CPU, twice as fast, one frame in 200 differs)")
	var names []string
	for _, p := range kernels.Precisions() {
		names = append(names, string(p))
	}
	c.RegisterFlagCompletionFunc("precision", words(names...))
}

// words completes to a fixed list.
func words(list ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
