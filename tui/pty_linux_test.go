package tui

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY returns both ends of a pseudo-terminal of the given size: what is written to one is read from the other.
func openPTY(t *testing.T, width, height uint16) (emulator, program *os.File) {
	t.Helper()
	emulator, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { emulator.Close() })
	fd := int(emulator.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}); err != nil {
		t.Fatal(err)
	}
	return emulator, program
}

// A program that links this package does not talk to the terminal, nor wait for it, before it has something to say. See
// package background.
func TestNoQuestionsAtStart(t *testing.T) {
	emulator, program := openPTY(t, 80, 24)
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), "TERM=xterm-256color")
	child.Stdin, child.Stdout, child.Stderr = program, program, program
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // questions are asked only in the foreground
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	out := newFakeTerminal()
	go io.Copy(out, emulator)
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(program, "the end")
	if text := out.wait(t, "the end"); strings.Contains(text, "\x1b") {
		t.Errorf("the program began with %q", text)
	}
}

// On a terminal the view asks for the size, and leaves the terminal as it was.
func TestRunOnTerminal(t *testing.T) {
	emulator, program := openPTY(t, 100, 30)
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	out, ended := newFakeTerminal(), make(chan error, 1)
	go io.Copy(out, emulator)
	go func() {
		ended <- Run(t.Context(), []string{writeFixture(t).Dir()}, Options{Input: program, Output: program, Environ: []string{"TERM=dumb"}})
	}()
	frame := out.wait(t, "time step")
	if lines := strings.Count(frame[strings.LastIndex(frame, "base-librispeech"):], "\n"); lines > 30 {
		t.Errorf("%d lines on a terminal of 30:\n%s", lines, frame)
	}
	for _, key := range []string{"?", "q"} {
		time.Sleep(10 * time.Millisecond) // the keys of a person come one by one
		if _, err := io.WriteString(emulator, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if *after != *before {
		t.Errorf("the terminal was left with %+v, it had %+v", after, before)
	}
}
