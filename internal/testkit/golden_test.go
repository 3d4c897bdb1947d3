package testkit

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for _, c := range []struct{ text, fails string }{
		{`{"a": [1.5, -2e-9], "unread": {}}` + "\n", ""},
		{`{"a": [1.5]`, "unexpected EOF"},
		{`{"a": [1]} {"a": [2]}`, "text after the JSON value"},
		{`{"a": "no"}`, "cannot unmarshal"},
		{``, "EOF"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var v struct{ A []float64 }
		err := loadJSON(path, &v)
		if c.fails == "" && (err != nil || len(v.A) != 2 || v.A[1] != -2e-9) {
			t.Errorf("%s: %v, %v", c.text, v, err)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: error %v, want one that says %q and the path", c.text, err, c.fails)
		}
	}
	judge(func(t testing.TB) { Golden(t, "missing.json", new(int)) }).mustFail(t, "missing.json")
}

func TestFill(t *testing.T) {
	p := Fill([]Param{
		{"b.layer_norm.weight", []int{2}}, {"b.layer_norm.bias", []int{2}}, {"a", []int{2, 2}},
		{"c.weight_g", []int{1, 1, 2}}, {"c.weight_v", []int{2}}, {"masked_spec_embed", nil},
	})
	if len(p) != 6 {
		t.Fatalf("%d parameters", len(p))
	}
	// The ordinals follow the sorted names: a, b.layer_norm.bias, b.layer_norm.weight, c.weight_g, c.weight_v, masked…
	for _, c := range []struct {
		name string
		k    int
		want float64
	}{
		{"a", 3, 0.3 * math.Sin(1.9)},
		{"b.layer_norm.bias", 0, 0.3 * math.Sin(1.7)},
		{"b.layer_norm.weight", 1, 1 + 0.1*math.Sin(2.7)},
		{"c.weight_g", 0, 1 + 0.1*math.Sin(3.1)},
		{"c.weight_v", 1, 0.3 * math.Sin(4.1)},
		{"masked_spec_embed", 0, 0.3 * math.Sin(4.5)},
	} {
		Close(t, c.name, p[c.name][c.k:c.k+1], []float64{c.want}, Tol{Rel: 1e-14})
	}
	chirp := FillRule{Chirp: 0.01, Scale: map[string]float64{"a": 2}}.Fill([]Param{{"a", []int{5}}, {"b", []int{1}}})
	Close(t, "with chirp and scale", []float64{chirp["a"][4], chirp["b"][0]}, []float64{0.6 * math.Sin(2.36), 0.3 * math.Sin(1.7)}, Tol{Rel: 1e-14})
	if len(p["a"]) != 4 || len(p["masked_spec_embed"]) != 1 {
		t.Errorf("sizes %d and %d, want 4 and 1", len(p["a"]), len(p["masked_spec_embed"]))
	}
}

func TestParamJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	os.WriteFile(path, []byte(`[["w", [2, 3]], ["s", []]]`), 0o644)
	var ps []Param
	if err := loadJSON(path, &ps); err != nil || len(ps) != 2 || ps[0].Name != "w" || ps[0].Shape[1] != 3 || len(ps[1].Shape) != 0 {
		t.Errorf("%v, %v", ps, err)
	}
	for _, bad := range []string{`[["w"]]`, `[[1, [2]]]`, `[["w", 2]]`, `["w"]`} {
		os.WriteFile(path, []byte(bad), 0o644)
		if err := loadJSON(path, &ps); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestDataDir(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "repo", "a", "b")
	data := filepath.Join(top, "shared", "data")
	for _, d := range []string{deep, data} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repoRoot(deep); err == nil || !strings.Contains(err.Error(), "no go.mod") {
		t.Errorf("a tree without go.mod: %v", err)
	}
	write := func(path string) {
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(top, "repo", "go.mod"))
	if _, err := dataDir("", deep); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("without a manifest: %v", err)
	}
	write(filepath.Join(data, "MANIFEST.tsv"))
	if got, err := dataDir("", deep); err != nil || got != data {
		t.Errorf("%s, %v, want %s", got, err, data)
	}
	if got, err := dataDir(data, top); err != nil || got != data {
		t.Errorf("named by the environment: %s, %v", got, err)
	}
	t.Setenv("AURAL_DATA", deep)
	judge(func(t testing.TB) { DataDir(t) }).mustFail(t, "AURAL_DATA="+deep)
	t.Setenv("AURAL_DATA", "")
	t.Chdir(deep)
	if v := judge(func(t testing.TB) { t.Skipf("%s", DataDir(t)) }); v.text != data {
		t.Errorf("found %s", v.text)
	}
	os.Remove(filepath.Join(data, "MANIFEST.tsv"))
	if v := judge(func(t testing.TB) { DataDir(t) }); !v.skipped || !strings.Contains(v.text, "SKIPPED") {
		t.Errorf("skipped = %v with %q", v.skipped, v.text)
	}
	if root := RepoRoot(t); root != filepath.Join(top, "repo") {
		t.Errorf("root %s", root)
	}
}
