// The first layer of the base feature encoder in one pass over its output, forward and backward: convolution of the waveform (B,S) to C channels, normalisation of
// each channel over time, GELU.
//
// u = w·x over windows of K samples is linear, so that mean and variance of a channel over the T frames follow from the mean m (K) and covariance G (K,K) of the windows
// of a row: mean w·m, variance wᵀGw. No pass over (B,T,C) is needed. Backward, with dz = dy·gelu'(a), x̂ the normalised u and r = rstd, everything follows from
// A = Σ dz·(window - m) (C,K) and s = Σ dz, one pass over dy that computes u again:
//
//   Σ dz·x̂ = r·w·A = q,   dgamma = Σ_b q,   dbeta = Σ_b s,   dw = Σ_b gamma·r·(A - q·r·Gw)
//
// because windows around their mean sum to 0, which takes the term of the mean out of the normalisation's gradient.
//
// Samples are taken around the mean of the first 256 of their row, so that an offset of the waveform costs no digits. Sums of the covariance are in float64.

template <class S> struct ConvNormOf {
    const float *x, *w, *gamma, *beta;
    S* y;
    S *u, *norm;        // the convolution and the normalisation, or none
    float *mean, *rstd; // of the normalisation, or none
    const S* dy;
    double* moments;  // (batch, chunks, K + K(K+1)/2): sums of windows and of their products
    double* windows;  // (batch, K + K·K + 1): m, G, and the value that samples are taken around
    float4* channels; // (batch, C): factor and offset that make u, of centred samples, what GELU is applied to; rstd; what to add to make it u
    float* parts;     // (batch, chunks, K+1, C): A around the centre, and s
    double* sums;     // (batch, K+1, C)
    float *dw, *dgamma, *dbeta; // each may be none
    int batch, samples, frames, width; // width: C
    int kernel, stride;
    int chunk, chunks; // frames of a block of the main kernels
    double eps;
};
typedef ConvNormOf<float> ConvNormArgs;

static const int conv_norm_span = 512;   // frames of a block that sums moments
static const int conv_norm_kernel = 16;  // the longest kernel
static const int conv_norm_channels = 2; // of a thread

// A value near the mean of a row, for blocks of 256 threads.
static __device__ __forceinline__ float conv_norm_center(const float* x, int samples) {
    const int n = min(samples, 256);
    float sum = 0;
    for (int i = threadIdx.x; i < n; i += 256) sum += x[i];
    return block_sum(sum) / n;
}

// Samples of frames [t0, t0+n) around the centre into shared memory, and zeros up to room.
static __device__ __forceinline__ void conv_norm_stage(float* s, const float* x, float center, int samples, int first, int n, int room) {
    for (int i = threadIdx.x; i < room; i += blockDim.x) s[i] = i < n && first + i < samples ? x[first + i] - center : 0.f;
    __syncthreads();
}

// Sums over 512 windows: a thread has a sum, and a third of the windows for K = 10. 65·T·B multiply-adds in float64 (18 M for 1.4 M samples) and 4 bytes a sample.
static __device__ __forceinline__ void conv_norm_span_moments(const ConvNormArgs& a) {
    DYNAMIC_SHARED(float, s);
    __shared__ double part[256];
    const int b = blockIdx.y, t0 = blockIdx.x * conv_norm_span, n = min(conv_norm_span, a.frames - t0), k = a.kernel;
    const float* const x = a.x + (i64)b * a.samples;
    const float center = conv_norm_center(x, a.samples);
    conv_norm_stage(s, x, center, a.samples, t0 * a.stride, (n - 1) * a.stride + k, (n - 1) * a.stride + k);
    const int sums = k + k * (k + 1) / 2, slices = 256 / sums, slice = threadIdx.x / sums, p = threadIdx.x % sums;
    int i = p, j = -1; // the sum of tap i, or of the product of taps i and j
    if (p >= k) {
        i = 0, j = p - k;
        while (j >= k - i) j -= k - i, i++;
        j += i;
    }
    double sum = 0;
    if (slice < slices) {
        for (int t = slice; t < n; t += slices) sum += (double)s[t * a.stride + i] * (j < 0 ? 1. : (double)s[t * a.stride + j]);
    }
    part[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x >= sums) return;
    for (int i = 1; i < slices; i++) sum += part[i * sums + threadIdx.x];
    a.moments[((i64)b * gridDim.x + blockIdx.x) * sums + threadIdx.x] = sum;
}
KERNEL(conv_norm_moments, ConvNormArgs) { conv_norm_span_moments(a); }

// A block adds the moments of a row, and works out what its channels need.
KERNEL(conv_norm_stats, ConvNormArgs) {
    __shared__ double part[256], moment[256], mean[conv_norm_kernel], cov[conv_norm_kernel][conv_norm_kernel];
    const int b = blockIdx.x, k = a.kernel, sums = k + k * (k + 1) / 2, spans = (a.frames + conv_norm_span - 1) / conv_norm_span, room = k + k * k + 1;
    const float center = conv_norm_center(a.x + (i64)b * a.samples, a.samples);
    const int slices = 256 / sums, slice = threadIdx.x / sums, p = threadIdx.x % sums;
    double sum = 0;
    if (slice < slices) {
#pragma unroll 4
        for (int i = slice; i < spans; i += slices) sum += a.moments[((i64)b * spans + i) * sums + p];
    }
    part[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < sums) {
        for (int i = 1; i < slices; i++) sum += part[i * sums + threadIdx.x];
        moment[threadIdx.x] = sum / a.frames;
        if (threadIdx.x < k) mean[threadIdx.x] = sum / a.frames;
    }
    __syncthreads();
    if (threadIdx.x < k * k) {
        const int r = threadIdx.x / k, c = threadIdx.x % k, i = min(r, c), j = max(r, c);
        const double g = moment[k + i * k - i * (i - 1) / 2 + j - i] - mean[i] * mean[j];
        cov[r][c] = g;
        a.windows[(i64)b * room + k + threadIdx.x] = g;
        if (threadIdx.x < k) a.windows[(i64)b * room + threadIdx.x] = mean[threadIdx.x];
        if (threadIdx.x == 0) a.windows[(i64)b * room + k + k * k] = center;
    }
    __syncthreads();
    for (int c = threadIdx.x; c < a.width; c += 256) {
        double m = 0, var = 0, weight = 0;
        for (int i = 0; i < k; i++) {
            const double w = a.w[c * k + i];
            double g = 0;
            for (int j = 0; j < k; j++) g += cov[i][j] * a.w[c * k + j];
            m += w * mean[i], var += w * g, weight += w;
        }
        const double rstd = 1 / sqrt((var > 0 ? var : var != var ? var : 0) + a.eps), rate = a.gamma[c] * rstd;
        a.channels[(i64)b * a.width + c] = make_float4((float)rate, (float)(a.beta[c] - rate * m), (float)rstd, (float)(weight * center));
        if (a.mean) a.mean[(i64)b * a.width + c] = (float)(m + weight * center);
        if (a.rstd) a.rstd[(i64)b * a.width + c] = (float)rstd;
    }
}

// What a block of the main kernels has: 512 channels and a chunk of frames, a thread two channels. Each value in shared memory is read by all lanes at once; with K = 10
// and stride 5 four frames share 25 samples, seven loads.
template <int K, int STRIDE, class S> struct ConvNormBlock {
    enum { taps = K ? K : conv_norm_kernel, together = K ? 4 : 1, line = K ? ((together - 1) * STRIDE + K + 3) / 4 * 4 : taps };
    float w[conv_norm_channels][taps], rate[conv_norm_channels], offset[conv_norm_channels], more[conv_norm_channels];
    const float* s;
    int c, b, kernel, stride, n; // n frames
    i64 at;               // of the first frame, channel c

    __device__ __forceinline__ bool open(const ConvNormOf<S>& a, float* shared) {
        kernel = K ? K : a.kernel, stride = K ? STRIDE : a.stride, b = blockIdx.z, s = shared;
        const int t0 = blockIdx.x * a.chunk;
        n = min(a.chunk, a.frames - t0);
        const float* const x = a.x + (i64)b * a.samples;
        const float center = (float)a.windows[(i64)b * (kernel + kernel * kernel + 1) + kernel + kernel * kernel];
        const int need = (n - 1) * stride + kernel;
        conv_norm_stage(shared, x, center, a.samples, t0 * stride, need, ((n + together - 1) / together - 1) * together * stride + (K ? line : kernel));
        c = (blockIdx.y * blockDim.x + threadIdx.x) * conv_norm_channels;
        if (c >= a.width) return false;
        at = ((i64)b * a.frames + t0) * a.width + c;
#pragma unroll
        for (int h = 0; h < conv_norm_channels; h++) {
            const float4 v = a.channels[(i64)b * a.width + c + h];
            rate[h] = v.x, offset[h] = v.y, more[h] = v.w;
#pragma unroll
            for (int k = 0; k < taps; k++) w[h][k] = k < kernel ? a.w[(c + h) * kernel + k] : 0.f;
        }
        return true;
    }
    // The samples of frames t to t+together.
    __device__ __forceinline__ void load(float (&x)[line], int t) const {
        if (K) {
#pragma unroll
            for (int i = 0; i < line; i += 4) {
                const float4 v = load4(s + t * stride + i);
                x[i] = v.x, x[i + (K ? 1 : 0)] = v.y, x[i + (K ? 2 : 0)] = v.z, x[i + (K ? 3 : 0)] = v.w;
            }
        } else {
#pragma unroll
            for (int i = 0; i < line; i++) x[i] = i < kernel ? s[t * stride + i] : 0.f;
        }
    }
    // The convolution of centred samples.
    __device__ __forceinline__ float product(const float (&x)[line], int frame, int h) const {
        float u = 0;
#pragma unroll
        for (int k = 0; k < taps; k++) u = fmaf(w[h][k], x[frame * STRIDE + k], u);
        return u;
    }
};

// y, and where somebody wants them u and the normalisation. Bytes: 4·S of x and those of y (B,T,C): 287 MB for 1.4 M samples in bfloat16, at 3 TB/s 96 us. About 32 instructions
// an element, 10 of them multiply-adds: 160 us on 132 processors at 1.7 GHz, 195 us of memory in float32.
template <int K, int STRIDE, class S> static __device__ __forceinline__ void conv_norm(const ConvNormOf<S>& a) {
    DYNAMIC_SHARED(float, s);
    ConvNormBlock<K, STRIDE, S> q;
    if (!q.open(a, s)) return;
    for (int t = 0; t < q.n; t += q.together) {
        float x[q.line];
        q.load(x, t);
#pragma unroll
        for (int i = 0; i < q.together; i++) {
            if (t + i >= q.n) break;
            const float u0 = q.product(x, i, 0), u1 = q.product(x, i, 1), v0 = fmaf(u0, q.rate[0], q.offset[0]), v1 = fmaf(u1, q.rate[1], q.offset[1]);
            const i64 at = q.at + (i64)(t + i) * a.width;
            store2(a.y + at, make_float2(gelu_of(v0), gelu_of(v1)));
            if (a.u) store2(a.u + at, make_float2(u0 + q.more[0], u1 + q.more[1]));
            if (a.norm) store2(a.norm + at, make_float2(v0, v1));
        }
    }
}
STORED(conv_norm_10_5, ConvNormOf) { conv_norm<10, 5, S>(a); }
STORED(conv_norm, ConvNormOf) { conv_norm<0, 0, S>(a); }

// A and s over a chunk of frames, in registers. Bytes: those of dy; about 45 instructions an element, 20 of them multiply-adds: 225 us for 1.4 M samples.
template <int K, int STRIDE, class S> static __device__ __forceinline__ void conv_norm_grad(const ConvNormOf<S>& a) {
    DYNAMIC_SHARED(float, s);
    ConvNormBlock<K, STRIDE, S> q;
    if (!q.open(a, s)) return;
    float sum[conv_norm_channels][q.taps + 1] = {};
    for (int t = 0; t < q.n; t += q.together) {
        float2 d[q.together];
#pragma unroll
        for (int i = 0; i < q.together; i++) d[i] = t + i < q.n ? load2(a.dy + q.at + (i64)(t + i) * a.width) : make_float2(0.f, 0.f);
        float x[q.line];
        q.load(x, t);
#pragma unroll
        for (int i = 0; i < q.together; i++) {
#pragma unroll
            for (int h = 0; h < conv_norm_channels; h++) {
                const float dz = (h ? d[i].y : d[i].x) * gelu_slope(fmaf(q.product(x, i, h), q.rate[h], q.offset[h]));
#pragma unroll
                for (int k = 0; k < q.taps; k++) sum[h][k] = fmaf(dz, x[i * STRIDE + k], sum[h][k]);
                sum[h][q.taps] += dz;
            }
        }
    }
    float* const to = a.parts + ((i64)q.b * a.chunks + blockIdx.x) * (q.kernel + 1) * a.width + q.c;
#pragma unroll
    for (int k = 0; k < q.taps; k++)
        if (k < q.kernel) *reinterpret_cast<float2*>(to + (i64)k * a.width) = make_float2(sum[0][k], sum[1][k]);
    *reinterpret_cast<float2*>(to + (i64)q.kernel * a.width) = make_float2(sum[0][q.taps], sum[1][q.taps]);
}
STORED(conv_norm_grad_10_5, ConvNormOf) { conv_norm_grad<10, 5, S>(a); }
STORED(conv_norm_grad, ConvNormOf) { conv_norm_grad<0, 0, S>(a); }

// The main kernels on tensor cores, in precision bf16: samples, weights (with the norm's factor in them) and dz are rounded to bfloat16, sums are float32. The products leave the
// ALUs to GELU: about 20 instructions an element forward and 25 backward, 100 us and 125 us for 1.4 M samples; in bfloat16 memory needs 96 us for each.
//
// A warp has 64 channels: four tiles of 16 as rows of m16n8k16, taps as its sum, 8 frames as columns. Row r of tile i is channel r%8·8 + 2i + r/8, so that a lane has 8 neighbouring
// channels of two frames.
template <class S> struct ConvNormTensor {
    u32 w[4][4];
    float offset[8];
    const float* s;
    int c, b, kernel, stride, n; // c: the lane's first channel
    i64 at;

    __device__ __forceinline__ bool open(const ConvNormOf<S>& a, float* shared) {
        kernel = a.kernel, stride = a.stride, b = blockIdx.z, s = shared;
        const int t0 = blockIdx.x * a.chunk, lane = threadIdx.x % 32, base = (blockIdx.y * blockDim.x + threadIdx.x / 32 * 32) * conv_norm_channels;
        n = min(a.chunk, a.frames - t0);
        const float center = (float)a.windows[(i64)b * (kernel + kernel * kernel + 1) + kernel + kernel * kernel];
        conv_norm_stage(shared, a.x + (i64)b * a.samples, center, a.samples, t0 * stride, (n - 1) * stride + kernel, ((n + 15) / 16 * 16 - 1) * stride + 16);
        if (base >= a.width) return false;
        c = base + lane / 4 * 8;
        at = ((i64)b * a.frames + t0) * a.width + c;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float4 v = a.channels[(i64)b * a.width + c + j];
            offset[j] = v.y;
#pragma unroll
            for (int h = 0; h < 2; h++) { // taps 2·(lane%4) and 8 more
                const int k = lane % 4 * 2 + h * 8;
                const float* const from = a.w + (c + j) * kernel + k;
                w[j / 2][j % 2 + h * 2] = pack_bf16(k < kernel ? from[0] * v.x : 0.f, k + 1 < kernel ? from[1] * v.x : 0.f);
            }
        }
        return true;
    }
    // What GELU is applied to in frames t to t+8: of tile i, [0] and [1] are its even channel in frames 2·(lane%4) and the next, [2] and [3] its odd one.
    __device__ __forceinline__ void products(float (&u)[4][4], int t) const {
        const float* const x = s + (t + (int)(threadIdx.x % 32 / 4)) * stride + threadIdx.x % 4 * 2;
        const u32 lo = pack_bf16(x[0], x[1]), hi = pack_bf16(x[8], x[9]);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u[i][0] = u[i][1] = offset[2 * i], u[i][2] = u[i][3] = offset[2 * i + 1];
            mma_bf16(u[i], w[i], lo, hi);
        }
    }
};

template <class S> static __device__ __forceinline__ void conv_norm_tensor_frames(const ConvNormOf<S>& a) {
    DYNAMIC_SHARED(float, s);
    ConvNormTensor<S> q;
    if (!q.open(a, s)) return;
#pragma unroll 2
    for (int t = 0; t < q.n; t += 8) {
        float u[4][4];
        q.products(u, t);
        mma_join();
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const int frame = t + threadIdx.x % 4 * 2 + e;
            const float8 y = {make_float4(gelu_of(u[0][e]), gelu_of(u[0][2 + e]), gelu_of(u[1][e]), gelu_of(u[1][2 + e])),
                              make_float4(gelu_of(u[2][e]), gelu_of(u[2][2 + e]), gelu_of(u[3][e]), gelu_of(u[3][2 + e]))};
            if (frame < q.n) store8(a.y + q.at + (i64)frame * a.width, y);
        }
    }
}
STORED(conv_norm_tensor, ConvNormOf) { conv_norm_tensor_frames(a); }

// dz of 16 frames is the left operand of the second product: channels as rows, frames as its sum, taps as columns. Tap K is a column of ones, which gives s.
template <class S> static __device__ __forceinline__ void conv_norm_grad_tensor_frames(const ConvNormOf<S>& a) {
    DYNAMIC_SHARED(float, s);
    ConvNormTensor<S> q;
    if (!q.open(a, s)) return;
    const int lane = threadIdx.x % 32;
    float sum[4][2][4] = {};
    for (int t = 0; t < q.n; t += 16) {
        u32 dz[4][4];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float8 d[2];
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const int frame = t + half * 8 + lane % 4 * 2 + e;
                const float8 zero = {splat4(0.f), splat4(0.f)};
                d[e] = frame < q.n ? load8(a.dy + q.at + (i64)frame * a.width) : zero;
            }
            float u[4][4];
            q.products(u, t + half * 8);
            mma_join();
            const float dy[2][8] = {{d[0].lo.x, d[0].lo.y, d[0].lo.z, d[0].lo.w, d[0].hi.x, d[0].hi.y, d[0].hi.z, d[0].hi.w},
                                    {d[1].lo.x, d[1].lo.y, d[1].lo.z, d[1].lo.w, d[1].hi.x, d[1].hi.y, d[1].hi.z, d[1].hi.w}};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int h = 0; h < 2; h++) // the even channel, the odd one
                    dz[i][half * 2 + h] = pack_bf16(dy[0][2 * i + h] * gelu_slope(u[i][2 * h]), dy[1][2 * i + h] * gelu_slope(u[i][2 * h + 1]));
        }
#pragma unroll
        for (int j = 0; j < 2; j++) {
            const int tap = j * 8 + lane / 4, first = (t + lane % 4 * 2) * q.stride + tap;
            const bool one = tap == q.kernel;
            const u32 lo = pack_bf16(one ? 1.f : q.s[first], one ? 1.f : q.s[first + q.stride]);
            const u32 hi = pack_bf16(one ? 1.f : q.s[first + 8 * q.stride], one ? 1.f : q.s[first + 9 * q.stride]);
#pragma unroll
            for (int i = 0; i < 4; i++) mma_bf16(sum[i][j], dz[i], lo, hi);
        }
        mma_join();
    }
    float* const to = a.parts + ((i64)q.b * a.chunks + blockIdx.x) * (q.kernel + 1) * a.width + q.c;
#pragma unroll
    for (int j = 0; j < 2; j++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const int k = j * 8 + lane % 4 * 2 + e;
            if (k > q.kernel) continue;
            const float8 v = {make_float4(sum[0][j][e], sum[0][j][2 + e], sum[1][j][e], sum[1][j][2 + e]),
                              make_float4(sum[2][j][e], sum[2][j][2 + e], sum[3][j][e], sum[3][j][2 + e])};
            store8(to + (i64)k * a.width, v);
        }
}
STORED(conv_norm_grad_tensor, ConvNormOf) { conv_norm_grad_tensor_frames(a); }

// The chunks of a row in order; 4·(K+1)·C bytes a chunk.
KERNEL(conv_norm_grad_rows, ConvNormArgs) {
    const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x, size = (i64)(a.kernel + 1) * a.width;
    if (i >= a.batch * size) return;
    const float* const from = a.parts + i / size * a.chunks * size + i % size;
    double sum = 0;
#pragma unroll 4
    for (int j = 0; j < a.chunks; j++) sum += from[j * size];
    a.sums[i] = sum;
}

// A warp works out the gradients of a channel; lane k has tap k.
KERNEL(conv_norm_grad_finish, ConvNormArgs) {
    const int c = (int)row_of_warp(), lane = threadIdx.x % 32, k = a.kernel;
    if (c >= a.width) return;
    const bool tap = lane < k;
    const double w = tap ? a.w[c * k + lane] : 0., gamma = a.gamma[c];
    double dw = 0, dgamma = 0, dbeta = 0;
    for (int b = 0; b < a.batch; b++) {
        const double* const from = a.sums + (i64)b * (k + 1) * a.width + c;
        const double *const m = a.windows + (i64)b * (k + k * k + 1), *const g = m + k;
        const double s = from[(i64)k * a.width], sum = tap ? from[(i64)lane * a.width] - s * m[lane] : 0., rstd = a.channels[(i64)b * a.width + c].z;
        double gw = 0;
        if (tap)
            for (int j = 0; j < k; j++) gw += g[lane * k + j] * a.w[c * k + j];
        const double q = rstd * warp_sum(w * sum);
        dw += gamma * rstd * (sum - q * rstd * gw);
        dgamma += q, dbeta += s;
    }
    if (tap && a.dw) a.dw[c * k + lane] = (float)dw;
    if (lane == 0 && a.dgamma) a.dgamma[c] = (float)dgamma;
    if (lane == 0 && a.dbeta) a.dbeta[c] = (float)dbeta;
}
