// Layer normalisation with what stands before and behind it, and the gradients. The end of a residual branch: dropout of what the branch gives, the sum with what it began
// from, the norm. A layer of the large models' feature encoder: the norm, GELU. A warp has a row of at most 128·V numbers in registers, four of a lane in line; widths are
// multiples of 4. The mask of dropout is drawn again backward, never stored.

template <class S> struct ResidualNormOf {
    const S* x[4]; // terms, from left to right
    const float *gamma, *beta;
    S *sum, *y, *act;   // the sum, the norm, GELU of it; each may be none
    float *mean, *rstd; // or none
    Noise noise;
    i64 rows, row; // row: elements of a batch row, for dropout
    int width, terms, drop; // drop: the term that dropout is applied to, or -1
    float eps;
};
typedef ResidualNormOf<float> ResidualNormArgs;

static __device__ __forceinline__ float4 add4(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
static __device__ __forceinline__ float sum4(float4 v) { return (v.x + v.y) + (v.z + v.w); }
static __device__ __forceinline__ float dot4(float4 a, float4 b) { return (a.x * b.x + a.y * b.y) + (a.z * b.z + a.w * b.w); }

// Dropout of four elements in line from a multiple of 4 on. What is dropped is 0 also where it is not a number.
static __device__ __forceinline__ float4 drop4(const Noise& n, i64 element, float4 v) {
    const uint4 w = noise_block(n, (u32)((u64)element >> 2));
    const float a = noise_keep(n, w.x), b = noise_keep(n, w.y), c = noise_keep(n, w.z), d = noise_keep(n, w.w);
    return make_float4(a != 0.f ? v.x * a : 0.f, b != 0.f ? v.y * b : 0.f, c != 0.f ? v.z * c : 0.f, d != 0.f ? v.w * d : 0.f);
}

// Each term is read once, sum and y are written: with two terms 16 bytes an element in float32, 8 in bfloat16, of 28 that three kernels move; a quarter of a block of noise
// and about 20 instructions. 3.4 M elements (4374 x 768) at 3 TB/s: 18 us, 9 in bfloat16.
template <int V, class S> static __device__ __forceinline__ void residual_norm_row(const ResidualNormOf<S>& a) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const int lane = threadIdx.x % 32;
    float4 v[V];
#pragma unroll
    for (int t = 0; t < 4; t++) {
        if (t == a.terms) break;
        const bool drop = t == a.drop;
        const i64 first = drop ? noise_row(a.noise) * a.row : 0;
        float4 x[V];
#pragma unroll
        for (int i = 0; i < V; i++) {
            const int c = i * 128 + lane * 4;
            x[i] = c < a.width ? load4(a.x[t] + r * a.width + c) : splat4(0.f);
        }
#pragma unroll
        for (int i = 0; i < V; i++) {
            if (drop) x[i] = drop4(a.noise, first + r * a.width + i * 128 + lane * 4, x[i]);
            v[i] = t ? add4(v[i], x[i]) : x[i];
        }
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++) {
        const int c = i * 128 + lane * 4;
        if (a.sum && c < a.width) store4(a.sum + r * a.width + c, v[i]);
        sum += sum4(v[i]);
    }
    const float mean = warp_sum(sum) / a.width;
    sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++) {
        v[i] = i * 128 + lane * 4 < a.width ? make_float4(v[i].x - mean, v[i].y - mean, v[i].z - mean, v[i].w - mean) : splat4(0.f);
        sum += dot4(v[i], v[i]);
    }
    const float rstd = 1.f / sqrtf(warp_sum(sum) / a.width + a.eps);
#pragma unroll
    for (int i = 0; i < V; i++) {
        const int c = i * 128 + lane * 4;
        if (c >= a.width) continue;
        const float4 g = load4(a.gamma + c), b = load4(a.beta + c);
        const float4 y = make_float4(fmaf(v[i].x * rstd, g.x, b.x), fmaf(v[i].y * rstd, g.y, b.y), fmaf(v[i].z * rstd, g.z, b.z), fmaf(v[i].w * rstd, g.w, b.w));
        if (a.y) store4(a.y + r * a.width + c, y);
        if (a.act) store4(a.act + r * a.width + c, make_float4(gelu_of(y.x), gelu_of(y.y), gelu_of(y.z), gelu_of(y.w)));
    }
    if (lane == 0 && a.mean) a.mean[r] = mean;
    if (lane == 0 && a.rstd) a.rstd[r] = rstd;
}
STORED(residual_norm_128, ResidualNormOf) { residual_norm_row<1>(a); }
STORED(residual_norm_512, ResidualNormOf) { residual_norm_row<4>(a); }
STORED(residual_norm_768, ResidualNormOf) { residual_norm_row<6>(a); }
STORED(residual_norm_1024, ResidualNormOf) { residual_norm_row<8>(a); }

template <class S> struct ResidualNormGradOf {
    const S* dy[4]; // terms of the gradient of the normalisation's output
    const S* x;
    const S* z; // dy is multiplied by the derivative of GELU there, or none
    const float *gamma, *mean, *rstd;
    const S* more[4]; // what is added to the normalisation's gradient
    S *total, *dx, *sum, *dropped; // what the norm's gradient begins with, the normalisation's gradient, its sum with more, dropout of that; each may be none
    float* parts;     // (blocks, 2, width) sums of dy·x̂ and dy
    Noise noise;
    i64 rows, row;
    int width, chunk; // rows of a block
    int terms, mores;
};
typedef ResidualNormGradOf<float> ResidualNormGradArgs;

// With x̂ = (x-mean)·rstd and g = dy·gamma: dx = rstd·(g - Σg/C - x̂·Σ(g·x̂)/C). For a normalisation behind the sum: two terms of dy and x are read, dx and its dropout
// written, 20 bytes an element in float32, 10 in bfloat16, of 36 that three kernels move. Warp w of a block has rows w, w+8, ... of its chunk, and keeps the sums over
// them for dgamma and dbeta in registers; the warps' are added in order in shared memory.
template <int V, class S> static __device__ __forceinline__ void residual_norm_grad_rows(const ResidualNormGradOf<S>& a) {
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32, width = a.width;
    DYNAMIC_SHARED(float, part); // (2, width)
    float4 dgamma[V], dbeta[V];
#pragma unroll
    for (int i = 0; i < V; i++) dgamma[i] = dbeta[i] = splat4(0.f);
    const i64 lo = (i64)blockIdx.x * a.chunk, hi = lo + a.chunk < a.rows ? lo + a.chunk : a.rows, first = a.dropped ? noise_row(a.noise) * a.row : 0;
    for (i64 r = lo + w; r < hi; r += 8) {
        const float mean = a.mean[r], rstd = a.rstd[r];
        float4 g[V], xh[V];
#pragma unroll
        for (int i = 0; i < V; i++) {
            const int c = i * 128 + lane * 4;
            const bool in = c < width;
            g[i] = in ? load4(a.dy[0] + r * width + c) : splat4(0.f);
            const float4 x = in ? load4(a.x + r * width + c) : splat4(0.f);
            xh[i] = in ? make_float4((x.x - mean) * rstd, (x.y - mean) * rstd, (x.z - mean) * rstd, (x.w - mean) * rstd) : x;
        }
#pragma unroll
        for (int t = 1; t < 4; t++) {
            if (t >= a.terms) break;
#pragma unroll
            for (int i = 0; i < V; i++)
                if (i * 128 + lane * 4 < width) g[i] = add4(g[i], load4(a.dy[t] + r * width + i * 128 + lane * 4));
        }
        if (a.z) {
#pragma unroll
            for (int i = 0; i < V; i++) {
                if (i * 128 + lane * 4 >= width) continue;
                const float4 z = load4(a.z + r * width + i * 128 + lane * 4);
                g[i] = make_float4(g[i].x * gelu_slope(z.x), g[i].y * gelu_slope(z.y), g[i].z * gelu_slope(z.z), g[i].w * gelu_slope(z.w));
            }
        }
        float s1 = 0, s2 = 0;
#pragma unroll
        for (int i = 0; i < V; i++) {
            const int c = i * 128 + lane * 4;
            const float4 d = g[i], gamma = c < width ? load4(a.gamma + c) : splat4(0.f);
            if (a.total && c < width) store4(a.total + r * width + c, d);
            g[i] = make_float4(d.x * gamma.x, d.y * gamma.y, d.z * gamma.z, d.w * gamma.w);
            dgamma[i] = make_float4(fmaf(d.x, xh[i].x, dgamma[i].x), fmaf(d.y, xh[i].y, dgamma[i].y), fmaf(d.z, xh[i].z, dgamma[i].z), fmaf(d.w, xh[i].w, dgamma[i].w));
            dbeta[i] = add4(dbeta[i], d);
            s1 += sum4(g[i]);
            s2 += dot4(g[i], xh[i]);
        }
        s1 = warp_sum(s1) / width, s2 = warp_sum(s2) / width;
#pragma unroll
        for (int i = 0; i < V; i++) {
            const int c = i * 128 + lane * 4;
            const i64 at = r * width + c;
            if (c >= width) continue;
            float4 d = make_float4(rstd * (g[i].x - s1 - xh[i].x * s2), rstd * (g[i].y - s1 - xh[i].y * s2), rstd * (g[i].z - s1 - xh[i].z * s2),
                                   rstd * (g[i].w - s1 - xh[i].w * s2));
            if (a.dx) store4(a.dx + at, d);
#pragma unroll
            for (int t = 0; t < 4; t++)
                if (t < a.mores) d = add4(d, load4(a.more[t] + at));
            if (a.sum) store4(a.sum + at, d);
            if (a.dropped) store4(a.dropped + at, drop4(a.noise, first + at, d));
        }
    }
    for (int turn = 0; turn < 8; turn++) {
        if (turn == w) {
#pragma unroll
            for (int i = 0; i < V; i++) {
                if (i * 128 + lane * 4 >= width) continue;
                float* const at = part + i * 128 + lane * 4;
                store4(at, add4(turn ? load4(at) : splat4(0.f), dgamma[i]));
                store4(at + width, add4(turn ? load4(at + width) : splat4(0.f), dbeta[i]));
            }
        }
        __syncthreads();
    }
    for (int i = threadIdx.x * 4; i < 2 * width; i += 1024) store4(a.parts + (i64)blockIdx.x * 2 * width + i, load4(part + i));
}
STORED(residual_norm_grad_128, ResidualNormGradOf) { residual_norm_grad_rows<1>(a); }
STORED(residual_norm_grad_512, ResidualNormGradOf) { residual_norm_grad_rows<4>(a); }
STORED(residual_norm_grad_768, ResidualNormGradOf) { residual_norm_grad_rows<6>(a); }
STORED(residual_norm_grad_1024, ResidualNormGradOf) { residual_norm_grad_rows<8>(a); }
