// wgmma for a C++ compiler: what the PTX ISA says of descriptors, layouts in shared memory, fragments and order ("Asynchronous Warpgroup Level Matrix Multiply-Accumulate
// Instructions"), written from that text and not from the kernels.
//
// A product reads its operands when its warp waits for it, and again what they were when it was issued: a difference is an error, and so are sums that are touched
// before. A warp waits for its own rows only, as on a GPU. The sums of products under way are not-a-numbers.
#define HAS_WGMMA

namespace emu {

// Matrix is a descriptor, decoded.
struct Matrix {
    u32 start, lead, stride, offset, mode;
    explicit Matrix(u64 d)
        : start((u32)(d & 0x3fff) << 4), lead((u32)(d >> 16 & 0x3fff) << 4), stride((u32)(d >> 32 & 0x3fff) << 4), offset((u32)(d >> 49 & 7)), mode((u32)(d >> 62)) {}

    // Bits of the swizzle: 128, 64, 32 bytes or none.
    int bits() const { return mode == 1 ? 3 : mode == 2 ? 2 : mode == 3 ? 1 : 0; }

    // The shared address of 8 numbers in line: those of row i (of M or N) from k on, k a multiple of 8; or, transposed, those of k from row i on. The rows of the table
    // "Canonical Layouts", for numbers of 16 bits: T is 8.
    u32 at(bool transposed, int i, int k) const {
        const u32 line = 16u << bits(); // bytes of a row of the swizzle's pattern
        u32 byte;
        if (!transposed) // ((8,m),(T,2k)):((line,SBO),(1,T)), and without swizzle LBO from the first 8 of k to the second
            byte = i / 8 * stride + i % 8 * line + (bits() ? k * 2 : k / 8 * lead);
        else if (bits()) // ((T,line/16,m),(8,k)):((1,T,LBO),(line,SBO))
            byte = i * 2 / line * lead + i * 2 % line + k / 8 * stride + k % 8 * line;
        else // ((T,1,m),(8,k)):((1,T,SBO),(1T,LBO))
            byte = i / 8 * stride + k / 8 * lead + k % 8 * 16;
        byte = (start + byte) & 0x3ffff;
        return byte ^ (byte >> 7 & ((1u << bits()) - 1)) << 4;
    }
};

// The 16 bytes at a shared address, which a descriptor gives without its upper bits.
static const u8* shared_piece(u32 at) {
    Block* b = cur->block;
    const u32 from = (at - (u32)(uintptr_t)b->dynamic) & 0x3ffff;
    if (from + 16 > b->launch->shared) fail("wgmma reads at %u of %u bytes of dynamic shared memory", from, b->launch->shared);
    if (from / 16 < b->unpublished.size() && b->unpublished[from / 16]) fail("wgmma reads at %u of shared memory what a thread has not published (fence.proxy.async)", from);
    return (const u8*)b->dynamic + from;
}

// gather copies the 16 rows of a that the running warp multiplies, and all of b: pieces of 16 bytes, for rows i and then k, or for k and then rows.
static void gather(const Async& p, std::vector<u8>& to) {
    to.clear();
    auto side = [&](u64 descriptor, bool transposed, int first, int rows) {
        const Matrix m(descriptor);
        for (int o = 0; o < (transposed ? 16 : rows); o++)
            for (int i = 0; i < (transposed ? rows : 16); i += 8) {
                const u8* piece = shared_piece(transposed ? m.at(true, first + i, o) : m.at(false, first + o, i));
                to.insert(to.end(), piece, piece + 16);
            }
    };
    side(p.a, p.ta, cur->thread.x / 32 % 4 * 16, 16);
    side(p.b, p.tb, 0, p.columns);
}

static void check(u64 descriptor, const char* which) {
    const Matrix m(descriptor);
    if (descriptor & ~0xc00e3fff3fff3fffull) fail("wgmma: bits of the descriptor of %s that mean nothing are set: %llx", which, descriptor);
    if (m.offset || (m.start & 0x380 & ((128u << m.bits()) - 1))) fail("wgmma: the swizzle of %s starts at %u, between its patterns; a base offset is not emulated", which, m.start);
}

// issue begins a product that all lanes of the warp, and all warps of the warpgroup, ask for.
static void issue(float* d, u64 a, u64 b, bool ta, bool tb, int columns) {
    meet(
        "wgmma",
        [&](Warp* w, int) { w->sums[cur->lane] = d, w->ab[cur->lane][0] = a, w->ab[cur->lane][1] = b; },
        [&](Warp* w, int) {
            for (int lane = 1; lane < 32; lane++)
                if (w->ab[lane][0] != w->ab[0][0] || w->ab[lane][1] != w->ab[0][1]) fail("wgmma: lane %d has other descriptors than lane 0", lane);
            if (cur->block->threads % 128) fail("wgmma in a block of %d threads, which are no whole warpgroups", cur->block->threads);
            auto& history = cur->block->asked[cur->thread.x / 128];
            if (history.size() == w->asked) history.push_back({a, b});
            if (history[w->asked].first != a || history[w->asked].second != b) fail("wgmma: warps of a warpgroup have different descriptors in their product %zu", w->asked);
            w->asked++;
            if (!w->fenced) fail("wgmma without a fence after the sums were used");
            check(a, "a");
            check(b, "b");
            w->running.emplace_back();
            Async& p = w->running.back();
            p = {a, b, ta, tb, columns, w->committed, {}, nullptr};
            gather(p, p.read);
            for (size_t i = 0; i + 1 < w->running.size() && !p.sum; i++)
                if (w->running[i].sum->at[0] == w->sums[0]) p.sum = w->running[i].sum;
            if (!p.sum) {
                p.sum = std::make_shared<Sums>();
                p.sum->v.resize(32 * columns / 2);
                for (int lane = 0; lane < 32; lane++) {
                    p.sum->at[lane] = w->sums[lane];
                    memcpy(&p.sum->v[lane * columns / 2], w->sums[lane], columns * 2);
                    memset(w->sums[lane], 0xff, columns * 2);
                }
            }
            p.sum->pending++;
        });
}

// finish does the oldest product of the warp.
static void finish(Warp* w) {
    Async p = w->running.front();
    w->running.erase(w->running.begin());
    static thread_local std::vector<u8> now;
    gather(p, now);
    if (now != p.read) fail("shared memory that a wgmma reads was written before it was done");
    static thread_local float A[16][16], B[16][256], C[256];
    const u16* at = (const u16*)now.data();
    auto unpack = [&](bool transposed, int rows, auto put) {
        for (int o = 0; o < (transposed ? 16 : rows); o++)
            for (int i = 0; i < (transposed ? rows : 16); i++, at++) transposed ? put(i, o, from16(*at)) : put(o, i, from16(*at));
    };
    unpack(p.ta, 16, [](int i, int k, float v) { A[i][k] = v; });
    unpack(p.tb, p.columns, [](int i, int k, float v) { B[k][i] = v; });
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < p.columns; j++) C[j] = 0;
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < p.columns; j++) C[j] += A[i][k] * B[k][j];
        for (int j = 0; j < p.columns; j++) { // the figure of accumulator D: 8x8 parts, a lane has two neighbours of each, then those 8 rows further down
            const int lane = i % 8 * 4 + j % 8 / 2;
            p.sum->v[lane * (p.columns / 2) + j / 8 * 4 + i / 8 * 2 + j % 2] += C[j];
        }
    }
    if (--p.sum->pending) return;
    for (int lane = 0; lane < 32; lane++) {
        float* d = p.sum->at[lane];
        for (int i = 0; i < p.columns / 2; i++)
            if (__builtin_memcmp(d + i, "\xff\xff\xff\xff", 4)) fail("sums of a wgmma were written before it was done");
        memcpy(d, &p.sum->v[lane * p.columns / 2], p.columns * 2);
    }
}

} // namespace emu

static inline void wgmma_publish() {
    for (u32 piece : emu::cur->unpublished) emu::cur->block->unpublished[piece] = 0;
    emu::cur->unpublished.clear();
}
template <int R> static inline void wgmma_pin(float (&)[R]) {}
template <int R> static inline void wgmma_fence(float (&)[R]) {
    emu::meet("wgmma_fence", [](emu::Warp*, int) {}, [](emu::Warp* w, int) { w->fenced = true; });
}
static inline void wgmma_commit() {
    emu::meet("wgmma_commit", [](emu::Warp*, int) {}, [](emu::Warp* w, int) { w->committed++; });
}
template <int N, int R> static inline void wgmma_wait(float (&)[R]) {
    emu::meet("wgmma_wait", [](emu::Warp*, int) {}, [](emu::Warp* w, int) {
        while (!w->running.empty() && w->running.front().group < w->committed - N) emu::finish(w);
        w->fenced = false;
    });
}
template <bool TA, bool TB, int R> static inline void wgmma(float (&d)[R], u64 a, u64 b) {
    static_assert(R % 4 == 0 && R <= 128, "m64nNk16 has N = 8, 16, ..., 256");
    emu::issue(d, a, b, TA, TB, 2 * R);
}
