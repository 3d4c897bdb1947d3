// Copies of rows with masks, and lists of rows. Bound by memory.

struct RowsArgs {
    const float* x;
    const void* mask; // u8 or int, as the kernel says
    const float* emb;
    float* y;
    float* parts;
    i64 rows; // of y
    int frames, width;
    int chunk, pad_; // rows of a block that sums
};

// y[r] = emb where mask[r], else x[r]; 8 bytes an element.
KERNEL(mask_frames, RowsArgs) {
    const i64 r = row_of_warp();
    if (r < a.rows) copy_row(a.y + r * a.width, ((const u8*)a.mask)[r] ? a.emb : a.x + r * a.width, a.width);
}

// y[r] = 0 where mask[r], else x[r]; parts = the sums of x over the masked rows of a chunk. 8 bytes an element.
KERNEL(mask_frames_grad, RowsArgs) {
    const u8* const mask = (const u8*)a.mask;
    const i64 column = (i64)blockIdx.x * 32 + threadIdx.x % 32, lo = (i64)blockIdx.y * a.chunk;
    float sum[1];
    const bool mine = sum_columns(lo, lo + a.chunk < a.rows ? lo + a.chunk : a.rows, column, a.width, sum, [&](i64 r, i64 c, float (&s)[1]) {
        const float v = a.x[r * a.width + c];
        const bool masked = mask[r];
        a.y[r * a.width + c] = masked ? 0.f : v;
        s[0] += masked ? v : 0.f;
    });
    if (mine) a.parts[(i64)blockIdx.y * a.width + column] = sum[0];
}

// y[b,t,c] = 0 where mask[b,c], else x[b,t,c]; 8 bytes an element.
KERNEL(mask_channels, RowsArgs) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const u8* const mask = (const u8*)a.mask + r / a.frames * a.width;
    const float* const x = a.x + r * a.width;
    float* const y = a.y + r * a.width;
    const int lane = threadIdx.x % 32;
    if (a.width % 4 == 0) {
        for (int i = lane * 4; i < a.width; i += 128) {
            const float4 v = load4(x + i);
            store4(y + i, make_float4(mask[i] ? 0.f : v.x, mask[i + 1] ? 0.f : v.y, mask[i + 2] ? 0.f : v.z, mask[i + 3] ? 0.f : v.w));
        }
    } else {
        for (int i = lane; i < a.width; i += 32) y[i] = mask[i] ? 0.f : x[i];
    }
}

// y[b,t] = x[b,t] for t below the length of b, else 0; 8 bytes an element.
KERNEL(mask_padding, RowsArgs) {
    const i64 r = row_of_warp();
    if (r < a.rows) copy_row(a.y + r * a.width, (int)(r % a.frames) < ((const int*)a.mask)[r / a.frames] ? a.x + r * a.width : 0, a.width);
}

// y[n] = x[index[n]], 0 where the index is negative; 8 bytes an element.
KERNEL(gather_rows, RowsArgs) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    const int from = ((const int*)a.mask)[r];
    copy_row(a.y + r * a.width, from >= 0 ? a.x + (i64)from * a.width : 0, a.width);
}

struct ScatterArgs {
    const float* x;
    const int* index;
    float* y;
    int* first; // (rows) the first of the list that goes to a row
    int* count; // (rows) how many do
    i64 rows;
    int n, width;
};

KERNEL(scatter_rows_clear, ScatterArgs) {
    const i64 r = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (r < a.rows) a.first[r] = a.n, a.count[r] = 0;
}

// Integers may be combined atomically: the result does not depend on the order.
KERNEL(scatter_rows_find, ScatterArgs) {
    const i64 n = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= a.n || a.index[n] < 0) return;
    atomicMin(a.first + a.index[n], (int)n);
    atomicAdd(a.count + a.index[n], 1);
}

// y[r] = the sum of x[n] over the n with index[n] = r, in their order; 4 bytes an element of y and of x. A warp has a row. Lists of masked frames have a row at most
// once; where there are more, the warp looks for them behind the first, 32 at a time.
KERNEL(scatter_rows, ScatterArgs) {
    const i64 r = row_of_warp();
    if (r >= a.rows) return;
    float* const y = a.y + r * a.width;
    const int lane = threadIdx.x % 32, first = a.first[r];
    int left = a.count[r] - 1;
    copy_row(y, left >= 0 ? a.x + (i64)first * a.width : 0, a.width);
    for (int at = first + 1; left > 0; at += 32) {
        u32 found = ballot(at + lane < a.n && a.index[at + lane] == r);
        for (; found; found &= found - 1, left--) {
            const float* const x = a.x + (i64)(at + __ffs(found) - 1) * a.width;
            // The lanes that added to these elements before are the same: copy_row's, or this loop's.
            if (a.width % 4 == 0) {
#pragma unroll 1
                for (int i = lane * 4; i < a.width; i += 128) {
                    const float4 v = load4(x + i), s = load4(y + i);
                    store4(y + i, make_float4(s.x + v.x, s.y + v.y, s.z + v.z, s.w + v.w));
                }
            } else {
#pragma unroll 1
                for (int i = lane; i < a.width; i += 32) y[i] += x[i];
            }
        }
    }
}

struct WaveformArgs {
    const short* x;
    const float* affine; // zero, scale, bias of each row
    const int* lengths;
    float* y;
    int n, pad_; // samples of a row
};

// y = (x - zero) * scale + bias, and 0 behind the row's length; 6 bytes a sample: 2.8 us for 1.4 million samples at 3 TB/s. The product is rounded before the sum,
// as the host does it.
KERNEL(waveform, WaveformArgs) {
    const int row = blockIdx.y, length = a.lengths[row], first = (blockIdx.x * 256 + threadIdx.x) * 8;
    if (first >= a.n) return;
    const float zero = a.affine[3 * row], scale = a.affine[3 * row + 1], bias = a.affine[3 * row + 2];
    const short* const x = a.x + (i64)row * a.n + first;
    float* const y = a.y + (i64)row * a.n + first;
    const int count = a.n - first < 8 ? a.n - first : 8;
    union {
        uint4 all;
        short each[8];
    } v;
    float out[8];
    const bool whole = a.n % 8 == 0; // then rows begin at multiples of 16 bytes
    if (whole) v.all = *reinterpret_cast<const uint4*>(x);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (!whole) v.each[i] = i < count ? x[i] : 0;
        out[i] = first + i < length ? __fadd_rn(__fmul_rn((float)v.each[i] - zero, scale), bias) : 0.f;
    }
    if (whole) {
        store4(y, make_float4(out[0], out[1], out[2], out[3]));
        store4(y + 4, make_float4(out[4], out[5], out[6], out[7]));
        return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++)
        if (i < count) y[i] = out[i];
}
