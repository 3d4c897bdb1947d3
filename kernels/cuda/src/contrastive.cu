// InfoNCE. A pair is a context vector with a target: the positive of its row, then the negatives. Targets are gathered where they are needed, never stored.
//
// Products are summed in float64: logits are cosines over a small temperature, and in the gradient two terms may nearly cancel. That costs little beside the
// gathering, which reads 4·D bytes a pair from the second-level cache.

struct ContrastArgs {
    const float *c, *q, *dloss, *lseIn;
    const int *negatives, *codes; // codes 0: targets are compared element by element
    float *loss, *lse, *dc, *dq;
    int* hits;
    double *cScale, *qScale; // (rows) 1/max(length, 1e-8)
    u32* keys;               // (rows) equal for equal targets
    double* losses;          // (rows)
    double *weight, *share;  // (rows, pairs) dloss/d(c·q), and dloss/dcos·cos
    int *count, *start;      // (rows), (rows+1): list[start[m]] to list[start[m+1]] are the pairs whose target is m
    int *list, *ordered;     // (rows, pairs)
    double rate; // 1/temperature
    int rows, dim, pairs, groups;
};

#define MAX_SCALE 1e8 // of vectors so short that their length counts as 1e-8

// Scales and keys of a row; 8 bytes an element of c.
KERNEL(info_nce_scales, ContrastArgs) {
    const i64 n = row_of_warp();
    if (n >= a.rows) return;
    const int lane = threadIdx.x % 32;
    double cc = 0, qq = 0;
    u32 key = 0;
    for (int i = lane; i < a.dim; i += 32) {
        const float x = a.c[n * a.dim + i], y = a.q[n * a.dim + i];
        cc += (double)x * x, qq += (double)y * y;
        u32 h = (__float_as_uint(y + 0.f) ^ (u32)i * 0x9E3779B9u) * 0x85EBCA6Bu; // -0 equals 0
        if (!a.codes) key += h ^ h >> 15;
    }
    if (a.codes)
        for (int i = lane; i < a.groups; i += 32) key += ((u32)a.codes[n * a.groups + i] ^ (u32)i * 0x9E3779B9u) * 0x85EBCA6Bu;
    cc = warp_sum(cc), qq = warp_sum(qq), key = warp_sum(key);
    if (lane) return;
    const double cs = 1 / sqrt(cc), qs = 1 / sqrt(qq);
    a.cScale[n] = cs < MAX_SCALE ? cs : cs != cs ? cs : MAX_SCALE;
    a.qScale[n] = qs < MAX_SCALE ? qs : qs != qs ? qs : MAX_SCALE;
    a.keys[n] = key;
}

static __device__ __forceinline__ int target_of(const ContrastArgs& a, i64 n, int pair) {
    return pair ? a.negatives[n * (a.pairs - 1) + pair - 1] : (int)n;
}

// Whether target m is that of row n. Nearly all are told apart by their keys.
static __device__ __forceinline__ bool same_target(const ContrastArgs& a, i64 n, i64 m) {
    if (a.keys[n] != a.keys[m]) return false;
    if (a.codes) {
        for (int i = 0; i < a.groups; i++)
            if (a.codes[n * a.groups + i] != a.codes[m * a.groups + i]) return false;
        return true;
    }
    for (int i = 0; i < a.dim; i++)
        if (a.q[n * a.dim + i] != a.q[m * a.dim + i]) return false;
    return true;
}

// Products of row n's context with the targets of pairs base to base+31, one a lane; target is the lane's. Four at a time share what is read of c.
static __device__ __forceinline__ double pair_products(const ContrastArgs& a, i64 n, int base, int target) {
    const int lane = threadIdx.x % 32, end = min(32, a.pairs - base);
    const float* const c = a.c + n * a.dim;
    double mine = 0;
    for (int u = 0; u < end; u += 4) {
        double sum[4] = {0, 0, 0, 0};
        const float* q[4];
#pragma unroll
        for (int i = 0; i < 4; i++) q[i] = a.q + (i64)shfl(target, u + i) * a.dim;
        if (a.dim % 4 == 0) {
            for (int j = lane * 4; j < a.dim; j += 128) {
                const float4 x = load4(c + j);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float4 y = load4(q[i] + j);
                    sum[i] += ((double)x.x * y.x + (double)x.y * y.y) + ((double)x.z * y.z + (double)x.w * y.w);
                }
            }
        } else {
            for (int j = lane; j < a.dim; j += 32) {
                const double x = c[j];
#pragma unroll
                for (int i = 0; i < 4; i++) sum[i] += x * q[i][j];
            }
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const double all = warp_sum(sum[i]);
            if (lane == u + i) mine = all;
        }
    }
    return mine;
}

// Loss, log-sum-exp and hits of a row. 4·D bytes a pair from the cache; 8 bytes a pair of indices and 12 a row from memory.
KERNEL(info_nce, ContrastArgs) {
    const i64 n = row_of_warp();
    if (n >= a.rows) return;
    const int lane = threadIdx.x % 32;
    if (a.negatives[n * (a.pairs - 1)] < 0) {
        if (lane == 0) a.lse[n] = 0, a.hits[2 * n] = -1, a.hits[2 * n + 1] = 0, a.losses[n] = 0;
        return;
    }
    const double inf = __longlong_as_double(0x7ff0000000000000ll), scale = a.cScale[n] * a.rate;
    double top = -inf, bottom = inf, positive = 0; // of the lane's pairs
    float sum = 0;                                 // Σ exp(logit - top) of them
    int same = 0;
    for (int base = 0; base < a.pairs; base += 32) {
        const bool real = base + lane < a.pairs;
        const int target = real ? target_of(a, n, base + lane) : (int)n;
        double z = pair_products(a, n, base, target) * (scale * a.qScale[target]);
        if (!real) continue;
        if (base + lane == 0) {
            positive = z;
        } else if (same_target(a, n, target)) {
            z = -inf;
            same++;
        }
        if (z > top || z != z) {
            sum = (top == -inf ? 0.f : sum * expf((float)(top - z))) + 1.f;
            top = z;
        } else if (z != -inf) {
            sum += expf((float)(z - top));
        }
        bottom = z < bottom ? z : bottom;
    }
    __syncwarp();
    positive = shfl(positive, 0);
    const double most = warp_max(top);
    bottom = -warp_max(-bottom);
    sum = warp_sum(top == -inf ? 0.f : sum * expf((float)(top - most)));
    same = warp_sum(same);
    if (lane) return;
    const double lse = most + log((double)sum);
    a.lse[n] = (float)lse;
    a.losses[n] = lse - positive;
    // The largest logit, but not also the smallest; negatives equal to the positive, at -Inf, are smaller.
    a.hits[2 * n] = positive == most && positive > bottom;
    a.hits[2 * n + 1] = same;
}

// One block adds the losses of the rows.
KERNEL(info_nce_finish, ContrastArgs) {
    double sum = 0;
    for (int n = threadIdx.x; n < a.rows; n += blockDim.x) sum += a.losses[n];
    sum = block_sum(sum);
    if (threadIdx.x == 0) a.loss[0] = (float)sum;
}

// Adds weights times rows of x to a row of float64 sums and stores it without what lies along v, where that is long enough for its length to count:
//   y = Σ_i weight(i)·x(i) - along·scale²·v
// weight and x give number and row of term i, the same for all lanes.
template <class W, class X> static __device__ __forceinline__ void weighted_rows(float* y, const float* v, int dim, int terms, double along, double scale, W weight, X x) {
    const int lane = threadIdx.x % 32;
    const double off = scale < MAX_SCALE ? along * scale * scale : 0;
    if (dim % 4 == 0) {
        for (int j = lane * 4; j < dim; j += 128) {
            double sum[4] = {0, 0, 0, 0};
#pragma unroll 4
            for (int i = 0; i < terms; i++) {
                const double w = weight(i);
                const float4 r = load4(x(i) + j);
                sum[0] += w * r.x, sum[1] += w * r.y, sum[2] += w * r.z, sum[3] += w * r.w;
            }
            const float4 u = load4(v + j);
            store4(y + j, make_float4((float)(sum[0] - off * u.x), (float)(sum[1] - off * u.y), (float)(sum[2] - off * u.z), (float)(sum[3] - off * u.w)));
        }
    } else {
        for (int j = lane; j < dim; j += 32) {
            double sum = 0;
            for (int i = 0; i < terms; i++) sum += weight(i) * x(i)[j];
            y[j] = (float)(sum - off * v[j]);
        }
    }
}

// Weights and shares of a row's pairs, and dc:
//   dcos(c,q)/dc = (q̂ - cos·ĉ)/|c|, without the second term where |c| is below the floor
// Twice 4·D bytes a pair from the cache.
KERNEL(info_nce_grad_context, ContrastArgs) {
    const i64 n = row_of_warp();
    if (n >= a.rows) return;
    const int lane = threadIdx.x % 32;
    if (a.negatives[n * (a.pairs - 1)] < 0) {
        zero_row(a.dc + n * a.dim, a.dim);
        return;
    }
    double *const weight = a.weight + n * a.pairs, *const share = a.share + n * a.pairs;
    const double scale = a.cScale[n], lse = a.lseIn[n], factor = a.dloss[0] * a.rate;
    double along = 0;
    for (int base = 0; base < a.pairs; base += 32) {
        const int pair = base + lane, target = pair < a.pairs ? target_of(a, n, pair) : (int)n;
        const double both = scale * a.qScale[target], cos = pair_products(a, n, base, target) * both;
        if (pair >= a.pairs) continue;
        // The probability in float32, less one for the positive: exp(x)-1 where that would cancel.
        const float x = (float)(cos * a.rate - lse);
        double d = pair ? (same_target(a, n, target) ? 0. : (double)expf(x)) : (double)expm1f(x);
        d *= factor;
        weight[pair] = d * both;
        share[pair] = d * cos;
        along += d * cos;
    }
    __syncwarp();
    along = warp_sum(along);
    weighted_rows(a.dc + n * a.dim, a.c + n * a.dim, a.dim, a.pairs, along, scale, [&](int i) { return weight[i]; },
                  [&](int i) { return a.q + (i64)target_of(a, n, i) * a.dim; });
}

// The pairs of each target, in their order: counted, placed in any order behind the targets before, and put in order by their numbers. Integers may be added
// atomically, for their sum does not depend on the order.
KERNEL(info_nce_clear, ContrastArgs) {
    const int m = blockIdx.x * blockDim.x + threadIdx.x;
    if (m < a.rows) a.count[m] = 0;
}

static __device__ __forceinline__ int target_of_pair(const ContrastArgs& a, i64 pair) {
    if (pair >= (i64)a.rows * a.pairs) return -1;
    const i64 n = pair / a.pairs;
    return a.negatives[n * (a.pairs - 1)] < 0 ? -1 : target_of(a, n, (int)(pair - n * a.pairs));
}

KERNEL(info_nce_count, ContrastArgs) {
    const int m = target_of_pair(a, (i64)blockIdx.x * blockDim.x + threadIdx.x);
    if (m >= 0) atomicAdd(a.count + m, 1);
}

// One block: start = running sums of count, and count = 0 again.
KERNEL(info_nce_start, ContrastArgs) {
    __shared__ int sums[256];
    const int t = threadIdx.x, per = (a.rows + 255) / 256, lo = min(t * per, a.rows), hi = min(lo + per, a.rows);
    int sum = 0;
    for (int m = lo; m < hi; m++) sum += a.count[m];
    sums[t] = sum;
    __syncthreads();
    for (int by = 1; by < 256; by *= 2) {
        const int before = t >= by ? sums[t - by] : 0;
        __syncthreads();
        sums[t] += before;
        __syncthreads();
    }
    int at = sums[t] - sum;
    for (int m = lo; m < hi; m++) {
        a.start[m] = at;
        at += a.count[m];
        a.count[m] = 0;
    }
    if (t == 255) a.start[a.rows] = sums[255];
}

KERNEL(info_nce_place, ContrastArgs) {
    const i64 pair = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    const int m = target_of_pair(a, pair);
    if (m >= 0) a.list[a.start[m] + atomicAdd(a.count + m, 1)] = (int)pair;
}

// The rank of a pair is the number of smaller ones: about pairs² comparisons a target, in a warp.
KERNEL(info_nce_order, ContrastArgs) {
    const i64 m = row_of_warp();
    if (m >= a.rows) return;
    const int lo = a.start[m], hi = a.start[m + 1];
    for (int i = lo + threadIdx.x % 32; i < hi; i += 32) {
        const int pair = a.list[i];
        int rank = 0;
        for (int j = lo; j < hi; j++) rank += a.list[j] < pair;
        a.ordered[lo + rank] = pair;
    }
}

// dq of a target, over its pairs in order; 4·D bytes a pair from the cache.
KERNEL(info_nce_grad_target, ContrastArgs) {
    const i64 m = row_of_warp();
    if (m >= a.rows) return;
    const int lo = a.start[m], terms = a.start[m + 1] - lo;
    const int* const list = a.ordered + lo;
    if (!terms) { // a padding row: what q holds there must not be read
        zero_row(a.dq + m * a.dim, a.dim);
        return;
    }
    double along = 0;
    for (int i = threadIdx.x % 32; i < terms; i += 32) along += a.share[list[i]];
    along = warp_sum(along);
    weighted_rows(a.dq + m * a.dim, a.q + m * a.dim, a.dim, terms, along, a.qScale[m], [&](int i) { return a.weight[list[i]]; },
                  [&](int i) { return a.c + (i64)(list[i] / a.pairs) * a.dim; });
}
