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

struct ClipScaleArgs {
    const float* losses;
    const double *size, *sums;
    double* verdict; // norm, factor, scale, fault
    i64 lossesN, sumsN;
    double clip;
};

// One warp decides about an update; one thread adds the sums, which are few, in order. What it costs is the launch.
KERNEL(clip_scale, ClipScaleArgs) {
    int bad = 0;
    for (i64 i = threadIdx.x; i < a.lossesN; i += 32) bad |= !(fabsf(a.losses[i]) <= 3.402823466e38f);
    const bool badLoss = ballot(bad) != 0;
    if (threadIdx.x) return;
    double sum = 0;
    for (i64 i = 0; i < a.sumsN; i++) sum += a.sums[i];
    const double largest = 1.7976931348623157e308, size = *a.size;
    const double norm = sqrt(sum) / size;
    double factor = 1;
    if (a.clip > 0) { // not a number stays one
        factor = a.clip / (norm + 1e-6);
        if (factor > 1) factor = 1;
    }
    double fault = 0;
    if (!(norm <= largest)) fault = 3;
    if (badLoss) fault = 2;
    if (!(size > 0 && size <= largest)) fault = 1;
    a.verdict[0] = norm;
    a.verdict[1] = factor;
    a.verdict[2] = factor / size;
    a.verdict[3] = fault;
}

struct AdamRates {
    float scale, beta1, comp1, beta2, comp2, decay, rate, root, eps;
    int fault;
};

struct AdamWArgs {
    const float *w, *grad, *m, *v;
    const double* hyper;   // lr, decay, t
    const double* verdict; // of clip_scale
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
    r.scale = (float)a.verdict[2];
    r.beta1 = (float)a.beta1, r.comp1 = (float)(1 - a.beta1);
    r.beta2 = (float)a.beta2, r.comp2 = (float)(1 - a.beta2);
    r.decay = (float)(lr * a.hyper[1]);
    r.rate = (float)(lr / (1 - pow(a.beta1, t)));
    r.root = (float)(1 / sqrt(1 - pow(a.beta2, t)));
    r.eps = (float)a.eps;
    r.fault = a.verdict[3] != 0;
    *a.rates = r;
}

static __device__ __forceinline__ void adamw_update(const AdamRates& r, float& w, float grad, float& m, float& v) {
    if (r.fault) return;
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
