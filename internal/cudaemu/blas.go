package cudaemu

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"aural/kernels/cuda/driver"
)

// BLAS is a library of matrix products for the emulator: plain loops in float64. It counts what is asked of it.
type BLAS struct {
	Refuses bool // every product

	Plans, Runs int
	Handles     int // that were opened and not closed
}

// Name implements driver.BLAS.
func (*BLAS) Name() string { return "emulated" }

// Open implements driver.BLAS. On contexts of other drivers products can be planned, but not run.
func (x *BLAS) Open(ctx driver.Context) (driver.Products, error) {
	x.Handles++
	c, _ := ctx.(*context)
	return &products{x, c}, nil
}

type products struct {
	*BLAS
	c *context
}

// Plan implements driver.Products.
func (p *products) Plan(m driver.Product) (driver.PlannedProduct, error) {
	if p.Refuses {
		return nil, errors.New("cudaemu: a library that refuses every product")
	}
	p.Plans++
	q := &product{products: p, m: m}
	q.call = q.compute
	return q, nil
}

// Close implements driver.Products.
func (p *products) Close() error {
	p.Handles--
	return nil
}

// workspace and its alignment are what a product asks for, as cuBLAS would.
const (
	workspaceBytes     = 1000
	workspaceAlignment = 256
)

type product struct {
	*products
	m      driver.Product
	call   func() error
	queued bool
	at     [4]driver.Ptr // of operands, result and bias
}

// Workspace implements driver.PlannedProduct.
func (q *product) Workspace() int { return workspaceBytes }

// Run implements driver.PlannedProduct. The same product may be queued twice only for the same addresses.
func (q *product) Run(s driver.Stream, a, b, d, bias, workspace driver.Ptr) error {
	at := [4]driver.Ptr{a, b, d, bias}
	switch {
	case q.c == nil:
		return errors.New("cudaemu: a product on a device of another driver")
	case workspace%workspaceAlignment != 0:
		return fmt.Errorf("cudaemu: a workspace at %#x", workspace)
	case q.queued && q.at != at:
		return fmt.Errorf("cudaemu: the product %+v is queued for other addresses", q.m)
	}
	q.Runs++
	q.queued, q.at = true, at
	return q.c.push(s, q.call)
}

func (q *product) compute() error {
	q.queued = false
	m, a, b, bias := q.m, q.at[0], q.at[1], q.at[3]
	to := *(*unsafe.Pointer)(unsafe.Pointer(&q.at[2]))
	for c := range m.N {
		for r := range m.M {
			sum := 0.0
			if m.Bias {
				sum = number(bias, r, m.NarrowD)
			}
			for k := range m.K {
				sum += element(a, r, k, m.LdA, m.TransA, m.BF16) * element(b, k, c, m.LdB, m.TransB, m.BF16)
			}
			if i := r + c*m.LdD; m.NarrowD {
				bits := math.Float32bits(float32(sum))
				*(*uint16)(unsafe.Add(to, 2*i)) = uint16((bits + 0x7fff + bits>>16&1) >> 16)
			} else {
				*(*float32)(unsafe.Add(to, 4*i)) = float32(sum)
			}
		}
	}
	return nil
}

// element is that of op(X), a matrix in column-major order.
func element(at driver.Ptr, r, c, ld int, turned, narrow bool) float64 {
	if turned {
		r, c = c, r
	}
	return number(at, r+c*ld, narrow)
}

// number is element i of an array of float32 or bfloat16. Memory of the emulator's device is the host's.
func number(at driver.Ptr, i int, narrow bool) float64 {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	if narrow {
		return float64(math.Float32frombits(uint32(*(*uint16)(unsafe.Add(p, 2*i))) << 16))
	}
	return float64(*(*float32)(unsafe.Add(p, 4*i)))
}
