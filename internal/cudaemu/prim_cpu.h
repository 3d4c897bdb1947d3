// What kernels/cuda/src/prim.cuh has for a GPU, for a C++ compiler on amd64: one fiber for each thread of a block, warps and barriers by rendezvous.
//
// What it finds beside wrong numbers: a barrier or warp operation that not all threads reach, two threads of a warp in different ones, writes beyond
// dynamic shared memory, dynamic shared memory read before it was written (it holds NaN), data of cp.async used before cp_wait or overwritten while in use, and, by running
// the threads in different orders, most missing barriers. Static shared memory is not checked.
#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>
#include <sys/mman.h>

#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define __shared__ static thread_local
#define __align__(n) __attribute__((aligned(n)))

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef unsigned char u8;
typedef long long i64;

struct __attribute__((aligned(8))) float2 { float x, y; };
struct __attribute__((aligned(16))) float4 { float x, y, z, w; };
struct __attribute__((aligned(16))) uint4 { u32 x, y, z, w; };
struct __attribute__((aligned(8))) uint2 { u32 x, y; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
static inline uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
struct dim3 { u32 x, y, z; };

namespace emu {

struct Copy { void* to; const void* from; bool keep; int group; };

struct Block;

// An mma of a lane.
struct Product { u32 a[4], b[2]; float* d; };

// The sums of wgmmas that are under way: where lanes have them, and what they will be.
struct Sums {
    float* at[32];
    std::vector<float> v;
    int pending = 0;
};

// A wgmma of a warp, and what its operands were.
struct Async {
    u64 a, b;
    bool ta, tb;
    int columns, group;
    std::vector<u8> read;
    std::shared_ptr<Sums> sum;
};

// The lanes of a warp meet in operations; slots are written in turns so that no second meeting is needed before they are reused. Products wait until
// mma_join, because lanes that met in each of them would take most of the time.
struct Warp {
    int lanes = 0, arrived = 0, turn = 0;
    const char* what = nullptr; // the operation that the lanes meet in
    u64 slot[2][32];
    u32* matrix[32]; // where a lane wants its part of ldmatrix
    static const int room = 16;
    Product products[room][32];
    int posted[32];
    // wgmma
    float* sums[32];
    u64 ab[32][2];
    std::vector<Async> running;
    int committed = 0;
    size_t asked = 0;
    bool fenced = false;
};

struct Fiber {
    void* sp = nullptr;
    char* stack = nullptr;
    Block* block = nullptr;
    Warp* warp = nullptr;
    dim3 thread;
    int lane = 0;
    bool done = false;
    const int* gate = nullptr; // waits until *gate is not passed any more
    int passed = 0;
    const char* waits = "";
    int group = 0; // of cp.async
    std::vector<Copy> copies;
    std::vector<u32> unpublished; // what its copies wrote to dynamic shared memory and wgmma cannot see yet
};

struct Kernel {
    const char* name;
    size_t args;
    u32 threads; // most threads of a block
    void (*run)(const void*);
    Kernel* next;
    Kernel(const char* n, size_t a, u32 t, void (*r)(const void*));
};

struct Launch {
    const Kernel* kernel;
    const void* args;
    dim3 grid, block;
    u32 shared;
    u32 reverse; // threads and blocks run from the last to the first
    char error[512];
    std::mutex lock;
    u64 next = 0; // the next block
    bool failed = false;
};

// A block in work; one for each worker.
struct Block {
    Launch* launch = nullptr;
    dim3 at;
    int threads = 0, live = 0, arrived = 0, turn = 0;
    void* home = nullptr; // stack pointer of the scheduler
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    std::vector<char> memory;
    char* dynamic = nullptr;
    std::vector<u8> unpublished; // of each 16 bytes of it
    std::vector<std::vector<std::pair<u64, u64>>> asked; // of each warpgroup: the operands of its wgmmas
};

static thread_local Fiber* cur = nullptr;

extern "C" __attribute__((visibility("hidden"))) void emu_switch(void** save, void* load);
asm(R"(
.text
.hidden emu_switch
.globl emu_switch
.type emu_switch,@function
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emu_switch,.-emu_switch
)");

static void leave() { emu_switch(&cur->sp, cur->block->home); }

// fail reports an error of the running thread and ends its block.
__attribute__((format(printf, 1, 2), noinline)) static void fail(const char* format, ...) {
    Launch* l = cur->block->launch;
    {
        std::lock_guard<std::mutex> hold(l->lock);
        if (!l->failed) {
            const dim3 b = cur->block->at, t = cur->thread;
            int n = snprintf(l->error, sizeof l->error, "block (%u,%u,%u), thread (%u,%u,%u): ", b.x, b.y, b.z, t.x, t.y, t.z);
            va_list list;
            va_start(list, format);
            vsnprintf(l->error + n, sizeof l->error - n, format, list);
            va_end(list);
            l->failed = true;
        }
    }
    leave();
}

static void wait(const int* gate, const char* what) {
    cur->gate = gate;
    cur->passed = *gate;
    cur->waits = what;
    leave();
}

// meet lets the lanes of a warp meet and returns the turn whose slots they share. The last lane calls work before the others go on.
template <class Put, class Work>
static inline int meet(const char* what, Put put, Work work) {
    Warp* w = cur->warp;
    const int turn = w->turn & 1;
    if (w->arrived && w->what != what) fail("is in %s while another lane of its warp is in %s", what, w->what);
    if (w->lanes != 32) fail("is in %s while %d lanes of its warp have ended", what, 32 - w->lanes);
    w->what = what;
    put(w, turn);
    if (++w->arrived == 32) {
        work(w, turn);
        w->arrived = 0;
        w->turn++;
    } else {
        wait(&w->turn, what);
    }
    return turn;
}

template <class T> static inline T exchange(const char* what, T v, int from) {
    static_assert(sizeof(T) <= 8, "shuffles move at most 8 bytes");
    Warp* w = cur->warp;
    int turn = meet(what, [&](Warp* w, int t) { memcpy(&w->slot[t][cur->lane], &v, sizeof v); }, [](Warp*, int) {});
    T r;
    memcpy(&r, &w->slot[turn][from & 31], sizeof r);
    return r;
}

static inline float from16(u32 h) {
    const u32 v = h << 16;
    float f;
    memcpy(&f, &v, 4);
    return f;
}

static inline u32 to16(float f) {
    u32 u;
    memcpy(&u, &f, 4);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}

// multiply does the products that all lanes have posted.
static void multiply(Warp* w) {
    for (int lane = 1; lane < 32; lane++)
        if (w->posted[lane] != w->posted[0]) fail("lane %d of the warp has done %d mma, lane 0 %d", lane, w->posted[lane], w->posted[0]);
    for (int p = 0; p < w->posted[0]; p++) {
        float A[16][16], B[16][8], C[16][8];
        for (int lane = 0; lane < 32; lane++) {
            const Product& s = w->products[p][lane];
            const int g = lane / 4, q = lane % 4 * 2;
            for (int i = 0; i < 4; i++) {
                A[g + i % 2 * 8][q + i / 2 * 8] = from16(s.a[i] & 0xffff);
                A[g + i % 2 * 8][q + i / 2 * 8 + 1] = from16(s.a[i] >> 16);
            }
            for (int i = 0; i < 2; i++) {
                B[q + i * 8][g] = from16(s.b[i] & 0xffff);
                B[q + i * 8 + 1][g] = from16(s.b[i] >> 16);
            }
        }
        for (int i = 0; i < 16; i++) {
            for (int j = 0; j < 8; j++) C[i][j] = 0;
            for (int k = 0; k < 16; k++)
                for (int j = 0; j < 8; j++) C[i][j] += A[i][k] * B[k][j];
        }
        for (int lane = 0; lane < 32; lane++)
            for (int e = 0; e < 4; e++) w->products[p][lane].d[e] += C[lane / 4 + e / 2 * 8][lane % 4 * 2 + e % 2];
    }
    for (int& n : w->posted) n = 0;
}

static void entry() {
    cur->block->launch->kernel->run(cur->block->launch->args);
    if (cur->warp->posted[cur->lane]) fail("ended with products that no mma_join waited for");
    if (!cur->warp->running.empty()) fail("ended with products that no wgmma_wait waited for");
    cur->done = true;
    Block* b = cur->block;
    b->live--;
    cur->warp->lanes--;
    if (b->live && b->arrived == b->live) { // threads that have ended do not hold a barrier up
        b->arrived = 0;
        b->turn++;
    }
    leave();
}

static const size_t stackBytes = 256 << 10;

static void prepare(Block* b, Launch* l) {
    b->launch = l;
    b->threads = l->block.x * l->block.y * l->block.z;
    for (size_t i = b->fibers.size(); i < (size_t)b->threads; i++) {
        b->fibers.emplace_back();
        b->fibers.back().stack =
            (char*)mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    }
    b->warps.resize((b->threads + 31) / 32);
    b->memory.resize(l->shared + 64 + 128);
    b->dynamic = (char*)(((uintptr_t)b->memory.data() + 127) & ~(uintptr_t)127);
}

static void run(Block* b, u64 index) {
    Launch* l = b->launch;
    b->at = {(u32)(index % l->grid.x), (u32)(index / l->grid.x % l->grid.y), (u32)(index / l->grid.x / l->grid.y)};
    b->live = b->threads;
    b->arrived = 0;
    memset(b->dynamic, 0xff, l->shared + 64);
    b->unpublished.assign(l->shared / 16, 0);
    b->asked.assign(b->threads / 128 + 1, {});
    for (Warp& w : b->warps) {
        w.lanes = 0;
        w.arrived = 0;
        for (int& n : w.posted) n = 0;
        w.running.clear();
        w.committed = 0;
        w.asked = 0;
        w.fenced = false;
    }
    for (int i = 0; i < b->threads; i++) {
        Fiber& f = b->fibers[i];
        f.block = b;
        f.thread = {i % l->block.x, i / l->block.x % l->block.y, i / l->block.x / l->block.y};
        f.warp = &b->warps[i / 32];
        f.warp->lanes++;
        f.lane = i % 32;
        f.done = false;
        f.gate = nullptr;
        f.group = 0;
        f.copies.clear();
        f.unpublished.clear();
        // Tops lie at different places of the cache.
        void** top = (void**)(f.stack + stackBytes - 64 - (size_t)i * 2112 % (64 << 10) / 64 * 64);
        *--top = nullptr;
        *--top = (void*)entry;
        for (int r = 0; r < 6; r++) *--top = nullptr;
        f.sp = top;
    }
    while (b->live) {
        bool any = false;
        for (int k = 0; k < b->threads; k++) {
            Fiber& f = b->fibers[l->reverse ? b->threads - 1 - k : k];
            if (f.done || (f.gate && *f.gate == f.passed)) continue;
            f.gate = nullptr;
            any = true;
            cur = &f;
            emu_switch(&b->home, f.sp);
            if (l->failed) return;
        }
        if (!any) {
            std::lock_guard<std::mutex> hold(l->lock);
            if (!l->failed) {
                for (int k = 0; k < b->threads; k++) {
                    const Fiber& f = b->fibers[k];
                    if (f.done) continue;
                    snprintf(l->error, sizeof l->error, "block (%u,%u,%u): deadlock: thread (%u,%u,%u) waits in %s, as %d of %d threads do somewhere; the others have ended",
                             b->at.x, b->at.y, b->at.z, f.thread.x, f.thread.y, f.thread.z, f.waits, b->live, b->threads);
                    break;
                }
                l->failed = true;
            }
            return;
        }
    }
    for (int i = 0; i < 64; i++) {
        if ((u8)b->dynamic[l->shared + i] != 0xff) {
            std::lock_guard<std::mutex> hold(l->lock);
            snprintf(l->error, sizeof l->error, "block (%u,%u,%u): wrote beyond its %u bytes of dynamic shared memory, at %u", b->at.x, b->at.y, b->at.z, l->shared, l->shared + i);
            l->failed = true;
            return;
        }
    }
}

// Workers take blocks of the running launch. They never end: the library is not unloaded.
struct Pool {
    std::mutex lock;
    std::condition_variable wake, idle;
    std::vector<std::thread> threads;
    Launch* launch = nullptr;
    u64 number = 0;
    int busy = 0;

    void work() {
        sigset_t all;
        sigfillset(&all);
        for (int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, s);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        static thread_local Block block;
        u64 seen = 0;
        for (;;) {
            Launch* l;
            {
                std::unique_lock<std::mutex> hold(lock);
                wake.wait(hold, [&] { return number != seen; });
                seen = number;
                l = launch;
            }
            const u64 blocks = (u64)l->grid.x * l->grid.y * l->grid.z;
            prepare(&block, l);
            for (;;) {
                u64 i;
                {
                    std::lock_guard<std::mutex> hold(l->lock);
                    if (l->failed || l->next == blocks) break;
                    i = l->next++;
                }
                run(&block, l->reverse ? blocks - 1 - i : i);
            }
            std::lock_guard<std::mutex> hold(lock);
            if (--busy == 0) idle.notify_one();
        }
    }

    void run_all(Launch* l, int workers) {
        std::unique_lock<std::mutex> hold(lock);
        while ((int)threads.size() < workers) threads.emplace_back([this] { work(); });
        launch = l;
        busy = (int)threads.size();
        number++;
        wake.notify_all();
        idle.wait(hold, [&] { return busy == 0; });
    }
};

static Kernel*& kernels() {
    static Kernel* first = nullptr;
    return first;
}

inline Kernel::Kernel(const char* n, size_t a, u32 t, void (*r)(const void*)) : name(n), args(a), threads(t), run(r), next(kernels()) { kernels() = this; }

static inline Kernel* find(const char* name) {
    for (Kernel* k = kernels(); k; k = k->next)
        if (!strcmp(k->name, name)) return k;
    return nullptr;
}

} // namespace emu

// The two entry points. emu_find gives a kernel's handle and the bytes of its parameter, or 0.
extern "C" const void* emu_find(const char* name, u64* args, u64* threads) {
    emu::Kernel* k = emu::find(name);
    if (k) {
        *args = k->args;
        *threads = k->threads;
    }
    return k;
}

struct emu_request {
    const void* kernel;
    const void* args;
    u32 grid[3], block[3];
    u32 shared, workers, reverse, failed;
    char error[512];
};

extern "C" void emu_launch(emu_request* r) {
    static emu::Pool* pool = new emu::Pool;
    emu::Launch l;
    l.kernel = (const emu::Kernel*)r->kernel;
    l.args = r->args;
    l.grid = {r->grid[0], r->grid[1], r->grid[2]};
    l.block = {r->block[0], r->block[1], r->block[2]};
    l.shared = r->shared;
    l.reverse = r->reverse;
    pool->run_all(&l, (int)r->workers);
    r->failed = l.failed;
    if (l.failed) memcpy(r->error, l.error, sizeof l.error);
}

#define KERNEL(name, Args) KERNEL_OF(name, Args, 256)
#define KERNEL_BESIDE(name, Args, threads, blocks) KERNEL_OF(name, Args, threads)
#define KERNEL_OF(name, Args, threads)                                                                                    \
    static void name(const Args& a);                                                                                      \
    static const emu::Kernel kernel_##name(#name, sizeof(Args), threads, [](const void* p) { name(*(const Args*)p); });   \
    static void name(const Args& a)
#define DYNAMIC_SHARED(type, name) type* const name = (type*)emu::cur->block->dynamic

#define threadIdx (emu::cur->thread)
#define blockIdx (emu::cur->block->at)
#define blockDim (emu::cur->block->launch->block)
#define gridDim (emu::cur->block->launch->grid)

static inline void __syncthreads() {
    emu::Block* b = emu::cur->block;
    if (++b->arrived == b->live) {
        b->arrived = 0;
        b->turn++;
    } else {
        emu::wait(&b->turn, "__syncthreads");
    }
}
static inline void __syncwarp() { emu::meet("__syncwarp", [](emu::Warp*, int) {}, [](emu::Warp*, int) {}); }
template <class T> static inline T shfl_xor(T v, int mask) { return emu::exchange("shfl_xor", v, emu::cur->lane ^ mask); }
template <class T> static inline T shfl(T v, int lane) { return emu::exchange("shfl", v, lane); }
template <class T> static inline T shfl_up(T v, int by) { return emu::exchange("shfl_up", v, emu::cur->lane < by ? emu::cur->lane : emu::cur->lane - by); }
template <class T> static inline T shfl_down(T v, int by) { return emu::exchange("shfl_down", v, emu::cur->lane + by > 31 ? emu::cur->lane : emu::cur->lane + by); }
static inline u32 ballot(bool p) {
    emu::Warp* w = emu::cur->warp;
    const int turn = emu::meet("ballot", [&](emu::Warp* w, int t) { w->slot[t][emu::cur->lane] = p; }, [](emu::Warp*, int) {});
    u32 r = 0;
    for (int i = 0; i < 32; i++) r |= (u32)w->slot[turn][i] << i;
    return r;
}

// Shared addresses, as the operations below take them. Offsets in bytes may be added.
typedef uintptr_t shared_t;
static inline shared_t shared(const void* p) { return (shared_t)p; }

static inline u32 pack_bf16(float lo, float hi) { return emu::to16(lo) | (emu::to16(hi) << 16); }
static inline u16 to_bf16(float x) { return (u16)emu::to16(x); }
static inline float from_bf16(u16 x) { return emu::from16(x); }

// The last lane reads for all, so that none can write there before.
static inline void ldmatrix4(u32 (&r)[4], shared_t at, bool transposed) {
    if (at & 15) emu::fail("ldmatrix of an address that is not a multiple of 16");
    emu::meet(
        transposed ? "ldmatrix_trans" : "ldmatrix",
        [&](emu::Warp* w, int t) {
            w->slot[t][emu::cur->lane] = at;
            w->matrix[emu::cur->lane] = r;
        },
        [&](emu::Warp* w, int t) {
            for (int m = 0; m < 4; m++) {
                u16 v[8][8];
                for (int i = 0; i < 8; i++) memcpy(v[i], (const void*)w->slot[t][m * 8 + i], 16);
                for (int lane = 0; lane < 32; lane++) {
                    const int i = lane / 4, j = lane % 4 * 2;
                    w->matrix[lane][m] = transposed ? v[j][i] | (u32)v[j + 1][i] << 16 : v[i][j] | (u32)v[i][j + 1] << 16;
                }
            }
        });
}
static inline void ldmatrix(u32 (&r)[4], shared_t at) { ldmatrix4(r, at, false); }
static inline void ldmatrix_trans(u32 (&r)[4], shared_t at) { ldmatrix4(r, at, true); }

static inline void mma_join() { emu::meet("mma_join", [](emu::Warp*, int) {}, [](emu::Warp* w, int) { emu::multiply(w); }); }
static inline void mma_bf16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    emu::Warp* w = emu::cur->warp;
    const int lane = emu::cur->lane;
    w->products[w->posted[lane]++][lane] = {{a[0], a[1], a[2], a[3]}, {b0, b1}, d};
    if (w->posted[lane] == emu::Warp::room) mma_join();
}

static inline void cp_async16(shared_t to, const void* from, bool keep) {
    if ((to & 15) || (keep && ((uintptr_t)from & 15))) emu::fail("cp.async of an address that is not a multiple of 16");
    emu::cur->copies.push_back({(void*)to, from, keep, emu::cur->group});
    memset((void*)to, 0xff, 16); // whoever reads on gets what nobody knows: the copy may be there at once, or when it is waited for
}
static inline void cp_commit() { emu::cur->group++; }
template <int N> static inline void cp_wait() {
    emu::Fiber* f = emu::cur;
    size_t kept = 0;
    for (emu::Copy& c : f->copies) {
        if (c.group >= f->group - N) {
            f->copies[kept++] = c;
            continue;
        }
        if (c.keep)
            memcpy(c.to, c.from, 16);
        else
            memset(c.to, 0, 16);
        const size_t piece = ((char*)c.to - f->block->dynamic) / 16; // huge for what is before, or elsewhere
        if (piece < f->block->unpublished.size()) {
            f->block->unpublished[piece] = 1;
            f->unpublished.push_back((u32)piece);
        }
    }
    f->copies.resize(kept);
}

static inline u32 __umulhi(u32 a, u32 b) { return (u32)(((u64)a * b) >> 32); }
static inline float __uint_as_float(u32 v) { float f; memcpy(&f, &v, 4); return f; }
static inline u32 __float_as_uint(float v) { u32 u; memcpy(&u, &v, 4); return u; }
static inline double __longlong_as_double(i64 v) { double d; memcpy(&d, &v, 8); return d; }
static inline i64 __double_as_longlong(double v) { i64 i; memcpy(&i, &v, 8); return i; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline int atomicAdd(int* at, int v) { return __atomic_fetch_add(at, v, __ATOMIC_RELAXED); }
static inline int atomicMin(int* at, int v) {
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (v < old && !__atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    return old;
}
static inline int __popc(u32 v) { return __builtin_popcount(v); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
template <class T> static inline T load_read_only(const T* p) { return *p; }
static inline float exp2_fast(float x) { return exp2f(x); }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
using std::max;
using std::min;

#include "wgmma_cpu.h"
