// Rows and flat tensors, 16 bytes at a time. Tensors begin at multiples of 64 bytes (kernels.Alignment).

static __device__ __forceinline__ float4 splat4(float v) { return make_float4(v, v, v, v); }

// A block of 256 threads has 2048 elements of a flat tensor, two vectors a thread: 64 KiB in flight on a multiprocessor hide the latency of its memory.
static const int block_vectors = 2, block_elements = 256 * 4 * block_vectors;

static __device__ __forceinline__ i64 first_element() { return (i64)blockIdx.x * block_elements + threadIdx.x * 4; }

// y = f(x), element by element; y may be x.
template <class S, class F> static __device__ __forceinline__ void map1(const S* x, S* y, i64 n, F f) {
    const i64 first = first_element();
    float4 v[block_vectors];
#pragma unroll
    for (int u = 0; u < block_vectors; u++) {
        const i64 i = first + u * 1024;
        if (i + 4 <= n) v[u] = load4(x + i);
    }
#pragma unroll
    for (int u = 0; u < block_vectors; u++) {
        const i64 i = first + u * 1024;
        if (i + 4 <= n) {
            store4(y + i, make_float4(f(v[u].x), f(v[u].y), f(v[u].z), f(v[u].w)));
        } else {
            for (i64 j = i; j < n; j++) store1(y + j, f(load1(x + j)));
        }
    }
}

// z = f(x, y), element by element; z may be x or y.
template <class S, class F> static __device__ __forceinline__ void map2(const S* x, const S* y, S* z, i64 n, F f) {
    const i64 first = first_element();
    float4 v[block_vectors], w[block_vectors];
#pragma unroll
    for (int u = 0; u < block_vectors; u++) {
        const i64 i = first + u * 1024;
        if (i + 4 <= n) v[u] = load4(x + i), w[u] = load4(y + i);
    }
#pragma unroll
    for (int u = 0; u < block_vectors; u++) {
        const i64 i = first + u * 1024;
        if (i + 4 <= n) {
            store4(z + i, make_float4(f(v[u].x, w[u].x), f(v[u].y, w[u].y), f(v[u].z, w[u].z), f(v[u].w, w[u].w)));
        } else {
            for (i64 j = i; j < n; j++) store1(z + j, f(load1(x + j), load1(y + j)));
        }
    }
}

// Rows: a warp has one. row_of_warp is its number, for blocks of 256 threads.
static __device__ __forceinline__ i64 row_of_warp() { return (i64)blockIdx.x * 8 + threadIdx.x / 32; }

// A warp copies a row of n numbers, or zeros where from is 0. Rows of a tensor whose width is a multiple of 4 begin at multiples of four elements.
template <class S, class From> static __device__ __forceinline__ void copy_row(S* to, const From* from, int n) {
    const int lane = threadIdx.x % 32;
    if (n % 4 == 0) {
        for (int i = lane * 4; i < n; i += 128) store4(to + i, from ? load4(from + i) : splat4(0.f));
    } else {
        for (int i = lane; i < n; i += 32) store1(to + i, from ? load1(from + i) : 0.f);
    }
}
template <class S> static __device__ __forceinline__ void zero_row(S* to, int n) { copy_row(to, (const S*)nullptr, n); }
