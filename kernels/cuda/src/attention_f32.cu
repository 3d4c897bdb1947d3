// Attention in float32. A block of 16x16 threads has tiles of 64 queries and 64 keys; thread (ty,tx) has queries ty+16i and keys or channels tx+16j.
// WIDE is the room for channels of a head, 64 or 128; there are a.width of them. Pitch WIDE+1 keeps the 16 rows or columns that a warp reads in different banks.
//
// FLOPs of a head: 4·T²·W forward, 14·T²·W backward (scores and dP are computed twice, so that dq and dk, dv have sums of fixed order without atomics);
// bytes 16·T·W forward. Floor on a H100: 67 TFLOP/s.

template <int WIDE> struct AttentionTile {
    static const int pitch = WIDE + 1, size = 64 * pitch, square = 64 * 65;
};

// 64 rows from frame t0 on, zeros from frame end on.
template <int WIDE> static __device__ __forceinline__ void attention_load(float* to, const float* from, const AttentionHead& h, int t0, int end, int width) {
    for (int i = threadIdx.x; i < 64 * WIDE; i += 256) {
        const int r = i / WIDE, c = i % WIDE;
        to[r * (WIDE + 1) + c] = t0 + r < end && c < width ? from[h.base + (i64)(t0 + r) * h.ld + c] : 0.f;
    }
}

// s[i][j] = sum over channels of x[ty+16i]·y[tx+16j].
template <int WIDE> static __device__ __forceinline__ void attention_dot(float (&s)[4][4], const float* x, const float* y, int tx, int ty, int width) {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] = 0;
#pragma unroll 4
    for (int c = 0; c < width; c++) {
        float u[4], v[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u[i] = x[(ty + 16 * i) * (WIDE + 1) + c];
            v[i] = y[(tx + 16 * i) * (WIDE + 1) + c];
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) s[i][j] = fmaf(u[i], v[j], s[i][j]);
    }
}

// sum[i][j] += sum over r of p(r, ty+16i)·x[r][tx+16j], p of a 64x64 square, transposed or not: p(r,m) = square[m][r] or square[r][m].
template <int WIDE, bool ACROSS> static __device__ __forceinline__ void attention_mix(float (&sum)[4][WIDE / 16], const float* square, const float* x, int tx, int ty) {
#pragma unroll 4
    for (int r = 0; r < 64; r++) {
        float u[4];
#pragma unroll
        for (int i = 0; i < 4; i++) u[i] = ACROSS ? square[r * 65 + ty + 16 * i] : square[(ty + 16 * i) * 65 + r];
#pragma unroll
        for (int j = 0; j < WIDE / 16; j++) {
            const float v = x[r * (WIDE + 1) + tx + 16 * j];
#pragma unroll
            for (int i = 0; i < 4; i++) sum[i][j] = fmaf(u[i], v, sum[i][j]);
        }
    }
}

template <int WIDE> static __device__ __forceinline__ void attention_store(float* to, const AttentionHead& h, const float (&sum)[4][WIDE / 16], int t0, int frames, int width, int tx, int ty) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int t = t0 + ty + 16 * i;
        if (t >= frames) continue;
#pragma unroll
        for (int j = 0; j < WIDE / 16; j++)
            if (tx + 16 * j < width) to[h.base + (i64)t * h.ld + tx + 16 * j] = sum[i][j];
    }
}

// The sum or maximum over the 16 threads that share a row.
static __device__ __forceinline__ float row_sum(float v) {
#pragma unroll
    for (int o = 8; o; o >>= 1) v += shfl_xor(v, o);
    return v;
}
static __device__ __forceinline__ float row_max(float v) {
#pragma unroll
    for (int o = 8; o; o >>= 1) v = fmaxf(v, shfl_xor(v, o));
    return v;
}

template <int WIDE> static __device__ __forceinline__ void attention_f32(const AttentionArgs& a) {
    typedef AttentionTile<WIDE> Tile;
    DYNAMIC_SHARED(float, s); // q, k, v, probabilities
    float *q = s, *k = q + Tile::size, *v = k + Tile::size, *p = v + Tile::size;
    const AttentionHead h = attention_head(a);
    const int tx = threadIdx.x % 16, ty = threadIdx.x / 16, q0 = blockIdx.x * 64;

    attention_load<WIDE>(q, a.q, h, q0, a.frames, a.width);
    float sum[4][WIDE / 16] = {}, top[4], total[4] = {};
#pragma unroll
    for (int i = 0; i < 4; i++) top[i] = -INFINITY;
    for (int k0 = 0; k0 < h.keys; k0 += 64) {
        __syncthreads(); // the last tile has been used
        attention_load<WIDE>(k, a.k, h, k0, h.keys, a.width);
        attention_load<WIDE>(v, a.v, h, k0, h.keys, a.width);
        __syncthreads();
        float x[4][4];
        attention_dot<WIDE>(x, q, k, tx, ty, a.width);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float most = top[i];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                x[i][j] = k0 + tx + 16 * j < h.keys ? x[i][j] * a.scale : -INFINITY;
                most = fmaxf(most, x[i][j]);
            }
            most = row_max(most); // finite: a tile has at least one key
            const float shrink = expf(top[i] - most);
            top[i] = most;
            float part = 0;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float e = expf(x[i][j] - most);
                part += e;
                p[(ty + 16 * i) * 65 + tx + 16 * j] = e * attention_drop(a, h, q0 + ty + 16 * i, k0 + tx + 16 * j);
            }
            total[i] = fmaf(total[i], shrink, row_sum(part));
#pragma unroll
            for (int j = 0; j < WIDE / 16; j++) sum[i][j] *= shrink;
        }
        __syncthreads();
        attention_mix<WIDE, false>(sum, p, v, tx, ty);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int t = q0 + ty + 16 * i;
        if (tx == 0 && t < a.frames) a.lse[h.stats + t] = top[i] + logf(total[i]);
#pragma unroll
        for (int j = 0; j < WIDE / 16; j++) sum[i][j] /= total[i];
    }
    attention_store<WIDE>(a.y, h, sum, q0, a.frames, a.width, tx, ty);
}

// Probabilities and the gradients of scores of a tile: with m the factor of dropout, mp = m·p and ds = p·(m·dy·v - delta).
template <int WIDE> static __device__ __forceinline__ void attention_scores(float (&mp)[4][4], float (&ds)[4][4], const AttentionArgs& a, const AttentionHead& h, const float* q, const float* k,
                                                                            const float* v, const float* dy, int q0, int k0, int tx, int ty) {
    attention_dot<WIDE>(mp, q, k, tx, ty, a.width);
    attention_dot<WIDE>(ds, dy, v, tx, ty, a.width);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int t = q0 + ty + 16 * i;
        const bool real = t < a.frames;
        const float lse = real ? a.lse[h.stats + t] : 0.f, delta = real ? a.delta[h.stats + t] : 0.f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int u = k0 + tx + 16 * j;
            if (real && u < h.keys) {
                const float p = expf(fmaf(mp[i][j], a.scale, -lse)), m = attention_drop(a, h, t, u);
                mp[i][j] = m * p;
                ds[i][j] = p * (m * ds[i][j] - delta);
            } else {
                mp[i][j] = ds[i][j] = 0;
            }
        }
    }
}

template <int WIDE> static __device__ __forceinline__ void attention_grad_q_f32(const AttentionArgs& a) {
    typedef AttentionTile<WIDE> Tile;
    DYNAMIC_SHARED(float, s); // q, dy, k, v, ds
    float *q = s, *dy = q + Tile::size, *k = dy + Tile::size, *v = k + Tile::size, *square = v + Tile::size;
    const AttentionHead h = attention_head(a);
    const int tx = threadIdx.x % 16, ty = threadIdx.x / 16, q0 = blockIdx.x * 64;

    attention_load<WIDE>(q, a.q, h, q0, a.frames, a.width);
    attention_load<WIDE>(dy, a.dy, h, q0, a.frames, a.width);
    float sum[4][WIDE / 16] = {};
    for (int k0 = 0; k0 < h.keys; k0 += 64) {
        __syncthreads();
        attention_load<WIDE>(k, a.k, h, k0, h.keys, a.width);
        attention_load<WIDE>(v, a.v, h, k0, h.keys, a.width);
        __syncthreads();
        float mp[4][4], ds[4][4];
        attention_scores<WIDE>(mp, ds, a, h, q, k, v, dy, q0, k0, tx, ty);
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) square[(ty + 16 * i) * 65 + tx + 16 * j] = ds[i][j];
        __syncthreads();
        attention_mix<WIDE, false>(sum, square, k, tx, ty);
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < WIDE / 16; j++) sum[i][j] *= a.scale;
    attention_store<WIDE>(a.dq, h, sum, q0, a.frames, a.width, tx, ty);
}

template <int WIDE> static __device__ __forceinline__ void attention_grad_kv_f32(const AttentionArgs& a) {
    typedef AttentionTile<WIDE> Tile;
    DYNAMIC_SHARED(float, s); // k, v, q, dy, m·p, ds
    float *k = s, *v = k + Tile::size, *q = v + Tile::size, *dy = q + Tile::size, *probabilities = dy + Tile::size, *square = probabilities + Tile::square;
    const AttentionHead h = attention_head(a);
    const int tx = threadIdx.x % 16, ty = threadIdx.x / 16, k0 = blockIdx.x * 64;

    attention_load<WIDE>(k, a.k, h, k0, h.keys, a.width);
    attention_load<WIDE>(v, a.v, h, k0, h.keys, a.width);
    float dk[4][WIDE / 16] = {}, dv[4][WIDE / 16] = {};
    for (int q0 = 0; q0 < a.frames && k0 < h.keys; q0 += 64) {
        __syncthreads();
        attention_load<WIDE>(q, a.q, h, q0, a.frames, a.width);
        attention_load<WIDE>(dy, a.dy, h, q0, a.frames, a.width);
        __syncthreads();
        float mp[4][4], ds[4][4];
        attention_scores<WIDE>(mp, ds, a, h, q, k, v, dy, q0, k0, tx, ty);
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                probabilities[(ty + 16 * i) * 65 + tx + 16 * j] = mp[i][j];
                square[(ty + 16 * i) * 65 + tx + 16 * j] = ds[i][j];
            }
        __syncthreads();
        attention_mix<WIDE, true>(dv, probabilities, dy, tx, ty);
        attention_mix<WIDE, true>(dk, square, q, tx, ty);
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < WIDE / 16; j++) dk[i][j] *= a.scale;
    attention_store<WIDE>(a.dk, h, dk, k0, a.frames, a.width, tx, ty);
    attention_store<WIDE>(a.dv, h, dv, k0, a.frames, a.width, tx, ty);
}

KERNEL(attention_f32_64, AttentionArgs) { attention_f32<64>(a); }
KERNEL(attention_f32_128, AttentionArgs) { attention_f32<128>(a); }
KERNEL(attention_grad_q_f32_64, AttentionArgs) { attention_grad_q_f32<64>(a); }
KERNEL(attention_grad_q_f32_128, AttentionArgs) { attention_grad_q_f32<128>(a); }
KERNEL(attention_grad_kv_f32_64, AttentionArgs) { attention_grad_kv_f32<64>(a); }
KERNEL(attention_grad_kv_f32_128, AttentionArgs) { attention_grad_kv_f32<128>(a); }
