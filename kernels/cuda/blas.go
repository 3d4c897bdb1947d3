package cuda

import (
	"fmt"
	"unsafe"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// productArgs are the addresses of a product of a library, in the place of a kernel's parameter.
type productArgs struct{ A, B, D, Bias, Workspace driver.Ptr }

// openBLAS makes a library usable on the device.
func (b *Backend) openBLAS(library driver.BLAS) error {
	b.blas = library.Name()
	return b.exec.do(func(ctx driver.Context) (err error) {
		if b.products, err = library.Open(ctx); err != nil {
			return err
		}
		b.planProduct = func(m driver.Product) (q driver.PlannedProduct, err error) {
			err = b.exec.do(func(driver.Context) error {
				q, err = b.products.Plan(m)
				return err
			})
			return q, err
		}
		return nil
	})
}

// library adds a product of k terms to a plan, (rows,columns) in row-major order, computed by the library. It reports false, and adds nothing, where there is no
// library, where something is to be done to the result, or where the library has no way.
func (p *plan) library(kind kind, rows, columns, k int, x, w operand, bias, y place, f finish) bool {
	b := p.b
	plain := f.pre == nil && f.z == nil && !f.gelu && f.drop == nil
	low := b.precision == kernels.PrecisionBF16
	if b.planProduct == nil || !plain || !low && b.precision != kernels.PrecisionFloat32 || !low && (x.narrow || w.narrow) || rows == 0 || columns == 0 || k == 0 {
		return false
	}
	// A matrix in row-major order is its transpose in column-major order: what is computed is yᵀ.
	m := driver.Product{M: columns, N: rows, K: k, LdD: columns, BF16: low, NarrowD: f.half&halfY != 0, Bias: bias != nil}
	left, right := w, x
	sizes := [2]int{columns * k, rows * k}
	switch kind {
	case nt:
		m.LdA, m.TransA, m.LdB = k, true, k
	case nn:
		m.LdA, m.LdB = columns, k
	case tn:
		left, right = x, w
		m.LdA, m.LdB, m.TransB = columns, rows, true
	}
	q, err := b.planProduct(m)
	if err != nil {
		return false
	}
	if low {
		left, right = p.rounded(left, sizes[0]), p.rounded(right, sizes[1])
	}
	if bias == nil {
		bias = none
	} else if m.NarrowD { // the bias has the type of the result
		bias = p.rounded(wide(bias), columns).at
	}
	p.variant = "library"
	a, workspace := &productArgs{}, p.reserve(q.Workspace())
	p.launches = append(p.launches, launch{
		kernel: "product of " + b.blas, product: q, args: unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a)),
		bind: func(c *call) {
			a.A, a.B, a.D, a.Bias, a.Workspace = left.at(c), right.at(c), y(c), bias(c), workspace.at(c)
		},
	})
	return true
}

// PlansProduct reports whether the library has a way for a product; nil says so. There must be a library.
func (b *Backend) PlansProduct(m driver.Product) error {
	if b.planProduct == nil {
		return fmt.Errorf("cuda: %s has no library of products", b.Name())
	}
	_, err := b.planProduct(m)
	return err
}

// start gives a launch to a stream; d has what a kernel is launched with.
func (l *launch) start(ctx driver.Context, s driver.Stream, d *driver.Launch) error {
	if l.product == nil {
		return ctx.Launch(s, l.f, d)
	}
	a := (*productArgs)(unsafe.Pointer(unsafe.SliceData(d.Args)))
	return l.product.Run(s, a.A, a.B, a.D, a.Bias, a.Workspace)
}
