package cublaslt

import (
	"errors"
	"fmt"
	"unsafe"

	"aural/internal/dynlib"
	"aural/kernels/cuda/driver"
)

// mostWorkspace is what a product may ask for: what NVIDIA's own libraries give cuBLAS on a H100.
const mostWorkspace = 32 << 20

// alignment is that of every address that a product gets: the arena's, a cache line of the CPU.
const alignment = 64

// products implements driver.Products.
type products struct {
	x      *Library
	handle uintptr
	plans  map[driver.Product]*plan
}

// heuristicResult is cublasLtMatmulHeuristicResult_t.
type heuristicResult struct {
	algo      [8]uint64
	workspace uint64
	state     int32
	waves     float32
	reserved  [4]int32
}

// plan implements driver.PlannedProduct. Calls get addresses of its fields, so it is on the heap.
type plan struct {
	p             *products
	desc, a, b, d uintptr
	result        heuristicResult
	bias          uint64
	one, zero     float32
	hasBias       bool
	frame         dynlib.Frame
}

// Plan implements driver.Products.
func (p *products) Plan(m driver.Product) (driver.PlannedProduct, error) {
	if q, ok := p.plans[m]; ok {
		return q, nil
	}
	q := &plan{p: p, one: 1, hasBias: m.Bias}
	if err := q.make(m); err != nil {
		return nil, errors.Join(fmt.Errorf("product %+v: %w", m, err), q.free())
	}
	p.plans[m] = q
	return q, nil
}

func (q *plan) make(m driver.Product) error {
	x := q.p.x
	operand, result, compute := uintptr(typeF32), uintptr(typeF32), uintptr(computeF32Pedantic)
	if m.BF16 {
		operand, compute = typeBF16, computeF32
	}
	if m.NarrowD {
		result = typeBF16
	}
	if err := check(x.descCreate, x.descCreate.Call(uintptr(unsafe.Pointer(&q.desc)), compute, typeF32)); err != nil {
		return err
	}
	for which, on := range map[uintptr]bool{descTransA: m.TransA, descTransB: m.TransB} {
		if !on {
			continue
		}
		op := int32(opTranspose)
		if err := check(x.descSet, x.descSet.Call(q.desc, which, uintptr(unsafe.Pointer(&op)), unsafe.Sizeof(op))); err != nil {
			return err
		}
	}
	if m.Bias {
		epilogue := uint32(epilogueBias)
		if err := check(x.descSet, x.descSet.Call(q.desc, descEpilogue, uintptr(unsafe.Pointer(&epilogue)), unsafe.Sizeof(epilogue))); err != nil {
			return err
		}
		q.bias = alignment // the choice of an algorithm looks at how the address is aligned
		if err := q.setBias(); err != nil {
			return err
		}
	}
	layout := func(to *uintptr, kind uintptr, rows, columns, ld int) error {
		return check(x.layoutCreate, x.layoutCreate.Call(uintptr(unsafe.Pointer(to)), kind, uintptr(rows), uintptr(columns), uintptr(ld)))
	}
	turned := func(rows, columns int, yes bool) (int, int) {
		if yes {
			return columns, rows
		}
		return rows, columns
	}
	rows, columns := turned(m.M, m.K, m.TransA)
	if err := layout(&q.a, operand, rows, columns, m.LdA); err != nil {
		return err
	}
	rows, columns = turned(m.K, m.N, m.TransB)
	if err := layout(&q.b, operand, rows, columns, m.LdB); err != nil {
		return err
	}
	if err := layout(&q.d, result, m.M, m.N, m.LdD); err != nil {
		return err
	}
	return q.choose()
}

// choose takes the first algorithm that the library proposes.
func (q *plan) choose() (err error) {
	x := q.p.x
	var preference uintptr
	if err := check(x.preferenceCreate, x.preferenceCreate.Call(uintptr(unsafe.Pointer(&preference)))); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, check(x.preferenceFree, x.preferenceFree.Call(preference))) }()
	workspace := uint64(mostWorkspace)
	if err := check(x.preferenceSet, x.preferenceSet.Call(preference, preferWorkspace, uintptr(unsafe.Pointer(&workspace)), unsafe.Sizeof(workspace))); err != nil {
		return err
	}
	small := map[uintptr]uint32{preferReduction: reductionComputeType}
	for i := range uintptr(4) {
		small[preferAlignmentA+i] = alignment
	}
	for which, value := range small {
		v := value
		if err := check(x.preferenceSet, x.preferenceSet.Call(preference, which, uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v))); err != nil {
			return err
		}
	}
	var found int32
	if err := check(x.heuristic, x.heuristic.Call(q.p.handle, q.desc, q.a, q.b, q.d, q.d, preference, 1,
		uintptr(unsafe.Pointer(&q.result)), uintptr(unsafe.Pointer(&found)))); err != nil {
		return err
	}
	if found < 1 || q.result.state != statusSuccess || q.result.workspace > mostWorkspace {
		return fmt.Errorf("cublaslt: %d algorithms, the first with status %d and %d bytes of workspace", found, q.result.state, q.result.workspace)
	}
	return nil
}

func (q *plan) setBias() error {
	x := q.p.x
	return check(x.descSet, q.frame.Call(x.descSet, q.desc, descBiasPointer, uintptr(unsafe.Pointer(&q.bias)), unsafe.Sizeof(q.bias)))
}

// Workspace implements driver.PlannedProduct.
func (q *plan) Workspace() int { return int(q.result.workspace) }

// Run implements driver.PlannedProduct.
func (q *plan) Run(s driver.Stream, a, b, d, bias, workspace driver.Ptr) error {
	if q.hasBias && q.bias != uint64(bias) {
		q.bias = uint64(bias)
		if err := q.setBias(); err != nil {
			return err
		}
	}
	x := q.p.x
	return check(x.matmul, q.frame.Call(x.matmul, q.p.handle, q.desc, uintptr(unsafe.Pointer(&q.one)), uintptr(a), q.a, uintptr(b), q.b,
		uintptr(unsafe.Pointer(&q.zero)), uintptr(d), q.d, uintptr(d), q.d, uintptr(unsafe.Pointer(&q.result.algo)), uintptr(workspace), uintptr(q.result.workspace), uintptr(s)))
}

func (q *plan) free() (err error) {
	x := q.p.x
	for _, layout := range []uintptr{q.a, q.b, q.d} {
		if layout != 0 {
			err = errors.Join(err, check(x.layoutDestroy, x.layoutDestroy.Call(layout)))
		}
	}
	if q.desc != 0 {
		err = errors.Join(err, check(x.descDestroy, x.descDestroy.Call(q.desc)))
	}
	return err
}

// Close implements driver.Products.
func (p *products) Close() (err error) {
	for _, q := range p.plans {
		err = errors.Join(err, q.free())
	}
	p.plans = nil
	return errors.Join(err, check(p.x.destroy, p.x.destroy.Call(p.handle)))
}
