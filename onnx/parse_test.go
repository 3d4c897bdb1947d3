package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields are the fields of a message: numbers as they are, the rest as bytes.
type fields map[protowire.Number][]field

type field struct {
	n   uint64
	raw []byte
}

func decode(t testing.TB, b []byte) fields {
	t.Helper()
	out := fields{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var f field
		switch typ {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.n = uint64(v)
		case protowire.BytesType:
			f.raw, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("field %d has the wire type %d", num, typ)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		out[num] = append(out[num], f)
		b = b[n:]
	}
	return out
}

func (f fields) text(n protowire.Number) string {
	if len(f[n]) == 0 {
		return ""
	}
	return string(f[n][0].raw)
}

func (f fields) number(n protowire.Number) int {
	if len(f[n]) == 0 {
		return 0
	}
	return int(f[n][0].n)
}

func (f fields) texts(n protowire.Number) (out []string) {
	for _, x := range f[n] {
		out = append(out, string(x.raw))
	}
	return out
}

// parsedNode is a NodeProto.
type parsedNode struct {
	name, op string
	in, out  []string
	ints     map[string][]int
	float    map[string]float64
}

// parsed is a ModelProto with its tensors read.
type parsed struct {
	opset   int
	meta    map[string]string
	nodes   []parsedNode
	inputs  []string
	outputs []string
	shapes  map[string]string // of inputs and outputs
	tensors map[string]array
	outside int // tensors in a file of their own
}

func parse(t testing.TB, path string) parsed {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	model := decode(t, raw)
	p := parsed{opset: decode(t, model[8][0].raw).number(2), meta: map[string]string{}, shapes: map[string]string{}, tensors: map[string]array{}}
	if model.number(1) != irVersion {
		t.Fatalf("IR version %d", model.number(1))
	}
	for _, m := range model[14] {
		e := decode(t, m.raw)
		p.meta[e.text(1)] = e.text(2)
	}
	graph := decode(t, model[7][0].raw)
	for _, n := range graph[1] {
		f := decode(t, n.raw)
		node := parsedNode{name: f.text(3), op: f.text(4), in: f.texts(1), out: f.texts(2), ints: map[string][]int{}, float: map[string]float64{}}
		for _, a := range f[5] {
			attr := decode(t, a.raw)
			switch name := attr.text(1); attr.number(20) {
			case 1:
				node.float[name] = float64(math.Float32frombits(uint32(attr.number(2))))
			case 2:
				node.ints[name] = []int{attr.number(3)}
			case 7:
				for _, v := range attr[8] {
					node.ints[name] = append(node.ints[name], int(v.n))
				}
			default:
				t.Fatalf("attribute %s of node %s has the type %d", name, node.name, attr.number(20))
			}
		}
		p.nodes = append(p.nodes, node)
	}
	for _, v := range graph[11] {
		p.inputs = append(p.inputs, decode(t, v.raw).text(1))
		p.value(t, v.raw)
	}
	for _, v := range graph[12] {
		p.outputs = append(p.outputs, decode(t, v.raw).text(1))
		p.value(t, v.raw)
	}
	for _, x := range graph[5] {
		p.initializer(t, decode(t, x.raw), filepath.Dir(path))
	}
	return p
}

// value notes the shape of an input or output.
func (p *parsed) value(t testing.TB, raw []byte) {
	v := decode(t, raw)
	tensor := decode(t, decode(t, v[2][0].raw)[1][0].raw)
	text := fmt.Sprint(kind(tensor.number(1)))
	for _, d := range decode(t, tensor[2][0].raw)[1] {
		dim := decode(t, d.raw)
		if name := dim.text(2); name != "" {
			text += " " + name
		} else {
			text += " " + strconv.Itoa(dim.number(1))
		}
	}
	p.shapes[v.text(1)] = text
}

func (p *parsed) initializer(t testing.TB, f fields, dir string) {
	t.Helper()
	a := array{whole: kind(f.number(2)) == integer, shape: []int{}}
	size := 1
	for _, d := range f[1] {
		a.shape = append(a.shape, int(d.n))
		size *= int(d.n)
	}
	name := f.text(8)
	if _, twice := p.tensors[name]; twice {
		t.Errorf("two tensors are called %q", name)
	}
	raw := []byte(f.text(9))
	if f.number(14) == 1 {
		p.outside++
		place := map[string]string{}
		for _, e := range f[13] {
			kv := decode(t, e.raw)
			place[kv.text(1)] = kv.text(2)
		}
		whole, err := os.ReadFile(filepath.Join(dir, place["location"]))
		if err != nil {
			t.Fatal(err)
		}
		at, err1 := strconv.Atoi(place["offset"])
		n, err2 := strconv.Atoi(place["length"])
		if err1 != nil || err2 != nil || at%externalAlign != 0 || at+n > len(whole) {
			t.Fatalf("tensor %q lies at %v of %d bytes", name, place, len(whole))
		}
		raw = whole[at : at+n]
	}
	width := 4
	if a.whole {
		width = 8
	}
	if len(raw) != size*width {
		t.Fatalf("tensor %q of shape %v has %d bytes", name, a.shape, len(raw))
	}
	for i := range size {
		if a.whole {
			a.v = append(a.v, float64(int64(binary.LittleEndian.Uint64(raw[8*i:]))))
		} else {
			a.v = append(a.v, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))))
		}
	}
	p.tensors[name] = a
}
