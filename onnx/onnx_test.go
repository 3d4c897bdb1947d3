package onnx

import (
	"os"
	"path/filepath"
	"testing"

	"aural/hf"
)

func TestTry(t *testing.T) {
	os.MkdirAll("/tmp/onnxtry", 0o755)
	for _, n := range []string{"base-ctc", "large-ctc", "base-model"} {
		m, err := hf.Open(filepath.Join("../hf/testdata", n))
		if err != nil {
			t.Fatal(err)
		}
		h := hf.CTC
		if n == "base-model" {
			h = hf.NoHead
		}
		for _, ext := range []bool{false, true} {
			s, err := Export("/tmp/onnxtry/"+n+map[bool]string{true: "-external", false: ""}[ext]+".onnx", m, Options{Head: h, External: ext})
			t.Log(s, err)
		}
	}
}
