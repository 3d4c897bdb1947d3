// Sums over the rows of a matrix, column by column, in two launches: blocks sum chunks of rows, then the chunks are added in order.

// A block of 32 columns and 8 warps sums rows [lo, hi): f(row, column, s) adds what a row contributes to S sums in float32. Warp w takes rows lo+w, lo+w+8, ...;
// lanes read 32 neighbouring columns. The result, for the lanes of warp 0, is the warps' sums added in order.
template <int S, class F> static __device__ __forceinline__ bool sum_columns(i64 lo, i64 hi, i64 column, i64 columns, float (&sum)[S], F f) {
    __shared__ float part[8][S][32];
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32;
#pragma unroll
    for (int s = 0; s < S; s++) sum[s] = 0;
    if (column < columns) {
#pragma unroll 4
        for (i64 r = lo + w; r < hi; r += 8) f(r, column, sum);
    }
#pragma unroll
    for (int s = 0; s < S; s++) part[w][s][lane] = sum[s];
    __syncthreads();
    if (w != 0 || column >= columns) return false;
#pragma unroll
    for (int s = 0; s < S; s++)
        for (int i = 1; i < 8; i++) sum[s] += part[i][s][lane];
    return true;
}

struct ColumnsArgs {
    const float* parts; // (chunks, sums, columns)
    float* y[2];        // one for each of the sums; 0: not wanted
    i64 columns;
    int chunks, sums;
};

// y[s][c] = the sum of parts over the chunks, in float64; a warp has a group of 32 columns of one sum, warp w of the block the chunks w, w+8, ...
KERNEL(add_chunks, ColumnsArgs) {
    __shared__ double part[8][32];
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32, s = blockIdx.y;
    const i64 column = (i64)blockIdx.x * 32 + lane;
    double sum = 0;
    if (column < a.columns) {
#pragma unroll 4
        for (int i = w; i < a.chunks; i += 8) sum += a.parts[((i64)i * a.sums + s) * a.columns + column];
    }
    part[w][lane] = sum;
    __syncthreads();
    if (w != 0 || column >= a.columns || !a.y[s]) return;
    for (int i = 1; i < 8; i++) sum += part[i][lane];
    a.y[s][column] = (float)sum;
}
