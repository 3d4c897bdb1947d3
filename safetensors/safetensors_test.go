package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// file puts a header and n bytes of data together.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func TestParse(t *testing.T) {
	f, err := Parse(file(`{"__metadata__":{"format":"pt"},"b":{"dtype":"I16","shape":[2],"data_offsets":[8,12]},`+
		`"none":{"shape":[0,3],"data_offsets":[8,8],"dtype":"F64"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},`+
		`"s":{"dtype":"BOOL","shape":[],"data_offsets":[12,13]}}   `, 13))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Names(); !slices.Equal(got, []string{"a", "b", "none", "s"}) {
		t.Errorf("names %q", got)
	}
	if got := f.Metadata(); len(got) != 1 || got["format"] != "pt" {
		t.Errorf("metadata %v", got)
	}
	b, err := f.Tensor("b")
	if err != nil || b.DType != I16 || !slices.Equal(b.Shape, []int{2}) || !bytes.Equal(b.Data, []byte{8, 9, 10, 11}) {
		t.Errorf("b = %+v, %v", b, err)
	}
	if s, err := f.Tensor("s"); err != nil || len(s.Shape) != 0 || !bytes.Equal(s.Data, []byte{12}) {
		t.Errorf("s = %+v, %v", s, err)
	}
	if none, err := f.Tensor("none"); err != nil || len(none.Data) != 0 || !slices.Equal(none.Shape, []int{0, 3}) {
		t.Errorf("none = %+v, %v", none, err)
	}
	if _, err := f.Tensor("c"); err == nil || !strings.Contains(err.Error(), `no tensor "c"`) || f.Has("c") || !f.Has("a") {
		t.Errorf("c: %v", err)
	}
	if f, err := Parse(file(`{}`, 0)); err != nil || len(f.Names()) != 0 || f.Metadata() != nil {
		t.Errorf("empty file: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	one := func(entry string) string { return `{"a":{` + entry + `}}` }
	good := `"dtype":"U8","shape":[2],"data_offsets":[0,2]`
	for _, c := range []struct {
		name string
		raw  []byte
		says string
	}{
		{"nothing", nil, "too few"},
		{"seven bytes", make([]byte, 7), "too few"},
		{"length beyond the file", append(binary.LittleEndian.AppendUint64(nil, 10), "{}"...), "cut short"},
		{"length beyond the limit", append(binary.LittleEndian.AppendUint64(nil, maxHeader+1), "{}"...), "limit"},
		{"length that is negative as an int64", binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "limit"},
		{"no header", file("", 0), "begin with '{'"},
		{"blank before the header", file(" {}", 0), "begin with '{'"},
		{"array", file("[]", 0), "begin with '{'"},
		{"not UTF-8", file("{\"\xff\":{}}", 0), "UTF-8"},
		{"cut JSON", file(`{"a":{`, 0), "EOF"},
		{"cut number", file(`{"a":{"shape":[1`, 0), "EOF"},
		{"trailing comma", file(`{"__metadata__":{},}`, 0), "invalid"},
		{"after the object", file(`{}x`, 0), "after its JSON object"},
		{"two objects", file(`{} {}`, 0), "after its JSON object"},
		{"newline after the object", file("{}\n", 0), "after its JSON object"},
		{"same name twice", file(`{"a":{`+good+`},"a":{`+good+`}}`, 2), `key "a" comes twice`},
		{"same name twice, escaped", file(`{"a":{`+good+`},"\u0061":{`+good+`}}`, 2), `key "a" comes twice`},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), "comes twice"},
		{"metadata key twice", file(`{"__metadata__":{"k":"1","k":"2"}}`, 0), `key "k" comes twice`},
		{"metadata number", file(`{"__metadata__":{"k":1}}`, 0), "want a string"},
		{"metadata null", file(`{"__metadata__":null}`, 0), "want {"},
		{"field twice", file(one(good+`,"dtype":"U8"`), 2), "comes twice"},
		{"unknown field", file(one(good+`,"strides":[1]`), 2), `"strides": unknown field`},
		{"unknown dtype", file(one(`"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]`), 2), `"a": "dtype": dtype "F8_E4M3" is not one of`},
		{"dtype in small letters", file(one(`"dtype":"u8","shape":[2],"data_offsets":[0,2]`), 2), `dtype "u8"`},
		{"dtype is a number", file(one(`"dtype":8,"shape":[2],"data_offsets":[0,2]`), 2), "want a string"},
		{"no dtype", file(one(`"shape":[2],"data_offsets":[0,2]`), 2), "missing"},
		{"no shape", file(one(`"dtype":"U8","data_offsets":[0,2]`), 2), "missing"},
		{"no offsets", file(one(`"dtype":"U8","shape":[2]`), 2), "missing"},
		{"shape is a number", file(one(`"dtype":"U8","shape":2,"data_offsets":[0,2]`), 2), "want ["},
		{"negative dimension", file(one(`"dtype":"U8","shape":[-2],"data_offsets":[0,2]`), 2), "whole number"},
		{"broken dimension", file(one(`"dtype":"U8","shape":[2.0],"data_offsets":[0,2]`), 2), "whole number"},
		{"dimension with exponent", file(one(`"dtype":"U8","shape":[2e0],"data_offsets":[0,2]`), 2), "whole number"},
		{"dimension as text", file(one(`"dtype":"U8","shape":["2"],"data_offsets":[0,2]`), 2), "want a number"},
		{"dimension beyond 64 bits", file(one(`"dtype":"U8","shape":[18446744073709551618],"data_offsets":[0,2]`), 2), "whole number"},
		{"dimension beyond 63 bits", file(one(`"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,2]`), 2), "whole number"},
		{"product beyond 64 bits", file(one(`"dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,2]`), 2), "larger than memory"},
		{"product beyond 63 bits", file(one(`"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,2]`), 2), "larger than memory"},
		{"product wraps to the size", file(one(`"dtype":"U8","shape":[9223372036854775807,2,2],"data_offsets":[0,2]`), 2), "larger than memory"},
		{"size is not shape times dtype", file(one(`"dtype":"U16","shape":[2],"data_offsets":[0,2]`), 2), `dtype "U16"`},
		{"size too small for the dtype", file(one(`"dtype":"I16","shape":[2],"data_offsets":[0,2]`), 2), "takes 4 bytes, but its offsets 0 and 2 leave 2"},
		{"one offset", file(one(`"dtype":"U8","shape":[2],"data_offsets":[0]`), 2), "begin and the end"},
		{"three offsets", file(one(`"dtype":"U8","shape":[2],"data_offsets":[0,2,2]`), 2), "begin and the end"},
		{"offsets the wrong way round", file(one(`"dtype":"U8","shape":[0],"data_offsets":[2,0]`), 2), "begin and the end"},
		{"hole at the start", file(one(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`), 2), `bytes 0 to 1, before tensor "a", belong to no tensor`},
		{"hole in the middle", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), "belong to no tensor"},
		{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `tensor "b" at bytes 1 to 3 overlaps`},
		{"same place", file(`{"a":{`+good+`},"b":{`+good+`}}`, 2), "overlaps"},
		{"empty tensor inside another", file(`{"a":{`+good+`},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}`, 2), "overlaps"},
		{"data cut short", file(one(good), 1), "cut short"},
		{"data appended", file(one(good), 3), "something appended"},
		{"data and no tensor", file(`{}`, 1), "something appended"},
		{"tensor beyond the data", file(one(`"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]`), 2), "cut short"},
	} {
		if _, err := Parse(c.raw); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		} else if !strings.HasPrefix(err.Error(), "safetensors: input: ") {
			t.Errorf("%s: error %q does not say where", c.name, err)
		}
	}
}

// drawTensors makes tensors of every dtype with names and shapes as wild as the format allows.
func drawTensors(t *rapid.T) []Tensor {
	name := rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{"a.b", "a\"\\\n", "<&>", "\u2028", "ä"}))
	names := rapid.SliceOfNDistinct(name, 0, 6, rapid.ID).Draw(t, "names")
	names = slices.DeleteFunc(names, func(s string) bool { return s == metadataKey })
	out := make([]Tensor, len(names))
	for i, n := range names {
		in := Info{n, DType(rapid.IntRange(int(Bool), int(I64)).Draw(t, "dtype")), rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")}
		size, err := in.Size()
		if err != nil {
			t.Fatal(err)
		}
		out[i] = Tensor{in.Name, in.DType, in.Shape, rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		tensors := drawTensors(t)
		meta := rapid.MapOfN(rapid.String(), rapid.String(), 0, 4).Draw(t, "metadata")
		path := filepath.Join(dir, "x.safetensors")
		if err := Write(path, meta, tensors); err != nil {
			t.Fatal(err)
		}
		first, _ := os.ReadFile(path)
		slices.Reverse(tensors)
		if err := Write(path, meta, tensors); err != nil {
			t.Fatal(err)
		}
		if second, _ := os.ReadFile(path); !bytes.Equal(first, second) {
			t.Fatal("the order of the tensors changed the file")
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if !maps.Equal(f.Metadata(), meta) || len(f.Names()) != len(tensors) {
			t.Fatalf("metadata %q, names %q", f.Metadata(), f.Names())
		}
		header := 8 + int(binary.LittleEndian.Uint64(first))
		for _, want := range tensors {
			got, err := f.Tensor(want.Name)
			if err != nil || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("%+v, %v, want %+v", got, err, want)
			}
			if at := header + f.entries[want.Name].begin; at%want.DType.Size() != 0 {
				t.Fatalf("%v tensor at byte %d is not aligned", want.DType, at)
			}
		}
	})
}

// The reference file was written by the PyPI package (tools/check_safetensors.py says how): this reads it and writes the
// same bytes, so what is written here is what that package reads.
func TestReferenceImplementation(t *testing.T) {
	const path = "testdata/reference.safetensors"
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if meta := f.Metadata(); len(meta) != 1 || meta["format"] != "pt" {
		t.Errorf("metadata %v", meta)
	}
	names := f.Names()
	if len(names) != int(I64)+2 {
		t.Fatalf("%d tensors: %q", len(names), names)
	}
	tensors, seen := make([]Tensor, len(names)), map[DType]bool{}
	for i, name := range names {
		if tensors[i], err = f.Tensor(name); err != nil {
			t.Fatal(err)
		}
		seen[tensors[i].DType] = true
		for k, b := range tensors[i].Data { // the fill rule of the script
			if want := byte(7*k + 31*len(name)); tensors[i].DType != Bool && b != want {
				t.Fatalf("%s: byte %d is %d, want %d", name, k, b, want)
			}
		}
	}
	if len(seen) != int(I64) {
		t.Errorf("only %d dtypes in the reference file", len(seen))
	}
	ours := filepath.Join(t.TempDir(), "ours")
	if err := Write(ours, f.Metadata(), tensors); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(ours)
	if want, _ := os.ReadFile(path); !bytes.Equal(got, want) {
		t.Errorf("ours has the header\n%q, the reference\n%q", got[:min(len(got), 1200)], want[:1200])
	}
}

func FuzzParse(f *testing.F) {
	ref, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ref)
	f.Add(file(`{}`, 0))
	f.Add(file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 4))
	f.Add(file(`{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[0],"data_offsets":[8,8]}}  `, 8))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Parse(raw)
		if err != nil {
			return
		}
		// What was accepted holds every byte of the data once, and survives being written and read.
		total, tensors := 0, []Tensor{}
		for _, name := range file.Names() {
			x, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			if size, err := x.Info().Size(); err != nil || size != len(x.Data) {
				t.Fatalf("%q has %d bytes, want %d (%v)", name, len(x.Data), size, err)
			}
			if v, err := Float32(x); err == nil && len(v)*x.DType.Size() != len(x.Data) {
				t.Fatalf("%q gave %d numbers", name, len(v))
			}
			total += len(x.Data)
			tensors = append(tensors, x)
		}
		if total != len(file.data) {
			t.Fatalf("tensors cover %d of %d bytes", total, len(file.data))
		}
		infos := make([]Info, len(tensors))
		for i, x := range tensors {
			infos[i] = x.Info()
		}
		entries, err := layout(infos)
		if err != nil {
			t.Fatal(err)
		}
		again, err := encodeHeader(file.meta, entries)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			x, _ := file.Tensor(e.Name)
			again = append(again, x.Data...)
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatalf("rewritten: %v", err)
		}
		if !maps.Equal(back.meta, file.meta) || !slices.Equal(back.Names(), file.Names()) {
			t.Fatalf("rewritten file has %v %q, want %v %q", back.meta, back.Names(), file.meta, file.Names())
		}
	})
}

func ExampleWrite() {
	dir, _ := os.MkdirTemp("", "safetensors")
	defer os.RemoveAll(dir)
	w, _ := FromFloat32("weight", []int{2, 2}, []float32{1, 2, 3, 4})
	if err := Write(filepath.Join(dir, "model.safetensors"), map[string]string{"format": "pt"}, []Tensor{w}); err != nil {
		fmt.Println(err)
	}
	f, err := Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	t, _ := f.Tensor("weight")
	v, _ := Float32(t)
	fmt.Println(t.DType, t.Shape, v)
	// Output: F32 [2 2] [1 2 3 4]
}
