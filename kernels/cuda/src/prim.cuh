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
#define KERNEL_OF(name, Args, threads) KERNEL_BESIDE(name, Args, threads, 1)
// blocks of it fit on a multiprocessor at least, as far as registers go.
#define KERNEL_BESIDE(name, Args, threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Args a)
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

// Products of whole warpgroups (sm_90a): four warps whose first is a multiple of 4 multiply matrices that lie in shared memory, while they go on.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define HAS_WGMMA
#endif
#ifdef HAS_WGMMA
// What this thread wrote to shared memory (copies that it waited for, too) can be read by wgmma of threads that it meets at a barrier later.
static __device__ __forceinline__ void wgmma_publish() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
// The compiler may not move what uses these registers across.
template <int R> static __device__ __forceinline__ void wgmma_pin(float (&d)[R]) {
#pragma unroll
    for (int i = 0; i < R; i++) asm volatile("" : "+f"(d[i])::"memory");
}
// Before the first product, and after the sums were read or written otherwise.
template <int R> static __device__ __forceinline__ void wgmma_fence(float (&d)[R]) {
    wgmma_pin(d);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// Products since the last commit are a group; wgmma_wait<N> returns when all but the N newest groups are done. Until then nobody may touch their sums, nor write
// what they read. A warp waits for its own part only: what others read is free after a barrier.
static __device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N, int R> static __device__ __forceinline__ void wgmma_wait(float (&d)[R]) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
    if (N == 0) wgmma_pin(d);
}
// d (64,2R) += a (64,16) · b (16,2R), bfloat16 operands, float32 sums; a and b are descriptors (PTX ISA, "Matrix Descriptor Format"). TA: a lies in memory with its
// 64 rows along a line; TB: b with its columns. Otherwise k runs along lines. Lane l of warp w of the four has d[4i+2h+e] at row 16w+8h+l/4, column 8i+l%4*2+e.
#define WGMMA_SUMS4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define WGMMA_SUMS16(i) WGMMA_SUMS4(i), WGMMA_SUMS4(i + 4), WGMMA_SUMS4(i + 8), WGMMA_SUMS4(i + 12)
#define WGMMA_SUMS32(i) WGMMA_SUMS16(i), WGMMA_SUMS16(i + 16)
#define WGMMA_SUMS64(i) WGMMA_SUMS32(i), WGMMA_SUMS32(i + 32)
#define WGMMA_SUMS128(i) WGMMA_SUMS64(i), WGMMA_SUMS64(i + 64)
#define WGMMA_NAMES32 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_NAMES64 \
    WGMMA_NAMES32 ", " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_NAMES128 \
    WGMMA_NAMES64 ", " \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define WGMMA(columns, registers, names, sums, a0, a1, a2, a3, a4)                                                                        \
    template <bool TA, bool TB> static __device__ __forceinline__ void wgmma(float (&d)[registers], u64 a, u64 b) {                      \
        asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " a2 ", 0;\n"                                                                    \
                     "wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.bf16.bf16 {" names "}, " a0 ", " a1 ", p, 1, 1, " a3 ", " a4 ";\n}" \
                     : sums                                                                                                              \
                     : "l"(a), "l"(b), "r"(1), "n"(TA ? 1 : 0), "n"(TB ? 1 : 0));                                                        \
    }
WGMMA("64", 32, WGMMA_NAMES32, WGMMA_SUMS32(0), "%32", "%33", "%34", "%35", "%36")
WGMMA("128", 64, WGMMA_NAMES64, WGMMA_SUMS64(0), "%64", "%65", "%66", "%67", "%68")
WGMMA("256", 128, WGMMA_NAMES128, WGMMA_SUMS128(0), "%128", "%129", "%130", "%131", "%132")
#endif

template <class T> static __device__ __forceinline__ T load_read_only(const T* p) { return __ldg(p); }
static __device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
