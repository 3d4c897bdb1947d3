package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"aural/runlog"

	"go.yaml.in/yaml/v3"
)

// readRecipes returns the settings of runs by their dotted names, without the note. What another program logged has none: nil.
func readRecipes(dirs []string) ([]map[string]string, error) {
	recipes := make([]map[string]string, len(dirs))
	for i, dir := range dirs {
		path := filepath.Join(dir, "config.yaml")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if recipes[i], err = settings(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		delete(recipes[i], "note")
	}
	return recipes, nil
}

// settings returns the values of a YAML document by their dotted names: train.optimizer.betas.0.
func settings(data []byte) (map[string]string, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	found := map[string]string{}
	var walk func(name string, n *yaml.Node)
	walk = func(name string, n *yaml.Node) {
		below := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
		switch n.Kind {
		case yaml.DocumentNode:
			for _, c := range n.Content {
				walk(name, c)
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(below(n.Content[i].Value), n.Content[i+1])
			}
		case yaml.SequenceNode:
			for i, c := range n.Content {
				walk(below(strconv.Itoa(i)), c)
			}
		case yaml.ScalarNode: // an alias is left out: config.yaml has none, and one may lead into itself
			found[name] = n.Value
		}
	}
	walk("", &root)
	return found, nil
}

// groupBySeed names the group of each run: runs whose settings are equal but for the seed are one group, called by what
// their names have in common.
func groupBySeed(dirs []string, recipes []map[string]string) []string {
	keys := make([]string, len(dirs))
	members := map[string][]string{}
	for i, r := range recipes {
		if len(r) == 0 {
			continue // nothing says what it is a repetition of
		}
		var lines []string
		for name, value := range r {
			if name != "seed" {
				lines = append(lines, name+"="+strconv.Quote(value))
			}
		}
		sort.Strings(lines)
		keys[i] = strings.Join(lines, "\n")
		members[keys[i]] = append(members[keys[i]], runlog.RunName(dirs[i]))
	}
	groups := make([]string, len(dirs))
	taken := map[string]string{} // by name, the key
	for i, key := range keys {
		if key == "" {
			continue
		}
		name := commonName(members[key])
		for n := 2; taken[name] != "" && taken[name] != key; n++ {
			name = fmt.Sprintf("%s, %d", commonName(members[key]), n)
		}
		taken[name], groups[i] = key, name
	}
	return groups
}

// commonName is what names begin with, without what leads to the number of a seed.
func commonName(names []string) string {
	name := names[0]
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, name) {
			name = name[:len(name)-1]
		}
	}
	if len(names) == 1 || name == names[0] && name == names[1] {
		return name
	}
	trimmed := strings.TrimRight(name, "-_.0123456789")
	trimmed = strings.TrimRight(strings.TrimSuffix(trimmed, "seed"), "-_.")
	if trimmed == "" {
		return names[0]
	}
	return trimmed
}
