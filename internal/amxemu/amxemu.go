// Package amxemu runs a program on a linux/amd64 machine without AMX and executes its AMX tile instructions, and two
// conversions of AVX512_BF16, in software. Tests use it to run kernels for AMX everywhere.
//
// The program runs under ptrace. A processor raises #UD at an instruction that it or the operating system does not
// enable, which Linux turns into SIGILL; at that stop the tracer decodes the instruction at RIP, executes it on a model
// of the thread's tiles, writes registers and memory back, and goes on behind it without delivering the signal. All
// other signals are delivered untouched, and so is a SIGILL at any other instruction. Where the machine has the
// instructions they do not trap: then the hardware executes them and Result.Counts lacks them.
//
// # What is modelled
//
// The source is the Intel 64 and IA-32 Architectures Software Developer's Manual (SDM): the Operation sections of
// volume 2, chapter 19 of volume 1 for tiles, and the exception classes AMX-E1 to E6 of volume 2, section 2.10.
//
//	LDTILECFG m512          TILELOADD tmm, sibmem    TDPBF16PS tmm, tmm, tmm
//	TILERELEASE             TILESTORED sibmem, tmm   VCVTNEPS2BF16 ymm, zmm
//	TILEZERO tmm                                     VCVTNE2PS2BF16 zmm, zmm, zmm
//
// Palettes 0 and 1, all checks of a configuration, start_row, and the checks of shapes are there. What the processor
// refuses with #UD arrives as SIGILL, #GP and page faults as SIGSEGV with the si_code of the kernel; the tiles are then
// as before, except that a store may have written some rows. See dot and bfloat16 for the arithmetic.
//
// Not modelled: prefixes for the address size and segments, EVEX masks, memory operands of the conversions (a program
// that uses them gets its SIGILL); the tile state that the kernel clears for a signal handler, so a handler must leave the
// tiles alone; the system call that asks for AMX, which fails as it does without the emulator; CPUID. A thread
// starts without tiles, as on Linux. Code that is written over after it has run is not noticed. The threads of the
// program are traced, the processes that it starts are not.
package amxemu

import "errors"

// ErrUnavailable says that the platform is not linux/amd64 or does not let this process trace a child.
var ErrUnavailable = errors.New("amxemu: cannot trace a child process here")

// Result is what came of a program.
type Result struct {
	Output []byte         // standard output and standard error, in the order in which they were written
	Exit   int            // exit code; 128 plus the number of the signal that killed the program
	Counts map[string]int // executed in software, by mnemonic
}
