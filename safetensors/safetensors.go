// Package safetensors reads and writes tensors in the safetensors format, the one in which Hugging Face models are
// kept, so that a checkpoint of aural opens in other programs and theirs open here. It knows bytes and shapes, not models.
//
//	8 bytes      N, the length of the header, unsigned little-endian
//	N bytes      JSON {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, …}, padded with blanks,
//	             and optionally "__metadata__": {"key": "value"}
//	the rest     the elements, row-major and little-endian; offsets count from here and leave no gap
//
// Unlike Python's pickles a file can hold nothing that runs. Everything a header says is checked before any of it is
// used: [Open] refuses what the reference implementation refuses, and duplicate names and unknown fields besides.
//
// Reading maps the file into memory where the system can, so a tensor is read from disk when it is touched. Writing goes
// to a temporary file that replaces the old one only when complete and flushed to disk.
package safetensors

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHeader is the reference implementation's bound on N. A model of 100,000 tensors needs a tenth of it.
const maxHeader = 100_000_000

// metadataKey is the one name in a header that is not a tensor.
const metadataKey = "__metadata__"

// Info describes one tensor without its elements.
type Info struct {
	Name  string
	DType DType
	Shape []int // row-major; empty for a scalar
}

// Tensor is an array with its name. Data holds Size bytes.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Info drops the elements.
func (t Tensor) Info() Info { return Info{t.Name, t.DType, t.Shape} }

// Size is the number of bytes of the elements; it fails for a negative dimension, an unknown DType and a size that
// does not fit an int.
func (in Info) Size() (int, error) {
	if !in.DType.valid() {
		return 0, fmt.Errorf("tensor %q has no known dtype (%v)", in.Name, in.DType)
	}
	size := uint64(in.DType.Size())
	for _, d := range in.Shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor %q has a negative dimension in shape %v", in.Name, in.Shape)
		}
		hi, lo := bits.Mul64(size, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("tensor %q of %v %v is larger than memory can be", in.Name, in.DType, in.Shape)
		}
		size = lo
	}
	return int(size), nil
}

func (in Info) checkName() error {
	switch {
	case in.Name == metadataKey:
		return fmt.Errorf("a tensor cannot be called %q, the name of the metadata", in.Name)
	case !utf8.ValidString(in.Name):
		return fmt.Errorf("tensor name %q is not UTF-8", in.Name)
	}
	return nil
}

// byLayout sorts tensors as the reference implementation lays them out: larger elements first, so that each tensor is
// aligned to its element size although the format allows no gaps, then by name.
func byLayout(a, b Info) int {
	if c := cmp.Compare(b.DType, a.DType); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// entry is a tensor's place in the file: bytes begin to end after the header.
type entry struct {
	Info
	begin, end int
}

// layout sorts infos and gives each its place.
func layout(infos []Info) ([]entry, error) {
	sorted := slices.SortedFunc(slices.Values(infos), byLayout)
	out, at, seen := make([]entry, len(sorted)), 0, make(map[string]bool, len(sorted))
	for i, in := range sorted {
		size, err := in.Size()
		if err == nil {
			err = in.checkName()
		}
		if err == nil && seen[in.Name] {
			err = fmt.Errorf("two tensors are called %q", in.Name)
		}
		if err == nil && size > math.MaxInt-at {
			err = fmt.Errorf("the tensors up to %q are larger together than a file can be", in.Name)
		}
		if err != nil {
			return nil, err
		}
		in.Shape = slices.Clone(in.Shape)
		out[i], seen[in.Name] = entry{in, at, at + size}, true
		at += size
	}
	return out, nil
}
