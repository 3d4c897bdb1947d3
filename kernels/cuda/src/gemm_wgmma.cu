// Products with wgmma (sm_90a): operands are bfloat16 in memory, copied by cp.async into tiles that wgmma reads where they are; float32 sums. With PARTS = 2 an
// operand is the sum of two bfloat16 numbers, and three products are added: low·high, high·low, high·high (kernels.PrecisionHigh).
//
// A block of two warpgroups computes 128 x WIDE, a warpgroup 64 x WIDE of it, in steps of 64 of the sum through a ring of STAGES tiles. FLOPs 2·m·n·k (three times as
// many with PARTS = 2); bytes 2·(m·k + n·k) + the result, if each operand came once from memory. A step of a block is 4·WIDE cycles of its tensor cores and reads
// 128·(128+WIDE) bytes through L2: 1024 cycles and 48 KiB with WIDE 256. Floor on a H100: 989 TFLOP/s.

struct PartsArgs {
    GemmArgs g;             // operands rounded
    const u16 *xLow, *wLow; // what rounding left
};

struct SplitArgs {
    const float* x;
    u16 *high, *low;
    i64 n;
};

// high = x rounded to bfloat16, low = the rest, rounded: 8 bytes an element, 8 elements a thread. n is a multiple of 8.
KERNEL(split_bf16, SplitArgs) {
    const i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * 8;
    if (i >= a.n) return;
    const float8 v = load8(a.x + i);
    auto rest = [](float4 f) { return make_float4(low_part(f.x), low_part(f.y), low_part(f.z), low_part(f.w)); };
    const float8 r = {rest(v.lo), rest(v.hi)};
    store8((bf16*)a.high + i, v);
    store8((bf16*)a.low + i, r);
}

#ifdef HAS_WGMMA
// A matrix in shared memory as wgmma finds it (PTX ISA, "Matrix Descriptor Format"), in rows of 128 bytes whose 16-byte pieces are swizzled: piece c of row r lies at c^(r%8).
// stride is from 8 rows to the next 8. Where k runs along rows, they are the matrix' rows; otherwise a row has 64 elements of one k, and lead is from these to the next 64.
static __device__ __forceinline__ u64 wgmma_matrix(shared_t at, u32 lead, u32 stride) {
    return (u64)((at & 0x3ffff) >> 4) | (u64)(lead >> 4) << 16 | (u64)(stride >> 4) << 32 | (u64)1 << 62;
}

// The part of a product that a thread copies: of each tile, piece c = tid%8 of rows tid/8, tid/8+32, ...
template <int KIND, int WIDE> struct WgmmaCopy {
    static const int depth = 64, tall = 128, columns = WIDE / 64;
    const GemmArgs& a;
    const int m0, n0, end, c, r;
    i64 at[KIND == TN ? columns : 4]; // view: of rows where k runs along them, otherwise of columns
    int frame[KIND == TN ? columns : 4];

    __device__ __forceinline__ WgmmaCopy(const GemmArgs& a, const GemmBlock& t) : a(a), m0(t.m0), n0(t.n0), end(t.end), c(threadIdx.x % 8 * 8), r(threadIdx.x / 8) {
        if (KIND == TN) {
#pragma unroll
            for (int j = 0; j < columns; j++) {
                const int n = n0 + j * 64 + c, tap = a.x.taps == 1 ? 0 : n / a.x.inner;
                at[j] = (i64)tap * a.x.ld + n - tap * a.x.inner;
                frame[j] = n < a.n ? tap : -(1 << 30);
            }
        } else {
#pragma unroll
            for (int j = 0; j < 4; j++) place(m0 + r + j * 32, a.m, at[j], frame[j]);
        }
    }
    // Where row i of the view begins, and which frame that is.
    __device__ __forceinline__ void place(int i, int rows, i64& from, int& first) const {
        const int b = i / a.x.rows;
        first = (i - b * a.x.rows) * a.x.stride - a.x.pad;
        from = ((i64)b * a.x.frames + first) * a.x.ld;
        if (i >= rows) first = -(1 << 30);
    }
    static __device__ __forceinline__ void copy(shared_t to, const u16* p, i64 from, bool keep) { cp_async16(to, keep ? p + from : p, keep); }

    // The 128 rows of the result, and its columns; to is the thread's place in a tile.
    __device__ __forceinline__ void left(shared_t to, const u16* x, const u16* w, int k0) const {
        if constexpr (KIND == TN) { // [k][m]
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const int k = k0 + r + i * 32;
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    const int m = m0 + j * 64 + c;
                    copy(to + j * 8192 + i * 4096, w, (i64)k * a.ldw + m, k < end && m < a.m);
                }
            }
        } else { // [m][k]
            const int k = k0 + c, tap = a.x.taps == 1 ? 0 : k / a.x.inner;
            const i64 from = (i64)tap * a.x.ld + k - tap * a.x.inner;
#pragma unroll
            for (int j = 0; j < 4; j++) copy(to + j * 4096, x, at[j] + from, k < end && (u32)(frame[j] + tap) < (u32)a.x.frames);
        }
    }
    __device__ __forceinline__ void right(shared_t to, const u16* x, const u16* w, int k0) const {
        if constexpr (KIND == NT) { // [n][k]
            const int k = k0 + c;
#pragma unroll
            for (int j = 0; j < WIDE / 32; j++) {
                const int n = n0 + r + j * 32;
                copy(to + j * 4096, w, (i64)n * a.ldw + k, k < end && n < a.n);
            }
        } else { // [k][n]
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const int k = k0 + r + i * 32;
                i64 from = 0;
                int first = 0;
                if (KIND == TN) place(k, end, from, first);
#pragma unroll
                for (int j = 0; j < columns; j++) {
                    const shared_t piece = to + j * 8192 + i * 4096;
                    const int n = n0 + j * 64 + c;
                    if constexpr (KIND == NN)
                        copy(piece, w, (i64)k * a.ldw + n, k < end && n < a.n);
                    else
                        copy(piece, x, from + at[j], (u32)(first + frame[j]) < (u32)a.x.frames);
                }
            }
        }
    }
};

template <int KIND, int PARTS, int WIDE, int STAGES> static __device__ __forceinline__ void gemm_wgmma(const GemmArgs& a, const u16* xLow, const u16* wLow) {
    const int depth = 64, leftSize = 128 * depth * 2, stage = leftSize + WIDE * depth * 2, ahead = STAGES - 2;
    DYNAMIC_SHARED(unsigned char, memory); // STAGES x (left, right), and up to 1008 bytes before, since the swizzle is one of addresses
    const shared_t ring = (shared(memory) + 1023) & ~(shared_t)1023;
    const GemmBlock t = gemm_block(a, 128, WIDE);
    const int group = blockIdx.z % a.groups, tid = threadIdx.x;
    const i64 xGroup = group * a.x.group, wGroup = group * a.wGroup;
    const WgmmaCopy<KIND, WIDE> part(a, t);
    const shared_t mine = tid / 8 * 128 + ((tid % 8 ^ tid / 8 % 8) << 4); // in a tile

    const int once = t.end > t.first ? (t.end - t.first + depth - 1) / depth : 0, steps = PARTS == 2 ? 3 * once : once;
    int k = t.first, pass = 0, put = 0; // of the next step to copy
    auto copy = [&]() {
        const shared_t to = ring + put * stage + mine;
        const u16* x = (PARTS == 2 && pass == (KIND == TN ? 1 : 0) ? xLow : (const u16*)a.x.p) + xGroup;
        const u16* w = (PARTS == 2 && pass == (KIND == TN ? 0 : 1) ? wLow : (const u16*)a.w) + wGroup;
        part.left(to, x, w, k);
        part.right(to + leftSize, x, w, k);
        put = put + 1 == STAGES ? 0 : put + 1;
        k += depth;
        if (PARTS == 2 && k >= t.end) k = t.first, pass++;
    };

    float sum[WIDE / 2];
#pragma unroll
    for (int i = 0; i < WIDE / 2; i++) sum[i] = 0;
    wgmma_pin(sum);
#pragma unroll
    for (int s = 0; s < ahead; s++) {
        if (s < steps) copy();
        cp_commit();
    }
    int get = 0;
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
        cp_wait<ahead - 1>();
        wgmma_publish();
        __syncthreads(); // all copies of this step are there, and all have read step-2
        const shared_t l = ring + get * stage + tid / 128 * 8192, r = ring + get * stage + leftSize;
        get = get + 1 == STAGES ? 0 : get + 1;
        if (step + ahead < steps) copy(); // into what step-2 read; the products of step-1 go on
        cp_commit();
        wgmma_fence(sum);
#pragma unroll
        for (int i = 0; i < depth / 16; i++) {
            const u64 u = KIND == TN ? wgmma_matrix(l + i * 2048, 8192, 1024) : wgmma_matrix(l + i * 32, 16, 1024);
            const u64 v = KIND == NT ? wgmma_matrix(r + i * 32, 16, 1024) : wgmma_matrix(r + i * 2048, 8192, 1024);
            wgmma<KIND == TN, KIND != NT>(sum, u, v);
        }
        wgmma_commit();
        wgmma_wait<1>(sum);
    }
    wgmma_wait<0>(sum);

    // A warp's 16 rows go through shared memory, so that it stores whole lines. A pitch of WIDE+8 keeps the lanes of a half warp in different banks.
    __syncthreads(); // the other warpgroup has read its operands
    const int pitch = WIDE + 8, lane = tid % 32, across = WIDE < 128 ? WIDE / 4 : 32;
    static_assert(8 * 16 * pitch * 4 <= STAGES * stage, "the results fit where operands were");
    float* const room = (float*)(memory + (ring - shared(memory))) + tid / 32 * 16 * pitch;
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
        for (int i = 0; i < WIDE / 8; i++) store2(room + (lane / 4 + h * 8) * pitch + i * 8 + lane % 4 * 2, make_float2(sum[i * 4 + h * 2], sum[i * 4 + h * 2 + 1]));
    __syncwarp();
#pragma unroll 1
    for (int r = lane / across; r < 16; r += 32 / across) {
        const i64 row = gemm_row(a, t.y, t.m0 + tid / 32 * 16 + r);
#pragma unroll 1
        for (int c = lane % across * 4; c < WIDE; c += 4 * across) gemm_store(a, t, row, t.n0 + c, room + r * pitch + c);
    }
}

// Names: precision, kind and columns of the tile. Narrow tiles leave room for a second block on a multiprocessor, which works while the first one stores.
#define GEMM_WGMMA(kind, KIND)                                                                                              \
    KERNEL_BESIDE(gemm_wgmma_bf16_##kind##_256, GemmArgs, 256, 1) { gemm_wgmma<KIND, 1, 256, 4>(a, nullptr, nullptr); } \
    KERNEL_BESIDE(gemm_wgmma_bf16_##kind##_128, GemmArgs, 256, 2) { gemm_wgmma<KIND, 1, 128, 3>(a, nullptr, nullptr); } \
    KERNEL_BESIDE(gemm_wgmma_bf16_##kind##_64, GemmArgs, 256, 2) { gemm_wgmma<KIND, 1, 64, 4>(a, nullptr, nullptr); } \
    KERNEL_BESIDE(gemm_wgmma_high_##kind##_256, PartsArgs, 256, 1) { gemm_wgmma<KIND, 2, 256, 4>(a.g, a.xLow, a.wLow); }               \
    KERNEL_BESIDE(gemm_wgmma_high_##kind##_128, PartsArgs, 256, 2) { gemm_wgmma<KIND, 2, 128, 3>(a.g, a.xLow, a.wLow); }               \
    KERNEL_BESIDE(gemm_wgmma_high_##kind##_64, PartsArgs, 256, 2) { gemm_wgmma<KIND, 2, 64, 4>(a.g, a.xLow, a.wLow); }
GEMM_WGMMA(nt, NT)
GEMM_WGMMA(nn, NN)
GEMM_WGMMA(tn, TN)
#endif
