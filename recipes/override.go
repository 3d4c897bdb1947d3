package recipes

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// override applies one "path=value" to the recipe that r points to. See [Kind.Load].
func override(r any, set string) error {
	path, text, ok := strings.Cut(set, "=")
	path = strings.TrimSpace(path)
	if !ok || path == "" {
		return fmt.Errorf("recipes: override %q: want path=value, as in train.schedule.peak=3e-4", set)
	}
	root := reflect.ValueOf(r).Elem()
	paths := appendPaths(nil, root.Type(), "")
	v, err := find(root, path, paths)
	if err != nil {
		return fmt.Errorf("recipes: override %q: %w", set, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("recipes: override %q: the value is not YAML: %w", set, err)
	}
	if len(doc.Content) == 0 {
		return fmt.Errorf("recipes: override %q: there is no value after =", set)
	}
	clearLines(&doc)
	d := decoder{source: "override", paths: paths}
	d.value(doc.Content[0], v, path)
	return errors.Join(d.errs...)
}

// clearLines forgets line numbers, which mean nothing on a command line.
func clearLines(n *yaml.Node) {
	n.Line = 0
	for _, c := range n.Content {
		clearLines(c)
	}
}

// find returns the setting at a path.
func find(v reflect.Value, path string, paths []string) (reflect.Value, error) {
	done := ""
	for _, part := range strings.Split(path, ".") {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Struct:
			i, ok := field(v.Type(), part)
			if !ok {
				return v, errors.New(unknownPath(path, paths))
			}
			v = v.Field(i)
		case reflect.Slice, reflect.Array:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= v.Len() {
				return v, fmt.Errorf("%s is a list of %d: %q is not the number of one of them (from 0)", done, v.Len(), part)
			}
			v = v.Index(i)
		default:
			return v, fmt.Errorf("%s is one value and has no %q", done, part)
		}
		done = join(done, part)
	}
	return v, nil
}

// Paths lists every setting that can be overridden, as "train.schedule.peak". Lists are named whole.
func (k Kind[R]) Paths() []string { return appendPaths(nil, reflect.TypeFor[R](), "") }

func appendPaths(out []string, t reflect.Type, path string) []string {
	if t.Kind() != reflect.Struct {
		return append(out, path)
	}
	for i := range t.NumField() {
		out = appendPaths(out, t.Field(i).Type, join(path, name(t.Field(i))))
	}
	return out
}

// Diff lists the settings in which now differs from was, one line each: "train.schedule.peak: 0.0005 -> 0.001". The note is not a setting.
func Diff[R Recipe](was, now R) []string {
	return appendDiff(nil, reflect.ValueOf(was), reflect.ValueOf(now), "")
}

func appendDiff(out []string, was, now reflect.Value, path string) []string {
	if was.Kind() == reflect.Struct {
		for i := range was.NumField() {
			if path == "" && name(was.Type().Field(i)) == "note" {
				continue
			}
			out = appendDiff(out, was.Field(i), now.Field(i), join(path, name(was.Type().Field(i))))
		}
		return out
	}
	if !reflect.DeepEqual(was.Interface(), now.Interface()) {
		out = append(out, fmt.Sprintf("%s: %s -> %s", path, inline(was), inline(now)))
	}
	return out
}

// inline shows a setting on one line, as it could be given to --set.
func inline(v reflect.Value) string {
	var n yaml.Node
	if err := n.Encode(v.Interface()); err != nil {
		return fmt.Sprint(v.Interface())
	}
	flow(&n)
	text, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func flow(n *yaml.Node) {
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		flow(c)
	}
}
