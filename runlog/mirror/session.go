package mirror

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// session is a shell on the other host that runs one command after the other.
type session struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors *lastText
	quiet  time.Duration // how long it may say nothing
	marker string        // ends the output of a command
	kill   context.CancelFunc
	hung   bool // it was killed because it said nothing
	mu     sync.Mutex
}

// prelude prepares the shell. Its names of days and months and its messages are those of every other shell then, and it
// starts in dir, which stays the same for all commands.
const prelude = `LC_ALL=C; export LC_ALL; unset CDPATH; d=; if cd %s 2>/dev/null; then d=$(pwd); fi`

// dial starts argv, which runs a shell that reads its commands from the standard input, and goes to dir.
func dial(ctx context.Context, argv []string, dir string, quiet time.Duration) (*session, error) {
	ctx, kill := context.WithCancel(ctx)
	s := &session{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...), errors: &lastText{}, quiet: quiet, kill: kill,
		marker: "aural-" + rand.Text()}
	s.cmd.Stderr = s.errors
	s.cmd.WaitDelay = time.Second // for what the shell has started and left behind
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		kill()
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		kill()
		return nil, err
	}
	s.out = bufio.NewReaderSize(out, 64<<10)
	if err := s.cmd.Start(); err != nil {
		kill()
		return nil, err
	}
	// A process that the shell has started may outlive it and hold the pipe open.
	context.AfterFunc(ctx, func() { out.Close() })
	// What the login says before is left out with the answer.
	if _, err := s.run(fmt.Sprintf(prelude, quoteDir(dir)), 1<<20); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// run has the shell do a command, which has one line, and returns what it prints, up to limit bytes.
func (s *session) run(command string, limit int) ([]byte, error) {
	watch := time.AfterFunc(s.quiet, func() {
		s.mu.Lock()
		s.hung = true
		s.mu.Unlock()
		s.kill()
	})
	defer watch.Stop()
	if _, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%%s\\n' %s\n", command, s.marker); err != nil {
		return nil, s.fault(err)
	}
	var out []byte
	begin := 0 // of the line in work
	for {
		part, err := s.out.ReadSlice('\n')
		out = append(out, part...)
		watch.Reset(s.quiet)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, s.fault(err)
		}
		if len(out) > limit+len(s.marker)+2 {
			return nil, fmt.Errorf("the other host answers with more than %d bytes", limit)
		}
		if err != nil {
			continue
		}
		if line := out[begin : len(out)-1]; string(line) == s.marker && begin > 0 {
			return out[:begin-1], nil
		}
		begin = len(out)
	}
}

// fault says why the shell is gone.
func (s *session) fault(err error) error {
	s.kill()
	ended := s.cmd.Wait()
	s.mu.Lock()
	hung := s.hung
	s.mu.Unlock()
	said := s.errors.String()
	switch {
	case hung:
		return fmt.Errorf("no answer for %v", s.quiet)
	case said != "":
		return errors.New(said)
	case ended != nil:
		return fmt.Errorf("the connection ended: %w", ended)
	}
	return fmt.Errorf("the connection ended: %w", err)
}

func (s *session) close() {
	s.in.Close()
	s.kill()
	s.cmd.Wait() // that it was killed is no news
}

// lastText keeps the end of what is written to it: the complaints of ssh.
type lastText struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if n := len(l.text); n > 2048 {
		l.text = append(l.text[:0], l.text[n-1024:]...)
	}
	return len(p), nil
}

// String returns the last lines as one.
func (l *lastText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, line := range bytes.Split(l.text, []byte("\n")) {
		if t := strings.TrimSpace(strings.ToValidUTF8(string(line), "?")); t != "" {
			lines = append(lines, t)
		}
	}
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
