package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// epilogue is Epilogue of src/epilogue.cuh: what happens to the sums of a product on their way to memory.
type epilogue struct {
	Y, Pre, Z, Bias driver.Ptr
	Noise           noise
	Row             int64
	Gelu, Drop      int32
	Half, Wide      int32
}

// finish is what a fused op does to the result of a product. Tensors have its shape.
type finish struct {
	pre  place // where what GELU is applied to goes; nil: nowhere
	z    place // the result is multiplied by the derivative of GELU at this tensor; nil: it is not
	gelu bool
	drop *kernels.Dropout
	row  int   // elements of a batch row, for dropout
	half int32 // which are bfloat16, as in Epilogue
}

// Bits of finish.half.
const (
	halfY   = 1
	halfPre = 2
	halfZ   = 4
)

// finishOf is that of a product alone, whose result is stored as d is.
func finishOf(d kernels.Desc) finish { return finish{half: half(d, halfY)} }

// half is the bit where d is bfloat16.
func half(d kernels.Desc, bit int32) int32 {
	if d.DType == kernels.BFloat16 {
		return bit
	}
	return 0
}

// prepare writes what does not change into the parameter of a product, and returns what does for each run.
func (f finish) prepare(a *gemmArgs) func(c *call) {
	e := &a.Out
	e.Half = f.half
	if f.gelu {
		e.Gelu = 1
	}
	if a.N%4 == 0 && a.Ldy%4 == 0 && a.YGroup%4 == 0 && a.YSplit%4 == 0 && a.YTaps == 1 {
		e.Wide = 1
	}
	pre, z := none, none
	if f.pre != nil {
		pre = f.pre
	}
	if f.z != nil {
		z = f.z
	}
	if f.drop == nil {
		return func(c *call) { e.Pre, e.Z = pre(c), z(c) }
	}
	n, _ := dropout(f.drop.P, f.drop.Site)
	e.Noise, e.Drop, e.Row = n, 1, int64(f.row)
	return func(c *call) {
		e.Pre, e.Z = pre(c), z(c)
		e.Noise.at(c)
	}
}
