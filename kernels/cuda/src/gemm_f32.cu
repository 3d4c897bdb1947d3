// Products in float32: a block of 16x16 threads computes a tile of 16T x 16T, each thread T x T of it. Every sum runs over k in order.
//
// FLOPs 2·m·n·k, bytes 4·(m·k + n·k + m·n) if each operand came once from memory; from shared memory a step of k reads 2T floats for T·T multiply-adds.
// Floor on a H100: 67 TFLOP/s.

template <int T> struct F32Tile {
    static const int side = 16 * T, depth = 16, pitch = side + 4;
    float x[2][depth][pitch], w[2][depth][pitch]; // also the room of 64 rows of results
};

// Fragments of T: four in line, and four more half a tile on.
template <int T> static __device__ __forceinline__ int fragment(int t, int i) { return (i / 4) * 64 + t * 4 + i % 4; }

template <int KIND, int T, int N> static __device__ __forceinline__ void gemm_f32(const GemmArgs& a) {
    typedef F32Tile<T> Tile;
    const int side = Tile::side, depth = Tile::depth;
    const int lines = side * depth / N / 256; // that a thread loads of each operand
    __shared__ __align__(16) Tile s;
    const GemmBlock t = gemm_block(a, side, side);
    const int tid = threadIdx.x, tx = tid % 16, ty = tid / 16;

    float xs[lines][N], ws[lines][N];
    ViewRow rows[lines];
    if (KIND != TN) {
#pragma unroll
        for (int j = 0; j < lines; j++) rows[j] = view_row(a.x, t.x, t.m0 + (tid + j * 256) / (depth / N), a.m);
    }
    auto load = [&](int k0) {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = tid + j * 256, along = i / (depth / N), k = k0 + i % (depth / N) * N; // lines along k
            const int deep = k0 + i / (side / N), at = i % (side / N) * N;                      // lines along a row of k
            if (KIND == TN) {
                const ViewRow q = view_row(a.x, t.x, deep, t.end);
                view_load<N>(xs[j], a.x, q, t.n0 + at, a.n);
                dense_load<N>(ws[j], t.w, a.ldw, deep, t.m0 + at, t.end, a.m);
            } else {
                view_load<N>(xs[j], a.x, rows[j], k, t.end);
                if (KIND == NT)
                    dense_load<N>(ws[j], t.w, a.ldw, t.n0 + along, k, a.n, t.end);
                else
                    dense_load<N>(ws[j], t.w, a.ldw, deep, t.n0 + at, t.end, a.n);
            }
        }
    };
    auto store = [&](int b) {
#pragma unroll
        for (int j = 0; j < lines; j++) {
            const int i = tid + j * 256, along = i / (depth / N), k = i % (depth / N) * N, deep = i / (side / N), at = i % (side / N) * N;
#pragma unroll
            for (int e = 0; e < N; e++) {
                if (KIND == TN)
                    s.x[b][deep][at + e] = xs[j][e];
                else
                    s.x[b][k + e][along] = xs[j][e];
                if (KIND == NT)
                    s.w[b][k + e][along] = ws[j][e];
                else
                    s.w[b][deep][at + e] = ws[j][e];
            }
        }
    };

    float sum[T][T] = {};
    const int steps = t.end > t.first ? (t.end - t.first + depth - 1) / depth : 0;
    if (steps) {
        load(t.first);
        store(0);
        __syncthreads();
    }
    for (int step = 0; step < steps; step++) {
        const int b = step & 1;
        if (step + 1 < steps) load(t.first + (step + 1) * depth);
#pragma unroll
        for (int k = 0; k < depth; k++) {
            float u[T], v[T];
#pragma unroll
            for (int i = 0; i < T; i++) {
                u[i] = KIND == TN ? s.w[b][k][fragment<T>(ty, i)] : s.x[b][k][fragment<T>(ty, i)];
                v[i] = KIND == TN ? s.x[b][k][fragment<T>(tx, i)] : s.w[b][k][fragment<T>(tx, i)];
            }
#pragma unroll
            for (int i = 0; i < T; i++)
#pragma unroll
                for (int j = 0; j < T; j++) sum[i][j] = fmaf(u[i], v[j], sum[i][j]);
        }
        if (step + 1 < steps) store(b ^ 1); // nobody reads it: all are past the barrier of the last step
        __syncthreads();
    }
    // Half a tile at a time, 64 rows, through the memory of the operands, so that a warp stores whole lines and the epilogue's code is there once or twice.
    float* const room = (float*)&s;
#pragma unroll
    for (int half = 0; half < T / 4; half++) {
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < T; j += 4)
                store4(room + (ty * 4 + i) * Tile::pitch + fragment<T>(tx, j),
                       make_float4(sum[half * 4 + i][j], sum[half * 4 + i][j + 1], sum[half * 4 + i][j + 2], sum[half * 4 + i][j + 3]));
        __syncthreads();
#pragma unroll 1
        for (int i = tid; i < 64 * side / 4; i += 256) {
            const int r = i / (side / 4), c = i % (side / 4) * 4;
            gemm_store(a, t, gemm_row(a, t.y, t.m0 + half * 64 + r), t.n0 + c, room + r * Tile::pitch + c);
        }
        __syncthreads();
    }
}

// Names: kind, side of the tile, and whether lines of four floats are read.
KERNEL(gemm_f32_nt_128x4, GemmArgs) { gemm_f32<NT, 8, 4>(a); }
KERNEL(gemm_f32_nt_128x1, GemmArgs) { gemm_f32<NT, 8, 1>(a); }
KERNEL(gemm_f32_nt_64x4, GemmArgs) { gemm_f32<NT, 4, 4>(a); }
KERNEL(gemm_f32_nt_64x1, GemmArgs) { gemm_f32<NT, 4, 1>(a); }
KERNEL(gemm_f32_nn_128x4, GemmArgs) { gemm_f32<NN, 8, 4>(a); }
KERNEL(gemm_f32_nn_128x1, GemmArgs) { gemm_f32<NN, 8, 1>(a); }
KERNEL(gemm_f32_nn_64x4, GemmArgs) { gemm_f32<NN, 4, 4>(a); }
KERNEL(gemm_f32_nn_64x1, GemmArgs) { gemm_f32<NN, 4, 1>(a); }
KERNEL(gemm_f32_tn_128x4, GemmArgs) { gemm_f32<TN, 8, 4>(a); }
KERNEL(gemm_f32_tn_128x1, GemmArgs) { gemm_f32<TN, 8, 1>(a); }
KERNEL(gemm_f32_tn_64x4, GemmArgs) { gemm_f32<TN, 4, 4>(a); }
KERNEL(gemm_f32_tn_64x1, GemmArgs) { gemm_f32<TN, 4, 1>(a); }

struct SplitSumArgs {
    const float* part; // (splits, groups·m, n)
    float* y;
    i64 size; // groups·m·n
    int n, splits, inner, taps;
};

// The sum of the splits of a product, in order; 4·(splits+1) bytes an element.
KERNEL(split_sum, SplitSumArgs) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.size) return;
    float sum = 0;
    for (int s = 0; s < a.splits; s++) sum += a.part[s * a.size + i];
    const i64 row = i / a.n;
    const int n = (int)(i - row * a.n);
    a.y[row * a.n + n % a.inner * a.taps + n / a.inner] = sum;
}

template <class S> struct ColumnSumOf {
    const S* x; // (rows, n)
    float* y;   // (blocks, n)
    i64 rows, chunk; // rows of a block
    int n, pad_;
};
typedef ColumnSumOf<float> ColumnSumArgs;

// Sums of columns over chunks of rows; a second launch sums the chunks. 4 bytes an element of x. A block has 32 columns and 8 rows at a time.
STORED(column_sum, ColumnSumOf) {
    __shared__ float part[8][33];
    const int c = blockIdx.x * 32 + threadIdx.x % 32, lane = threadIdx.x / 32;
    const i64 first = blockIdx.y * a.chunk, last = first + a.chunk < a.rows ? first + a.chunk : a.rows;
    float sum = 0;
    if (c < a.n)
        for (i64 r = first + lane; r < last; r += 8) sum += load1(a.x + r * a.n + c);
    part[lane][threadIdx.x % 32] = sum;
    __syncthreads();
    if (lane == 0 && c < a.n) {
        for (int i = 1; i < 8; i++) sum += part[i][threadIdx.x];
        a.y[blockIdx.y * (i64)a.n + c] = sum;
    }
}

template <class S> struct PermuteOf {
    const float* x;
    S* y;
    i64 size;
    int d1, d2, d3; // sizes of the last three axes of y
    int s0, s1, s2, s3; // steps in x for each axis of y
    int pad_;
};
typedef PermuteOf<float> PermuteArgs;

// y in rows, from x in steps: the layouts of convolution weights. 8 bytes an element, 6 where it is rounded.
STORED(permute, PermuteOf) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.size) return;
    const int c = (int)(i % a.d3), b = (int)(i / a.d3 % a.d2), e = (int)(i / a.d3 / a.d2 % a.d1), f = (int)(i / a.d3 / a.d2 / a.d1);
    store1(a.y + i, a.x[(i64)f * a.s0 + (i64)e * a.s1 + (i64)b * a.s2 + (i64)c * a.s3]);
}
