package cpu

// multiplyAddsAVX512 makes rounds of 16 multiply-adds of 16 values, all on registers.
//
//go:noescape
func multiplyAddsAVX512(rounds int64)

// multiplyAddsAVX2 makes rounds of 12 multiply-adds of 8 values.
//
//go:noescape
func multiplyAddsAVX2(rounds int64)

// readAVX512 loads n bytes, a multiple of 512 and not 0.
//
//go:noescape
func readAVX512(x *byte, n int64)

// readAVX2 loads n bytes, a multiple of 512 and not 0.
//
//go:noescape
func readAVX2(x *byte, n int64)

// multiplyAdds is the loop for the instructions of a variant.
func multiplyAdds(variant string) multiplier {
	switch variant {
	case "avx512", "amx":
		return multiplier{16 * 16 * 2, func(n int64, _ *float32) { multiplyAddsAVX512(n) }}
	case "avx2":
		return multiplier{12 * 8 * 2, func(n int64, _ *float32) { multiplyAddsAVX2(n) }}
	}
	return portableMultiplier()
}

// reader loads a block, whose length is a multiple of 512, as fast as the instructions of a variant can.
func reader(variant string) func(x []byte, sink *float32) {
	switch variant {
	case "avx512", "amx":
		return func(x []byte, _ *float32) { readAVX512(&x[0], int64(len(x))) }
	case "avx2":
		return func(x []byte, _ *float32) { readAVX2(&x[0], int64(len(x))) }
	}
	return portableRead
}
