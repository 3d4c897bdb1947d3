package cublaslt

import (
	"bufio"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"aural/internal/dynlib"
	"aural/internal/testkit"
	"aural/kernels/cuda/driver"
)

// double is testdata/double.c, compiled and loaded.
type double struct {
	*Library
	lines, reset, live, fail dynlib.Func
}

func newDouble(t testing.TB) *double {
	t.Helper()
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	// The library is loaded for good, so its file may go when the test ends.
	file := filepath.Join(t.TempDir(), "libcublasLt.so.12")
	if out, err := exec.Command(testkit.Tool(t, "gcc"), "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", filepath.Join("testdata", "double.c"), "-o", file).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	t.Setenv(Variable, filepath.Dir(file))
	x, err := Open(12040)
	if err != nil {
		t.Fatal(err)
	}
	l, err := search(12040).Open()
	if err != nil {
		t.Fatal(err)
	}
	d := &double{Library: x}
	if err := l.Bind(map[string]*dynlib.Func{"double_lines": &d.lines, "double_reset": &d.reset, "double_live": &d.live, "double_fail": &d.fail}); err != nil {
		t.Fatal(err)
	}
	return d
}

// took returns the lines since the last reset, and resets.
func (x *double) took() string {
	p := x.lines.Call()
	start, n := *(**byte)(unsafe.Pointer(&p)), 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), n)) != 0 {
		n++
	}
	text := string(unsafe.Slice(start, n))
	x.reset.Call()
	return text
}

func ptr[T any](s []T) driver.Ptr { return driver.Ptr(uintptr(unsafe.Pointer(unsafe.SliceData(s)))) }

// host makes memory that C reads and Go does not move: numbers as float32, or the upper halves of those that bfloat16 has.
func host(n int, bf16 bool) (memory any, at driver.Ptr, values []float32) {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	values = make([]float32, n)
	half := make([]uint16, n)
	for i := range values {
		bits := math.Float32bits(float32(r.NormFloat64())) &^ 0xffff
		half[i], values[i] = uint16(bits>>16), math.Float32frombits(bits)
	}
	if bf16 {
		return half, ptr(half), values
	}
	return values, ptr(values), values
}

// Products of all kinds are what the definition says, whatever is transposed and however long the columns are.
func TestProducts(t *testing.T) {
	x := newDouble(t)
	p, err := x.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 32 {
		m := driver.Product{M: 5, N: 3, K: 7, TransA: n&1 != 0, TransB: n&2 != 0, BF16: n&4 != 0, Bias: n&8 != 0, NarrowD: n&16 != 0, LdD: 6}
		rowsA, columnsA, rowsB, columnsB := 5, 7, 7, 3
		if m.TransA {
			rowsA, columnsA = columnsA, rowsA
		}
		if m.TransB {
			rowsB, columnsB = columnsB, rowsB
		}
		m.LdA, m.LdB = rowsA+2, rowsB+1
		keepA, a, va := host(m.LdA*columnsA, m.BF16)
		keepB, b, vb := host(m.LdB*columnsB, m.BF16)
		keepBias, bias, vbias := host(5, m.NarrowD)
		if !m.Bias {
			bias, vbias = 0, make([]float32, 5)
		}
		d, limit := make([]float32, 6*3), 1e-5
		half := make([]uint16, len(d))
		to := ptr(d)
		if m.NarrowD {
			to, limit = ptr(half), 0.05
		}
		q, err := p.Plan(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Run(0x77, a, b, to, bias, 0x1000); err != nil {
			t.Fatal(err)
		}
		for i, h := range half {
			if m.NarrowD {
				d[i] = math.Float32frombits(uint32(h) << 16)
			}
		}
		for i := range 5 {
			for j := range 3 {
				want := float64(vbias[i])
				for k := range 7 {
					ia, ib := i+k*m.LdA, k+j*m.LdB
					if m.TransA {
						ia = k + i*m.LdA
					}
					if m.TransB {
						ib = j + k*m.LdB
					}
					want += float64(va[ia]) * float64(vb[ib])
				}
				if got := float64(d[i+6*j]); math.Abs(got-want) > limit {
					t.Errorf("%+v: element %d,%d is %v, want %v", m, i, j, got, want)
				}
			}
		}
		_, _, _ = keepA, keepB, keepBias
	}
	if err := p.Close(); err != nil || int32(x.live.Call()) != 0 {
		t.Errorf("%v, %d objects are left", err, int32(x.live.Call()))
	}
}

// The calls of one product, with the arguments as C received them. It is chosen once.
func TestCalls(t *testing.T) {
	x := newDouble(t)
	if x.Name() != "cuBLASLt 12.9.1" || !strings.HasSuffix(x.Path(), "libcublasLt.so.12") {
		t.Errorf("%s in %s", x.Name(), x.Path())
	}
	p, err := x.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	x.took()
	m := driver.Product{M: 768, N: 4374, K: 3072, LdA: 3072, LdB: 3072, LdD: 768, TransA: true, BF16: true, Bias: true}
	q, err := p.Plan(m)
	if err != nil || q.Workspace() != 4096 {
		t.Fatalf("%v, %d bytes", err, q.Workspace())
	}
	got := x.took()
	for _, want := range []string{
		"cublasLtMatmulDescCreate compute=68 scale=0\n", "cublasLtMatmulDescSetAttribute 3 bytes=4\n", "cublasLtMatmulDescSetAttribute 7 bytes=4\n",
		"cublasLtMatmulDescSetAttribute 8 bytes=8\n", "cublasLtMatrixLayoutCreate type=14 3072x768 ld=3072\ncublasLtMatrixLayoutCreate type=14 3072x4374 ld=3072\n" +
			"cublasLtMatrixLayoutCreate type=0 768x4374 ld=768\n",
		"cublasLtMatmulAlgoGetHeuristic wanted=1 workspace=33554432 mask=2 align=64,64,64,64\ncublasLtMatmulPreferenceDestroy\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	again, err := p.Plan(m)
	if err != nil || again != q || x.took() != "" {
		t.Errorf("the second time %v, %v", again, err)
	}
	if _, err := p.Plan(driver.Product{M: 1, N: 1, K: 1, LdA: 1, LdB: 1, LdD: 1}); err != nil || !strings.Contains(x.took(), "compute=69 scale=0\n") {
		t.Errorf("float32: %v", err)
	}
	a, d := make([]uint16, 3072*4374), make([]float32, 768*4374)
	run := driver.Product{M: 2, N: 2, K: 2, LdA: 2, LdB: 2, LdD: 2, BF16: true, Bias: true}
	if q, err = p.Plan(run); err != nil {
		t.Fatal(err)
	}
	bias := [2][]float32{make([]float32, 2), make([]float32, 2)}
	x.took()
	n := 0
	if allocated := testing.AllocsPerRun(20, func() {
		n++
		if err := q.Run(0x77, ptr(a), ptr(a), ptr(d), ptr(bias[n%2]), 0x1000); err != nil {
			t.Fatal(err)
		}
	}); allocated != 0 {
		t.Errorf("a product allocates %v times", allocated)
	}
	if got := x.took(); !strings.Contains(got, "cublasLtMatmul alpha=1 beta=0 workspace=0x1000,4096 stream=0x77\n") {
		t.Errorf("%s", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever call fails, the error has its name and the status, and nothing is left.
func TestErrors(t *testing.T) {
	x := newDouble(t)
	for _, call := range []string{"cublasLtCreate", "cublasLtMatmulDescCreate", "cublasLtMatmulDescSetAttribute", "cublasLtMatrixLayoutCreate",
		"cublasLtMatmulPreferenceCreate", "cublasLtMatmulPreferenceSetAttribute", "cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul"} {
		b := append([]byte(call), 0)
		x.fail.Call(uintptr(unsafe.Pointer(&b[0])), 1, statusAllocFailed)
		err := func() error {
			p, err := x.Open(nil)
			if err != nil {
				return err
			}
			q, err := p.Plan(driver.Product{M: 1, N: 1, K: 1, LdA: 1, LdB: 1, LdD: 1, TransB: true, Bias: true})
			if err == nil {
				one := make([]float32, 1)
				err = q.Run(0, ptr(one), ptr(one), ptr(one), ptr(one), 0)
			}
			return errors.Join(err, p.Close())
		}()
		x.reset.Call()
		var e *Error
		if !errors.As(err, &e) || e.Call != call || e.Status != statusAllocFailed || !errors.Is(err, driver.ErrOutOfMemory) || !strings.Contains(err.Error(), "CUBLAS_STATUS_ALLOC_FAILED") {
			t.Errorf("%s: %v", call, err)
		}
		if n := int32(x.live.Call()); n != 0 {
			t.Errorf("%s: %d objects are left", call, n)
		}
	}
	if err := (&Error{"f", 99}).Error(); !strings.Contains(err, "without a name (99)") {
		t.Errorf("%s", err)
	}
	t.Setenv(Variable, t.TempDir())
	if _, err := Open(12040); err == nil || !strings.Contains(err.Error(), Variable) {
		t.Errorf("a folder without the library: %v", err)
	}
	if _, err := Open(11080); err == nil || !strings.Contains(err.Error(), "CUDA 11.8") {
		t.Errorf("an old driver: %v", err)
	}
}

// The values are NVIDIA's, by bindings that were generated from its headers.
func TestEnums(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "enums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values := map[string]int{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		values[name], _ = strconv.Atoi(value)
	}
	for name, got := range map[string]int{
		"CUBLAS_STATUS_SUCCESS": statusSuccess, "CUBLAS_STATUS_ALLOC_FAILED": statusAllocFailed, "CUDA_R_32F": typeF32, "CUDA_R_16BF": typeBF16,
		"CUBLAS_COMPUTE_32F": computeF32, "CUBLAS_COMPUTE_32F_PEDANTIC": computeF32Pedantic, "CUBLASLT_MATMUL_DESC_TRANSA": descTransA,
		"CUBLASLT_MATMUL_DESC_TRANSB": descTransB, "CUBLASLT_MATMUL_DESC_EPILOGUE": descEpilogue, "CUBLASLT_MATMUL_DESC_BIAS_POINTER": descBiasPointer,
		"CUBLASLT_EPILOGUE_BIAS": epilogueBias, "CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES": preferWorkspace,
		"CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK": preferReduction, "CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES": preferAlignmentA,
		"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES": preferAlignmentA + 1, "CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES": preferAlignmentA + 2,
		"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES": preferAlignmentA + 3, "CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE": reductionComputeType,
	} {
		if want, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %d here, %d in the header (found: %v)", name, got, want, ok)
		}
	}
	for status, name := range statusNames {
		if values[name] != status {
			t.Errorf("%s is %d here, %d in the header", name, status, values[name])
		}
	}
	// An algorithm of 64 bytes, a size_t, a status, a float and four numbers in reserve.
	if n := unsafe.Sizeof(heuristicResult{}); n != 96 {
		t.Errorf("a result of the heuristic has %d bytes, want 96", n)
	}
}
