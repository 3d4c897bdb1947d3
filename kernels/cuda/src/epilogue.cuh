// What happens to the sums of a product on their way to memory. All products end in the function epilogue, a few neighbouring columns at a time.
//
// An activation here costs no pass over memory: GELU after a product saves 8 bytes an element, its derivative 8 of 12. About 20 instructions an element, once for
// k multiply-adds.

// Everything is like y: the same shape, places and order.
struct Epilogue {
    void* y;
    void* pre;       // gets what the activation is applied to, or none
    const void* z;   // the result is multiplied by the derivative of GELU there, or none
    const float* bias; // for each column, or none
    Noise noise;
    i64 row;   // elements of a batch row, for dropout
    int gelu;  // is applied
    int drop;  // dropout is applied
    int half;  // which are bfloat16: 1 y, 2 pre, 4 z
    int wide;  // four columns from a multiple of 4 on are in line, at multiples of four elements
};

// N numbers in line at element i of p. Numbers of 32 bits, or the upper halves of such.
template <int N> static __device__ __forceinline__ void load_any(float (&v)[N], const void* p, i64 i, bool half) {
    if (half) {
        const u16* const h = (const u16*)p + i;
        if (N == 4) {
            const uint2 b = *(const uint2*)h;
            v[0] = __uint_as_float(b.x << 16);
            v[N > 1 ? 1 : 0] = __uint_as_float(b.x & 0xffff0000u);
            v[N > 2 ? 2 : 0] = __uint_as_float(b.y << 16);
            v[N > 3 ? 3 : 0] = __uint_as_float(b.y & 0xffff0000u);
        } else {
            v[0] = from_bf16(h[0]);
        }
        return;
    }
    const float* const f = (const float*)p + i;
    if (N == 4) {
        const float4 b = load4(f);
        v[0] = b.x;
        v[N > 1 ? 1 : 0] = b.y;
        v[N > 2 ? 2 : 0] = b.z;
        v[N > 3 ? 3 : 0] = b.w;
    } else {
        v[0] = f[0];
    }
}

template <int N> static __device__ __forceinline__ void store_any(void* p, i64 i, bool half, const float (&v)[N]) {
    if (N == 4) {
        const float a = v[0], b = v[N > 1 ? 1 : 0], c = v[N > 2 ? 2 : 0], d = v[N > 3 ? 3 : 0];
        if (half)
            *(uint2*)((u16*)p + i) = make_uint2(pack_bf16(a, b), pack_bf16(c, d));
        else
            store4((float*)p + i, make_float4(a, b, c, d));
    } else if (half) {
        ((u16*)p)[i] = to_bf16(v[0]);
    } else {
        ((float*)p)[i] = v[0];
    }
}

// The results of N neighbouring columns, 1 or 4, from the sums: at is the number of the first among y's elements, bias that of its column, or 0.
template <int N> static __device__ __forceinline__ void epilogue(const Epilogue& e, i64 at, const float* bias, float (&v)[N]) {
    float w[N];
    if (bias) {
#pragma unroll
        for (int i = 0; i < N; i++) v[i] += bias[i];
    }
    if (e.pre) store_any<N>(e.pre, at, e.half & 2, v);
    if (e.gelu) {
#pragma unroll
        for (int i = 0; i < N; i++) v[i] = gelu_of(v[i]);
    }
    if (e.drop) {
        const u64 number = (u64)(noise_row(e.noise) * e.row + at);
        const uint4 b = noise_block(e.noise, (u32)(number >> 2)); // four in line are of one block
        const u32 word[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < N; i++) {
            const u32 j = N == 4 ? (u32)i : (u32)number & 3;
            const float f = noise_keep(e.noise, j == 0 ? word[0] : j == 1 ? word[1] : j == 2 ? word[2] : word[3]);
            v[i] = f != 0.f ? v[i] * f : 0.f;
        }
    }
    if (e.z) {
        load_any<N>(w, e.z, at, e.half & 4);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] *= gelu_slope(w[i]);
    }
    store_any<N>(e.y, at, e.half & 1, v);
}

// A warp's tile of 16 rows and 32 columns of sums, laid out as mma leaves them, goes through shared memory, so that lanes store four columns of a row and the code
// of an epilogue is there once. room is the warp's own; pitch 40 keeps the lanes of a half warp in different banks.
static const int epilogue_pitch = 40, epilogue_room = 16 * epilogue_pitch;
static __device__ __forceinline__ void stage_tile(float* room, const float (&sum)[4][4]) {
    const int lane = threadIdx.x % 32;
    __syncwarp(); // what was there has been read
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            *(float2*)(room + (lane / 4 + h * 8) * epilogue_pitch + j * 8 + lane % 4 * 2) = make_float2(sum[j][h * 2], sum[j][h * 2 + 1]);
    __syncwarp();
}
