// What all matrix products share: where operands are read and results go.

// A matrix that lies in a sequence tensor: row r reads, for frame t = r%rows of batch r/rows, the frames from t·stride-pad on, taps of them, inner
// numbers of each. Rows overlap where taps > stride, so a convolution is a product without a copy of its input. Frames outside the sequence are zeros.
// A plain matrix has one tap.
struct View {
    const float* p;
    i64 group; // from a group of channels to the next
    int rows;  // of a batch
    int frames, ld; // of a batch; floats from a frame to the next
    int stride, pad, inner, taps;
    int pad_;
};

struct GemmArgs {
    View x;
    const float* w; // the other operand, dense
    Epilogue out;
    i64 wGroup, yGroup, ySplit;
    int m, n, k; // of a group
    int ldw, ldy;
    int biasGroup;
    int yRows, yFrames, yStride, yShift; // row r of the result is frame t·yStride+yShift of yFrames, t = r%yRows; others are not stored
    int yInner, yTaps; // column n of the result goes to n%yInner·yTaps + n/yInner
    int chunk; // of the sum, for each split
    int groups;
};

// Which products there are.
enum {
    NT, // y[m,n] = sum over k of x[m,k]·w[n,k]
    NN, // y[m,n] = sum over k of x[m,k]·w[k,n]
    TN, // y[m,n] = sum over k of w[k,m]·x[k,n]
};

// What a row of a view needs: where its first frame is, and which.
struct ViewRow {
    const float* p;
    int first; // frame; far outside for rows that do not exist
};

static __device__ __forceinline__ ViewRow view_row(const View& v, const float* base, int r, int rows) {
    ViewRow q;
    const int b = r / v.rows, f = (r - b * v.rows) * v.stride - v.pad;
    q.p = base + ((i64)b * v.frames + f) * v.ld;
    q.first = r < rows ? f : -(1 << 30);
    return q;
}

// Element k of a row, or N of them in line where inner and all that leads to it are multiples of N.
template <int N> static __device__ __forceinline__ void view_load(float (&to)[N], const View& v, const ViewRow& q, int k, int end) {
    const int tap = v.taps == 1 ? 0 : k / v.inner, frame = q.first + tap;
#pragma unroll
    for (int i = 0; i < N; i++) to[i] = 0;
    if (k >= end || frame < 0 || frame >= v.frames) return;
    const float* p = q.p + (i64)tap * v.ld + (k - tap * v.inner);
    if (N == 4) {
        const float4 f = *(const float4*)p;
        to[0] = f.x;
        to[N > 1 ? 1 : 0] = f.y;
        to[N > 2 ? 2 : 0] = f.z;
        to[N > 3 ? 3 : 0] = f.w;
    } else {
        to[0] = p[0];
    }
}

// N elements in line from (row, column) of a dense matrix, zeros outside.
template <int N> static __device__ __forceinline__ void dense_load(float (&to)[N], const float* p, int ld, int row, int column, int rows, int columns) {
#pragma unroll
    for (int i = 0; i < N; i++) to[i] = 0;
    if (row >= rows || column >= columns) return;
    p += (i64)row * ld + column;
    if (N == 4) {
        const float4 f = *(const float4*)p;
        to[0] = f.x;
        to[N > 1 ? 1 : 0] = f.y;
        to[N > 2 ? 2 : 0] = f.z;
        to[N > 3 ? 3 : 0] = f.w;
    } else {
        to[0] = p[0];
    }
}

// Where a block of a product works.
struct GemmBlock {
    const float *x, *w;
    i64 y; // the first of its group and split among the elements of the result
    const float* bias;
    int m0, n0, first, end; // of the sum: [first, end)
};

static __device__ __forceinline__ GemmBlock gemm_block(const GemmArgs& a, int tileM, int tileN) {
    GemmBlock t;
    const int group = blockIdx.z % a.groups, split = blockIdx.z / a.groups;
    t.x = a.x.p + group * a.x.group;
    t.w = a.w + group * a.wGroup;
    t.y = group * a.yGroup + split * a.ySplit;
    t.bias = a.out.bias ? a.out.bias + group * a.biasGroup : nullptr;
    t.n0 = blockIdx.x * tileN;
    t.m0 = blockIdx.y * tileM;
    t.first = split * a.chunk;
    t.end = min(a.k, t.first + a.chunk);
    return t;
}

// The number of the first column of row m among the elements of the result, or -1 for a row that is not stored.
static __device__ __forceinline__ i64 gemm_row(const GemmArgs& a, i64 y, int m) {
    if (m >= a.m) return -1;
    const int b = m / a.yRows, t = (m - b * a.yRows) * a.yStride + a.yShift;
    return t < 0 || t >= a.yFrames ? -1 : y + ((i64)b * a.yFrames + t) * a.ldy;
}

// Four columns of a row that gemm_row gave, from a multiple of 4 on. The sums lie in shared memory: code that loops needs no registers for them.
static __device__ __forceinline__ void gemm_store(const GemmArgs& a, const GemmBlock& t, i64 row, int n, const float* sum) {
    if (row < 0 || n >= a.n) return;
    if (a.out.wide) {
        const float4 s = load4(sum);
        float v[4] = {s.x, s.y, s.z, s.w};
        epilogue<4>(a.out, row + n, t.bias ? t.bias + n : nullptr, v);
        return;
    }
    const int end = min(a.n, n + 4);
#pragma unroll 1
    for (; n < end; n++) {
        float v[1] = {*sum++};
        epilogue<1>(a.out, row + (a.yTaps == 1 ? n : n % a.yInner * a.yTaps + n / a.yInner), t.bias ? t.bias + n : nullptr, v);
    }
}

// A matrix of bfloat16 in shared memory. Rows of k: [row][k], pitch 40, or [k][row], pitch side+8: either way 8 rows of 16 bytes lie in different banks.
template <int SIDE, bool ALONG> struct Bf16Tile {
    static const int depth = 32, pitch = ALONG ? depth + 8 : SIDE + 8, size = (ALONG ? SIDE : depth) * pitch;
};
