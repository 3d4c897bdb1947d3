// Element by element. Bound by memory: every operand is read once and every result written once; bytes an element are given for float32, and are half of that for
// bfloat16.

template <class S> struct AddNOf {
    const S* x[8];
    S* y; // may be x[0]
    i64 n;
    int terms, pad_;
};
typedef AddNOf<float> AddNArgs;

// y = x0 + x1 + ... from left to right; terms+1 elements.
STORED(add_n, AddNOf) {
    const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= a.n) {
        float4 v[8];
#pragma unroll
        for (int t = 0; t < 8; t++)
            if (t < a.terms) v[t] = load4(a.x[t] + i);
        float4 sum = v[0];
#pragma unroll
        for (int t = 1; t < 8; t++)
            if (t < a.terms) sum = make_float4(sum.x + v[t].x, sum.y + v[t].y, sum.z + v[t].z, sum.w + v[t].w);
        store4(a.y + i, sum);
        return;
    }
    for (i64 j = i; j < a.n; j++) {
        float sum = load1(a.x[0] + j);
        for (int t = 1; t < a.terms; t++) sum += load1(a.x[t] + j);
        store1(a.y + j, sum);
    }
}

template <class S> struct MapOf {
    const S* x;
    const S* z; // the second operand, where there is one
    S* y;
    const float* scalar; // or this one
    i64 n;
    float factor;
    int pad_;
};
typedef MapOf<float> MapArgs;

// y = factor·x; 8 bytes.
STORED(scale, MapOf) {
    const float factor = a.factor;
    map1(a.x, a.y, a.n, [=](float x) { return factor * x; });
}

// y = factor·scalar·x; 8 bytes.
STORED(scale_by, MapOf) {
    const float factor = a.factor * a.scalar[0];
    map1(a.x, a.y, a.n, [=](float x) { return factor * x; });
}

// y = gelu(x); 8 bytes and about 20 instructions: at 3 TB/s an element takes 2.7 ps, at 130 SMs of 128 lanes 0.7 ps.
STORED(gelu, MapOf) {
    map1(a.x, a.y, a.n, [](float x) { return gelu_of(x); });
}

// y = x·gelu'(z); 12 bytes.
STORED(gelu_grad, MapOf) {
    map2(a.x, a.z, a.y, a.n, [](float dy, float x) { return dy * gelu_slope(x); });
}

template <class S> struct DropoutOf {
    const S* x;
    S* y;
    i64 n;
    i64 row; // elements of a batch row
    Noise noise;
};
typedef DropoutOf<float> DropoutArgs;

// y = x·keep where the word of an element is not below the threshold, else 0; 8 bytes and a quarter of a block of noise, about 20 instructions. A thread has the four
// elements of one block of the stream: vectors of x where the first element begins a block.
STORED(dropout, DropoutOf) {
    const i64 first = noise_row(a.noise) * a.row; // number of the first element in the stream
    const int skip = (int)(first & 3);
    const i64 block = (i64)blockIdx.x * blockDim.x + threadIdx.x, i = block * 4 - skip;
    if (i >= a.n) return;
    const uint4 w = noise_block(a.noise, (u32)((first >> 2) + block));
    const float f[4] = {noise_keep(a.noise, w.x), noise_keep(a.noise, w.y), noise_keep(a.noise, w.z), noise_keep(a.noise, w.w)};
    if (skip == 0 && i + 4 <= a.n) {
        const float4 x = load4(a.x + i);
        // Not a product with 0: what is dropped is 0 also where x is not a number.
        store4(a.y + i, make_float4(f[0] != 0.f ? x.x * f[0] : 0.f, f[1] != 0.f ? x.y * f[1] : 0.f, f[2] != 0.f ? x.z * f[2] : 0.f, f[3] != 0.f ? x.w * f[3] : 0.f));
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (i + j >= 0 && i + j < a.n) store1(a.y + i + j, f[j] != 0.f ? load1(a.x + i + j) * f[j] : 0.f);
}

struct CastArgs {
    const void* x;
    void* y;
    i64 n;
};

// The upper 16 bits of x, rounded to nearest, ties to even. NaN keeps sign and payload and becomes quiet: rounding could carry it to infinity.
static __device__ __forceinline__ u32 round_bf16(float x) {
    const u32 bits = __float_as_uint(x);
    return x != x ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// float32 to bfloat16; 6 bytes.
KERNEL(cast_to_bf16, CastArgs) {
    const float* const x = (const float*)a.x;
    u16* const y = (u16*)a.y;
    const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= a.n) {
        const float4 v = load4(x + i);
        *reinterpret_cast<uint2*>(y + i) = make_uint2(round_bf16(v.x) | round_bf16(v.y) << 16, round_bf16(v.z) | round_bf16(v.w) << 16);
        return;
    }
    for (i64 j = i; j < a.n; j++) y[j] = (u16)round_bf16(x[j]);
}

static __device__ __forceinline__ float to_float(u16 x) { return from_bf16(x); }
static __device__ __forceinline__ float to_float(short x) { return (float)x; }
static __device__ __forceinline__ float to_float(int x) { return (float)x; }
static __device__ __forceinline__ float to_float(u8 x) { return (float)x; }

// Any of these to float32; 4 bytes and those of T.
template <class T> static __device__ __forceinline__ void cast_from(const T* x, float* y, i64 n) {
    struct alignas(4 * sizeof(T)) Four { T v[4]; };
    const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= n) {
        const Four v = *reinterpret_cast<const Four*>(x + i);
        store4(y + i, make_float4(to_float(v.v[0]), to_float(v.v[1]), to_float(v.v[2]), to_float(v.v[3])));
        return;
    }
    for (i64 j = i; j < n; j++) y[j] = to_float(x[j]);
}

KERNEL(cast_from_bf16, CastArgs) { cast_from((const u16*)a.x, (float*)a.y, a.n); }
KERNEL(cast_from_int16, CastArgs) { cast_from((const short*)a.x, (float*)a.y, a.n); }
KERNEL(cast_from_int32, CastArgs) { cast_from((const int*)a.x, (float*)a.y, a.n); }
KERNEL(cast_from_uint8, CastArgs) { cast_from((const u8*)a.x, (float*)a.y, a.n); }

template <class S> struct SelectOf {
    const int* cond;
    const S* x;
    const S* z;
    S* y;
    S* other;
    i64 n;
};
typedef SelectOf<float> SelectArgs;

// y = x where the condition holds, else z. The other is not read; 8 bytes.
STORED(select_branch, SelectOf) {
    map1(a.cond[0] ? a.x : a.z, a.y, a.n, [](float x) { return x; });
}

// One of y and other gets x, the one that was not taken zeros; 12 bytes.
STORED(select_grad, SelectOf) {
    map1(a.x, a.cond[0] ? a.y : a.other, a.n, [](float x) { return x; });
    S* const zero = a.cond[0] ? a.other : a.y;
    const i64 first = first_element();
#pragma unroll
    for (int u = 0; u < block_vectors; u++) {
        const i64 i = first + u * 1024;
        if (i + 4 <= a.n) {
            store4(zero + i, splat4(0.f));
        } else {
            for (i64 j = i; j < a.n; j++) store1(zero + j, 0.f);
        }
    }
}
