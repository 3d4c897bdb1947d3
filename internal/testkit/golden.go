package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Golden decodes the JSON file testdata/name of the package under test into v, or stops the test. Golden files come
// from other programs and are never rewritten by a test; the generator beside them says how they were made.
func Golden(t testing.TB, name string, v any) {
	t.Helper()
	if err := loadJSON(filepath.Join("testdata", name), v); err != nil {
		t.Fatal(err)
	}
}

// loadJSON refuses text after the first value, the sign of a file that was concatenated or merged badly.
func loadJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("testkit: golden file: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("testkit: golden file %s: %w", path, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("testkit: golden file %s: text after the JSON value at byte %d", path, dec.InputOffset())
	}
	return nil
}

// Param is the name and shape of one parameter, written in golden files as ["name", [shape...]].
type Param struct {
	Name  string
	Shape []int
}

// UnmarshalJSON reads the two-element form.
func (p *Param) UnmarshalJSON(raw []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("testkit: parameter has %d elements, want [name, shape]", len(pair))
	}
	if err := json.Unmarshal(pair[0], &p.Name); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &p.Shape)
}

// FillRule makes the stand-in for random weights that a program in any language can rebuild exactly. The zero rule is the
// one of the reference vectors of wav2vec 2.0; golden files that use another carry it as their "fill_rule".
//
// The ordinal i of a parameter is its place in byte order of all names, k counts its elements row by row, and with
//
//	s = sin(1 + 0.7·i + 0.3·k + Chirp·k²)
//
// an element is Scale[name], if there is one, times
//
//	1 + 0.1·s   for names that hold "norm" and end in "weight", and names that end in "weight_g"
//	0.3·s       for all others, biases of norms too
//
// Without a chirp every matrix has rank 2, because sin(a+b) is a sum of two products.
type FillRule struct {
	Chirp float64            `json:"chirp"`
	Scale map[string]float64 `json:"scale"`
}

// Fill gives every parameter its values by name.
func (r FillRule) Fill(params []Param) map[string][]float64 {
	shape := make(map[string][]int, len(params))
	for _, p := range params {
		shape[p.Name] = p.Shape
	}
	out := make(map[string][]float64, len(params))
	for i, name := range slices.Sorted(maps.Keys(shape)) {
		size := 1
		for _, d := range shape[name] {
			size *= d
		}
		scale, ok := r.Scale[name]
		if !ok {
			scale = 1
		}
		norm := strings.HasSuffix(name, "weight_g") || strings.Contains(name, "norm") && strings.HasSuffix(name, "weight")
		v := make([]float64, size)
		for k := range v {
			x := float64(k)
			s := math.Sin(1 + 0.7*float64(i) + 0.3*x + r.Chirp*x*x)
			if norm {
				v[k] = scale * (1 + 0.1*s)
			} else {
				v[k] = scale * 0.3 * s
			}
		}
		out[name] = v
	}
	return out
}

// Fill is the zero FillRule's.
func Fill(params []Param) map[string][]float64 { return FillRule{}.Fill(params) }
