// How activations and their gradients are stored: as float32, or, in precision bf16, as bfloat16. Arithmetic and sums are float32 in both: loads widen, stores round
// to nearest, ties to even.
//
// A kernel for both takes its arguments as a template over the storage type S. Its kernels are name, for float32, and name_b16:
//
//   template <class S> struct FooOf { const S* x; S* y; const float* gamma; i64 n; };
//   typedef FooOf<float> FooArgs; // the host's fooArgs: pointers have one size, so that it is that of both
//   STORED(foo, FooOf) { store4(a.y + i, load4(a.x + i)); } // S is float or bf16 here
//
// The host appends the suffix by the type of an operand (stored in storage.go). Weights, statistics and sums are float in either.

struct bf16 { u16 bits; };

#define STORED(name, ArgsOf) STORED_OF(name, ArgsOf, 256)
#define STORED_OF(name, ArgsOf, threads)                                                    \
    template <class S> static __device__ __forceinline__ void name##_of(const ArgsOf<S>& a); \
    KERNEL_OF(name, ArgsOf<float>, threads) { name##_of<float>(a); }                        \
    KERNEL_OF(name##_b16, ArgsOf<bf16>, threads) { name##_of<bf16>(a); }                    \
    template <class S> static __device__ __forceinline__ void name##_of(const ArgsOf<S>& a)

// Two bfloat16 numbers in 32 bits, the first in the low half, as floats.
static __device__ __forceinline__ float low_bf16(u32 x) { return __uint_as_float(x << 16); }
static __device__ __forceinline__ float high_bf16(u32 x) { return __uint_as_float(x & 0xffff0000u); }

static __device__ __forceinline__ float load1(const float* p) { return *p; }
static __device__ __forceinline__ float load1(const bf16* p) { return from_bf16(p->bits); }
static __device__ __forceinline__ void store1(float* p, float v) { *p = v; }
static __device__ __forceinline__ void store1(bf16* p, float v) { p->bits = to_bf16(v); }

// Two, four and eight at a time: addresses are multiples of that many elements, of 16 bytes at most.
static __device__ __forceinline__ float2 load2(const float* p) { return *reinterpret_cast<const float2*>(p); }
static __device__ __forceinline__ float2 load2(const bf16* p) {
    const u32 x = *reinterpret_cast<const u32*>(p);
    return make_float2(low_bf16(x), high_bf16(x));
}
static __device__ __forceinline__ void store2(float* p, float2 v) { *reinterpret_cast<float2*>(p) = v; }
static __device__ __forceinline__ void store2(bf16* p, float2 v) { *reinterpret_cast<u32*>(p) = pack_bf16(v.x, v.y); }

static __device__ __forceinline__ float4 load4(const float* p) { return *reinterpret_cast<const float4*>(p); }
static __device__ __forceinline__ float4 load4(const bf16* p) {
    const uint2 x = *reinterpret_cast<const uint2*>(p);
    return make_float4(low_bf16(x.x), high_bf16(x.x), low_bf16(x.y), high_bf16(x.y));
}
static __device__ __forceinline__ void store4(float* p, float4 v) { *reinterpret_cast<float4*>(p) = v; }
static __device__ __forceinline__ void store4(bf16* p, float4 v) { *reinterpret_cast<uint2*>(p) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w)); }

struct float8 { float4 lo, hi; };
static __device__ __forceinline__ float8 load8(const float* p) {
    const float8 v = {load4(p), load4(p + 4)};
    return v;
}
static __device__ __forceinline__ float8 load8(const bf16* p) {
    const uint4 x = *reinterpret_cast<const uint4*>(p);
    const float8 v = {make_float4(low_bf16(x.x), high_bf16(x.x), low_bf16(x.y), high_bf16(x.y)), make_float4(low_bf16(x.z), high_bf16(x.z), low_bf16(x.w), high_bf16(x.w))};
    return v;
}
static __device__ __forceinline__ void store8(float* p, float8 v) { store4(p, v.lo), store4(p + 4, v.hi); }
static __device__ __forceinline__ void store8(bf16* p, float8 v) {
    *reinterpret_cast<uint4*>(p) = make_uint4(pack_bf16(v.lo.x, v.lo.y), pack_bf16(v.lo.z, v.lo.w), pack_bf16(v.hi.x, v.hi.y), pack_bf16(v.hi.z, v.hi.w));
}

// The same into and from arrays.
template <class S> static __device__ __forceinline__ void load_line(float (&v)[1], const S* p) { v[0] = load1(p); }
template <class S> static __device__ __forceinline__ void load_line(float (&v)[4], const S* p) {
    const float4 f = load4(p);
    v[0] = f.x, v[1] = f.y, v[2] = f.z, v[3] = f.w;
}
template <class S> static __device__ __forceinline__ void store_line(S* p, const float (&v)[1]) { store1(p, v[0]); }
template <class S> static __device__ __forceinline__ void store_line(S* p, const float (&v)[4]) { store4(p, make_float4(v[0], v[1], v[2], v[3])); }
