// The counter-based noise of package rng: Philox4x32-10 (Salmon et al. 2011).

// What an update has for all kernels, in memory of the device: arguments are the same for all updates, so that a recorded launch draws new noise each time.
struct Step {
    u64 seed, update;
    i64 row; // of the update, of batch row 0
};

// The stream of a launch, (seed, update, site), and dropout's rule.
struct Noise {
    const Step* step;
    u32 site;
    u32 threshold; // words below are dropped
    float keep;    // 1/(1-p)
    u32 pad_;
};

// The row of the update that is batch row 0: noise is counted from there.
static __device__ __forceinline__ i64 noise_row(const Noise& n) { return load_read_only(&n.step->row); }

// Words 4·block to 4·block+3 of the stream.
static __device__ __forceinline__ uint4 noise_block(const Noise& n, u32 block) {
    const uint4 step = load_read_only(reinterpret_cast<const uint4*>(n.step)); // key and counter
    u32 c0 = block, c1 = n.site, c2 = step.z, c3 = step.w, k0 = step.x, k1 = step.y;
#pragma unroll
    for (int i = 0; i < 10; i++) {
        const u32 ha = __umulhi(0xD2511F53u, c0), la = 0xD2511F53u * c0, hb = __umulhi(0xCD9E8D57u, c2), lb = 0xCD9E8D57u * c2;
        c0 = hb ^ c1 ^ k0;
        c1 = lb;
        c2 = ha ^ c3 ^ k1;
        c3 = la;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return make_uint4(c0, c1, c2, c3);
}

// The word of one element: word element%4 of block element/4.
static __device__ __forceinline__ u32 noise_word(const Noise& n, u64 element) {
    const uint4 b = noise_block(n, (u32)(element >> 2));
    const u32 i = (u32)element & 3;
    return i == 0 ? b.x : i == 1 ? b.y : i == 2 ? b.z : b.w;
}

// In the open interval (0,1), as rng.Unit.
static __device__ __forceinline__ float noise_unit(u32 word) { return ((float)(word >> 9) + 0.5f) * (1.f / (1 << 23)); }

// The factor of dropout for a word.
static __device__ __forceinline__ float noise_keep(const Noise& n, u32 word) { return word >= n.threshold ? n.keep : 0.f; }
