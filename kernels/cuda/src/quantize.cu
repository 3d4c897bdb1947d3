// The Gumbel quantizer and the diversity of its codebook. A warp has a row of logits of one group; a row is a few kilobytes and stays in the cache.

struct QuantizeArgs {
    const float *logits, *codebook, *tau;
    const int* index; // (rows) flat frame, or -1
    const float* dq;
    float* q;
    float* dlogits; // holds dq·codebook before
    float* soft;    // (rows, groups, entries) room for what the row's lanes work out; its softmax where the code is not hard
    int* codes;
    float* parts; // (chunks, groups·entries, dim)
    i64 frames; // of a batch row
    int rows, groups, entries, dim;
    int hard, noisy, chunk, pad_;
    Noise noise;
};

// -log(-log u).
static __device__ __forceinline__ float gumbel(u32 word) { return -logf(-logf(noise_unit(word))); }

// The logit of an entry with its noise. at is its place in (rows, groups, entries), entry that in a row.
static __device__ __forceinline__ float noisy_logit(const QuantizeArgs& a, i64 at, int frame, int entry) {
    const float z = a.logits[at];
    return a.noisy ? z + gumbel(noise_word(a.noise, (u64)((noise_row(a.noise) * a.frames + frame) * a.groups * a.entries + entry))) : z;
}

// The place of the largest value of a warp, the first one of equal ones. Where nothing is larger than -Inf it is 0.
static __device__ __forceinline__ int warp_argmax(float v, int at) {
#pragma unroll
    for (int o = 16; o; o >>= 1) {
        const float w = shfl_xor(v, o);
        const int other = shfl_xor(at, o);
        if (w > v || (w == v && other < at)) v = w, at = other;
    }
    return at == 0x7fffffff ? 0 : at;
}

// Codes, and q for hard ones; the softmax for the others. 4 bytes a logit, 8 a channel of q, and a quarter to one block of noise a logit.
KERNEL(gumbel_quantize, QuantizeArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.rows * a.groups) return;
    const int lane = threadIdx.x % 32, n = (int)(r / a.groups), g = (int)(r % a.groups), frame = a.index[n];
    float* const soft = a.soft + r * a.entries;
    if (frame < 0) {
        if (lane == 0) a.codes[r] = -1;
        if (a.hard) {
            zero_row(a.q + r * a.dim, a.dim);
        } else {
            for (int v = lane; v < a.entries; v += 32) soft[v] = 0;
        }
        return;
    }
    float top = __uint_as_float(0xff800000u); // -Inf
    int code = 0x7fffffff;
    for (int v = lane; v < a.entries; v += 32) {
        const float z = noisy_logit(a, r * a.entries + v, frame, g * a.entries + v);
        if (z > top) top = z, code = v;
        if (!a.hard) soft[v] = z;
    }
    code = warp_argmax(top, code);
    if (lane == 0) a.codes[r] = code;
    if (a.hard) {
        copy_row(a.q + r * a.dim, a.codebook + ((i64)g * a.entries + code) * a.dim, a.dim);
        return;
    }
    top = warp_max(top);
    const float rate = 1.f / a.tau[0];
    float sum = 0;
    for (int v = lane; v < a.entries; v += 32) sum += soft[v] = expf((soft[v] - top) * rate);
    sum = 1.f / warp_sum(sum);
    for (int v = lane; v < a.entries; v += 32) soft[v] *= sum;
}

// dlogits = soft·(e - Σ soft·e)/tau, where dlogits holds e = dq·codebook. 8 bytes a logit and the noise.
KERNEL(gumbel_quantize_grad, QuantizeArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.rows * a.groups) return;
    const int lane = threadIdx.x % 32, n = (int)(r / a.groups), g = (int)(r % a.groups), frame = a.index[n];
    float *const soft = a.soft + r * a.entries, *const e = a.dlogits + r * a.entries;
    if (frame < 0) {
        for (int v = lane; v < a.entries; v += 32) e[v] = soft[v] = 0;
        return;
    }
    float top = __uint_as_float(0xff800000u);
    for (int v = lane; v < a.entries; v += 32) top = fmaxf(top, soft[v] = noisy_logit(a, r * a.entries + v, frame, g * a.entries + v));
    top = warp_max(top);
    const float rate = 1.f / a.tau[0];
    float sum = 0, mean = 0;
    for (int v = lane; v < a.entries; v += 32) {
        const float p = soft[v] = expf((soft[v] - top) * rate);
        sum += p, mean += p * e[v];
    }
    sum = 1.f / warp_sum(sum);
    mean = warp_sum(mean) * sum;
    for (int v = lane; v < a.entries; v += 32) {
        const float p = soft[v] *= sum;
        e[v] = p * (e[v] - mean) * rate;
    }
}

// parts[chunk][g·entries+v] = the sum of dq over the rows of a chunk whose code of group g is v. A block has 32 channels, and its warps 32 entries each, in shared
// memory; a warp looks at 32 codes at a time and adds the rows that are its own, in order. 4 bytes a channel of dq.
KERNEL(codebook_grad, QuantizeArgs) {
    __shared__ float sum[8][32][32];
    const int lane = threadIdx.x % 32, w = threadIdx.x / 32, blocks = (a.entries + 255) / 256;
    const int g = blockIdx.y / blocks, base = blockIdx.y % blocks * 256 + w * 32, channel = blockIdx.x * 32 + lane;
    for (int v = 0; v < 32; v++) sum[w][v][lane] = 0;
    const int lo = blockIdx.z * a.chunk, hi = min(lo + a.chunk, a.rows);
    for (int n = lo; n < hi; n += 32) {
        const int code = n + lane < hi ? a.codes[(i64)(n + lane) * a.groups + g] : -1;
        for (u32 found = ballot(code >= base && code < base + 32); found; found &= found - 1) {
            const int i = __ffs(found) - 1, v = shfl(code, i) - base;
            if (channel < a.dim) sum[w][v][lane] += a.dq[((i64)(n + i) * a.groups + g) * a.dim + channel];
        }
    }
    if (channel >= a.dim) return;
    for (int v = 0; v < 32 && base + v < a.entries; v++)
        a.parts[(((i64)blockIdx.z * a.groups + g) * a.entries + base + v) * a.dim + channel] = sum[w][v][lane];
}

struct DiversityArgs {
    const float *logits, *dloss, *pIn, *perplexityIn;
    const int* index;
    float *loss, *p, *perplexity, *dlogits;
    float* top;  // (rows, groups) largest logit
    float* rate; // (rows, groups) 1/Σexp
    int* code;   // (rows, groups) place of the largest, where p is the share of codes
    float* parts;
    float* sums; // (groups·entries) of softmax or codes over rows; in the gradient, what follows from them
    int rows, groups, entries, chunk;
    int hard, pad_;
};

// What the columns need of a row; 4 bytes a logit.
KERNEL(diversity_rows, DiversityArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.rows * a.groups || a.index[r / a.groups] < 0) return;
    const int lane = threadIdx.x % 32;
    const float* const x = a.logits + r * a.entries;
    float top = __uint_as_float(0xff800000u), sum = 0;
    int code = 0x7fffffff;
    for (int v = lane; v < a.entries; v += 32)
        if (x[v] > top) top = x[v], code = v;
    if (a.hard) {
        code = warp_argmax(top, code);
        if (lane == 0) a.code[r] = code;
        return;
    }
    top = warp_max(top);
    for (int v = lane; v < a.entries; v += 32) sum += expf(x[v] - top);
    sum = warp_sum(sum);
    if (lane == 0) a.top[r] = top, a.rate[r] = 1.f / sum;
}

// Sums of softmax or codes over a chunk of rows; 4 bytes a logit.
KERNEL(diversity_columns, DiversityArgs) {
    const i64 columns = (i64)a.groups * a.entries, column = (i64)blockIdx.x * 32 + threadIdx.x % 32, lo = (i64)blockIdx.y * a.chunk;
    const int g = (int)(column / a.entries), v = (int)(column % a.entries);
    float sum[1];
    const bool mine = sum_columns(lo, lo + a.chunk < a.rows ? lo + a.chunk : a.rows, column, columns, sum, [&](i64 n, i64 c, float (&s)[1]) {
        if (a.index[n] < 0) return;
        const i64 r = n * a.groups + g;
        s[0] += a.hard ? (a.code[r] == v ? 1.f : 0.f) : expf(a.logits[n * columns + c] - a.top[r]) * a.rate[r];
    });
    if (mine) a.parts[(i64)blockIdx.y * columns + column] = sum[0];
}

// The number of rows of a list that are not padding, for all threads of the block.
static __device__ __forceinline__ int count_valid(const int* index, int n) {
    int valid = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) valid += index[i] >= 0;
    return block_sum(valid);
}

// Keeps log(p+eps) finite for entries that are not used, as fairseq does.
#define ENTROPY_EPS 1e-7

// One block: p, perplexities and loss from the sums.
KERNEL(diversity_finish, DiversityArgs) {
    const int valid = count_valid(a.index, a.rows);
    double total = 0;
    for (int g = 0; g < a.groups; g++) {
        double entropy = 0;
        for (int v = threadIdx.x; v < a.entries; v += blockDim.x) {
            const double share = (double)a.sums[g * a.entries + v] / (valid > 0 ? valid : 1);
            entropy -= share * log(share + ENTROPY_EPS);
            a.p[g * a.entries + v] = (float)share;
        }
        const double perplexity = exp(block_sum(entropy));
        if (threadIdx.x == 0) a.perplexity[g] = (float)perplexity;
        total += perplexity;
    }
    const double all = (double)a.groups * a.entries;
    if (threadIdx.x == 0) a.loss[0] = (float)((all - total) / all);
}

// sums = dloss·perplexity/(G·V)·(log(p+eps) + p/(p+eps))/valid: the gradient of a row's share of p.
KERNEL(diversity_grad_shares, DiversityArgs) {
    const int valid = count_valid(a.index, a.rows), all = a.groups * a.entries;
    const double scale = (double)a.dloss[0] / all / (valid > 0 ? valid : 1);
    for (int i = threadIdx.x; i < all; i += blockDim.x) {
        const double share = a.pIn[i];
        a.sums[i] = (float)(scale * a.perplexityIn[i / a.entries] * (log(share + ENTROPY_EPS) + share / (share + ENTROPY_EPS)));
    }
}

// dlogits = soft·(s - Σ soft·s), s the sums of above; 8 bytes a logit.
KERNEL(diversity_grad, DiversityArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.rows * a.groups) return;
    const int lane = threadIdx.x % 32, g = (int)(r % a.groups);
    const float *const x = a.logits + r * a.entries, *const s = a.sums + g * a.entries;
    float* const d = a.dlogits + r * a.entries;
    if (a.index[r / a.groups] < 0) {
        for (int v = lane; v < a.entries; v += 32) d[v] = 0;
        return;
    }
    float top = __uint_as_float(0xff800000u), sum = 0, mean = 0;
    for (int v = lane; v < a.entries; v += 32) top = fmaxf(top, x[v]);
    top = warp_max(top);
    for (int v = lane; v < a.entries; v += 32) {
        const float p = d[v] = expf(x[v] - top);
        sum += p, mean += p * s[v];
    }
    sum = 1.f / warp_sum(sum);
    mean = warp_sum(mean) * sum;
    for (int v = lane; v < a.entries; v += 32) d[v] = d[v] * sum * (s[v] - mean);
}
