package ref

import (
	"math"

	"aural/kernels"
)

// widened is a kernel for tensors of which some are bfloat16, from one in float32: it widens what it reads and rounds what it stores. Such kernels are not called from two
// goroutines at a time.
func widened(k kernels.Kernel, in, out []kernels.Desc) kernels.Kernel {
	wideIn, wideOut := make([]kernels.Buffer, len(in)), make([]kernels.Buffer, len(out))
	inner := aligned(k.Scratch)
	k.Scratch = inner
	for _, d := range append(append([]kernels.Desc(nil), in...), out...) {
		k.Scratch += aligned(d.Bytes())
	}
	run := k.Run
	k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
		at := inner
		wide := func(b kernels.Buffer) kernels.Buffer {
			if b.DType != kernels.BFloat16 {
				return b
			}
			d := kernels.Of(kernels.Float32, b.Shape...)
			at += aligned(d.Bytes())
			return kernels.Host(d, scratch[at-aligned(d.Bytes()):][:d.Bytes()])
		}
		for i, b := range in {
			if wideIn[i] = wide(b); b.DType == kernels.BFloat16 {
				for j, x := range kernels.Data[uint16](b) {
					wideIn[i].F32()[j] = math.Float32frombits(uint32(x) << 16)
				}
			}
		}
		for o, b := range out {
			wideOut[o] = wide(b)
		}
		run(s, wideIn, wideOut, scratch[:inner])
		for o, b := range out {
			if b.DType == kernels.BFloat16 {
				for j, x := range wideOut[o].F32() {
					kernels.Data[uint16](b)[j] = roundBFloat16(x)
				}
			}
		}
	}
	return k
}

func aligned(bytes int) int {
	return (bytes + kernels.Alignment - 1) / kernels.Alignment * kernels.Alignment
}
