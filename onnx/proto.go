package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of fields and of enumerations are those of onnx.proto (onnx 1.12, IR version 8).

// kind is TensorProto.DataType.
type kind int32

const (
	float   kind = 1
	integer kind = 7 // int64
)

// Functions that append a field to a message.

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func message(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

// entry is StringStringEntryProto.
func entry(key, value string) []byte { return text(text(nil, 1, key), 2, value) }

// attribute is AttributeProto.
func attribute(name string, v any) []byte {
	b := text(nil, 1, name)
	switch v := v.(type) {
	case float64:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(float32(v)))
		return number(b, 20, 1)
	case int:
		return number(number(b, 3, uint64(v)), 20, 2)
	case []int:
		for _, i := range v {
			b = number(b, 8, uint64(i))
		}
		return number(b, 20, 7)
	}
	panic(fmt.Sprintf("onnx: attribute %s of type %T", name, v))
}

// attr is an attribute with its name.
type attr struct {
	name  string
	value any // float64, int or []int
}

// node is NodeProto.
func node(name, op string, in, out []string, attrs []attr) []byte {
	var b []byte
	for _, s := range in {
		b = text(b, 1, s)
	}
	for _, s := range out {
		b = text(b, 2, s)
	}
	b = text(text(b, 3, name), 4, op)
	for _, a := range attrs {
		b = message(b, 5, attribute(a.name, a.value))
	}
	return b
}

// valueInfo is ValueInfoProto of a tensor; dims are numbers or names of dynamic axes.
func valueInfo(name string, k kind, dims ...any) []byte {
	var shape []byte
	for _, d := range dims {
		switch d := d.(type) {
		case int:
			shape = message(shape, 1, number(nil, 1, uint64(d)))
		case string:
			shape = message(shape, 1, text(nil, 2, d))
		}
	}
	tensor := message(number(nil, 1, uint64(k)), 2, shape)
	return message(text(nil, 1, name), 2, message(nil, 1, tensor))
}

// tensor is an initializer. value gives its elements, little-endian.
type tensor struct {
	name   string
	kind   kind
	shape  []int
	bytes  int
	value  func() ([]byte, error)
	file   string // "" when the elements are inside
	offset int
}

// header is TensorProto without the elements that are inside.
func (t *tensor) header() []byte {
	var b []byte
	for _, d := range t.shape {
		b = number(b, 1, uint64(d))
	}
	b = text(number(b, 2, uint64(t.kind)), 8, t.name)
	if t.file == "" {
		return b
	}
	for _, e := range [][2]string{{"location", t.file}, {"offset", fmt.Sprint(t.offset)}, {"length", fmt.Sprint(t.bytes)}} {
		b = message(b, 13, entry(e[0], e[1]))
	}
	return number(b, 14, 1) // data_location EXTERNAL
}

// piece is a part of an encoded graph: bytes, and then the elements of a tensor.
type piece struct {
	raw    []byte
	inside *tensor
}

func (p piece) size() int {
	if p.inside == nil {
		return 0
	}
	return p.inside.bytes
}

// encode is GraphProto in pieces.
func (g *graph) encode() []piece {
	var b []byte
	for _, n := range g.nodes {
		b = message(b, 1, n)
	}
	b = text(b, 2, "wav2vec2")
	for _, v := range g.inputs {
		b = message(b, 11, v)
	}
	for _, v := range g.outputs {
		b = message(b, 12, v)
	}
	out := []piece{{raw: b}}
	for _, t := range g.tensors {
		h := t.header()
		if t.file != "" {
			out = append(out, piece{raw: message(nil, 5, h)})
			continue
		}
		h = protowire.AppendVarint(protowire.AppendTag(h, 9, protowire.BytesType), uint64(t.bytes))
		raw := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.BytesType), uint64(len(h)+t.bytes))
		out = append(out, piece{append(raw, h...), t})
	}
	return out
}
