// The only place with instructions of a GPU. internal/cudaemu has the same names for a C++ compiler.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef unsigned char u8;
typedef long long i64;
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

// Every kernel has one parameter, a struct that the host has too (kernels/cuda/layout.go). threads is the most that a block can have.
#define KERNEL(name, Args) KERNEL_OF(name, Args, 256)
#define KERNEL_OF(name, Args, threads) extern "C" __global__ void __launch_bounds__(threads, 1) name(const __grid_constant__ Args a)
#define DYNAMIC_SHARED(type, name)                                    \
    extern __shared__ __align__(128) unsigned char dynamic_shared_[]; \
    type* const name = reinterpret_cast<type*>(dynamic_shared_)

template <class T> static __device__ __forceinline__ T shfl_xor(T v, int mask) { return __shfl_xor_sync(~0u, v, mask); }
template <class T> static __device__ __forceinline__ T shfl(T v, int lane) { return __shfl_sync(~0u, v, lane); }
template <class T> static __device__ __forceinline__ T shfl_up(T v, int by) { return __shfl_up_sync(~0u, v, by); }
template <class T> static __device__ __forceinline__ T shfl_down(T v, int by) { return __shfl_down_sync(~0u, v, by); }
static __device__ __forceinline__ u32 ballot(bool p) { return __ballot_sync(~0u, p); }

// Shared addresses, as the operations below take them. Offsets in bytes may be added.
typedef u32 shared_t;
static __device__ __forceinline__ shared_t shared(const void* p) {
    u32 a;
    asm("{.reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t;}" : "=r"(a) : "l"(p));
    return a;
}

// Two numbers rounded to bfloat16 (nearest even), the first in the low half.
static __device__ __forceinline__ u32 pack_bf16(float lo, float hi) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
static __device__ __forceinline__ u16 to_bf16(float x) { return (u16)pack_bf16(x, 0.f); }
static __device__ __forceinline__ float from_bf16(u16 x) { return __uint_as_float((u32)x << 16); }

// Four 8x8 matrices of 16-bit numbers: lane l gives the address of row l%8 of matrix l/8, and gets elements (l/4, 2·(l%4)) and the next of each.
static __device__ __forceinline__ void ldmatrix(u32 (&r)[4], shared_t at) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
// The same of the transposed matrices.
static __device__ __forceinline__ void ldmatrix_trans(u32 (&r)[4], shared_t at) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
// d (16,8) += a (16,16) · b (16,8), bfloat16 operands, float32 sums.
static __device__ __forceinline__ void mma_bf16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// Must come before sums of mma_bf16 are read: nothing on a GPU, but an emulator waits with them until then.
static __device__ __forceinline__ void mma_join() {}
// 16 bytes from global to shared memory, or zeros; there after cp_wait<N> when at most the N newest cp_commit are younger, and a barrier.
static __device__ __forceinline__ void cp_async16(shared_t to, const void* from, bool keep) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(keep ? 16 : 0) : "memory");
}
static __device__ __forceinline__ void cp_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> static __device__ __forceinline__ void cp_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

template <class T> static __device__ __forceinline__ T load_read_only(const T* p) { return __ldg(p); }
static __device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
