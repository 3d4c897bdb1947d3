// Package recipes holds the experiments that come with aural, as YAML, and reads recipes strictly: a key that does not exist, a value of the wrong
// type or a number that is not one is an error with its line and the nearest valid name, never a default.
//
// There is one layer of defaults for each task, base.yaml over [pretrain.Default] and ft-10h.yaml over [finetune.Default]; every other recipe, embedded or a user's
// file, holds only what differs from it:
//
//	pretrain.Default ◀ base.yaml ◀ tiny.yaml or a file ◀ --set a.b=c ─▶ Validate ─▶ recipe
package recipes

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"aural/finetune"
	"aural/pretrain"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// Recipe is what a task is configured with.
type Recipe interface{ Validate() error }

// Kind is the recipes of one task.
type Kind[R Recipe] struct {
	names    []string
	base     string // from which all others differ
	defaults func() R
	note     func(*R) *string
}

// The tasks.
var (
	Pretrain = Kind[pretrain.Recipe]{[]string{"quickstart", "tiny", "small", "base", "base-hf", "large"}, "base", pretrain.Default,
		func(r *pretrain.Recipe) *string { return &r.Note }}
	Finetune = Kind[finetune.Recipe]{[]string{"ft-tiny", "ft-10min", "ft-1h", "ft-10h", "ft-100h"}, "ft-10h", finetune.Default,
		func(r *finetune.Recipe) *string { return &r.Note }}
)

// maxBytes is the size of the largest recipe that is read. A complete one has about 3 kB.
const maxBytes = 1 << 20

// Names lists the embedded recipes, the smallest first.
func (k Kind[R]) Names() []string { return slices.Clone(k.names) }

// Source returns the text of an embedded recipe: its note and what it changes.
func (k Kind[R]) Source(name string) ([]byte, error) {
	if !slices.Contains(k.names, name) {
		return nil, k.unknownRecipe(name)
	}
	return files.ReadFile(name + ".yaml")
}

// Load reads a recipe and applies overrides of the form "path=value", as in "train.schedule.peak=3e-4" or "quantizer.groups=1". nameOrPath is one of
// [Kind.Names], or a file when it ends in .yaml or .yml or holds a path separator. Values are YAML, lists and sections included; an element of a list is
// named by its number ("encoder.conv.0.channels"). The result is valid.
func (k Kind[R]) Load(nameOrPath string, sets []string) (R, error) {
	var none R
	var data []byte
	var err error
	if isPath(nameOrPath) {
		data, err = readFile(nameOrPath)
	} else {
		data, err = k.Source(nameOrPath)
	}
	if err != nil {
		return none, err
	}
	r, err := k.parse(nameOrPath, data)
	if err != nil {
		return none, err
	}
	var errs []error
	for _, s := range sets {
		errs = append(errs, override(&r, s))
	}
	if err := errors.Join(errs...); err != nil {
		return none, err
	}
	if err := r.Validate(); err != nil {
		return none, fmt.Errorf("recipes: %s cannot be used: %w", nameOrPath, err)
	}
	return r, nil
}

// Decode reads the text of a recipe; source names it in errors. The result is valid.
func (k Kind[R]) Decode(source string, data []byte) (R, error) {
	var none R
	r, err := k.parse(source, data)
	if err != nil {
		return none, err
	}
	if err := r.Validate(); err != nil {
		return none, fmt.Errorf("recipes: %s cannot be used: %w", source, err)
	}
	return r, nil
}

// Marshal writes every setting of a recipe, so that reading the text gives the same recipe whatever the defaults are then.
func Marshal(r Recipe) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(r), e.Close()); err != nil {
		return nil, fmt.Errorf("recipes: %w", err)
	}
	return out.Bytes(), nil
}

// isPath tells a file from the name of an embedded recipe.
func isPath(s string) bool {
	return strings.ContainsAny(s, `/\`) || path.Ext(s) == ".yaml" || path.Ext(s) == ".yml"
}

func (k Kind[R]) unknownRecipe(name string) error {
	hint := ""
	if near := nearest(name, k.names); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return fmt.Errorf("recipes: no recipe %q%s There are %s; a file must end in .yaml", name, orStop(hint), strings.Join(k.names, ", "))
}

func orStop(hint string) string {
	if hint == "" {
		return "."
	}
	return hint
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("recipes: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("recipes: %w", err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("recipes: %s is larger than %d bytes: it is no recipe", name, maxBytes)
	}
	return data, nil
}

// parse reads a text over base.
func (k Kind[R]) parse(source string, data []byte) (R, error) {
	r := k.defaults()
	common, err := files.ReadFile(k.base + ".yaml")
	if err != nil {
		return r, err
	}
	if err := decode(k.base, common, &r); err != nil {
		return r, err
	}
	*k.note(&r) = "" // it tells of base
	return r, decode(source, data, &r)
}
