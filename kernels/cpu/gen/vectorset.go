package main

import "math"

// vectorsAVX512 writes the functions of the vectors table.
func vectorsAVX512(f *file) {
	arithmeticAVX512(f)
	reductionsAVX512(f)
	activationsAVX512(f)
	normsAVX512(f)
	noiseAVX512(f)
	adamwAVX512(f)
}

func arithmeticAVX512(f *file) {
	f.vectorLoop("addAVX512", "is y += x.", nil, []string{"y", "x"}, nil, nil, func(l *loop) {
		l.get("y", 0)
		l.get("x", 1)
		l.p("VADDPS Z1, Z0, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("axpy64AVX512", "is y += factor·x in float64.", nil, []string{"y64", "x"}, []arg{{"factor", "float64"}}, func(l *loop) {
		l.p("VBROADCASTSD %s, Z20", l.args["factor"])
	}, func(l *loop) {
		l.get("x", 1)
		l.p("VEXTRACTF64X4 $1, Z1, Y2")
		l.p("VCVTPS2PD Y1, Z1")
		l.p("VCVTPS2PD Y2, Z2")
		if l.masked {
			l.p("KSHIFTRW $8, K1, K2")
			l.p("VMOVUPD.Z (%s)(DX*2), K1, Z3", l.ptr["y64"])
			l.p("VMOVUPD.Z 64(%s)(DX*2), K2, Z4", l.ptr["y64"])
		} else {
			l.p("VMOVUPD (%s)(DX*2), Z3", l.ptr["y64"])
			l.p("VMOVUPD 64(%s)(DX*2), Z4", l.ptr["y64"])
		}
		l.p("VFMADD231PD Z1, Z20, Z3")
		l.p("VFMADD231PD Z2, Z20, Z4")
		if l.masked {
			l.p("VMOVUPD Z3, K1, (%s)(DX*2)", l.ptr["y64"])
			l.p("VMOVUPD Z4, K2, 64(%s)(DX*2)", l.ptr["y64"])
		} else {
			l.p("VMOVUPD Z3, (%s)(DX*2)", l.ptr["y64"])
			l.p("VMOVUPD Z4, 64(%s)(DX*2)", l.ptr["y64"])
		}
	}, nil)
	f.vectorLoop("scaleAVX512", "is y = factor·x.", nil, []string{"y", "x"}, floats("factor"), func(l *loop) { l.scalar("factor", 20) }, func(l *loop) {
		l.get("x", 0)
		l.p("VMULPS Z20, Z0, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("affineAVX512", "is y = (x-mean)·scale + offset, all vectors.", nil, []string{"y", "x", "mean", "scale", "offset"}, nil, nil, func(l *loop) {
		l.get("x", 0)
		l.get("mean", 1)
		l.get("scale", 2)
		l.get("offset", 3)
		l.p("VSUBPS Z1, Z0, Z0")
		l.p("VFMADD213PS Z3, Z2, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("affineGradAVX512", "is dx = (dy·gamma - p - (x-mean)·q)·r, all vectors.", nil,
		[]string{"dx", "dy", "x", "mean", "gamma", "p", "q", "r"}, nil, nil, func(l *loop) {
			l.get("dy", 0)
			l.get("gamma", 1)
			l.get("x", 2)
			l.get("mean", 3)
			l.get("p", 4)
			l.get("q", 5)
			l.get("r", 6)
			l.p("VMULPS Z1, Z0, Z0")
			l.p("VSUBPS Z3, Z2, Z2")
			l.p("VSUBPS Z4, Z0, Z0")
			l.p("VFNMADD231PS Z5, Z2, Z0")
			l.p("VMULPS Z6, Z0, Z0")
			l.put(0, "dx")
		}, nil)
	f.vectorLoop("addDeviationAVX512", "is acc += (x-mean)², all vectors.", nil, []string{"acc", "x", "mean"}, nil, nil, func(l *loop) {
		l.get("acc", 0)
		l.get("x", 1)
		l.get("mean", 2)
		l.p("VSUBPS Z2, Z1, Z1")
		l.p("VFMADD231PS Z1, Z1, Z0")
		l.put(0, "acc")
	}, nil)
	f.vectorLoop("addCenteredAVX512", "is acc += dy·(x-mean), all vectors.", nil, []string{"acc", "dy", "x", "mean"}, nil, nil, func(l *loop) {
		l.get("acc", 0)
		l.get("dy", 1)
		l.get("x", 2)
		l.get("mean", 3)
		l.p("VSUBPS Z3, Z2, Z2")
		l.p("VFMADD231PS Z2, Z1, Z0")
		l.put(0, "acc")
	}, nil)
	f.vectorLoop("scoreGradAVX512", "is dp = p·(dp-delta)·scale.", nil, []string{"dp", "p"}, floats("delta", "scale"), func(l *loop) {
		l.scalar("delta", 20)
		l.scalar("scale", 21)
	}, func(l *loop) {
		l.get("dp", 0)
		l.get("p", 1)
		l.p("VSUBPS Z20, Z0, Z0")
		l.p("VMULPS Z1, Z0, Z0")
		l.p("VMULPS Z21, Z0, Z0")
		l.put(0, "dp")
	}, nil)
}

func reductionsAVX512(f *file) {
	clear := func(l *loop) { l.zero(20) }
	total := func(l *loop) { l.sums(20) }
	f.vectorLoop("sumAVX512", "is Σ x.", []string{"float32"}, []string{"x"}, nil, clear, func(l *loop) {
		l.get("x", 0)
		l.p("VADDPS Z0, Z20, Z20")
	}, total)
	f.vectorLoop("dotAVX512", "is Σ x·y.", []string{"float32"}, []string{"x", "y"}, nil, clear, func(l *loop) {
		l.get("x", 0)
		l.get("y", 1)
		l.p("VFMADD231PS Z0, Z1, Z20")
	}, total)
	f.vectorLoop("dot64AVX512", "is Σ x·y in float64.", []string{"float64"}, []string{"x", "y"}, nil, func(l *loop) { l.zero(20, 21) }, func(l *loop) {
		l.get("x", 0)
		l.get("y", 1)
		l.p("VEXTRACTF64X4 $1, Z0, Y2")
		l.p("VEXTRACTF64X4 $1, Z1, Y3")
		for z := range 4 {
			l.p("VCVTPS2PD Y%d, Z%d", z, z)
		}
		l.p("VFMADD231PD Z0, Z1, Z20")
		l.p("VFMADD231PD Z2, Z3, Z21")
	}, func(l *loop) {
		l.p("VADDPD Z21, Z20, Z20")
		for _, shuffle := range []string{"VSHUFF64X2 $0x4e, Z20, Z20, Z31", "VSHUFF64X2 $0xb1, Z20, Z20, Z31", "VPERMILPD $0x55, Z20, Z31"} {
			l.p(shuffle)
			l.p("VADDPD Z31, Z20, Z20")
		}
		l.p("VMOVSD X20, %s", l.args["r0"])
	})
	f.vectorLoop("deviationAVX512", "is Σ (x-mean)².", []string{"float32"}, []string{"x"}, floats("mean"), func(l *loop) {
		l.zero(20)
		l.scalar("mean", 21)
	}, func(l *loop) {
		l.get("x", 0)
		l.p("VSUBPS Z21, Z0, Z0")
		l.accumulate("VFMADD231PS", "Z0, Z0", 20)
	}, total)
	f.vectorLoop("maxAVX512", "is the largest x, -Inf for none.", []string{"float32"}, []string{"x"}, nil, func(l *loop) { l.set(float32(math.Inf(-1)), 20) }, func(l *loop) {
		l.get("x", 0)
		l.accumulate("VMAXPS", "Z0, Z20", 20)
	}, func(l *loop) {
		l.horizontal("VMAXPS", 20, 31)
		l.p("VMOVSS X20, %s", l.args["r0"])
	})
	f.vectorLoop("expSumAVX512", "is y = exp(scale·x - shift); it returns Σ y.", []string{"float32"}, []string{"y", "x"}, floats("scale", "shift"), func(l *loop) {
		l.zero(20)
		l.scalar("scale", 21)
		l.scalar("shift", 22)
		l.expLimits()
	}, func(l *loop) {
		l.get("x", 0)
		l.p("VFMSUB213PS Z22, Z21, Z0")
		l.exp(0, 1, 2, 3)
		l.accumulate("VADDPS", "Z3, Z20", 20)
		l.put(3, "y")
	}, total)
}

func activationsAVX512(f *file) {
	f.vectorLoop("geluAVX512", "is y = x·Φ(x).", nil, []string{"y", "x"}, nil, nil, func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.p("VMULPS Z0, Z3, Z3")
		l.put(3, "y")
	}, nil)
	f.vectorLoop("geluGradAVX512", "is dx = dy·(Φ(x) + x·φ(x)).", nil, []string{"dx", "dy", "x"}, nil, (*loop).expLimits, func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.p("VMULPS.BCST %s, Z0, Z6", l.constant(-0.5))
		l.p("VMULPS Z0, Z6, Z6")
		l.exp(6, 7, 8, 9)
		l.p("VMULPS.BCST %s, Z0, Z10", l.constant(0.3989422804014327))
		l.p("VFMADD231PS Z10, Z9, Z3")
		l.get("dy", 0)
		l.p("VMULPS Z0, Z3, Z3")
		l.put(3, "dx")
	}, nil)
}

func normsAVX512(f *file) {
	stats := func(l *loop) {
		l.scalar("mean", 20)
		l.scalar("rstd", 21)
	}
	xhat := func(l *loop, z int) {
		l.get("x", z)
		l.p("VSUBPS Z20, Z%d, Z%d", z, z)
		l.p("VMULPS Z21, Z%d, Z%d", z, z)
	}
	f.vectorLoop("normalizeAVX512", "is y = (x-mean)·rstd·gamma + beta.", nil, []string{"y", "x", "gamma", "beta"}, floats("mean", "rstd"), stats, func(l *loop) {
		xhat(l, 0)
		l.get("gamma", 1)
		l.get("beta", 2)
		l.p("VFMADD213PS Z2, Z1, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("normalizeSumsAVX512", "adds dy·x̂ to dgamma and dy to dbeta; it returns Σ dy·gamma and Σ dy·gamma·x̂.", []string{"float32", "float32"},
		[]string{"dgamma", "dbeta", "dy", "x", "gamma"}, floats("mean", "rstd"), func(l *loop) {
			stats(l)
			l.zero(22, 23)
		}, func(l *loop) {
			xhat(l, 0)
			l.get("dy", 1)
			l.get("dgamma", 2)
			l.get("dbeta", 3)
			l.get("gamma", 4)
			l.p("VFMADD231PS Z0, Z1, Z2")
			l.put(2, "dgamma")
			l.p("VADDPS Z1, Z3, Z3")
			l.put(3, "dbeta")
			l.p("VMULPS Z4, Z1, Z1")
			l.p("VADDPS Z1, Z22, Z22")
			l.accumulate("VFMADD231PS", "Z0, Z1", 23)
		}, func(l *loop) { l.sums(22, 23) })
	f.vectorLoop("normalizeGradAVX512", "is dx = rstd·(dy·gamma - m1 - x̂·m2).", nil, []string{"dx", "dy", "x", "gamma"}, floats("mean", "rstd", "m1", "m2"), func(l *loop) {
		stats(l)
		l.scalar("m1", 22)
		l.scalar("m2", 23)
	}, func(l *loop) {
		xhat(l, 0)
		l.get("dy", 1)
		l.get("gamma", 2)
		l.p("VMULPS Z2, Z1, Z1")
		l.p("VSUBPS Z22, Z1, Z1")
		l.p("VFNMADD231PS Z23, Z0, Z1")
		l.p("VMULPS Z21, Z1, Z1")
		l.put(1, "dx")
	}, nil)
}

func adamwAVX512(f *file) {
	rates := []string{"scale", "beta1", "comp1", "beta2", "comp2", "decay", "rate", "root", "eps"}
	f.vectorLoop("adamwAVX512", "is one update of n parameters; r points to adamwRates.", nil,
		[]string{"w", "m", "v", "w0", "grad", "m0", "v0", "r"}, nil, func(l *loop) {
			for i := range rates {
				l.p("VBROADCASTSS %d(%s), Z%d", 4*i, l.ptr["r"], 20+i)
			}
		}, func(l *loop) {
			l.get("grad", 0)
			l.p("VMULPS Z20, Z0, Z0")
			l.get("m0", 1)
			l.p("VMULPS Z21, Z1, Z1")
			l.p("VFMADD231PS Z0, Z22, Z1")
			l.put(1, "m")
			l.p("VMULPS Z0, Z0, Z0")
			l.get("v0", 2)
			l.p("VMULPS Z23, Z2, Z2")
			l.p("VFMADD231PS Z0, Z24, Z2")
			l.put(2, "v")
			l.comment("w - decay·w - rate·m/(√v·root + eps)")
			l.p("VSQRTPS Z2, Z2")
			l.p("VFMADD213PS Z28, Z27, Z2")
			l.p("VMULPS Z26, Z1, Z1")
			l.p("VDIVPS Z2, Z1, Z1")
			l.get("w0", 3)
			l.p("VMOVAPS Z3, Z4")
			l.p("VFNMADD231PS Z25, Z3, Z4")
			l.p("VSUBPS Z1, Z4, Z4")
			l.put(4, "w")
		}, nil)
}
