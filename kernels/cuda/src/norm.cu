// Normalisation over channels, and over time; bytes an element are given for float32, and are half of that for bfloat16. Means and variances are those of the whole row in two passes, or of float64 moments.

template <class S> struct LayerNormOf {
    const S* x;
    const float *gamma, *beta;
    S* y;
    float *mean, *rstd;
    i64 rows;
    int width;
    float eps;
};
typedef LayerNormOf<float> LayerNormArgs;

// A row of 128·V floats in the registers of a warp: 8 bytes an element and no second look at memory.
template <int V, class S> static __device__ __forceinline__ void layer_norm_row(const LayerNormOf<S>& a) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const int lane = threadIdx.x % 32, width = 128 * V;
    float4 v[V];
#pragma unroll
    for (int i = 0; i < V; i++) v[i] = load4(a.x + r * width + i * 128 + lane * 4);
    float sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++) sum += (v[i].x + v[i].y) + (v[i].z + v[i].w);
    const float mean = warp_sum(sum) / width;
    sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++) {
        v[i] = make_float4(v[i].x - mean, v[i].y - mean, v[i].z - mean, v[i].w - mean);
        sum += (v[i].x * v[i].x + v[i].y * v[i].y) + (v[i].z * v[i].z + v[i].w * v[i].w);
    }
    const float rstd = 1.f / sqrtf(warp_sum(sum) / width + a.eps);
#pragma unroll
    for (int i = 0; i < V; i++) {
        const int c = i * 128 + lane * 4;
        const float4 g = load4(a.gamma + c), b = load4(a.beta + c);
        store4(a.y + r * width + c, make_float4(fmaf(v[i].x * rstd, g.x, b.x), fmaf(v[i].y * rstd, g.y, b.y), fmaf(v[i].z * rstd, g.z, b.z), fmaf(v[i].w * rstd, g.w, b.w)));
    }
    if (lane == 0) a.mean[r] = mean, a.rstd[r] = rstd;
}

STORED(layer_norm_512, LayerNormOf) { layer_norm_row<4>(a); }
STORED(layer_norm_768, LayerNormOf) { layer_norm_row<6>(a); }
STORED(layer_norm_1024, LayerNormOf) { layer_norm_row<8>(a); }

// Any other width: the second and third look at a row find it in the cache.
STORED(layer_norm, LayerNormOf) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const int lane = threadIdx.x % 32;
    const S* const x = a.x + r * a.width;
    float sum = 0;
    for (int i = lane; i < a.width; i += 32) sum += load1(x + i);
    const float mean = warp_sum(sum) / a.width;
    sum = 0;
    for (int i = lane; i < a.width; i += 32) {
        const float d = load1(x + i) - mean;
        sum += d * d;
    }
    const float rstd = 1.f / sqrtf(warp_sum(sum) / a.width + a.eps);
    for (int i = lane; i < a.width; i += 32) store1(a.y + r * a.width + i, fmaf((load1(x + i) - mean) * rstd, a.gamma[i], a.beta[i]));
    if (lane == 0) a.mean[r] = mean, a.rstd[r] = rstd;
}

template <class S> struct LayerNormGradOf {
    const S *dy, *x;
    const float *gamma, *mean, *rstd;
    S* dx;
    float* parts; // (blocks, 2, width) sums of dy·x̂ and dy
    i64 rows;
    int width;
    int chunk; // rows of a block
};
typedef LayerNormGradOf<float> LayerNormGradArgs;

// With x̂ = (x-mean)·rstd and g = dy·gamma: dx = rstd·(g - Σg/C - x̂·Σ(g·x̂)/C). 12 bytes an element. Warp w of a block has rows w, w+8, ... of its chunk, and
// keeps the sums over them for dgamma and dbeta in registers; the warps' are added in order in shared memory.
template <int V, class S> static __device__ __forceinline__ void layer_norm_grad_rows(const LayerNormGradOf<S>& a) {
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32, width = 128 * V;
    DYNAMIC_SHARED(float, part); // (2, width)
    float4 dgamma[V], dbeta[V];
#pragma unroll
    for (int i = 0; i < V; i++) dgamma[i] = dbeta[i] = splat4(0.f);
    const i64 lo = (i64)blockIdx.x * a.chunk, hi = lo + a.chunk < a.rows ? lo + a.chunk : a.rows;
    for (i64 r = lo + w; r < hi; r += 8) {
        const float mean = a.mean[r], rstd = a.rstd[r];
        float4 g[V], xh[V];
        float s1 = 0, s2 = 0;
#pragma unroll
        for (int i = 0; i < V; i++) {
            const int c = i * 128 + lane * 4;
            const float4 d = load4(a.dy + r * width + c), x = load4(a.x + r * width + c), gamma = load4(a.gamma + c);
            xh[i] = make_float4((x.x - mean) * rstd, (x.y - mean) * rstd, (x.z - mean) * rstd, (x.w - mean) * rstd);
            g[i] = make_float4(d.x * gamma.x, d.y * gamma.y, d.z * gamma.z, d.w * gamma.w);
            dgamma[i] = make_float4(fmaf(d.x, xh[i].x, dgamma[i].x), fmaf(d.y, xh[i].y, dgamma[i].y), fmaf(d.z, xh[i].z, dgamma[i].z), fmaf(d.w, xh[i].w, dgamma[i].w));
            dbeta[i] = make_float4(dbeta[i].x + d.x, dbeta[i].y + d.y, dbeta[i].z + d.z, dbeta[i].w + d.w);
            s1 += (g[i].x + g[i].y) + (g[i].z + g[i].w);
            s2 += (g[i].x * xh[i].x + g[i].y * xh[i].y) + (g[i].z * xh[i].z + g[i].w * xh[i].w);
        }
        s1 = warp_sum(s1) / width, s2 = warp_sum(s2) / width;
#pragma unroll
        for (int i = 0; i < V; i++)
            store4(a.dx + r * width + i * 128 + lane * 4, make_float4(rstd * (g[i].x - s1 - xh[i].x * s2), rstd * (g[i].y - s1 - xh[i].y * s2),
                                                                    rstd * (g[i].z - s1 - xh[i].z * s2), rstd * (g[i].w - s1 - xh[i].w * s2)));
    }
    for (int turn = 0; turn < 8; turn++) {
        if (turn == w) {
#pragma unroll
            for (int i = 0; i < V; i++) {
                float* const at = part + i * 128 + lane * 4;
                const float4 p = turn ? load4(at) : splat4(0.f), q = turn ? load4(at + width) : splat4(0.f);
                store4(at, make_float4(p.x + dgamma[i].x, p.y + dgamma[i].y, p.z + dgamma[i].z, p.w + dgamma[i].w));
                store4(at + width, make_float4(q.x + dbeta[i].x, q.y + dbeta[i].y, q.z + dbeta[i].z, q.w + dbeta[i].w));
            }
        }
        __syncthreads();
    }
    for (int i = threadIdx.x * 4; i < 2 * width; i += 1024) store4(a.parts + (i64)blockIdx.x * 2 * width + i, load4(part + i));
}

STORED(layer_norm_grad_512, LayerNormGradOf) { layer_norm_grad_rows<4>(a); }
STORED(layer_norm_grad_768, LayerNormGradOf) { layer_norm_grad_rows<6>(a); }
STORED(layer_norm_grad_1024, LayerNormGradOf) { layer_norm_grad_rows<8>(a); }

// Any other width: dx by rows, and the sums for dgamma and dbeta by columns in a launch of their own; 20 bytes an element.
STORED(layer_norm_grad, LayerNormGradOf) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const int lane = threadIdx.x % 32;
    const S *const dy = a.dy + r * a.width, *const x = a.x + r * a.width;
    const float mean = a.mean[r], rstd = a.rstd[r];
    float s1 = 0, s2 = 0;
    for (int i = lane; i < a.width; i += 32) {
        const float g = load1(dy + i) * a.gamma[i];
        s1 += g;
        s2 += g * ((load1(x + i) - mean) * rstd);
    }
    s1 = warp_sum(s1) / a.width, s2 = warp_sum(s2) / a.width;
    for (int i = lane; i < a.width; i += 32) store1(a.dx + r * a.width + i, rstd * (load1(dy + i) * a.gamma[i] - s1 - (load1(x + i) - mean) * rstd * s2));
}

STORED(layer_norm_grad_columns, LayerNormGradOf) {
    const i64 column = (i64)blockIdx.x * 32 + threadIdx.x % 32, lo = (i64)blockIdx.y * a.chunk;
    float sum[2];
    const bool mine = sum_columns(lo, lo + a.chunk < a.rows ? lo + a.chunk : a.rows, column, a.width, sum, [&](i64 r, i64 c, float (&s)[2]) {
        const float d = load1(a.dy + r * a.width + c);
        s[0] += d * ((load1(a.x + r * a.width + c) - a.mean[r]) * a.rstd[r]);
        s[1] += d;
    });
    if (!mine) return;
    a.parts[((i64)blockIdx.y * 2) * a.width + column] = sum[0];
    a.parts[((i64)blockIdx.y * 2 + 1) * a.width + column] = sum[1];
}

template <class S> struct GroupNormOf {
    const S* x;
    const float *gamma, *beta;
    S* y;
    float *mean, *rstd;
    double* moments; // (batch, chunks, width, 2) sums of x and of x²
    int batch, frames, width, groups;
    int chunk, chunks; // frames of a block that sums, and how many such there are in a row
    double eps;
};
typedef GroupNormOf<float> GroupNormArgs;

// Moments of a column over a chunk of frames, in float64; 4 bytes an element. Eight frames at a time are summed in float32 around one of them, which changes
// nothing but the digits: with K = x₀, r = Σ(x-K), q = Σ(x-K)² the sums are nK + r and q + K·(2r + nK).
STORED(group_norm_moments, GroupNormOf) {
    __shared__ double part[8][2][32];
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32, column = blockIdx.x * 32 + lane, b = blockIdx.z;
    const int lo = blockIdx.y * a.chunk, hi = min(lo + a.chunk, a.frames);
    double s1 = 0, s2 = 0;
    if (column < a.width) {
        const S* const x = a.x + (i64)b * a.frames * a.width + column;
        for (int t = lo + w * 8; t < hi; t += 64) {
            float v[8];
            const int n = min(8, hi - t);
#pragma unroll
            for (int i = 0; i < 8; i++) v[i] = i < n ? load1(x + (i64)(t + i) * a.width) : 0.f;
            float r = 0, q = 0;
#pragma unroll
            for (int i = 1; i < 8; i++) {
                const float d = i < n ? v[i] - v[0] : 0.f;
                r += d, q = fmaf(d, d, q);
            }
            const double k = v[0];
            s1 += n * k + r;
            s2 += q + k * (2. * r + n * k);
        }
    }
    part[w][0][lane] = s1, part[w][1][lane] = s2;
    __syncthreads();
    if (w != 0 || column >= a.width) return;
    for (int i = 1; i < 8; i++) s1 += part[i][0][lane], s2 += part[i][1][lane];
    double* const to = a.moments + (((i64)b * a.chunks + blockIdx.y) * a.width + column) * 2;
    to[0] = s1, to[1] = s2;
}

// A warp adds the moments of a batch row and group.
KERNEL(group_norm_stats, GroupNormArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.batch * a.groups) return;
    const int b = (int)(r / a.groups), g = (int)(r % a.groups), per = a.width / a.groups;
    double s1 = 0, s2 = 0;
    for (int i = threadIdx.x % 32; i < a.chunks * per; i += 32) {
        const double* const from = a.moments + (((i64)b * a.chunks + i / per) * a.width + g * per + i % per) * 2;
        s1 += from[0], s2 += from[1];
    }
    s1 = warp_sum(s1), s2 = warp_sum(s2);
    if (threadIdx.x % 32) return;
    const double n = (double)a.frames * per, mean = s1 / n, var = s2 / n - mean * mean;
    a.mean[r] = (float)mean;
    a.rstd[r] = (float)(1 / sqrt((var > 0 ? var : var != var ? var : 0) + a.eps));
}

// y = (x-mean)·rstd·gamma + beta; 8 bytes an element. A thread keeps what belongs to its columns and walks over frames.
template <int W, class S> static __device__ __forceinline__ void group_norm_columns(const GroupNormOf<S>& a) {
    const int lane = threadIdx.x % 32, column = (blockIdx.x * 32 + lane) * W, b = blockIdx.z;
    if (column >= a.width) return;
    float mean[W], rate[W], beta[W];
#pragma unroll
    for (int i = 0; i < W; i++) {
        const int g = b * a.groups + (column + i) / (a.width / a.groups);
        mean[i] = a.mean[g], rate[i] = a.rstd[g] * a.gamma[column + i], beta[i] = a.beta[column + i];
    }
    const int hi = min((int)(blockIdx.y + 1) * a.chunk, a.frames);
#pragma unroll 4
    for (int t = blockIdx.y * a.chunk + threadIdx.x / 32; t < hi; t += 8) {
        const i64 at = ((i64)b * a.frames + t) * a.width + column;
        float v[W];
        load_line(v, a.x + at);
#pragma unroll
        for (int i = 0; i < W; i++) v[i] = fmaf(v[i] - mean[i], rate[i], beta[i]);
        store_line(a.y + at, v);
    }
}
STORED(group_norm, GroupNormOf) { group_norm_columns<1>(a); }
STORED(group_norm_4, GroupNormOf) { group_norm_columns<4>(a); }

template <class S> struct GroupNormGradOf {
    const S *dy, *x;
    const float *gamma, *mean, *rstd;
    S* dx;
    float* parts; // (batch, chunks, 2, width) sums of dy·x̂ and dy
    float* means; // (batch, groups, 2) of dy·gamma and dy·gamma·x̂
    int batch, frames, width, groups;
    int chunk, chunks;
};
typedef GroupNormGradOf<float> GroupNormGradArgs;

// Sums of dy·x̂ and dy of a column over a chunk of frames; 8 bytes an element.
STORED(group_norm_grad_columns, GroupNormGradOf) {
    const int b = blockIdx.z;
    const i64 column = (i64)blockIdx.x * 32 + threadIdx.x % 32, lo = (i64)blockIdx.y * a.chunk;
    const int g = b * a.groups + (int)(column < a.width ? column : 0) / (a.width / a.groups);
    const float mean = a.mean[g], rstd = a.rstd[g];
    float sum[2];
    const bool mine = sum_columns(lo, lo + a.chunk < a.frames ? lo + a.chunk : a.frames, column, a.width, sum, [&](i64 t, i64 c, float (&s)[2]) {
        const i64 at = ((i64)b * a.frames + t) * a.width + c;
        const float d = load1(a.dy + at);
        s[0] += d * ((load1(a.x + at) - mean) * rstd);
        s[1] += d;
    });
    if (!mine) return;
    float* const to = a.parts + ((i64)b * a.chunks + blockIdx.y) * 2 * a.width + column;
    to[0] = sum[0], to[a.width] = sum[1];
}

// A warp works out the two means of a batch row and group.
KERNEL(group_norm_grad_means, GroupNormGradArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.batch * a.groups) return;
    const int b = (int)(r / a.groups), g = (int)(r % a.groups), per = a.width / a.groups;
    double s1 = 0, s2 = 0;
    for (int i = threadIdx.x % 32; i < a.chunks * per; i += 32) {
        const int c = g * per + i % per;
        const float* const from = a.parts + ((i64)b * a.chunks + i / per) * 2 * a.width + c;
        s2 += (double)from[0] * a.gamma[c], s1 += (double)from[a.width] * a.gamma[c];
    }
    s1 = warp_sum(s1), s2 = warp_sum(s2);
    if (threadIdx.x % 32) return;
    const double n = (double)a.frames * per;
    a.means[2 * r] = (float)(s1 / n), a.means[2 * r + 1] = (float)(s2 / n);
}

// dx = rstd·(dy·gamma - mean(dy·gamma) - x̂·mean(dy·gamma·x̂)); 12 bytes an element.
template <int W, class S> static __device__ __forceinline__ void group_norm_grad_apply(const GroupNormGradOf<S>& a) {
    const int lane = threadIdx.x % 32, column = (blockIdx.x * 32 + lane) * W, b = blockIdx.z;
    if (column >= a.width) return;
    float mean[W], rstd[W], gamma[W], m1[W], m2[W];
#pragma unroll
    for (int i = 0; i < W; i++) {
        const i64 g = (i64)b * a.groups + (column + i) / (a.width / a.groups);
        mean[i] = a.mean[g], rstd[i] = a.rstd[g], gamma[i] = a.gamma[column + i], m1[i] = a.means[2 * g], m2[i] = a.means[2 * g + 1];
    }
    const int hi = min((int)(blockIdx.y + 1) * a.chunk, a.frames);
#pragma unroll 2
    for (int t = blockIdx.y * a.chunk + threadIdx.x / 32; t < hi; t += 8) {
        const i64 at = ((i64)b * a.frames + t) * a.width + column;
        float d[W], x[W];
        load_line(d, a.dy + at);
        load_line(x, a.x + at);
#pragma unroll
        for (int i = 0; i < W; i++) d[i] = rstd[i] * (d[i] * gamma[i] - m1[i] - (x[i] - mean[i]) * rstd[i] * m2[i]);
        store_line(a.dx + at, d);
    }
}
STORED(group_norm_grad, GroupNormGradOf) { group_norm_grad_apply<1>(a); }
STORED(group_norm_grad_4, GroupNormGradOf) { group_norm_grad_apply<4>(a); }
