package main

import (
	"slices"

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

// words completes to a fixed list.
func words(list ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
