package amxemu

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// cpuid returns what the instruction CPUID says.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// State components of XSAVE that hold zmm registers (SDM volume 1, section 13.1).
const (
	compSSE      = 1 // bits 0-127 of zmm0-15
	compAVX      = 2 // bits 128-255 of zmm0-15
	compZMMHi256 = 6 // bits 256-511 of zmm0-15
	compHi16ZMM  = 7 // zmm16-31
	compAll      = 1<<compSSE | 1<<compAVX | 1<<compZMMHi256 | 1<<compHi16ZMM
)

// Offsets in the XSAVE area that are fixed (SDM volume 1, section 13.4).
const (
	offXMM = 160
	offBV  = 512 // XSTATE_BV: components that are not in their initial state
)

// xstate is the XSAVE area of a stopped thread, in the standard format, which is what ptrace gives whatever the kernel uses inside.
type xstate struct {
	buf                             []byte
	avx512                          bool // zmm registers exist, and the operating system saves them
	offAVX, offZMMHi256, offHi16ZMM int
}

func newXState() *xstate {
	x := &xstate{}
	if !cpu.X86.HasAVX512F {
		return x
	}
	_, _, size, _ := cpuid(0xd, 0) // of all components that the processor has; the kernel takes what it uses of them
	offset := func(component uint32) int {
		_, ebx, _, _ := cpuid(0xd, component)
		return int(ebx)
	}
	x.offAVX, x.offZMMHi256, x.offHi16ZMM = offset(compAVX), offset(compZMMHi256), offset(compHi16ZMM)
	x.buf = make([]byte, size)
	x.avx512 = true
	return x
}

func (x *xstate) read(tid int) error { return x.transfer(unix.PTRACE_GETREGSET, tid) }

// write writes all of the area back, with all zmm registers marked as in use.
func (x *xstate) write(tid int) error {
	bv := x.buf[offBV : offBV+8]
	binary.LittleEndian.PutUint64(bv, binary.LittleEndian.Uint64(bv)|compAll)
	return x.transfer(unix.PTRACE_SETREGSET, tid)
}

func (x *xstate) transfer(request, tid int) error {
	iov := unix.Iovec{Base: &x.buf[0], Len: uint64(len(x.buf))}
	return ptracePointer(request, tid, unix.NT_X86_XSTATE, unsafe.Pointer(&iov))
}

// parts returns where the register lies, in pieces from the low end.
func (x *xstate) parts(reg uint8) [][]byte {
	n := int(reg)
	if n >= 16 {
		at := x.offHi16ZMM + 64*(n-16)
		return [][]byte{x.buf[at : at+64]}
	}
	piece := func(at, size int) []byte { return x.buf[at+n*size : at+(n+1)*size] }
	return [][]byte{piece(offXMM, 16), piece(x.offAVX, 16), piece(x.offZMMHi256, 32)}
}

func (x *xstate) zmm(reg uint8, dst *[64]byte) {
	at := 0
	for _, p := range x.parts(reg) {
		at += copy(dst[at:], p)
	}
}

func (x *xstate) setZMM(reg uint8, src *[64]byte) {
	at := 0
	for _, p := range x.parts(reg) {
		at += copy(p, src[at:])
	}
}
