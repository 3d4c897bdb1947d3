package tileasm

// Dot configures tiles with the 64 bytes at cfg and does c += a·b with TDPBF16PS: tile 0 is c, 1 is a and 2 is b, whose
// rows lie sc, sa and sb bytes apart. It releases the tiles.
//
//go:noescape
func Dot(cfg, c, a, b *byte, sc, sa, sb int)

// DotZero is Dot with c = a·b, from TILEZERO. It uses tiles 7, 6 and 5, and other registers and forms of addresses.
//
//go:noescape
func DotZero(cfg, c, a, b *byte, sc, sa, sb int)

// DotUnconfigured does TDPBF16PS without a configuration, which is #UD.
func DotUnconfigured()

// Undefined executes UD2.
func Undefined()

// Convert writes the 16 numbers of lo as bfloat16 to the lower half of dst, with VCVTNEPS2BF16, and zeros above. It
// uses registers of all four groups on the way.
//
//go:noescape
func Convert(dst *[64]byte, lo *[64]byte)

// Convert2 writes lo and hi as bfloat16 to dst, with VCVTNE2PS2BF16.
//
//go:noescape
func Convert2(dst, lo, hi *[64]byte)
