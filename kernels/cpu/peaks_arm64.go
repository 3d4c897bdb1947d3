package cpu

// multiplyAddsNEON makes rounds of 24 multiply-adds of 4 values, all on registers.
//
//go:noescape
func multiplyAddsNEON(rounds int64)

// readNEON loads n bytes, a multiple of 128 and not 0.
//
//go:noescape
func readNEON(x *byte, n int64)

// multiplyAdds is the loop for the instructions of a variant.
func multiplyAdds(variant string) multiplier {
	if variant == "neon" {
		return multiplier{24 * 4 * 2, func(n int64, _ *float32) { multiplyAddsNEON(n) }}
	}
	return portableMultiplier()
}

// reader loads a block, whose length is a multiple of 512, as fast as the instructions of a variant can.
func reader(variant string) func(x []byte, sink *float32) {
	if variant == "neon" {
		return func(x []byte, _ *float32) { readNEON(&x[0], int64(len(x))) }
	}
	return portableRead
}
