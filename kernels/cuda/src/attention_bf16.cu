// Attention on tensor cores, for heads of up to 64 channels: operands rounded to bfloat16, float32 sums and softmax. A block of 8 warps has 128 rows (queries, or
// keys for their gradients), 16 for each warp, and goes over the other side in tiles of 64. Scores and probabilities stay in registers: what mma gives
// as a sum is what it takes as an operand.
//
// FLOPs of a head: 4·T²·W forward, 14·T²·W backward (7 products instead of the least 5, so that all sums have a fixed order without atomics); bytes 16·T·W forward, 8·T·W where tensors are stored in
// bfloat16.
// Floor on a H100: 660 TFLOP/s of mma.sync; with dropout ten rounds of Philox for 4 probabilities are about as much.

enum { attentionRows = 128, attentionTile = 64, attentionPitch = 72 }; // 144 bytes: 8 rows of 16 bytes lie in different banks

// Rows of (T,W) from frame t0 on, lines of N: from memory to registers, and as bfloat16 to shared memory. Zeros from frame end on.
template <class S, int ROWS, int N> struct Bf16Rows {
    static const int lines = ROWS * 64 / N / 256;
    float v[lines][N];

    __device__ __forceinline__ void load(const S* from, const AttentionHead& h, int t0, int end, int width) {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = threadIdx.x + j * 256, r = i / (64 / N), c = i % (64 / N) * N;
            dense_load<N>(v[j], from + h.base, h.ld, t0 + r, c, end, width);
        }
    }
    __device__ __forceinline__ void store(u16* to) const {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = threadIdx.x + j * 256;
            u16* p = to + i / (64 / N) * attentionPitch + i % (64 / N) * N;
            if (N == 4)
                *(uint2*)p = make_uint2(pack_bf16(v[j][0], v[j][N > 1 ? 1 : 0]), pack_bf16(v[j][N > 2 ? 2 : 0], v[j][N > 3 ? 3 : 0]));
            else
                p[0] = to_bf16(v[j][0]);
        }
    }
};

// Those that are bfloat16 already: 16 bytes at a time where N is 8.
template <int ROWS, int N> struct Bf16Rows<bf16, ROWS, N> {
    static const int lines = ROWS * 64 / N / 256;
    struct __align__(2 * N) Bits { u16 v[N]; } v[lines];

    __device__ __forceinline__ void load(const bf16* from, const AttentionHead& h, int t0, int end, int width) {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = threadIdx.x + j * 256, r = i / (64 / N), c = i % (64 / N) * N;
#pragma unroll
            for (int e = 0; e < N; e++) v[j].v[e] = 0;
            if (t0 + r < end && c < width) v[j] = *reinterpret_cast<const Bits*>(from + h.base + (i64)(t0 + r) * h.ld + c);
        }
    }
    __device__ __forceinline__ void store(u16* to) const {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = threadIdx.x + j * 256;
            *reinterpret_cast<Bits*>(to + i / (64 / N) * attentionPitch + i % (64 / N) * N) = v[j];
        }
    }
};

// The 16 rows of this warp as operands of four products of 16 channels.
static __device__ __forceinline__ void warp_rows(u32 (&u)[4][4], const u16* rows) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int k = 0; k < 4; k++) ldmatrix(u[k], shared(rows + (warp * 16 + lane % 16) * attentionPitch + k * 16 + lane / 16 * 8));
}

// s (16,64) = u (16,W) · the 64 rows of a tile, transposed.
static __device__ __forceinline__ void warp_scores(float (&s)[8][4], const u32 (&u)[4][4], const u16* tile) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) s[n][e] = 0;
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int n = 0; n < 4; n++) {
            u32 v[4];
            ldmatrix(v, shared(tile + (n * 16 + lane / 16 * 8 + lane % 8) * attentionPitch + k * 16 + lane / 8 % 2 * 8));
            mma_bf16(s[2 * n], u[k], v[0], v[1]);
            mma_bf16(s[2 * n + 1], u[k], v[2], v[3]);
        }
    mma_join();
}

// sum (16,W) += s (16,64) · the 64 rows of a tile.
static __device__ __forceinline__ void warp_mix(float (&sum)[8][4], const float (&s)[8][4], const u16* tile) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int k = 0; k < 4; k++) {
        const u32 u[4] = {pack_bf16(s[2 * k][0], s[2 * k][1]), pack_bf16(s[2 * k][2], s[2 * k][3]), pack_bf16(s[2 * k + 1][0], s[2 * k + 1][1]), pack_bf16(s[2 * k + 1][2], s[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < 4; n++) {
            u32 v[4];
            ldmatrix_trans(v, shared(tile + (k * 16 + lane / 8 % 2 * 8 + lane % 8) * attentionPitch + n * 16 + lane / 16 * 8));
            mma_bf16(sum[2 * n], u, v[0], v[1]);
            mma_bf16(sum[2 * n + 1], u, v[2], v[3]);
        }
    }
    mma_join();
}

// Pairs of columns where lines of N are even.
template <int N, class S> static __device__ __forceinline__ void warp_store(S* to, const AttentionHead& h, const float (&sum)[8][4], float scale, int t0, int frames, int width) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        const int t = t0 + warp * 16 + lane / 4 + 8 * r;
        if (t >= frames) continue;
        S* const row = to + h.base + (i64)t * h.ld;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            const int c = n * 8 + lane % 4 * 2;
            const float x = sum[n][2 * r] * scale, y = sum[n][2 * r + 1] * scale;
            if (N > 1) {
                if (c < width) store2(row + c, make_float2(x, y));
            } else {
                if (c < width) store1(row + c, x);
                if (c + 1 < width) store1(row + c + 1, y);
            }
        }
    }
}

static __device__ __forceinline__ u32 word_of(const uint4& w, int i) { return i == 0 ? w.x : i == 1 ? w.y : i == 2 ? w.z : w.w; }

// Factors of dropout for the four probabilities that a lane has of 8 columns: queries row and row+8, keys column and column+1. Where T is a multiple of
// four, four neighbouring keys share a block of the stream, and two lanes share two such blocks; elsewhere each probability takes a block.
template <class S> static __device__ __forceinline__ void drop_queries(float (&m)[4], const AttentionOf<S>& a, const AttentionHead& h, int row, int column) {
    if (a.frames % 4 == 0) {
        const int odd = threadIdx.x % 2;
        const uint4 w = noise_block(a.noise, (u32)((h.noise + (u64)(row + 8 * odd) * a.frames + (column - 2 * odd)) >> 2));
        // The even lane has the words of its row for both, the odd one those of the row after next eight.
        const u32 x = shfl_xor(odd ? w.x : w.z, 1), y = shfl_xor(odd ? w.y : w.w, 1);
        m[0] = noise_keep(a.noise, odd ? x : w.x);
        m[1] = noise_keep(a.noise, odd ? y : w.y);
        m[2] = noise_keep(a.noise, odd ? w.z : x);
        m[3] = noise_keep(a.noise, odd ? w.w : y);
        return;
    }
#pragma unroll
    for (int e = 0; e < 4; e++) m[e] = noise_keep(a.noise, noise_word(a.noise, h.noise + (u64)(row + e / 2 * 8) * a.frames + column + e % 2));
}

// The same where rows are keys and columns queries. Four lanes share four blocks: each makes one, and gives the others their words.
template <class S> static __device__ __forceinline__ void drop_keys(float (&m)[4], const AttentionOf<S>& a, const AttentionHead& h, int row, int column) {
    if (a.frames % 4 == 0) {
        const int mine = threadIdx.x / 4 % 4; // row%4, and which block this lane makes
        const uint4 w = noise_block(a.noise, (u32)((h.noise + (u64)(column + mine % 2) * a.frames + (row - mine + mine / 2 * 8)) >> 2));
        u32 got[4]; // from the lane that makes block mine^x
        got[0] = word_of(w, mine);
#pragma unroll
        for (int x = 1; x < 4; x++) got[x] = shfl_xor(word_of(w, mine ^ x), x * 4);
#pragma unroll
        for (int e = 0; e < 4; e++) {
            const int x = e ^ mine;
            m[e] = noise_keep(a.noise, x == 0 ? got[0] : x == 1 ? got[1] : x == 2 ? got[2] : got[3]);
        }
        return;
    }
#pragma unroll
    for (int e = 0; e < 4; e++) m[e] = noise_keep(a.noise, noise_word(a.noise, h.noise + (u64)(column + e % 2) * a.frames + row + e / 2 * 8));
}

static const float log2e = 1.44269504088896341f, ln2 = 0.693147180559945309f;

template <int N, class S> static __device__ __forceinline__ void attention_bf16(const AttentionOf<S>& a) {
    DYNAMIC_SHARED(u16, tiles); // q, k, v
    u16 *q = tiles, *k = q + attentionRows * attentionPitch, *v = k + attentionTile * attentionPitch;
    const AttentionHead h = attention_head(a);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, q0 = blockIdx.x * attentionRows, row = q0 + warp * 16 + lane / 4;
    {
        Bf16Rows<S, attentionRows, N> rows;
        rows.load(a.q, h, q0, a.frames, a.width);
        rows.store(q);
    }
    Bf16Rows<S, attentionTile, N> ks, vs;
    ks.load(a.k, h, 0, h.keys, a.width);
    vs.load(a.v, h, 0, h.keys, a.width);
    __syncthreads();
    u32 u[4][4];
    warp_rows(u, q);
    const float scale = a.scale * log2e; // powers of two from here
    float sum[8][4] = {}, top[2] = {-INFINITY, -INFINITY}, total[2] = {};
    for (int k0 = 0; k0 < h.keys; k0 += attentionTile) {
        __syncthreads(); // the last tile has been used
        ks.store(k);
        vs.store(v);
        __syncthreads();
        if (k0 + attentionTile < h.keys) {
            ks.load(a.k, h, k0 + attentionTile, h.keys, a.width);
            vs.load(a.v, h, k0 + attentionTile, h.keys, a.width);
        }
        float x[8][4];
        warp_scores(x, u, k);
#pragma unroll
        for (int n = 0; n < 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) x[n][e] = k0 + n * 8 + lane % 4 * 2 + e % 2 < h.keys ? x[n][e] * scale : -INFINITY;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float most = top[r];
#pragma unroll
            for (int n = 0; n < 8; n++) most = fmaxf(most, fmaxf(x[n][2 * r], x[n][2 * r + 1]));
            most = fmaxf(most, shfl_xor(most, 1));
            most = fmaxf(most, shfl_xor(most, 2)); // finite: a tile has at least one key
            const float shrink = exp2_fast(top[r] - most);
            top[r] = most;
            float part = 0;
#pragma unroll
            for (int n = 0; n < 8; n++) {
                x[n][2 * r] = exp2_fast(x[n][2 * r] - most);
                x[n][2 * r + 1] = exp2_fast(x[n][2 * r + 1] - most);
                part += x[n][2 * r] + x[n][2 * r + 1];
                sum[n][2 * r] *= shrink;
                sum[n][2 * r + 1] *= shrink;
            }
            total[r] = fmaf(total[r], shrink, part); // of this lane's keys
        }
        if (a.noise.threshold) {
#pragma unroll
            for (int n = 0; n < 8; n++) {
                float m[4];
                drop_queries(m, a, h, row, k0 + n * 8 + lane % 4 * 2);
#pragma unroll
                for (int e = 0; e < 4; e++) x[n][e] *= m[e];
            }
        }
        warp_mix(sum, x, v);
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        total[r] += shfl_xor(total[r], 1);
        total[r] += shfl_xor(total[r], 2);
        if (lane % 4 == 0 && row + 8 * r < a.frames) a.lse[h.stats + row + 8 * r] = fmaf(top[r], ln2, logf(total[r]));
#pragma unroll
        for (int n = 0; n < 8; n++) {
            sum[n][2 * r] /= total[r];
            sum[n][2 * r + 1] /= total[r];
        }
    }
    warp_store<N>(a.y, h, sum, 1, q0, a.frames, a.width);
}

template <int N, class S> static __device__ __forceinline__ void attention_grad_q_bf16(const AttentionOf<S>& a) {
    DYNAMIC_SHARED(u16, tiles); // q, dy, k, v
    u16 *q = tiles, *dy = q + attentionRows * attentionPitch, *k = dy + attentionRows * attentionPitch, *v = k + attentionTile * attentionPitch;
    const AttentionHead h = attention_head(a);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, q0 = blockIdx.x * attentionRows, row = q0 + warp * 16 + lane / 4;
    {
        Bf16Rows<S, attentionRows, N> rows;
        rows.load(a.q, h, q0, a.frames, a.width);
        rows.store(q);
        rows.load(a.dy, h, q0, a.frames, a.width);
        rows.store(dy);
    }
    __syncthreads();
    u32 u[4][4], w[4][4];
    warp_rows(u, q);
    warp_rows(w, dy);
    float lse[2], delta[2], sum[8][4] = {};
#pragma unroll
    for (int r = 0; r < 2; r++) {
        const bool real = row + 8 * r < a.frames;
        lse[r] = real ? a.lse[h.stats + row + 8 * r] * log2e : 0.f;
        delta[r] = real ? a.delta[h.stats + row + 8 * r] : 0.f;
    }
    const float scale = a.scale * log2e;
    for (int k0 = 0; k0 < h.keys; k0 += attentionTile) {
        __syncthreads();
        {
            Bf16Rows<S, attentionTile, N> rows;
            rows.load(a.k, h, k0, h.keys, a.width);
            rows.store(k);
            rows.load(a.v, h, k0, h.keys, a.width);
            rows.store(v);
        }
        __syncthreads();
        float p[8][4], ds[8][4];
        warp_scores(p, u, k);
        warp_scores(ds, w, v);
#pragma unroll
        for (int n = 0; n < 8; n++) {
            const int column = k0 + n * 8 + lane % 4 * 2;
            float m[4] = {1, 1, 1, 1};
            if (a.noise.threshold) drop_queries(m, a, h, row, column);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const bool real = column + e % 2 < h.keys && row + e / 2 * 8 < a.frames;
                ds[n][e] = real ? exp2_fast(fmaf(p[n][e], scale, -lse[e / 2])) * fmaf(m[e], ds[n][e], -delta[e / 2]) : 0.f;
            }
        }
        warp_mix(sum, ds, k);
    }
    warp_store<N>(a.dq, h, sum, a.scale, q0, a.frames, a.width);
}

template <int N, class S> static __device__ __forceinline__ void attention_grad_kv_bf16(const AttentionOf<S>& a) {
    DYNAMIC_SHARED(u16, tiles); // k, v, q, dy, then lse and delta of the queries
    u16 *k = tiles, *v = k + attentionRows * attentionPitch, *q = v + attentionRows * attentionPitch, *dy = q + attentionTile * attentionPitch;
    float *lse = (float*)(dy + attentionTile * attentionPitch), *delta = lse + attentionTile;
    const AttentionHead h = attention_head(a);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, k0 = blockIdx.x * attentionRows, row = k0 + warp * 16 + lane / 4;
    {
        Bf16Rows<S, attentionRows, N> rows;
        rows.load(a.k, h, k0, h.keys, a.width);
        rows.store(k);
        rows.load(a.v, h, k0, h.keys, a.width);
        rows.store(v);
    }
    float dk[8][4] = {}, dv[8][4] = {};
    const float scale = a.scale * log2e;
    for (int q0 = 0; q0 < a.frames && k0 < h.keys; q0 += attentionTile) {
        __syncthreads();
        {
            Bf16Rows<S, attentionTile, N> rows;
            rows.load(a.q, h, q0, a.frames, a.width);
            rows.store(q);
            rows.load(a.dy, h, q0, a.frames, a.width);
            rows.store(dy);
        }
        if (threadIdx.x < attentionTile) {
            const bool real = q0 + (int)threadIdx.x < a.frames;
            lse[threadIdx.x] = real ? a.lse[h.stats + q0 + threadIdx.x] * log2e : 0.f;
            delta[threadIdx.x] = real ? a.delta[h.stats + q0 + threadIdx.x] : 0.f;
        }
        __syncthreads();
        float p[8][4], ds[8][4];
        { // k and v stay in shared memory: there are no registers for them beside two sums
            u32 u[4][4];
            warp_rows(u, k);
            warp_scores(p, u, q);
            warp_rows(u, v);
            warp_scores(ds, u, dy);
        }
#pragma unroll
        for (int n = 0; n < 8; n++) {
            const int at = n * 8 + lane % 4 * 2;
            float m[4] = {1, 1, 1, 1};
            if (a.noise.threshold) drop_keys(m, a, h, row, q0 + at);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const bool real = row + e / 2 * 8 < h.keys && q0 + at + e % 2 < a.frames;
                const float x = real ? exp2_fast(fmaf(p[n][e], scale, -lse[at + e % 2])) : 0.f;
                ds[n][e] = real ? x * fmaf(m[e], ds[n][e], -delta[at + e % 2]) : 0.f;
                p[n][e] = x * m[e];
            }
        }
        warp_mix(dv, p, dy);
        warp_mix(dk, ds, q);
    }
    warp_store<N>(a.dk, h, dk, a.scale, k0, a.frames, a.width);
    warp_store<N>(a.dv, h, dv, 1, k0, a.frames, a.width);
}

// Names: what is computed, the numbers that are read in line, and how tensors are stored.
#define ATTENTION_BF16(part, N)                                                          \
    KERNEL(attention_##part##bf16_##N, AttentionArgs) { attention_##part##bf16<N>(a); }
#define ATTENTION_BF16_B16(part, N)                                                                   \
    KERNEL(attention_##part##bf16_##N##_b16, AttentionOf<bf16>) { attention_##part##bf16<N>(a); }
ATTENTION_BF16(, 4)
ATTENTION_BF16(, 1)
ATTENTION_BF16(grad_q_, 4)
ATTENTION_BF16(grad_q_, 1)
ATTENTION_BF16(grad_kv_, 4)
ATTENTION_BF16(grad_kv_, 1)
ATTENTION_BF16_B16(, 8)
ATTENTION_BF16_B16(, 1)
ATTENTION_BF16_B16(grad_q_, 8)
ATTENTION_BF16_B16(grad_q_, 1)
ATTENTION_BF16_B16(grad_kv_, 8)
ATTENTION_BF16_B16(grad_kv_, 1)
