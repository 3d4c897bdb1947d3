// Weight normalisation over the last axis: v is (rows, taps) with a norm for each tap.

struct ColumnDotArgs {
    const float *x, *y; // (rows, n)
    float* z;           // (blocks, n)
    i64 rows, chunk;
    int n, pad_;
};

// Sums over chunks of rows of x·y, for each column; column_sum adds the chunks. 8 bytes an element.
KERNEL(column_dot, ColumnDotArgs) {
    __shared__ float part[8][33];
    const int c = blockIdx.x * 32 + threadIdx.x % 32, lane = threadIdx.x / 32;
    const i64 first = blockIdx.y * a.chunk, last = first + a.chunk < a.rows ? first + a.chunk : a.rows;
    float sum = 0;
    if (c < a.n)
        for (i64 r = first + lane; r < last; r += 8) sum = fmaf(a.x[r * a.n + c], a.y[r * a.n + c], sum);
    part[lane][threadIdx.x % 32] = sum;
    __syncthreads();
    if (lane == 0 && c < a.n) {
        for (int i = 1; i < 8; i++) sum += part[i][threadIdx.x];
        a.z[blockIdx.y * (i64)a.n + c] = sum;
    }
}

struct WeightNormArgs {
    const float *g, *v, *squares; // squares (taps): the sums of v²
    float *w, *norm;
    i64 size;
    int taps, pad_;
};

// w = g·v/‖v‖; 8 bytes an element.
KERNEL(weight_norm, WeightNormArgs) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.size) return;
    const int k = (int)(i % a.taps);
    const float n = sqrtf(a.squares[k]);
    a.w[i] = a.g[k] * (a.v[i] / n);
    if (i < a.taps) a.norm[k] = n;
}

struct WeightNormGradArgs {
    const float *dw, *g, *v, *norm, *dots; // dots (taps): the sums of dw·v
    float *dg, *dv;
    i64 size;
    int taps, pad_;
};

// dg = sum of dw·u with u = v/‖v‖, dv = g/‖v‖·(dw - u·dg); 12 bytes an element.
KERNEL(weight_norm_grad, WeightNormGradArgs) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.size) return;
    const int k = (int)(i % a.taps);
    const float n = a.norm[k], dg = a.dots[k] / n;
    a.dv[i] = a.g[k] / n * fmaf(-(a.v[i] / n), dg, a.dw[i]);
    if (i < a.taps) a.dg[k] = dg;
}
