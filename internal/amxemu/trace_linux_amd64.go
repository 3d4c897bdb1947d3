package amxemu

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waitAll waits for threads as well as processes, and only for those that this thread started or traces.
const waitAll = unix.WALL | unix.WNOTHREAD

// loop serves stops until the program's first thread has ended, which Linux reports after all others.
func (t *tracer) loop() (exit int, err error) {
	for {
		tid, status, err := t.wait()
		if err != nil {
			return 0, fmt.Errorf("amxemu: wait for the program: %w", err)
		}
		if status.Exited() || status.Signaled() {
			delete(t.threads, tid)
			if tid == t.pid {
				return exitCode(status), nil
			}
			continue
		}
		// A thread that is killed while it is stopped is gone (ESRCH): its end is yet to be reported.
		if err := t.stopped(tid, status); err != nil && !errors.Is(err, unix.ESRCH) {
			t.end()
			return 0, fmt.Errorf("amxemu: thread %d, wait status %#x: %w", tid, uint32(status), err)
		}
	}
}

func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// wait returns the next event of any thread.
func (t *tracer) wait() (tid int, status unix.WaitStatus, err error) {
	tid, err = wait4(-t.pid, &status, waitAll)
	if err == nil && tid == t.pid && (status.Exited() || status.Signaled()) {
		t.mu.Lock()
		t.reaped = true
		t.mu.Unlock()
	}
	return tid, status, err
}

func wait4(pid int, status *unix.WaitStatus, options int) (int, error) {
	for {
		tid, err := unix.Wait4(pid, status, options, nil)
		if err != unix.EINTR {
			return tid, err
		}
	}
}

// end kills the program and waits until nothing is left of it.
func (t *tracer) end() {
	t.kill()
	for {
		if _, _, err := t.wait(); err != nil {
			return
		}
	}
}

// stopped lets a stopped thread go on, as if it were not traced but for our instructions.
func (t *tracer) stopped(tid int, status unix.WaitStatus) error {
	sig := unix.Signal(uint32(status) >> 8 & 0xff)
	switch event := uint32(status) >> 16; {
	case event == unix.PTRACE_EVENT_STOP && (sig == unix.SIGSTOP || sig == unix.SIGTSTP || sig == unix.SIGTTIN || sig == unix.SIGTTOU):
		// The whole group stops. Listening leaves it so until SIGCONT.
		return ptrace(unix.PTRACE_LISTEN, tid, 0, 0)
	case event == unix.PTRACE_EVENT_EXEC:
		clear(t.threads)
		clear(t.code)
		return unix.PtraceCont(tid, 0)
	case event != 0:
		return unix.PtraceCont(tid, 0)
	case sig == unix.SIGILL:
		return t.illegal(tid)
	}
	return unix.PtraceCont(tid, int(sig))
}

// illegal serves a SIGILL: it executes instructions from RIP on while they are ours, which saves stops, and delivers the
// signal that remains, if any.
func (t *tracer) illegal(tid int) error {
	info := &t.info
	if err := ptracePointer(unix.PTRACE_GETSIGINFO, tid, 0, unsafe.Pointer(info)); err != nil {
		return err
	}
	if info.code <= 0 { // sent by a process, not raised by the processor
		return unix.PtraceCont(tid, int(unix.SIGILL))
	}
	m := &t.machine
	m.tid, m.tiles, m.loaded, m.dirty = tid, t.threads[tid], false, false
	if m.tiles == nil {
		m.tiles = &tiles{}
		t.threads[tid] = m.tiles
	}
	if err := unix.PtraceGetRegsAmd64(tid, &m.regs); err != nil {
		return err
	}
	executed := 0
	var fault error
	for {
		in, err := t.fetch(tid, m.regs.Rip)
		if err != nil {
			return err
		}
		if in.op == opNone {
			break
		}
		if fault = m.execute(&in); fault != nil {
			break
		}
		m.regs.Rip += uint64(in.length)
		t.counts[in.op]++
		executed++
	}
	if executed > 0 {
		if err := m.writeBack(); err != nil {
			return err
		}
	}
	switch {
	case fault != nil:
		if !info.set(fault, m.regs.Rip) {
			return fault
		}
		if err := ptracePointer(unix.PTRACE_SETSIGINFO, tid, 0, unsafe.Pointer(info)); err != nil {
			return err
		}
		return unix.PtraceCont(tid, int(info.signo))
	case executed == 0:
		return unix.PtraceCont(tid, int(unix.SIGILL))
	}
	return unix.PtraceCont(tid, 0)
}

// fetch returns the instruction at an address, with opNone for those that are not ours and where nothing can be read.
func (t *tracer) fetch(tid int, rip uint64) (instruction, error) {
	if in, known := t.code[rip]; known {
		return in, nil
	}
	var code [maxLength]byte
	n, err := readMemory(tid, code[:], rip)
	if err != nil && err != unix.EFAULT {
		return instruction{}, err
	}
	in, _ := decode(code[:max(n, 0)])
	t.code[rip] = in
	return in, nil
}

// sigInfo is siginfo_t with the members of a fault.
type sigInfo struct {
	signo, errno, code, _ int32
	addr                  uint64
	_                     [104]byte
}

// Values of si_code in the headers of Linux.
const (
	illOpn     = 2    // ILL_ILLOPN
	segvMapErr = 1    // SEGV_MAPERR
	siKernel   = 0x80 // SI_KERNEL, for #GP
)

// set makes what the kernel would say of the fault, and reports whether it is one.
func (s *sigInfo) set(fault error, rip uint64) bool {
	var page *pageFault
	switch {
	case fault == errUD:
		*s = sigInfo{signo: int32(unix.SIGILL), code: illOpn, addr: rip}
	case fault == errGP:
		*s = sigInfo{signo: int32(unix.SIGSEGV), code: siKernel}
	case errors.As(fault, &page):
		*s = sigInfo{signo: int32(unix.SIGSEGV), code: segvMapErr, addr: page.addr}
	default:
		return false
	}
	return true
}

func ptrace(request, tid int, addr, data uintptr) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0); e != 0 {
		return e
	}
	return nil
}

func ptracePointer(request, tid int, addr uintptr, data unsafe.Pointer) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, uintptr(data), 0, 0); e != 0 {
		return e
	}
	return nil
}
