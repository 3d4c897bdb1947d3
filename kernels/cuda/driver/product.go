package driver

// Product is a matrix product for a library: D = op(A)·op(B), plus Bias[m] in row m, summed in float32. Matrices are in column-major order: element (r,c) is at
// r + c·Ld. D is (M,N), op(A) is (M,K), op(B) is (K,N).
type Product struct {
	M, N, K        int
	LdA, LdB, LdD  int
	TransA, TransB bool // op is the transpose
	BF16           bool // A and B are bfloat16; otherwise float32, and multiplied as such
	NarrowD        bool // D and the bias are bfloat16, otherwise float32
	Bias           bool
}

// BLAS is a library of matrix products that works beside a driver.
type BLAS interface {
	// Name and version, for reports.
	Name() string
	// Open makes it usable on the device of a context, by the thread of the context.
	Open(Context) (Products, error)
}

// Products are those of one context.
type Products interface {
	// Plan chooses how to compute a product. The same product has the same plan.
	Plan(Product) (PlannedProduct, error)
	Close() error
}

// PlannedProduct can be queued in streams, captured ones too.
type PlannedProduct interface {
	// Workspace is how many bytes of device memory Run needs.
	Workspace() int
	// Run does not allocate. A bias that the product does not have is 0.
	Run(s Stream, a, b, d, bias, workspace Ptr) error
}
