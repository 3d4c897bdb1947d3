// Sums of squares and the optimizer.

template <class S> struct SquaresOf {
    const S* x;
    double* parts;
    void* y;      // the result: float64, or float32 where mean is set
    i64 n;
    i64 partsN;
    int mean, pad_;
};
typedef SquaresOf<float> SquaresArgs;

// parts[block] = Σ x² over the block's elements, in float64; 4 bytes an element. The squares of float32 are exact there: nothing overflows.
STORED(sum_squares, SquaresOf) {
    double sum = 0;
    const i64 first = (i64)blockIdx.x * (block_elements * 4) + threadIdx.x * 4;
    float4 v[4 * block_vectors];
#pragma unroll
    for (int u = 0; u < 4 * block_vectors; u++) {
        const i64 i = first + u * 1024;
        v[u] = splat4(0.f);
        if (i + 4 <= a.n) {
            v[u] = load4(a.x + i);
        } else {
            if (i < a.n) v[u].x = load1(a.x + i);
            if (i + 1 < a.n) v[u].y = load1(a.x + i + 1);
            if (i + 2 < a.n) v[u].z = load1(a.x + i + 2);
        }
    }
#pragma unroll
    for (int u = 0; u < 4 * block_vectors; u++)
        sum += ((double)v[u].x * v[u].x + (double)v[u].y * v[u].y) + ((double)v[u].z * v[u].z + (double)v[u].w * v[u].w);
    sum = block_sum(sum);
    if (threadIdx.x == 0) a.parts[blockIdx.x] = sum;
}

// One block adds the parts.
KERNEL(sum_squares_finish, SquaresArgs) {
    double sum = 0;
    for (i64 i = threadIdx.x; i < a.partsN; i += blockDim.x) sum += a.parts[i];
    sum = block_sum(sum);
    if (threadIdx.x) return;
    if (a.mean) {
        *(float*)a.y = (float)(sum / (double)a.n);
    } else {
        *(double*)a.y = sum;
    }
}

struct AdamRates {
    float scale, beta1, comp1, beta2, comp2, decay, rate, root, eps;
};

struct AdamWArgs {
    const float *w, *grad, *m, *v;
    const double* hyper; // lr, decay, t, scale
    float *newW, *newM, *newV; // may be w, m, v
    AdamRates* rates;
    i64 n;
    double beta1, beta2, eps;
};

// The constants of an update, worked out once in float64.
KERNEL(adamw_rates, AdamWArgs) {
    if (threadIdx.x) return;
    const double lr = a.hyper[0], t = a.hyper[2];
    AdamRates r;
    r.scale = (float)a.hyper[3];
    r.beta1 = (float)a.beta1, r.comp1 = (float)(1 - a.beta1);
    r.beta2 = (float)a.beta2, r.comp2 = (float)(1 - a.beta2);
    r.decay = (float)(lr * a.hyper[1]);
    r.rate = (float)(lr / (1 - pow(a.beta1, t)));
    r.root = (float)(1 / sqrt(1 - pow(a.beta2, t)));
    r.eps = (float)a.eps;
    *a.rates = r;
}

static __device__ __forceinline__ void adamw_update(const AdamRates& r, float& w, float grad, float& m, float& v) {
    const float g = r.scale * grad;
    m = fmaf(r.beta1, m, r.comp1 * g);
    v = fmaf(r.beta2, v, r.comp2 * g * g);
    w = w - r.decay * w - r.rate * m / fmaf(sqrtf(v), r.root, r.eps);
}

// One update; 28 bytes a parameter.
KERNEL(adamw, AdamWArgs) {
    const AdamRates r = *a.rates;
    const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= a.n) {
        float4 w = load4(a.w + i), m = load4(a.m + i), v = load4(a.v + i);
        const float4 g = load4(a.grad + i);
        adamw_update(r, w.x, g.x, m.x, v.x);
        adamw_update(r, w.y, g.y, m.y, v.y);
        adamw_update(r, w.z, g.z, m.z, v.z);
        adamw_update(r, w.w, g.w, m.w, v.w);
        store4(a.newW + i, w);
        store4(a.newM + i, m);
        store4(a.newV + i, v);
        return;
    }
    for (i64 j = i; j < a.n; j++) {
        float w = a.w[j], m = a.m[j], v = a.v[j];
        adamw_update(r, w, a.grad[j], m, v);
        a.newW[j] = w;
        a.newM[j] = m;
        a.newV[j] = v;
    }
}
