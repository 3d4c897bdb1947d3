package cpu

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// tileState returns what keeps this process from using tile registers, on a processor that has them. The operating system must save them, and
// Linux wants to be asked (Documentation/arch/x86/xstate.rst in its source). The permission is that of the process, for good.
var tileState = sync.OnceValue(func() []string {
	const (
		saved            = 3 << 17 // tile configuration and data in extended control register 0
		archReqXcompPerm = 0x1023
		tileData         = 18
	)
	if xgetbv()&saved != saved {
		return []string{"an operating system that saves tile registers"}
	}
	if _, _, err := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXcompPerm, tileData, 0); err != 0 {
		return []string{fmt.Sprintf("the kernel's permission to use tile registers (arch_prctl: %v)", err)}
	}
	return nil
})
