// Products of operands that are bfloat16 in memory, on tensor cores (mma.sync m16n8k16) with float32 sums: the same numbers in the same order as gemm_bf16.cu computes
// from float32 operands that have these values, without a conversion on the way. cp.async brings them to shared memory, three steps of 32 of the sum ahead.
//
// A block of 8 warps computes 128 x WIDE; warps have 64x32 (WIDE 128) or 32x32 (WIDE 64) of it. FLOPs 2·m·n·k; bytes 2·(m·k + n·k) and those of the result if each operand
// came once from memory. Floor on a H100: of mma.sync about 660 TFLOP/s.

static const int gemm_b16_stages = 4;

// N elements to shared memory, or zeros: 16 bytes that arrive later, or one number that is there.
template <int N> static __device__ __forceinline__ void copy_b16(u16* to, const u16* base, i64 from, bool keep) {
    if (N == 8)
        cp_async16(shared(to), keep ? base + from : base, keep);
    else
        *to = keep ? base[from] : (u16)0;
}

template <int KIND, int WIDE, int N> static __device__ __forceinline__ void gemm_b16(const GemmArgs& a) {
    const int depth = 32, tall = 128, stages = gemm_b16_stages;
    typedef Bf16Tile<tall, KIND != TN> Left;
    typedef Bf16Tile<WIDE, KIND == NT> Right;
    const int leftLines = tall * depth / N / 256, rightLines = WIDE * depth / N / 256, stage = Left::size + Right::size;
    DYNAMIC_SHARED(u16, s); // stages of left and right
    const GemmBlock t = gemm_block(a, tall, WIDE);
    const u16 *const x = (const u16*)a.x.p + blockIdx.z % a.groups * a.x.group, *const w = (const u16*)a.w + blockIdx.z % a.groups * a.wGroup;
    const int tid = threadIdx.x, lane = tid % 32, warp = tid / 32;
    const int warpsDown = WIDE == 128 ? 2 : 4, down = tall / warpsDown / 16; // tiles of 16 rows that a warp has, and 32 columns
    const int m = warp % warpsDown * (tall / warpsDown), n = warp / warpsDown * 32;

    // Row r of the view, of rows: where it begins and its first frame.
    auto place = [&](int r, int rows, i64& from, int& first) {
        const int b = r / a.x.rows;
        first = (r - b * a.x.rows) * a.x.stride - a.x.pad;
        from = ((i64)b * a.x.frames + first) * a.x.ld;
        if (r >= rows) first = -(1 << 30);
    };
    const bool keep = KIND != TN && N > 1; // places of rows, where there are registers for them
    i64 rowAt[keep ? leftLines : 1];
    int rowFrame[keep ? leftLines : 1];
    if (keep) {
#pragma unroll
        for (int j = 0; j < leftLines; j++) place(t.m0 + (tid + j * 256) / (depth / N), a.m, rowAt[keep ? j : 0], rowFrame[keep ? j : 0]);
    }
    // Element k of a row of the view, and N from there in line.
    auto window = [&](u16* to, i64 from, int first, int k, int end) {
        const int tap = a.x.taps == 1 ? 0 : k / a.x.inner, frame = first + tap;
        copy_b16<N>(to, x, from + (i64)tap * a.x.ld + (k - tap * a.x.inner), k < end && frame >= 0 && frame < a.x.frames);
    };
    auto copy = [&](int step) {
        u16 *const l = s + step % stages * stage, *const r = l + Left::size;
        const int k0 = t.first + step * depth;
#pragma unroll
        for (int j = 0; j < leftLines; j++) {
            const int i = tid + j * 256, line = KIND == TN ? tall / N : depth / N, row = i / line, c = i % line * N;
            u16* const to = l + row * Left::pitch + c;
            if (KIND == TN) {
                copy_b16<N>(to, w, (i64)(k0 + row) * a.ldw + t.m0 + c, k0 + row < t.end && t.m0 + c < a.m);
            } else {
                i64 from;
                int first;
                if (keep)
                    from = rowAt[keep ? j : 0], first = rowFrame[keep ? j : 0];
                else
                    place(t.m0 + row, a.m, from, first);
                window(to, from, first, k0 + c, t.end);
            }
        }
#pragma unroll
        for (int j = 0; j < rightLines; j++) {
            const int i = tid + j * 256, line = KIND == NT ? depth / N : WIDE / N, row = i / line, c = i % line * N;
            u16* const to = r + row * Right::pitch + c;
            if (KIND == NT) {
                copy_b16<N>(to, w, (i64)(t.n0 + row) * a.ldw + k0 + c, t.n0 + row < a.n && k0 + c < t.end);
            } else if (KIND == NN) {
                copy_b16<N>(to, w, (i64)(k0 + row) * a.ldw + t.n0 + c, k0 + row < t.end && t.n0 + c < a.n);
            } else {
                i64 from;
                int first;
                place(k0 + row, t.end, from, first);
                window(to, from, first, t.n0 + c, a.n);
            }
        }
    };

    float sum[down][4][4] = {};
    const int steps = t.end > t.first ? (t.end - t.first + depth - 1) / depth : 0;
#pragma unroll
    for (int i = 0; i < stages - 1; i++) {
        if (i < steps) copy(i);
        cp_commit();
    }
    for (int step = 0; step < steps; step++) {
        cp_wait<stages - 2>();
        __syncthreads(); // the copies of all are there, and all have used what the next ones overwrite
        if (step + stages - 1 < steps) copy(step + stages - 1);
        cp_commit();
        const shared_t l = shared(s + step % stages * stage), r = l + 2 * Left::size;
#pragma unroll
        for (int k = 0; k < depth; k += 16) {
            u32 u[down][4], v[2][4];
#pragma unroll
            for (int i = 0; i < down; i++) {
                if (KIND == TN) // [k][m]
                    ldmatrix_trans(u[i], l + 2 * ((k + lane / 16 * 8 + lane % 8) * Left::pitch + m + i * 16 + lane / 8 % 2 * 8));
                else // [m][k]
                    ldmatrix(u[i], l + 2 * ((m + i * 16 + lane % 16) * Left::pitch + k + lane / 16 * 8));
            }
#pragma unroll
            for (int j = 0; j < 2; j++) {
                if (KIND == NT) // [n][k]
                    ldmatrix(v[j], r + 2 * ((n + j * 16 + lane / 16 * 8 + lane % 8) * Right::pitch + k + lane / 8 % 2 * 8));
                else // [k][n]
                    ldmatrix_trans(v[j], r + 2 * ((k + lane / 8 % 2 * 8 + lane % 8) * Right::pitch + n + j * 16 + lane / 16 * 8));
            }
#pragma unroll
            for (int i = 0; i < down; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) mma_bf16(sum[i][j], u[i], v[j / 2][j % 2 * 2], v[j / 2][j % 2 * 2 + 1]);
        }
        mma_join();
    }
    cp_wait<0>();
    __syncthreads(); // nobody reads operands any more
    float* const room = (float*)s + warp * epilogue_room;
#pragma unroll
    for (int i = 0; i < down; i++) {
        stage_tile(room, sum[i]);
#pragma unroll 1
        for (int r = lane / 8; r < 16; r += 4)
            gemm_store(a, t, gemm_row(a, t.y, t.m0 + m + i * 16 + r), t.n0 + n + lane % 8 * 4, room + r * epilogue_pitch + lane % 8 * 4);
    }
}

// Names: kind, columns of the tile, and the numbers that are read in line. Two blocks fit on a multiprocessor, by registers and, where there are 164 KiB, by shared memory.
#define GEMM_B16(kind, KIND)                                                                    \
    KERNEL_BESIDE(gemm_b16_##kind##_128x8, GemmArgs, 256, 2) { gemm_b16<KIND, 128, 8>(a); }     \
    KERNEL_BESIDE(gemm_b16_##kind##_64x8, GemmArgs, 256, 2) { gemm_b16<KIND, 64, 8>(a); }       \
    KERNEL(gemm_b16_##kind##_64x1, GemmArgs) { gemm_b16<KIND, 64, 1>(a); }
GEMM_B16(nt, NT)
GEMM_B16(nn, NN)
GEMM_B16(tn, TN)
