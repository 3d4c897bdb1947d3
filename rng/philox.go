// Package rng gives counter-based random streams.
//
// Every random number in aural is a pure function of (seed, step, site, element): no generator state is carried from
// one training step to the next, so a step can be replayed, compared across back ends and resumed bit for bit.
//
//   - seed: the run's 64-bit seed.
//   - step: what makes successive uses differ: an update number, an epoch, an utterance number.
//   - site: which user of randomness this is (one dropout layer, the span masks, the shuffle); see [Site].
//   - element: the position inside a tensor, or the how-manieth draw of a [Stream].
//
// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011),
// the same that cuRAND and PyTorch use on GPUs; it passes BigCrush and needs ten rounds of two 32x32→64 multiplies.
package rng

import "hash/fnv"

const (
	mulA, mulB   = 0xD2511F53, 0xCD9E8D57 // multipliers, Salmon et al. table 2
	weylA, weylB = 0x9E3779B9, 0xBB67AE85 // key schedule: golden ratio and sqrt(3)-1
)

// Philox returns the four words of block ctr of the stream with the given key.
func Philox(key [2]uint32, ctr [4]uint32) [4]uint32 {
	for range 10 {
		a := uint64(ctr[0]) * mulA
		b := uint64(ctr[2]) * mulB
		ctr = [4]uint32{uint32(b>>32) ^ ctr[1] ^ key[0], uint32(b), uint32(a>>32) ^ ctr[3] ^ key[1], uint32(a)}
		key[0] += weylA
		key[1] += weylB
	}
	return ctr
}

// Block returns words 4*block .. 4*block+3 of the element stream of (seed, step, site).
func Block(seed, step uint64, site, block uint32) [4]uint32 {
	return Philox([2]uint32{uint32(seed), uint32(seed >> 32)},
		[4]uint32{block, site, uint32(step), uint32(step >> 32)})
}

// Word returns the random word of one element. Element e is word e%4 of block e/4, so elements up to 2^34 are distinct.
func Word(seed, step uint64, site uint32, element int) uint32 {
	return Block(seed, step, site, uint32(element>>2))[element&3]
}

// Unit maps a word to the open interval (0,1): never 0, so that log(Unit(w)) is finite, and never 1.
// In float32 the largest value is 1-2^-24.
func Unit(w uint32) float32 { return (float32(w>>9) + 0.5) * (1.0 / (1 << 23)) }

// Site names a user of randomness by a 32-bit hash of its name, for example Site("encoder.layers.3.attention.dropout").
func Site(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}
