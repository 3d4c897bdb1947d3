// The counter-based noise of package rng: Philox4x32-10 (Salmon et al. 2011).

// Of a launch: key and counter of (seed, update, site), and the number of its first element.
struct Noise {
    u32 key0, key1; // seed
    u32 step0, step1; // update
    u32 site;
    u32 threshold; // words below are dropped
    float keep;    // 1/(1-p)
    u32 pad_;
};

// Words 4·block to 4·block+3 of the stream.
static __device__ __forceinline__ uint4 noise_block(const Noise& n, u32 block) {
    u32 c0 = block, c1 = n.site, c2 = n.step0, c3 = n.step1, k0 = n.key0, k1 = n.key1;
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
