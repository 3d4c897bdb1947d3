// Sums and maxima in an order that depends on shapes alone.
//
// A butterfly adds a+b in one lane where it adds b+a in another, so that all lanes end with the same bits.

template <class T> static __device__ __forceinline__ T warp_sum(T v) {
#pragma unroll
    for (int o = 16; o; o >>= 1) v += shfl_xor(v, o);
    return v;
}

template <class T> static __device__ __forceinline__ T warp_max(T v) {
#pragma unroll
    for (int o = 16; o; o >>= 1) {
        const T w = shfl_xor(v, o);
        v = w > v || w != w ? w : v; // a NaN wins
    }
    return v;
}

// The sum over a block, for all its threads. It may be called again at once.
template <class T> static __device__ __forceinline__ T block_sum(T v) {
    __shared__ T part[32];
    v = warp_sum(v);
    __syncthreads(); // what the call before left has been read
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    T sum = part[0];
    for (u32 w = 1; w < blockDim.x / 32; w++) sum += part[w];
    return sum;
}
