package cuda

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"unsafe"

	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
	"aural/kernels/kerneltest"
)

// hostBLAS is a library of products that computes on the host, in float64.
type hostBLAS struct {
	plans, runs int
	refuses     bool
	open        int
}

func (*hostBLAS) Name() string { return "host" }

func (h *hostBLAS) Open(ctx driver.Context) (driver.Products, error) {
	h.open++
	return &hostProducts{h, ctx}, nil
}

type hostProducts struct {
	*hostBLAS
	ctx driver.Context
}

func (h *hostProducts) Plan(m driver.Product) (driver.PlannedProduct, error) {
	if h.refuses {
		return nil, errors.New("no way")
	}
	h.plans++
	q := &hostProduct{hostProducts: h, m: m}
	q.call = q.compute
	return q, nil
}

func (h *hostProducts) Close() error {
	h.open--
	return nil
}

type hostProduct struct {
	*hostProducts
	m      driver.Product
	call   func() error
	queued bool
	at     [4]driver.Ptr // of operands, result and bias
}

func (q *hostProduct) Workspace() int { return 1000 }

// number is element i of an array of float32 or bfloat16. Memory of the emulator's device is the host's.
func number(at driver.Ptr, i int, narrow bool) float64 {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	if narrow {
		return float64(math.Float32frombits(uint32(*(*uint16)(unsafe.Add(p, 2*i))) << 16))
	}
	return float64(*(*float32)(unsafe.Add(p, 4*i)))
}

// element is that of op(X), a matrix in column-major order.
func element(at driver.Ptr, r, c, ld int, turned, narrow bool) float64 {
	if turned {
		r, c = c, r
	}
	return number(at, r+c*ld, narrow)
}

func (q *hostProduct) Run(s driver.Stream, a, b, d, bias, workspace driver.Ptr) error {
	at := [4]driver.Ptr{a, b, d, bias}
	if workspace%scratchAlignment != 0 || q.m.LdD != q.m.M || q.queued && q.at != at {
		return fmt.Errorf("workspace at %#x, columns of %d in %d, queued for other addresses: %v", workspace, q.m.M, q.m.LdD, q.queued)
	}
	q.runs++
	q.queued, q.at = true, at
	return q.ctx.(interface {
		HostCall(driver.Stream, func() error) error
	}).HostCall(s, q.call)
}

func (q *hostProduct) compute() error {
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

// Linear layers computed by a library are the reference's, whatever their shapes and types are.
func TestParityOfLibrary(t *testing.T) {
	for _, c := range []struct {
		precision kernels.Precision
		norm      float64
	}{{kernels.PrecisionFloat32, 0}, {kernels.PrecisionBF16, 1e-2}} {
		t.Run(string(c.precision), func(t *testing.T) {
			h := &hostBLAS{}
			t.Cleanup(func() { // after the back end's
				if h.open != 0 {
					t.Errorf("%d handles are left open", h.open)
				}
			})
			b := emulated(t, Options{Precision: c.precision, BLAS: h}, cudaemu.Options{})
			opts := []kerneltest.Option{kerneltest.MustRun("library"), kerneltest.Only(func(op kernels.Op, _ []kernels.Desc) bool {
				switch op.(type) {
				case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight:
					return true
				}
				return false
			})}
			if c.norm > 0 {
				opts = append(opts, kerneltest.Stored(b.Narrow), kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: c.norm, Abs: c.norm}))
			}
			kerneltest.Run(t, b, opts...)
			if h.plans < 10 || h.runs < h.plans {
				t.Errorf("%d products were planned, %d ran", h.plans, h.runs)
			}
		})
	}
}

// Precision high, and whatever the library refuses, stays with the own kernels; so do the name and the results.
func TestWithoutLibrary(t *testing.T) {
	in := []kernels.Desc{kernels.Of(kernels.Float32, 300, 64), kernels.Of(kernels.Float32, 96, 64), kernels.Of(kernels.Float32, 96)}
	for _, o := range []Options{{Precision: kernels.PrecisionHigh, BLAS: &hostBLAS{}}, {BLAS: &hostBLAS{refuses: true}}} {
		fake := cudafake.New(cudafake.Options{})
		b, err := New(fake, anyImage{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := runOne(b, kernels.Linear{}, in); err != nil || o.BLAS.(*hostBLAS).runs > 0 {
			t.Errorf("%v, %d products of the library", err, o.BLAS.(*hostBLAS).runs)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A plan of what fits counts the library's working memory, and a captured product is part of its graph.
func TestLibraryPlans(t *testing.T) {
	h := &hostBLAS{}
	fake := cudafake.New(cudafake.Options{})
	b, err := New(fake, anyImage{}, Options{BLAS: h})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	op, in := kernels.LinearGradInput{}, []kernels.Desc{kernels.Of(kernels.Float32, 4, 8), kernels.Of(kernels.Float32, 8, 16)}
	out, err := op.Infer(in)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Planner()
	if _, err := p.Compile(op, in, out); err != nil || p.ScratchBytes() != 1024 || p.Name() != b.Name() || b.Name() != "cuda/fake/host" {
		t.Errorf("%v, %d bytes, %s", err, p.ScratchBytes(), p.Name())
	}
}
