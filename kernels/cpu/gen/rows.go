package main

import (
	"fmt"
	"slices"
	"strings"
)

// rowsFunc is a function of the vectors table over rows: some of its operands are matrices, stored row after row, the others vectors as wide as
// their rows. A call for each row would cost more than 64 channels take.
type rowsFunc struct {
	name, doc string
	params    []string
	matrices  []string // those among params that are no vectors
	body      func(l *loop)
}

func (v *rowsFunc) matrix(name string) bool { return slices.Contains(v.matrices, name) }

func rowsFuncs(f *file) {
	f.rows(rowsFunc{name: "addRows", doc: "is acc += Σ x over rows of x.", params: []string{"acc", "x"}, matrices: []string{"x"}, body: func(l *loop) {
		l.get("acc", 0)
		l.get("x", 1)
		l.op("VADDPS", 1, 0, 0)
		l.put(0, "acc")
	}})
	f.rows(rowsFunc{name: "addDeviation", doc: "is acc += Σ (x-mean)² over rows of x.", params: []string{"acc", "x", "mean"}, matrices: []string{"x"},
		body: func(l *loop) {
			l.get("acc", 0)
			l.get("x", 1)
			l.get("mean", 2)
			l.op("VSUBPS", 2, 1, 1)
			l.op("VFMADD231PS", 1, 1, 0)
			l.put(0, "acc")
		}})
	f.rows(rowsFunc{name: "addCentered", doc: "is s += Σ dy and t += Σ dy·(x-mean) over rows of dy and x.", params: []string{"s", "t", "dy", "x", "mean"},
		matrices: []string{"dy", "x"}, body: func(l *loop) {
			l.get("s", 0)
			l.get("dy", 1)
			l.get("t", 2)
			l.get("x", 3)
			l.get("mean", 4)
			l.op("VADDPS", 1, 0, 0)
			l.put(0, "s")
			l.op("VSUBPS", 4, 3, 3)
			l.op("VFMADD231PS", 3, 1, 2)
			l.put(2, "t")
		}})
	f.rows(rowsFunc{name: "affine", doc: "is y = (x-mean)·a + b for rows of y and x.", params: []string{"y", "x", "mean", "a", "b"},
		matrices: []string{"y", "x"}, body: func(l *loop) {
			l.get("x", 0)
			l.get("mean", 1)
			l.get("a", 2)
			l.get("b", 3)
			l.op("VSUBPS", 1, 0, 0)
			l.op("VFMADD213PS", 3, 2, 0)
			l.put(0, "y")
		}})
	f.rows(rowsFunc{name: "affineGrad", doc: "is dx = (dy·gamma - p - (x-mean)·q)·r for rows of dx, dy and x.",
		params: []string{"dx", "dy", "x", "mean", "gamma", "p", "q", "r"}, matrices: []string{"dx", "dy", "x"}, body: func(l *loop) {
			for i, name := range []string{"dy", "gamma", "x", "mean", "p", "q", "r"} {
				l.get(name, i)
			}
			l.op("VMULPS", 1, 0, 0)
			l.op("VSUBPS", 3, 2, 2)
			l.op("VSUBPS", 4, 0, 0)
			l.op("VFNMADD231PS", 5, 2, 0)
			l.op("VMULPS", 6, 0, 0)
			l.put(0, "dx")
		}})
}

// rows writes a function, its declaration and its entry in the table. DX is the byte offset in a row, CX the end of its whole registers, BX the end.
func (f *file) rows(v rowsFunc) {
	f.floating(v.name+f.name, v.doc, nil, ptrs(v.params...), ints("width", "rows"))
	l := &loop{file: f, ptr: map[string]string{}}
	width, call := "", []string{}
	for i, name := range v.params {
		l.ptr[name] = f.pointer(i)
		if !v.matrix(name) && width == "" {
			width = name
		}
	}
	for _, name := range v.params {
		like := width
		if v.matrix(name) {
			like = v.matrices[0]
		}
		call = append(call, fmt.Sprintf("first(%s, %s)", like, name))
	}
	fmt.Fprintf(&f.entries, "%s: func(%s []float32) {\nif rows := rowCount(%s, %s); rows > 0 {\n%s%s(%s, int64(len(%s)), int64(rows))\n}\n},\n", v.name,
		strings.Join(v.params, ", "), v.matrices[0], width, v.name, f.name, strings.Join(call, ", "), width)
	if f.isa == neon {
		l.rowsNEON(v)
		return
	}
	f.load("width", "BX")
	f.p("ANDQ $%d, BX", f.lanes-1)
	l.setMask()
	for _, name := range v.params {
		f.load(name, l.ptr[name])
	}
	f.load("width", "BX")
	f.p("MOVQ BX, CX")
	f.p("ANDQ $~%d, CX", f.lanes-1)
	f.p("SHLQ $2, BX")
	f.p("SHLQ $2, CX")
	f.label("row")
	f.p("XORQ DX, DX")
	f.p("JMP check")
	f.p("PCALIGN $32")
	f.label("loop")
	v.body(l)
	f.p("ADDQ $%d, DX", f.bytes())
	f.label("check")
	f.p("CMPQ DX, CX")
	f.p("JLT loop")
	f.p("CMPQ DX, BX")
	f.p("JEQ next")
	l.masked = true
	v.body(l)
	f.label("next")
	for _, name := range v.matrices {
		f.p("ADDQ BX, %s", l.ptr[name])
	}
	f.p("DECQ %s", f.args["rows"])
	f.p("JNZ row")
	f.ret()
}
