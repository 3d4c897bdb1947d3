// Products on tensor cores (mma.sync m16n8k16): operands rounded to bfloat16 on their way to shared memory, float32 sums. With PARTS = 2 each operand is
// the sum of two bfloat16 numbers and the product of the low ones is left out (kernels.PrecisionHigh).
//
// A block of 8 warps computes 128 x WIDE, in steps of 32 of the sum; warps have 64x32 (WIDE 128) or 32x32 (WIDE 64) of it. FLOPs 2·m·n·k, three times as
// many with PARTS = 2; bytes 4·(m·k + n·k + m·n) if each operand came once from memory. Floor on a H100: 989 TFLOP/s of wgmma, of mma.sync about 660.

// The remainder of x after rounding.
static __device__ __forceinline__ float low_part(float x) {
    const float r = x - from_bf16(to_bf16(x));
    return r == r ? r : 0.f; // of infinity
}

template <int KIND, int PARTS, int WIDE, int N> static __device__ __forceinline__ void gemm_bf16(const GemmArgs& a) {
    const int depth = 32, tall = 128;
    // The operand that gives rows of the result, and the one that gives columns.
    typedef Bf16Tile<tall, KIND != TN> Left;
    typedef Bf16Tile<WIDE, KIND == NT> Right;
    const int leftLines = tall * depth / N / 256, rightLines = WIDE * depth / N / 256;
    const int stage = PARTS * (Left::size + Right::size);
    DYNAMIC_SHARED(u16, s); // 2 stages of PARTS x (left, right)
    const GemmBlock t = gemm_block(a, tall, WIDE);
    const int tid = threadIdx.x, lane = tid % 32, warp = tid / 32;
    const int warpsDown = WIDE == 128 ? 2 : 4, down = tall / warpsDown / 16; // tiles of 16 rows that a warp has, and 32 columns
    const int m = warp % warpsDown * (tall / warpsDown), n = warp / warpsDown * 32;

    float left[leftLines][N], right[rightLines][N];
    const bool keep = KIND != TN && N > 1; // rows, where there are registers for them
    ViewRow rows[keep ? leftLines : 1];
    if (keep) {
#pragma unroll
        for (int j = 0; j < leftLines; j++) rows[keep ? j : 0] = view_row(a.x, t.x, t.m0 + (tid + j * 256) / (depth / N), a.m);
    }
    auto load = [&](int k0) {
#pragma unroll
        for (int j = 0; j < leftLines; j++) {
            const int i = tid + j * 256;
            if (KIND == TN)
                dense_load<N>(left[j], t.w, a.ldw, k0 + i / (tall / N), t.m0 + i % (tall / N) * N, t.end, a.m);
            else
                view_load<N>(left[j], a.x, keep ? rows[keep ? j : 0] : view_row(a.x, t.x, t.m0 + i / (depth / N), a.m), k0 + i % (depth / N) * N, t.end);
        }
#pragma unroll
        for (int j = 0; j < rightLines; j++) {
            const int i = tid + j * 256, deep = k0 + i / (WIDE / N), at = t.n0 + i % (WIDE / N) * N;
            if (KIND == NT)
                dense_load<N>(right[j], t.w, a.ldw, t.n0 + i / (depth / N), k0 + i % (depth / N) * N, a.n, t.end);
            else if (KIND == NN)
                dense_load<N>(right[j], t.w, a.ldw, deep, at, t.end, a.n);
            else
                view_load<N>(right[j], a.x, view_row(a.x, t.x, deep, t.end), at, a.n);
        }
    };
    auto put = [&](u16* to, const float (&from)[N], int part) {
        float v[N];
#pragma unroll
        for (int e = 0; e < N; e++) v[e] = part ? low_part(from[e]) : from[e];
        if (N == 4)
            *(uint2*)to = make_uint2(pack_bf16(v[0], v[N > 1 ? 1 : 0]), pack_bf16(v[N > 2 ? 2 : 0], v[N > 3 ? 3 : 0]));
        else
            to[0] = to_bf16(v[0]);
    };
    auto store = [&](int b) {
#pragma unroll
        for (int part = 0; part < PARTS; part++) {
            u16 *l = s + b * stage + part * (Left::size + Right::size), *r = l + Left::size;
#pragma unroll
            for (int j = 0; j < leftLines; j++) {
                const int i = tid + j * 256, line = KIND == TN ? tall / N : depth / N;
                put(l + i / line * Left::pitch + i % line * N, left[j], part);
            }
#pragma unroll
            for (int j = 0; j < rightLines; j++) {
                const int i = tid + j * 256, line = KIND == NT ? depth / N : WIDE / N;
                put(r + i / line * Right::pitch + i % line * N, right[j], part);
            }
        }
    };

    float sum[down][4][4] = {};
    const int steps = t.end > t.first ? (t.end - t.first + depth - 1) / depth : 0;
    if (steps) {
        load(t.first);
        store(0);
        __syncthreads();
    }
    for (int step = 0; step < steps; step++) {
        const int b = step & 1;
        if (step + 1 < steps) load(t.first + (step + 1) * depth);
        const shared_t l = shared(s + b * stage), r = l + 2 * Left::size;
#pragma unroll
        for (int k = 0; k < depth; k += 16) {
            u32 u[PARTS][down][4], v[PARTS][2][4];
#pragma unroll
            for (int part = 0; part < PARTS; part++) {
                const shared_t lp = l + part * 2 * (Left::size + Right::size), rp = r + part * 2 * (Left::size + Right::size);
#pragma unroll
                for (int i = 0; i < down; i++) {
                    if (KIND == TN) // [k][m]
                        ldmatrix_trans(u[part][i], lp + 2 * ((k + lane / 16 * 8 + lane % 8) * Left::pitch + m + i * 16 + lane / 8 % 2 * 8));
                    else // [m][k]
                        ldmatrix(u[part][i], lp + 2 * ((m + i * 16 + lane % 16) * Left::pitch + k + lane / 16 * 8));
                }
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    if (KIND == NT) // [n][k]
                        ldmatrix(v[part][j], rp + 2 * ((n + j * 16 + lane / 16 * 8 + lane % 8) * Right::pitch + k + lane / 8 % 2 * 8));
                    else // [k][n]
                        ldmatrix_trans(v[part][j], rp + 2 * ((k + lane / 8 % 2 * 8 + lane % 8) * Right::pitch + n + j * 16 + lane / 16 * 8));
                }
            }
#pragma unroll
            for (int i = 0; i < down; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const int p = j / 2, q = j % 2 * 2;
                    if (PARTS == 2) { // the small ones first
                        mma_bf16(sum[i][j], u[PARTS - 1][i], v[0][p][q], v[0][p][q + 1]);
                        mma_bf16(sum[i][j], u[0][i], v[PARTS - 1][p][q], v[PARTS - 1][p][q + 1]);
                    }
                    mma_bf16(sum[i][j], u[0][i], v[0][p][q], v[0][p][q + 1]);
                }
        }
        mma_join();
        if (step + 1 < steps) store(b ^ 1); // nobody reads it: all are past the barrier of the last step
        __syncthreads();
    }
    float* const room = (float*)s + warp * epilogue_room; // nobody reads operands any more
#pragma unroll
    for (int i = 0; i < down; i++) {
        stage_tile(room, sum[i]);
#pragma unroll 1
        for (int r = lane / 8; r < 16; r += 4)
            gemm_store(a, t, gemm_row(a, t.y, t.m0 + m + i * 16 + r), t.n0 + n + lane % 8 * 4, room + r * epilogue_pitch + lane % 8 * 4);
    }
}

// Names: precision, kind, columns of the tile, and whether lines of four floats are read.
#define GEMM_BF16(kind, KIND)                                                        \
    KERNEL(gemm_bf16_##kind##_128x4, GemmArgs) { gemm_bf16<KIND, 1, 128, 4>(a); }    \
    KERNEL(gemm_bf16_##kind##_64x4, GemmArgs) { gemm_bf16<KIND, 1, 64, 4>(a); }      \
    KERNEL(gemm_bf16_##kind##_64x1, GemmArgs) { gemm_bf16<KIND, 1, 64, 1>(a); }      \
    KERNEL(gemm_high_##kind##_128x4, GemmArgs) { gemm_bf16<KIND, 2, 128, 4>(a); }    \
    KERNEL(gemm_high_##kind##_64x4, GemmArgs) { gemm_bf16<KIND, 2, 64, 4>(a); }      \
    KERNEL(gemm_high_##kind##_64x1, GemmArgs) { gemm_bf16<KIND, 2, 64, 1>(a); }
GEMM_BF16(nt, NT)
GEMM_BF16(nn, NN)
GEMM_BF16(tn, TN)
