package main

import (
	"math"
	"slices"
	"strconv"
)

// vectors writes the functions of the vectors table.
func vectors(f *file) {
	arithmetic(f)
	reductions(f)
	activations(f)
	norms(f)
	noise(f)
	adamw(f)
	gather(f)
	rowsFuncs(f)
	softmaxes(f)
	if f.isa == avx2 {
		f.table("restMasks", slices.Concat(slices.Repeat([]uint32{math.MaxUint32}, f.lanes), make([]uint32, f.lanes)))
	}
}

func arithmetic(f *file) {
	f.vector(vectorFunc{name: "add", doc: "is y += x.", params: vecs("y", "x"), body: func(l *loop) {
		l.get("y", 0)
		l.get("x", 1)
		l.op("VADDPS", 1, 0, 0)
		l.put(0, "y")
	}})
	f.vector(vectorFunc{name: "axpy64", doc: "is y += a·x in float64.",
		params: []arg{{"y", "[]float64"}, {"a", "float64"}, {"x", "[]float32"}},
		setup:  func(l *loop) { l.op("VBROADCASTSD", l.args["a"], 8) },
		body: func(l *loop) {
			l.getWide("x", 0, 1)
			l.get64("y", 2, 3)
			l.op("VFMADD231PD", 0, 8, 2)
			l.op("VFMADD231PD", 1, 8, 3)
			l.put64(2, 3, "y")
		}})
	f.vector(vectorFunc{name: "scale", doc: "is y = a·x.", params: []arg{{"y", "[]float32"}, {"a", "float32"}, {"x", "[]float32"}},
		setup: func(l *loop) { l.scalar("a", 8) },
		body: func(l *loop) {
			l.get("x", 0)
			l.op("VMULPS", 8, 0, 0)
			l.put(0, "y")
		}})
	f.vector(vectorFunc{name: "scoreGrad", doc: "is dp = p·(dp-delta)·scale.", params: append(vecs("dp", "p"), floats("delta", "scale")...),
		setup: func(l *loop) {
			l.scalar("delta", 8)
			l.scalar("scale", 9)
		},
		body: func(l *loop) {
			l.get("dp", 0)
			l.get("p", 1)
			l.op("VSUBPS", 8, 0, 0)
			l.op("VMULPS", 1, 0, 0)
			l.op("VMULPS", 9, 0, 0)
			l.put(0, "dp")
		}})
}

// getWide loads values of an operand as float64: the lower half of them to lo, the upper to hi.
func (l *loop) getWide(operand string, lo, hi int) {
	if l.isa == neon {
		l.getWideNEON(operand, lo, hi)
		return
	}
	half := map[isa]string{avx512: "Y", avx2: "X"}[l.isa]
	if !l.masked {
		l.op("VCVTPS2PD", l.at(operand, 0), lo)
		l.op("VCVTPS2PD", l.at(operand, l.bytes()/2), hi)
		return
	}
	l.get(operand, lo)
	if l.isa == avx512 {
		l.p("VEXTRACTF64X4 $1, Z%d, Y%d", lo, hi)
	} else {
		l.p("VEXTRACTF128 $1, Y%d, X%d", lo, hi)
	}
	for _, r := range []int{lo, hi} {
		l.op("VCVTPS2PD", half+strconv.Itoa(r), r)
	}
}

// at64 are the addresses of the current values of a float64 operand, whose elements are twice as large.
func (l *loop) at64(operand string) [2]string {
	if l.isa == neon {
		return [2]string{"(" + l.ptr[operand] + ")", strconv.Itoa(l.bytes()) + "(" + l.ptr[operand] + ")"}
	}
	return [2]string{"(" + l.ptr[operand] + ")(DX*2)", strconv.Itoa(l.bytes()) + "(" + l.ptr[operand] + ")(DX*2)"}
}

// get64 loads float64 values, and prepares the masks that put64 needs.
func (l *loop) get64(operand string, lo, hi int) {
	if l.isa == neon {
		l.get64NEON(operand, lo, hi)
		return
	}
	for i, r := range []int{lo, hi} {
		at := l.at64(operand)[i]
		switch {
		case !l.masked:
			l.op("VMOVUPD", at, r)
		case l.isa == avx512:
			if i == 1 {
				l.p("KSHIFTRW $8, K1, K2")
			}
			l.op("VMOVUPD.Z", at, "K"+strconv.Itoa(1+i), r)
		default:
			if i == 1 {
				l.p("VEXTRACTF128 $1, Y%d, X%d", restMask, restMask-1)
				l.p("VPMOVSXDQ X%d, Y%d", restMask-1, restMask-1)
			} else {
				l.p("VPMOVSXDQ X%d, Y%d", restMask, restMask-2)
			}
			l.op("VMASKMOVPD", at, restMask-2+i, r)
		}
	}
}

// put64 stores float64 values of an operand that get64 has read.
func (l *loop) put64(lo, hi int, operand string) {
	if l.isa == neon {
		l.put64NEON(lo, hi, operand)
		return
	}
	for i, r := range []int{lo, hi} {
		at := l.at64(operand)[i]
		switch {
		case !l.masked:
			l.op("VMOVUPD", r, at)
		case l.isa == avx512:
			l.op("VMOVUPD", r, "K"+strconv.Itoa(1+i), at)
		default:
			l.op("VMASKMOVPD", r, restMask-2+i, at)
		}
	}
}

// reductions keep several sums: one would make every addition wait for the one before.
func reductions(f *file) {
	const sums, turn = 4, 4 // first register of the sums, and how many
	clear := func(l *loop) {
		for i := range turn {
			l.zero(sums + i)
		}
	}
	total := func(l *loop) {
		l.join("VADDPS", sums, turn)
		l.result("VADDPS", sums, "r0")
	}
	f.vector(vectorFunc{name: "sum", doc: "is Σ x.", results: []string{"float32"}, params: vecs("x"), unroll: turn, setup: clear, finish: total,
		body: func(l *loop) {
			l.get("x", 0)
			l.op("VADDPS", 0, sums+l.part, sums+l.part)
		}})
	f.vector(vectorFunc{name: "dot", doc: "is Σ x·y.", results: []string{"float32"}, params: vecs("x", "y"), unroll: turn, setup: clear, finish: total,
		body: func(l *loop) {
			l.get("x", 0)
			l.get("y", 1)
			l.op("VFMADD231PS", 0, 1, sums+l.part)
		}})
	f.vector(vectorFunc{name: "dot64", doc: "is Σ x·y in float64.", results: []string{"float64"}, params: vecs("x", "y"), unroll: turn / 2, setup: clear,
		body: func(l *loop) {
			l.getWide("x", 0, 2)
			l.getWide("y", 1, 3)
			l.op("VFMADD231PD", 0, 1, sums+2*l.part)
			l.op("VFMADD231PD", 2, 3, sums+2*l.part+1)
		},
		finish: func(l *loop) {
			l.join("VADDPD", sums, turn)
			l.total64(sums, "r0")
		}})
	f.vector(vectorFunc{name: "deviation", doc: "is Σ (x-mean)².", results: []string{"float32"}, params: append(vecs("x"), floats("mean")...), unroll: turn,
		setup: func(l *loop) {
			clear(l)
			l.scalar("mean", 10)
		},
		body: func(l *loop) {
			l.get("x", 0)
			l.op("VSUBPS", 10, 0, 0)
			l.accumulate("VFMADD231PS", 0, 0, sums+l.part)
		},
		finish: total})
	f.vector(vectorFunc{name: "max", doc: "is the largest x, -Inf for none.", results: []string{"float32"}, params: vecs("x"), unroll: turn,
		setup: func(l *loop) {
			for i := range turn {
				l.set(float32(math.Inf(-1)), sums+i)
			}
		},
		body: func(l *loop) {
			l.get("x", 0)
			l.accumulate("VMAXPS", 0, sums+l.part, sums+l.part)
		},
		finish: func(l *loop) {
			l.join("VMAXPS", sums, turn)
			l.result("VMAXPS", sums, "r0")
		}})
	f.vector(vectorFunc{name: "expSum", doc: "is y = exp(scale·x - shift); it returns Σ y.", results: []string{"float32"},
		params: append(vecs("y", "x"), floats("scale", "shift")...),
		setup: func(l *loop) {
			l.zero(8)
			l.scalar("scale", 9)
			l.scalar("shift", 10)
			l.expLimits()
		},
		body: func(l *loop) {
			l.get("x", 0)
			l.op("VFMSUB213PS", 10, 9, 0)
			l.exp(0, 1, 2, 3)
			l.accumulate("VADDPS", 3, 8, 8)
			l.put(3, "y")
		},
		finish: func(l *loop) { l.result("VADDPS", 8, "r0") }})
}

func activations(f *file) {
	f.vector(vectorFunc{name: "gelu", doc: "is y = x·Φ(x).", params: vecs("y", "x"), body: func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.op("VMULPS", 0, 3, 3)
		l.put(3, "y")
	}})
	f.vector(vectorFunc{name: "geluGrad", doc: "is dx = dy·(Φ(x) + x·φ(x)).", params: vecs("dx", "dy", "x"), setup: (*loop).expLimits, body: func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.op("VMULPS", number(-0.5), 0, 1)
		l.op("VMULPS", 0, 1, 1)
		l.exp(1, 2, 4, 5)
		l.op("VMULPS", number(0.3989422804014327), 0, 0)
		l.op("VFMADD231PS", 0, 5, 3)
		l.get("dy", 0)
		l.op("VMULPS", 0, 3, 3)
		l.put(3, "dx")
	}})
}

func norms(f *file) {
	const mean, rstd = 8, 9
	stats := func(l *loop) {
		l.scalar("mean", mean)
		l.scalar("rstd", rstd)
	}
	xhat := func(l *loop, r int) {
		l.get("x", r)
		l.op("VSUBPS", mean, r, r)
		l.op("VMULPS", rstd, r, r)
	}
	f.vector(vectorFunc{name: "normalize", doc: "is y = (x-mean)·rstd·gamma + beta.", params: append(vecs("y", "x", "gamma", "beta"), floats("mean", "rstd")...),
		setup: stats, body: func(l *loop) {
			xhat(l, 0)
			l.get("gamma", 1)
			l.get("beta", 2)
			l.op("VFMADD213PS", 2, 1, 0)
			l.put(0, "y")
		}})
	f.vector(vectorFunc{name: "normalizeSums", doc: "adds dy·x̂ to dgamma and dy to dbeta; it returns Σ dy·gamma and Σ dy·gamma·x̂.",
		results: []string{"float32", "float32"}, params: append(vecs("dgamma", "dbeta", "dy", "x", "gamma"), floats("mean", "rstd")...),
		setup: func(l *loop) {
			stats(l)
			l.zero(10, 11)
		},
		body: func(l *loop) {
			xhat(l, 0)
			l.get("dy", 1)
			l.get("dgamma", 2)
			l.get("dbeta", 3)
			l.get("gamma", 4)
			l.op("VFMADD231PS", 0, 1, 2)
			l.put(2, "dgamma")
			l.op("VADDPS", 1, 3, 3)
			l.put(3, "dbeta")
			l.op("VMULPS", 4, 1, 1)
			l.op("VADDPS", 1, 10, 10)
			l.accumulate("VFMADD231PS", 0, 1, 11)
		},
		finish: func(l *loop) {
			l.result("VADDPS", 10, "r0")
			l.result("VADDPS", 11, "r1")
		}})
	f.vector(vectorFunc{name: "normalizeGrad", doc: "is dx = rstd·(dy·gamma - m1 - x̂·m2).",
		params: append(vecs("dx", "dy", "x", "gamma"), floats("mean", "rstd", "m1", "m2")...),
		setup: func(l *loop) {
			stats(l)
			l.scalar("m1", 10)
			l.scalar("m2", 11)
		},
		body: func(l *loop) {
			xhat(l, 0)
			l.get("dy", 1)
			l.get("gamma", 2)
			l.op("VMULPS", 2, 1, 1)
			l.op("VSUBPS", 10, 1, 1)
			l.op("VFNMADD231PS", 11, 0, 1)
			l.op("VMULPS", rstd, 1, 1)
			l.put(1, "dx")
		}})
}

func adamw(f *file) {
	const scale, beta1, comp1, beta2, comp2, decay, rate, root, eps = 5, 6, 7, 8, 9, 10, 11, 12, 13
	f.vector(vectorFunc{name: "adamw", doc: "is one update of n parameters.",
		params: append(vecs("w", "m", "v", "w0", "grad", "m0", "v0"), arg{"r", "adamwRates"}),
		setup: func(l *loop) {
			for i := range 9 {
				l.op("VBROADCASTSS", strconv.Itoa(4*i)+"("+l.ptr["r"]+")", scale+i)
			}
		},
		body: func(l *loop) {
			l.get("grad", 0)
			l.op("VMULPS", scale, 0, 0)
			l.get("m0", 1)
			l.op("VMULPS", beta1, 1, 1)
			l.op("VFMADD231PS", 0, comp1, 1)
			l.put(1, "m")
			l.op("VMULPS", 0, 0, 0)
			l.get("v0", 2)
			l.op("VMULPS", beta2, 2, 2)
			l.op("VFMADD231PS", 0, comp2, 2)
			l.put(2, "v")
			l.comment("w - decay·w - rate·m/(√v·root + eps)")
			l.op("VSQRTPS", 2, 2)
			l.op("VFMADD213PS", eps, root, 2)
			l.op("VMULPS", rate, 1, 1)
			l.op("VDIVPS", 2, 1, 1)
			l.get("w0", 3)
			l.op("VMOVAPS", 3, 4)
			l.op("VFNMADD231PS", decay, 3, 4)
			l.op("VSUBPS", 1, 4, 4)
			l.put(4, "w")
		}})
}
