package amxemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs the program argv[0], which is looked up in PATH, with the arguments argv and the environment env, in a process group of
// its own and with an empty standard input, until it exits or ctx ends; then it is killed and ctx's cause is the error. A program that fails is no error.
// Nothing outlives Run but processes that the program itself started. An error wraps ErrUnavailable where the
// system does not let this process trace a child.
func Run(ctx context.Context, argv, env []string) (Result, error) {
	if len(argv) == 0 {
		return Result{}, errors.New("amxemu: argv is empty: give at least the program")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return Result{}, fmt.Errorf("amxemu: %w", err)
	}
	// A file in memory takes any amount of output without a reader, and keeps no one waiting who inherits it.
	fd, err := unix.MemfdCreate("amxemu", unix.MFD_CLOEXEC)
	if err != nil {
		return Result{}, fmt.Errorf("amxemu: file for the output of %s: %w", path, err)
	}
	output := os.NewFile(uintptr(fd), "output")
	defer output.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return Result{}, fmt.Errorf("amxemu: %w", err)
	}
	defer null.Close()

	// The kernel takes requests from the thread that traces, and no other.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t := &tracer{ctx: ctx, threads: map[int]*tiles{}, code: map[uint64]instruction{}}
	t.machine.xstate = newXState()
	exit, err := t.run(path, argv, &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{null.Fd(), output.Fd(), output.Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	res := Result{Exit: exit, Counts: map[string]int{}}
	for o, n := range t.counts {
		if n > 0 {
			res.Counts[op(o).String()] = n
		}
	}
	var readErr error
	if res.Output, readErr = io.ReadAll(io.NewSectionReader(output, 0, 1<<62)); err == nil && readErr != nil {
		err = fmt.Errorf("amxemu: output of %s: %w", path, readErr)
	}
	return res, err
}

// tracer holds one run.
type tracer struct {
	ctx     context.Context
	pid     int
	threads map[int]*tiles         // by thread number; a thread that has used none has no entry
	code    map[uint64]instruction // decoded, by address; an instruction that is not ours has opNone
	counts  [numOps]int

	// The thread that is stopped, in memory that all stops share.
	machine machine
	info    sigInfo

	mu     sync.Mutex
	reaped bool // pid is no longer ours to kill
}

func (t *tracer) run(path string, argv []string, attr *syscall.ProcAttr) (exit int, err error) {
	pid, err := syscall.ForkExec(path, argv, attr)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		return 0, fmt.Errorf("%w: starting %s under ptrace: %v (seccomp or kernel.yama.ptrace_scope)", ErrUnavailable, path, err)
	} else if err != nil {
		return 0, fmt.Errorf("amxemu: start %s: %w", path, err)
	}
	t.pid = pid
	if err := t.seize(); err != nil {
		t.end()
		return 0, err
	}
	stop := context.AfterFunc(t.ctx, t.kill)
	defer stop()
	exit, err = t.loop()
	if cause := context.Cause(t.ctx); cause != nil && err == nil && exit == 128+int(unix.SIGKILL) {
		err = fmt.Errorf("amxemu: %s was killed: %w", path, cause)
	}
	return exit, err
}

// seize goes over from PTRACE_TRACEME, all that a fork can ask for, to PTRACE_SEIZE, which alone tells a stop of
// the whole group from a signal. In between the program is stopped at its first instruction.
func (t *tracer) seize() error {
	fail := func(what string, err error) error {
		return fmt.Errorf("%w: %s: %v", ErrUnavailable, what, err)
	}
	var status unix.WaitStatus
	_, err := wait4(t.pid, &status, unix.WALL)
	if err != nil || !status.Stopped() {
		return fail("wait for the start of the program", errors.Join(err, statusError(status)))
	}
	if err := ptrace(unix.PTRACE_DETACH, t.pid, 0, uintptr(unix.SIGSTOP)); err != nil {
		return fail("PTRACE_DETACH", err)
	}
	if _, err = wait4(t.pid, &status, unix.WALL|unix.WUNTRACED); err != nil || !status.Stopped() {
		return fail("wait for the stopped program", errors.Join(err, statusError(status)))
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	if err := ptrace(unix.PTRACE_SEIZE, t.pid, 0, options); err != nil {
		return fail("PTRACE_SEIZE", err)
	}
	if err := unix.Kill(t.pid, unix.SIGCONT); err != nil {
		return fail("continue the program", err)
	}
	return nil
}

func statusError(status unix.WaitStatus) error { return fmt.Errorf("wait status %#x", uint32(status)) }

// kill ends the program, from any goroutine.
func (t *tracer) kill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.reaped {
		_ = unix.Kill(t.pid, unix.SIGKILL)
	}
}
