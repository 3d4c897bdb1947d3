package recipes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode writes a YAML text into the recipe that r points to. It walks the text beside the recipe instead of leaving the work to the library, which cuts 1.5 down to 1 for a
// whole number, takes an empty value for "leave it", and names neither the path of a bad key nor a better one.
func decode(source string, data []byte, r any) error {
	in := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := in.Decode(&doc); errors.Is(err, io.EOF) {
		return nil // nothing but comments: all defaults
	} else if err != nil {
		return fmt.Errorf("recipes: %s: %w", source, err)
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("recipes: %s holds more than one document: a recipe is one", source)
	}
	v := reflect.ValueOf(r).Elem()
	d := decoder{source: source, paths: appendPaths(nil, v.Type(), "")}
	d.value(doc.Content[0], v, "")
	return errors.Join(d.errs...)
}

// decoder collects what is wrong with a text, so that all of it is told at once.
type decoder struct {
	source string
	paths  []string // of all settings
	errs   []error
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	where := d.source
	if n != nil && n.Line > 0 {
		where += ":" + strconv.Itoa(n.Line)
	}
	if path != "" {
		where += ": " + path
	}
	d.errs = append(d.errs, fmt.Errorf("recipes: "+where+": "+format, args...))
}

// value sets v, the setting at path, to what n says.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case n.Kind == yaml.AliasNode:
		d.fail(n, path, "aliases are not part of recipes: write the value out")
		return
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		d.fail(n, path, "has no value: give one, or leave the key out to keep the default")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.section(n, v, path)
	case reflect.Slice, reflect.Array:
		d.list(n, v, path)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem(), path)
	default:
		if n.Kind != yaml.ScalarNode {
			d.fail(n, path, "is one value, not a list or a section")
			return
		}
		if err := setScalar(n, v); err != nil {
			d.fail(n, path, "%w", err)
		}
	}
}

func (d *decoder) section(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		what := "is a section with the keys " + strings.Join(keys(v.Type()), ", ")
		if path == "" {
			what = "a recipe is a list of \"key: value\" lines"
		}
		d.fail(n, path, "%s", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		index, ok := field(v.Type(), key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || !ok:
			d.fail(key, path, "%s", unknownKey(v.Type(), path, key.Value, d.paths))
		case seen[key.Value]:
			d.fail(key, join(path, key.Value), "is given twice")
		default:
			d.value(n.Content[i+1], v.Field(index), join(path, key.Value))
		}
		seen[key.Value] = true
	}
}

// list replaces a slice, or fills an array.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "is a list, as in [1, 2]")
		return
	}
	if v.Kind() == reflect.Array && len(n.Content) != v.Len() {
		d.fail(n, path, "takes %d values, got %d", v.Len(), len(n.Content))
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	}
	for i, item := range n.Content {
		d.value(item, v.Index(i), join(path, strconv.Itoa(i)))
	}
}

// setScalar sets a number, text or truth value.
func setScalar(n *yaml.Node, v reflect.Value) error {
	tag := n.ShortTag()
	number := tag == "!!int" || tag == "!!float"
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
		return nil
	case reflect.Bool:
		if tag != "!!bool" || n.Decode(v.Addr().Interface()) != nil {
			return fmt.Errorf("%q is neither true nor false", n.Value)
		}
		return nil
	case reflect.Float64:
		var x float64
		if !number || n.Decode(&x) != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%q is not a finite number", n.Value)
		}
		v.SetFloat(x)
		return nil
	case reflect.Int:
		x, ok := whole(n, number)
		if !ok || v.OverflowInt(x) {
			return fmt.Errorf("%q is not a whole number that fits", n.Value)
		}
		v.SetInt(x)
		return nil
	case reflect.Uint64:
		var u uint64
		if tag == "!!int" && n.Decode(&u) == nil { // seeds use all 64 bits
			v.SetUint(u)
			return nil
		}
		x, ok := whole(n, number)
		if !ok || x < 0 {
			return fmt.Errorf("%q is not a whole number from 0 on", n.Value)
		}
		v.SetUint(uint64(x))
		return nil
	}
	return fmt.Errorf("settings of type %s cannot be read", v.Type())
}

// whole reads a whole number, also one written as 1e6 as long as a float64 holds it exactly.
func whole(n *yaml.Node, number bool) (int64, bool) {
	if !number {
		return 0, false
	}
	if n.ShortTag() == "!!int" {
		var x int64
		err := n.Decode(&x)
		return x, err == nil
	}
	var f float64
	if n.Decode(&f) != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// field is the number of the field of a struct that has the YAML key.
func field(t reflect.Type, key string) (int, bool) {
	for i := range t.NumField() {
		if name(t.Field(i)) == key {
			return i, true
		}
	}
	return 0, false
}

// name is the YAML key of a field.
func name(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// keys lists the YAML keys of a struct in order.
func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		out = append(out, name(t.Field(i)))
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
