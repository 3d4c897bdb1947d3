//go:build unix

package audio

import (
	"os/exec"
	"syscall"
)

// killGroup makes the end of the command's context end its children too: the program may be a script around ffmpeg.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
