package deps

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aural/internal/testkit"
)

// source is a Go file of the module as far as the rules are concerned.
type source struct {
	path, pkg string // both from the repository root; pkg is the folder
	clause    string // the name after "package"
	doc       string // the comment above it
	imports   []string
	test      bool
}

// module is the import path prefix of our own packages.
const module = "aural/"

// readSources parses package clauses and imports of every Go file, also those that this machine would not build.
func readSources(root string) ([]source, error) {
	var out []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(root, file, d)
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{rel, path.Dir(rel), f.Name.Name, f.Doc.Text(), importsOf(f), strings.HasSuffix(rel, "_test.go")})
		return nil
	})
	return out, err
}

// skipDir leaves out what the go tool leaves out: hidden folders, testdata and other modules.
func skipDir(root, dir string, d fs.DirEntry) error {
	if dir == root {
		return nil
	}
	if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func importsOf(f *ast.File) (out []string) {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// checkImports returns one line per import that the rules do not allow, and per package without a place or with a name
// that says nothing.
func checkImports(may map[string]map[string]bool, files []source) (faults []string) {
	for _, f := range files {
		switch {
		case may[f.pkg] == nil:
			faults = append(faults, fmt.Sprintf("%s: package %s has no place in layers", f.path, f.pkg))
			continue
		case slices.ContainsFunc(append(strings.Split(f.pkg, "/"), strings.TrimSuffix(f.clause, "_test")), meaningless):
			faults = append(faults, fmt.Sprintf("%s: a package is named after what it holds, not %s", f.path, f.pkg))
		}
		for _, imp := range f.imports {
			if why := forbidden(may[f.pkg], f, imp); why != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", f.path, imp, why))
			}
		}
	}
	return faults
}

func meaningless(name string) bool {
	return slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "types"}, name)
}

// forbidden says why f may not import imp, or nothing.
func forbidden(may map[string]bool, f source, imp string) string {
	if ours, ok := strings.CutPrefix(imp, module); ok {
		if may[ours] || f.test && (ours == f.pkg || slices.Contains(forTests, ours)) {
			return ""
		}
		return "not below it in layers"
	}
	if host, _, _ := strings.Cut(imp, "/"); !strings.Contains(host, ".") {
		return "" // standard library
	}
	into, known := door(imp)
	switch {
	case !known:
		return "a library without a door"
	case slices.Contains(into, f.pkg) || f.test && slices.Contains(into, "TESTS"):
		return ""
	}
	return fmt.Sprintf("its door is %s", strings.Join(into, ", "))
}

func TestImports(t *testing.T) {
	may, err := parseLayers(layers)
	if err != nil {
		t.Fatal(err)
	}
	files, err := readSources(testkit.RepoRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	for _, fault := range checkImports(may, files) {
		t.Error(fault)
	}
}

// Each import that the architecture forbids by name must be seen by the rule, and what it allows must pass.
func TestRuleCatches(t *testing.T) {
	may, err := parseLayers(layers)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pkg, imp string
		test     bool
		says     string // empty: allowed
	}{
		{"pretrain", "aural/finetune", false, "not below"},
		{"finetune", "aural/pretrain", false, "not below"},
		{"finetune", "aural/pretrain", true, "not below"},
		{"finetune", "aural/quantizer", false, "not below"},
		{"quantizer", "aural/contrastive", false, "not below"},
		{"contrastive", "aural/quantizer", true, "not below"},
		{"tui", "aural/train", false, "not below"},
		{"plots", "aural/datasets", false, "not below"},
		{"recipes", "aural/cmd/aural", true, "not below"},
		{"train", "aural/kernels/cpu", false, "not below"},
		{"train", "aural/kernels/cpu", true, ""},
		{"kernels/cpu", "aural/kernels/ref", false, "not below"},
		{"kernels", "aural/exec", false, "not below"},
		{"exec", "aural/graph", false, "not below"},
		{"encoder", "aural/internal/testkit", false, "not below"},
		{"encoder", "aural/internal/testkit", true, ""},
		{"encoder", "aural/encoder", true, ""},
		{"pretrain", "aural/kernels", false, ""},
		{"cmd/aural", "aural/rng", false, ""},
		{"encoder", "gorgonia.org/gorgonia", false, "its door is graph"},
		{"graph", "gorgonia.org/tensor", false, ""},
		{"plots", "gonum.org/v1/plot", false, ""},
		{"plots", "gonum.org/v1/plot/vg/vgsvg", false, ""},
		{"plots", "gonum.org/v1/plotter", false, "without a door"},
		{"datasets", "github.com/apache/arrow/go/v15/arrow", false, ""},
		{"train", "github.com/apache/arrow/go/v15/arrow", true, "its door is datasets"},
		{"rng", "pgregory.net/rapid", true, ""},
		{"rng", "pgregory.net/rapid", false, "its door is TESTS"},
		{"rng", "github.com/stretchr/testify/assert", true, "without a door"},
		{"rng", "encoding/json", false, ""},
		{"finetune/utils", "fmt", false, "no place in layers"},
	} {
		f := source{path: c.pkg + "/x.go", pkg: c.pkg, clause: path.Base(c.pkg), imports: []string{c.imp}, test: c.test}
		faults := checkImports(may, []source{f})
		if ok := len(faults) == 0; ok != (c.says == "") || !ok && !strings.Contains(faults[0], c.says) {
			t.Errorf("%s (test %v) imports %s: %q, want %q", c.pkg, c.test, c.imp, faults, c.says)
		}
	}
	named := source{path: "train/x.go", pkg: "train", clause: "helpers"}
	if faults := checkImports(may, []source{named}); len(faults) != 1 || !strings.Contains(faults[0], "named after what it holds") {
		t.Errorf("package clause helpers: %q", faults)
	}
}

func TestParseLayersRefuses(t *testing.T) {
	for _, c := range []struct{ rules, says string }{
		{"NONE < a; a < b; b < a;", "above itself"},
		{"NONE < a < a;", "above itself"},
		{"a < b;", "a before it has a place"},
		{"NONE, a;", "has no <"},
		{"NONE < a b;", "is no package"},
		{"NONE < a,, b;", "is no package"},
	} {
		if _, err := parseLayers(c.rules); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.rules, err, c.says)
		}
	}
	may, err := parseLayers("NONE < a, b;\n# comment; with < signs\na < c; b, c < d;")
	if err != nil || !may["d"]["a"] || !may["d"]["b"] || !may["d"]["c"] || may["c"]["b"] || may["a"]["b"] || may["b"] == nil {
		t.Errorf("%v, %v", may, err)
	}
}
