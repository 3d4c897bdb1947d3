package npy

import (
	"bytes"
	"testing"

	"aural/internal/testkit"
)

// Files are those of numpy, byte for byte, whatever pieces the elements come in.
func TestFilesAreNumpys(t *testing.T) {
	var g struct {
		Cases []struct {
			Kind  string
			Shape []int
			File  []byte
		}
	}
	testkit.Golden(t, "golden.json", &g)
	if len(g.Cases) != 16 {
		t.Fatalf("%d cases", len(g.Cases))
	}
	for _, c := range g.Cases {
		n := 1
		for _, k := range c.Shape {
			n *= k
		}
		floats, ints := make([]float32, n), make([]int32, n)
		for i := range n {
			floats[i], ints[i] = float32(i-3)*1.5, int32(i-3)*7
		}
		for _, cut := range []int{0, n / 3, n} {
			var b bytes.Buffer
			var err error
			if c.Kind == "<f4" {
				err = Write(&b, c.Shape, floats[:cut], floats[cut:])
			} else {
				err = Write(&b, c.Shape, ints[:cut], ints[cut:])
			}
			if err != nil || !bytes.Equal(b.Bytes(), c.File) {
				t.Errorf("%s %v: %v\n%q\n%q", c.Kind, c.Shape, err, b.Bytes()[:min(128, b.Len())], c.File[:128])
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	if _, err := Header[float32](3, -1); err == nil {
		t.Error("a negative axis")
	}
	if err := Write(&bytes.Buffer{}, []int{2, 2}, make([]int32, 3)); err == nil {
		t.Error("three elements of four")
	}
	if _, err := Header[int32](make([]int, 40000)...); err == nil {
		t.Error("a header that does not fit")
	}
}
