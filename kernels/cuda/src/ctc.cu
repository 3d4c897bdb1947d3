// Connectionist temporal classification. Probabilities are m·2^e with a float64 m in [1,2), as in kernels/cpu: a product needs no logarithm, and nothing underflows.
//
// The states of a row are its target with a blank before, between and behind its labels. One block sweeps over the frames of a row from the first, another one from the
// last; what belongs to one frame (softmax before, gradient behind) is done for all frames at once.

struct Scaled {
    double m;
    int e, pad_;
};

// A cell of the lattices that the sweeps leave behind.
struct Cell {
    float m;
    int e;
};

struct CtcArgs {
    const float *logits, *dloss;
    const int *lengths, *targets, *targetLengths;
    float *loss, *losses, *dlogits;
    double* lse;         // (batch, frames) log-sum-exp of the logits
    double* rowLoss;     // (batch)
    Scaled* total;       // (batch) probability of the target
    Scaled* rows;        // (batch, 2 sweeps, 2, 2·labels+5) of the frame at hand and the one before
    Cell *alpha, *beta;  // (batch, frames, 2·labels+1) paths that end in a state; paths from it, without the class of its frame
    int* chain;          // (batch, labels) 1 + the next label of the same class or 0, and its complement where there is one before
    int batch, frames, classes, labels;
    int blank, zeroInfinity;
    int keep;  // the lattices
    int least; // a probability below 2^least counts as 0
};

// The exponent of 0 lies below every other: a row of T frames has none below T·least.
#define NO_EXPONENT (-(1 << 29))

static __device__ __forceinline__ Scaled scaled(double m, int e) {
    Scaled s;
    s.m = m, s.e = e, s.pad_ = 0;
    return s;
}
static __device__ __forceinline__ Scaled nothing() { return scaled(0, NO_EXPONENT); }

// 2^e for e <= 1000, about 0 for very small ones.
static __device__ __forceinline__ double power(int e) { return __longlong_as_double((i64)(max(e, -1000) + 1023) << 52); }

static __device__ __forceinline__ Scaled plus(const Scaled& a, const Scaled& b) {
    const int e = max(a.e, b.e);
    return scaled(a.m * power(a.e - e) + b.m * power(b.e - e), e);
}

// a·b with a mantissa in [1,2) again.
static __device__ __forceinline__ Scaled times(const Scaled& a, const Scaled& b) {
    const double m = a.m * b.m;
    if (m == 0) return nothing();
    const i64 bits = __double_as_longlong(m), shift = (bits >> 52) - 1023;
    return scaled(__longlong_as_double(bits - (shift << 52)), a.e + b.e + (int)shift);
}

// The log-sum-exp of a frame: a warp has one. 4 bytes a logit.
KERNEL(ctc_softmax, CtcArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.batch * a.frames || (int)(r % a.frames) >= a.lengths[r / a.frames]) return;
    const int lane = threadIdx.x % 32;
    const float* const x = a.logits + r * a.classes;
    float top = __uint_as_float(0xff800000u), sum = 0;
    for (int k = lane; k < a.classes; k += 32) top = x[k] > top || x[k] != x[k] ? x[k] : top;
    top = warp_max(top);
    for (int k = lane; k < a.classes; k += 32) sum += expf(x[k] - top);
    sum = warp_sum(sum);
    if (lane == 0) a.lse[r] = top + log((double)sum);
}

// Which labels of a row are of one class: a thread has a label.
KERNEL(ctc_chain, CtcArgs) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, b = i / max(a.labels, 1), at = i - b * a.labels;
    if (b >= a.batch || at >= a.targetLengths[b]) return;
    const int* const target = a.targets + (i64)b * a.labels;
    int next = 0;
    for (int j = at + 1; j < a.targetLengths[b] && !next; j++)
        if (target[j] == target[at]) next = j + 1;
    bool first = true;
    for (int j = 0; j < at && first; j++) first = target[j] != target[at];
    a.chain[i] = first ? next : ~next;
}

// The probability of a class at a frame.
static __device__ __forceinline__ Scaled probability(const CtcArgs& a, i64 frame, int k) {
    const double y = (a.logits[frame * a.classes + k] - a.lse[frame]) * 1.44269504088896341;
    if (!(y >= a.least)) return nothing();
    const double whole = floor(y);
    return scaled((double)exp2f((float)(y - whole)), (int)whole);
}

static __device__ __forceinline__ Cell cell(const Scaled& s) {
    Cell c;
    c.m = (float)s.m, c.e = s.e;
    return c;
}

// Paths that end in the states of a frame. Thread i has blank i and the label behind it. State s is element 2+s of a row; the first two are 0.
static __device__ __forceinline__ void ctc_forward(const CtcArgs& a, int b, const int* target, int length, int labels, Scaled* rows) {
    const int width = 2 * a.labels + 5;
    for (int t = 0; t < length; t++) {
        const i64 frame = (i64)b * a.frames + t;
        const Scaled* const before = rows + (t + 1) % 2 * width;
        Scaled* const now = rows + t % 2 * width;
        Cell* const keep = a.keep ? a.alpha + frame * (2 * a.labels + 1) : 0;
        const Scaled blank = probability(a, frame, a.blank);
        for (int i = threadIdx.x; i <= labels; i += blockDim.x) {
            Scaled to = t ? times(plus(before[2 * i + 1], before[2 * i + 2]), blank) : i ? nothing() : blank;
            now[2 * i + 2] = to;
            if (keep) keep[2 * i] = cell(to);
            if (i == labels) continue;
            const Scaled p = probability(a, frame, target[i]);
            if (t) {
                to = plus(before[2 * i + 2], before[2 * i + 3]);
                if (i && target[i] != target[i - 1]) to = plus(to, before[2 * i + 1]); // over a blank that does not have to part two equal labels
                to = times(to, p);
            } else {
                to = i ? nothing() : p;
            }
            now[2 * i + 3] = to;
            if (keep) keep[2 * i + 1] = cell(to);
        }
        __syncthreads();
    }
}

// Paths from the states of a frame to the end, without the class of that frame. Rows hold them with it; state s is element s, the last two are 0.
static __device__ __forceinline__ void ctc_backward(const CtcArgs& a, int b, const int* target, int length, int labels, Scaled* rows) {
    const int width = 2 * a.labels + 5, states = 2 * labels + 1;
    const Scaled one = scaled(1, 0);
    for (int t = length - 1; t >= 0; t--) {
        const i64 frame = (i64)b * a.frames + t;
        const Scaled* const after = rows + (t + 1) % 2 * width;
        Scaled* const now = rows + t % 2 * width;
        Cell* const keep = a.beta + frame * (2 * a.labels + 1);
        const Scaled blank = probability(a, frame, a.blank);
        const bool last = t == length - 1;
        for (int i = threadIdx.x; i <= labels; i += blockDim.x) {
            const int s = 2 * i;
            Scaled to = last ? (s >= states - 2 ? one : nothing()) : times(plus(after[s], after[s + 1]), one);
            keep[s] = cell(to);
            now[s] = times(to, blank);
            if (i == labels) continue;
            if (last) {
                to = s + 1 >= states - 2 ? one : nothing();
            } else {
                to = plus(after[s + 1], after[s + 2]);
                if (i + 1 < labels && target[i + 1] != target[i]) to = plus(to, after[s + 3]);
                to = times(to, one);
            }
            keep[s + 1] = cell(to);
            now[s + 1] = times(to, probability(a, frame, target[i]));
        }
        __syncthreads();
    }
}

// One block for each row and sweep. About 8 operations in float64 a state and frame; 8 bytes where the lattice is kept. What takes the time is the wait from frame to frame,
// some hundred cycles each.
KERNEL(ctc_sweep, CtcArgs) {
    const int b = blockIdx.x, length = a.lengths[b], labels = a.targetLengths[b], width = 2 * a.labels + 5;
    const int* const target = a.targets + (i64)b * a.labels;
    Scaled* const rows = a.rows + ((i64)b * 2 + blockIdx.y) * 2 * width;
    for (int i = threadIdx.x; i < 2 * width; i += blockDim.x) rows[i] = nothing();
    __syncthreads();
    if (blockIdx.y) {
        ctc_backward(a, b, target, length, labels, rows);
        return;
    }
    ctc_forward(a, b, target, length, labels, rows);
    int bad = 0; // frames without a softmax
    for (int t = threadIdx.x; t < length; t += blockDim.x) {
        const double lse = a.lse[(i64)b * a.frames + t];
        bad += !(lse - lse == 0);
    }
    bad = block_sum(bad);
    if (threadIdx.x) return;
    const Scaled* const end = rows + (length + 1) % 2 * width + 2 * labels; // the last row, at the last label
    Scaled total = times(plus(end[1], end[2]), scaled(1, 0));
    if (length == 0) total = labels ? nothing() : scaled(1, 0);
    double loss = -(log(total.m) + total.e * 0.693147180559945309);
    if (bad) loss = __longlong_as_double(0x7ff8000000000000ll);
    if (a.zeroInfinity && loss == __longlong_as_double(0x7ff0000000000000ll)) loss = 0, total = nothing();
    a.total[b] = total;
    a.rowLoss[b] = loss;
    if (a.losses) a.losses[b] = (float)loss;
}

// The losses of the rows added in order.
KERNEL(ctc_finish, CtcArgs) {
    if (threadIdx.x) return;
    double sum = 0;
    for (int b = 0; b < a.batch; b++) sum += a.rowLoss[b];
    a.loss[0] = (float)sum;
}

// dlogits of a frame: a warp has one. Through a state run at most all paths of the target, so the exponents of the shares are at most 1. 8 bytes a logit and 16 a state.
KERNEL(ctc_grad, CtcArgs) {
    const i64 r = row_of_warp();
    if (r >= (i64)a.batch * a.frames) return;
    const int lane = threadIdx.x % 32, b = (int)(r / a.frames);
    float* const d = a.dlogits + r * a.classes;
    const Scaled total = a.total[b];
    const double loss = a.rowLoss[b];
    const bool none = (int)(r % a.frames) >= a.lengths[b] || (a.zeroInfinity && total.m == 0 && loss == 0);
    if (none || !(loss - loss == 0)) { // nothing to learn, or an infinite loss or none
        const float v = none ? 0.f : __uint_as_float(0x7fc00000u);
        for (int k = lane; k < a.classes; k += 32) d[k] = v;
        return;
    }
    const float dloss = a.dloss[0];
    const double lse = a.lse[r];
    for (int k = lane; k < a.classes; k += 32) d[k] = dloss * expf((float)(a.logits[r * a.classes + k] - lse));
    __syncwarp();
    const Cell *const alpha = a.alpha + r * (2 * a.labels + 1), *const beta = a.beta + r * (2 * a.labels + 1);
    const int labels = a.targetLengths[b];
    const double rate = dloss / total.m;
    auto share = [&](int s) { return (double)alpha[s].m * beta[s].m * power(alpha[s].e + beta[s].e - total.e); };
    double blanks = 0;
    for (int i = lane; i <= labels; i += 32) blanks += share(2 * i);
    blanks = warp_sum(blanks);
    if (lane == 0) d[a.blank] -= (float)(rate * blanks);
    const int *const chain = a.chain + (i64)b * a.labels, *const target = a.targets + (i64)b * a.labels;
    for (int i = lane; i < labels; i += 32) {
        if (chain[i] < 0) continue; // the first label of its class adds up all
        double sum = 0;
        for (int j = i;;) {
            sum += share(2 * j + 1);
            const int next = chain[j] < 0 ? ~chain[j] : chain[j];
            if (!next) break;
            j = next - 1;
        }
        d[target[i]] -= (float)(rate * sum);
    }
}
