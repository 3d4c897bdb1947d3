package kernels

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Every type with a sealed method must be in All: otherwise an op could miss its reference kernel, case or gradient unnoticed.
func TestAllListsEveryOp(t *testing.T) {
	files, err := filepath.Glob("op_*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no op files: %v", err)
	}
	decl := regexp.MustCompile(`(?m)^func \((?:o )?(\w+)\) sealed\(\)`)
	listed := map[string]int{}
	for _, op := range All() {
		listed[typeName(op)]++
	}
	found := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range decl.FindAllStringSubmatch(string(src), -1) {
			found++
			if listed[m[1]] != 1 {
				t.Errorf("%s declares op %s, which All lists %d times", f, m[1], listed[m[1]])
			}
		}
	}
	if found != len(All()) {
		t.Errorf("%d ops declared, %d listed", found, len(All()))
	}
}

func TestOpNamesAreDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, op := range All() {
		if other, dup := seen[op.Name()]; dup {
			t.Errorf("%s and %s are both called %q", other, typeName(op), op.Name())
		}
		seen[op.Name()] = typeName(op)
	}
}

// Infer must refuse nonsense with an error, never panic, whatever it is given.
func TestInferRefusesNonsense(t *testing.T) {
	odd := []Desc{Of(Float32), Of(Int32), Of(Float32, 3), Of(Float64, 2, 3), Of(Float32, 2, 3, 4), Of(Uint8, 2, 3), Of(Float32, 0), Of(Int32, 2)}
	for _, op := range All() {
		for n := range 8 {
			for shift := range odd {
				in := make([]Desc, n)
				for i := range in {
					in[i] = odd[(i*3+shift)%len(odd)]
				}
				if _, err := op.Infer(in); err != nil && !strings.Contains(err.Error(), op.Name()) {
					t.Errorf("%s: error does not name the op: %v", op.Name(), err)
				}
			}
		}
	}
}

func TestConvOutLen(t *testing.T) {
	// The receptive field and hop of the seven-layer feature encoder, from the published model: frames for samples.
	kernel, stride := []int{10, 3, 3, 3, 3, 2, 2}, []int{5, 2, 2, 2, 2, 2, 2}
	for _, c := range [][2]int{{399, 0}, {400, 1}, {720, 2}, {16000, 49}, {160000, 499}, {250000, 781}, {320000, 999}} {
		n := c[0]
		for i := range kernel {
			n = Conv1D{Stride: stride[i], Groups: 1}.OutLen(n, kernel[i])
		}
		if n != c[1] {
			t.Errorf("%d samples give %d frames, want %d", c[0], n, c[1])
		}
	}
}

func TestBufferViews(t *testing.T) {
	b := New(Float32, 2, 3)
	b.F32()[5] = 1
	if b.HostBytes()[23] != 0x3f {
		t.Error("F32 is not a view of the bytes")
	}
	defer func() {
		if recover() == nil {
			t.Error("reading float32 as int32 did not panic")
		}
	}()
	b.I32()
}

func typeName(op Op) string { return reflect.TypeOf(op).Name() }
