// Kernels for the tests of the emulator, right and wrong ones.
#include "prim_cpu.h"

struct Args {
    const float* x;
    float* y;
    int n, pad_;
};

// y of each thread is its number in the grid.
KERNEL(numbers, Args) { a.y[(blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x] = (float)((blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x); }

// y[t] = x[n-1-t] through shared memory.
template <bool BARRIER> static __device__ void turn(const Args& a) {
    __shared__ float s[256];
    s[threadIdx.x] = a.x[threadIdx.x];
    if (BARRIER) __syncthreads();
    a.y[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
    __syncthreads();
    s[threadIdx.x] = -1;
}
KERNEL(turned, Args) { turn<true>(a); }
KERNEL(turned_without_barrier, Args) { turn<false>(a); }

KERNEL(half_at_barrier, Args) {
    if (threadIdx.x < 32) shfl(a.n, 0);
    if (threadIdx.x != 5) return;
    shfl(a.n, 0);
}
KERNEL(barrier_and_end, Args) {
    if (threadIdx.x >= 32) return;
    __syncthreads();
    a.y[threadIdx.x] = 1;
}
KERNEL(stuck, Args) {
    if (threadIdx.x < 32) {
        if (threadIdx.x == 7) __syncthreads();
        else __syncwarp();
    } else {
        __syncthreads();
    }
}
KERNEL(mixed, Args) {
    if (threadIdx.x % 2) __syncwarp();
    else shfl(a.n, 0);
}
KERNEL(beyond_shared, Args) {
    DYNAMIC_SHARED(float, s);
    s[threadIdx.x] = 0;
}
KERNEL(beyond_memory, Args) { a.y[a.n + (int)threadIdx.x] = 0; }
KERNEL(unwritten_shared, Args) {
    DYNAMIC_SHARED(float, s);
    a.y[threadIdx.x] = s[threadIdx.x];
}
template <bool WAIT> static __device__ void copy(const Args& a) {
    __shared__ __align__(16) float s[128];
    cp_async16(shared(&s[threadIdx.x * 4]), a.x + threadIdx.x * 4, (int)threadIdx.x < a.n);
    cp_commit();
    if (WAIT) cp_wait<0>();
    __syncthreads();
    for (int i = 0; i < 4; i++) a.y[threadIdx.x * 4 + i] = s[threadIdx.x * 4 + i];
}
KERNEL(copied, Args) { copy<true>(a); }
KERNEL(copied_too_early, Args) { copy<false>(a); }

// The lanes of a warp through each shuffle, and who has an odd number.
KERNEL(shuffled, Args) {
    const int lane = threadIdx.x;
    a.y[lane] = (float)shfl_xor(lane, 5);
    a.y[32 + lane] = (float)shfl(lane, 31 - lane);
    a.y[64 + lane] = (float)shfl_up(lane, 3);
    a.y[96 + lane] = (float)shfl_down(lane, 3);
    a.y[128 + lane] = (float)__popc(ballot(lane % 2));
}

// y (16,8) = x (16,16) · w (16,8), w behind x; w once as [n][k] and once as [k][n], the first as [k][m] the second time.
template <bool ACROSS, bool JOIN> static __device__ void product(const Args& a) {
    __shared__ __align__(16) u16 x[256], w[256];
    const int lane = threadIdx.x;
    for (int i = lane; i < 256; i += 32) {
        const int r = i / 16, c = i % 16;
        x[ACROSS ? c * 16 + r : i] = to_bf16(a.x[i]);
        const float v = c < 8 ? a.x[256 + r * 8 + c] : 0.f; // w[r][c]
        w[ACROSS ? i : c * 16 + r] = to_bf16(v);
    }
    __syncthreads();
    u32 u[4], v[4];
    if (ACROSS) {
        ldmatrix_trans(u, shared(x + (lane / 16 * 8 + lane % 8) * 16 + lane / 8 % 2 * 8));
        ldmatrix_trans(v, shared(w + (lane / 8 % 2 * 8 + lane % 8) * 16 + lane / 16 * 8));
    } else {
        ldmatrix(u, shared(x + lane % 16 * 16 + lane / 16 * 8));
        ldmatrix(v, shared(w + (lane / 16 * 8 + lane % 8) * 16 + lane / 8 % 2 * 8));
    }
    float d[4] = {};
    mma_bf16(d, u, v[0], v[1]);
    if (JOIN) mma_join();
    for (int e = 0; e < 4; e++) a.y[(lane / 4 + e / 2 * 8) * 8 + lane % 4 * 2 + e % 2] = d[e];
}
KERNEL(product_of_rows, Args) { product<false, true>(a); }
KERNEL(product_of_columns, Args) { product<true, true>(a); }
KERNEL(product_without_join, Args) { product<false, false>(a); }

// y (64,64) = x (64,16) times the (16,64) after it by a wgmma, from operands laid out in shared memory as the table "Canonical Layouts" of the PTX ISA says for a swizzle
// of W pieces of 16 bytes. FAULT breaks a rule.
enum { NO_FAULT, NO_FENCE, TOO_EARLY, OVERWRITTEN, TOUCHED, UNPUBLISHED, NO_WAIT, BETWEEN, DIFFERENT };
template <int W, bool TRANSPOSED, int FAULT> static __device__ void warpgroup_product(const Args& a) {
    DYNAMIC_SHARED(unsigned char, memory);
    const shared_t at = (shared(memory) + 1023) & ~(shared_t)1023;
    unsigned char* const from = memory + (at - shared(memory));
    const int swizzled = W > 1, lead = !TRANSPOSED ? 8 * 64 : swizzled ? 2 * 64 * W : 64, stride = !TRANSPOSED || swizzled ? 64 * W : 128;
    auto put = [&](unsigned char* to, int i, int k, float v) {
        int n;
        if (!TRANSPOSED)
            n = i % 8 * 8 * W + i / 8 * stride + k % 8 + k / 8 * (swizzled ? 8 : lead);
        else if (swizzled)
            n = i % 8 + i / 8 % W * 8 + i / 8 / W * lead + k % 8 * 8 * W + k / 8 * stride;
        else
            n = i % 8 + i / 8 * stride + k % 8 * 8 + k / 8 * lead;
        n *= 2;
        *(u16*)(to + (n ^ (n / 128 % W) * 16)) = to_bf16(v);
    };
    for (int n = threadIdx.x; n < 1024; n += 128) {
        put(from, n / 16, n % 16, a.x[n]);
        put(from + 8192, n % 64, n / 64, a.x[1024 + n]);
    }
    if (FAULT == UNPUBLISHED) {
        cp_async16(shared(from + threadIdx.x * 16), a.x, true);
        cp_commit();
        cp_wait<0>();
    } else {
        wgmma_publish();
    }
    __syncthreads();
    auto matrix = [&](shared_t p) {
        const u64 mode = W == 8 ? 1 : W == 4 ? 2 : W == 2 ? 3 : 0;
        return (u64)((p & 0x3ffff) >> 4) | (u64)(lead * 2 >> 4) << 16 | (u64)(stride * 2 >> 4) << 32 | mode << 62;
    };
    float d[32];
    for (float& v : d) v = 1;
    if (FAULT != NO_FENCE) wgmma_fence(d);
    wgmma<TRANSPOSED, TRANSPOSED>(d, matrix(at + (FAULT == BETWEEN ? 128 : 0)), matrix(at + 8192 + (FAULT == DIFFERENT ? threadIdx.x % 32 * 16 : 0)));
    wgmma_commit();
    if (FAULT == OVERWRITTEN && threadIdx.x == 0) put(from, 3, 3, a.x[0] + 9);
    if (FAULT == OVERWRITTEN) __syncthreads();
    if (FAULT == TOUCHED) d[5] = 0;
    auto store = [&]() {
        for (int i = 0; i < 32; i++) a.y[(threadIdx.x / 32 * 16 + i / 2 % 2 * 8 + threadIdx.x % 32 / 4) * 64 + i / 4 * 8 + threadIdx.x % 4 * 2 + i % 2] = d[i] - 1;
    };
    if (FAULT == TOO_EARLY) store();
    if (FAULT != NO_WAIT) wgmma_wait<0>(d);
    if (FAULT != TOO_EARLY) store();
}
KERNEL(warpgroup_rows_128, Args) { warpgroup_product<8, false, NO_FAULT>(a); }
KERNEL(warpgroup_rows_64, Args) { warpgroup_product<4, false, NO_FAULT>(a); }
KERNEL(warpgroup_rows_32, Args) { warpgroup_product<2, false, NO_FAULT>(a); }
KERNEL(warpgroup_rows_0, Args) { warpgroup_product<1, false, NO_FAULT>(a); }
KERNEL(warpgroup_columns_128, Args) { warpgroup_product<8, true, NO_FAULT>(a); }
KERNEL(warpgroup_columns_64, Args) { warpgroup_product<4, true, NO_FAULT>(a); }
KERNEL(warpgroup_columns_32, Args) { warpgroup_product<2, true, NO_FAULT>(a); }
KERNEL(warpgroup_columns_0, Args) { warpgroup_product<1, true, NO_FAULT>(a); }
KERNEL(warpgroup_without_fence, Args) { warpgroup_product<8, false, NO_FENCE>(a); }
KERNEL(warpgroup_too_early, Args) { warpgroup_product<8, false, TOO_EARLY>(a); }
KERNEL(warpgroup_overwritten, Args) { warpgroup_product<8, false, OVERWRITTEN>(a); }
KERNEL(warpgroup_touched, Args) { warpgroup_product<8, true, TOUCHED>(a); }
KERNEL(warpgroup_unpublished, Args) { warpgroup_product<8, false, UNPUBLISHED>(a); }
KERNEL(warpgroup_without_wait, Args) { warpgroup_product<8, false, NO_WAIT>(a); }
KERNEL(warpgroup_between_patterns, Args) { warpgroup_product<8, false, BETWEEN>(a); }
KERNEL(warpgroup_of_two_minds, Args) { warpgroup_product<8, false, DIFFERENT>(a); }
