// Element by element. Bound by memory: every operand is read once and every result written once.

struct AddNArgs {
    const float* x[8];
    float* y; // may be x[0]
    i64 n;
    int terms, pad_;
};

// y = x0 + x1 + ... from left to right; 4·(terms+1) bytes an element.
KERNEL(add_n, AddNArgs) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.n) return;
    float sum = a.x[0][i];
    for (int t = 1; t < a.terms; t++) sum += a.x[t][i];
    a.y[i] = sum;
}
