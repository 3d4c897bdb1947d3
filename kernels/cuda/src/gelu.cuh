// The exact GELU, x·Φ(x), and its derivative.

// The part of a normal distribution above |x|, Φ(-|x|), and its density at x, without branches. With t = 1/(1+p|x|), Φ(-|x|) is exp(-x²/2) times a polynomial
// in t, fitted on |x| <= 6; in float32 it is good to 2e-7 and |x|·Φ to 7e-8. The exponential underflows to 0 above 13.
static __device__ __forceinline__ float normal_tail(float x, float& density) {
    const float e = exp2_fast(x * x * -0.72134752044448170f), t = __fdividef(1.f, fmaf(0.33f, fabsf(x), 1.f));
    float p = 0.046577794f;
    p = fmaf(p, t, -0.225415724f);
    p = fmaf(p, t, 0.340565278f);
    p = fmaf(p, t, -0.0988078955f);
    p = fmaf(p, t, 0.186428425f);
    p = fmaf(p, t, 0.117834781f);
    p = fmaf(p, t, 0.132817338f);
    density = e * 0.39894228040143268f;
    return p * t * e;
}

// x·Φ(x) is x - x·Φ(-x) above 0 and -|x|·Φ(-|x|) below. Above 16 it is x in any case, and infinity times 0 would be no number.
static __device__ __forceinline__ float gelu_of(float x) {
    float density;
    const float y = fmaf(-fabsf(x), normal_tail(x, density), fmaxf(x, 0.f));
    return x > 16.f ? x : y;
}

// Φ(x) + x·φ(x).
static __device__ __forceinline__ float gelu_slope(float x) {
    float density;
    const float tail = normal_tail(x, density);
    return fmaf(x, density, x > 0.f ? 1.f - tail : tail);
}
