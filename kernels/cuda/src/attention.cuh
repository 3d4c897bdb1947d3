// What the attention kernels share. Tensors q, k, v, y and their gradients are (B,T,H·W); lse and delta are (B,H,T). No T x T matrix is ever stored:
// the probabilities of a tile are computed again from q, k and lse where the gradient needs them (Dao et al. 2022).

template <class S> struct AttentionOf {
    const S *q, *k, *v;
    const int* lengths; // keys of each batch row, or none: all
    S* y;
    float* lse; // of the forward pass
    const S* dy;
    const float* delta;
    S *dq, *dk, *dv;
    Noise noise; // threshold 0: no dropout
    int frames, heads, width;
    float scale;
};
typedef AttentionOf<float> AttentionArgs;

// Where a block works: a head of a batch row.
struct AttentionHead {
    i64 base;  // of frame 0 in tensors of D channels
    i64 stats; // in lse and delta
    u64 noise; // element of query 0 and key 0
    int ld, keys;
};

template <class S> static __device__ __forceinline__ AttentionHead attention_head(const AttentionOf<S>& a) {
    AttentionHead h;
    const int head = blockIdx.y, b = blockIdx.z;
    h.ld = a.heads * a.width;
    h.base = (i64)b * a.frames * h.ld + head * a.width;
    h.stats = ((i64)b * a.heads + head) * a.frames;
    h.noise = a.noise.threshold ? (u64)((noise_row(a.noise) + b) * a.heads + head) * a.frames * a.frames : 0;
    h.keys = a.lengths ? min(a.lengths[b], a.frames) : a.frames;
    return h;
}

// The factor of dropout on the probability of query i and key j.
static __device__ __forceinline__ float attention_drop(const AttentionArgs& a, const AttentionHead& h, int i, int j) {
    if (!a.noise.threshold) return 1;
    return noise_keep(a.noise, noise_word(a.noise, h.noise + (u64)i * a.frames + j));
}

template <class S> struct AttentionDeltaOf {
    const S *dy, *y; // (B,T,H·width)
    float* delta;    // (B,H,T)
    i64 rows;        // B·T·H
    int frames, heads, width, pad_;
};
typedef AttentionDeltaOf<float> AttentionDeltaArgs;

// delta[b,h,t] = sum over the channels of a head of dy·y: one warp each. 8 bytes an element, 4 in bfloat16.
STORED(attention_delta, AttentionDeltaOf) {
    const i64 i = (i64)blockIdx.x * 8 + threadIdx.x / 32; // (b·T + t)·H + h
    const int lane = threadIdx.x % 32;
    if (i >= a.rows) return;
    float sum = 0;
    for (int c = lane; c < a.width; c += 32) sum = fmaf(load1(a.dy + i * a.width + c), load1(a.y + i * a.width + c), sum);
    sum = warp_sum(sum);
    const int h = (int)(i % a.heads);
    const i64 t = i / a.heads;
    if (lane == 0) a.delta[(t / a.frames * a.heads + h) * a.frames + t % a.frames] = sum;
}
