package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"aural/runlog"
)

// fakeTerminal is the output end of a fake terminal. It keeps what was written since the last wait.
type fakeTerminal struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func newFakeTerminal() *fakeTerminal { return &fakeTerminal{news: make(chan struct{}, 1)} }

func (s *fakeTerminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

// wait blocks until the screen has shown want. It returns and forgets what was shown.
func (s *fakeTerminal) wait(t *testing.T, want string) string {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		text := s.text.String()
		if strings.Contains(text, want) {
			s.text.Reset()
			s.mu.Unlock()
			return text
		}
		s.mu.Unlock()
		select {
		case <-s.news:
		case <-patience:
			t.Fatalf("the screen never shows %q, but\n%s", want, text)
		}
	}
}

// start runs the view with a fake terminal of 80 x 24.
func start(ctx context.Context, dir string) (keys io.Writer, out *fakeTerminal, ended chan error) {
	in, keys := io.Pipe()
	out, ended = newFakeTerminal(), make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{dir}, Options{Input: in, Output: out, Width: 80, Height: 24, Environ: []string{"TERM=xterm-256color", "NO_COLOR=1"}})
	}()
	return keys, out, ended
}

// The whole program, from the bytes of the keyboard to those on the screen, while the run goes on in the same process.
func TestRun(t *testing.T) {
	w := writeFixture(t)
	keys, out, ended := start(t.Context(), w.Dir())
	typed := func(s string) {
		if _, err := io.WriteString(keys, s); err != nil {
			t.Fatal(err)
		}
	}
	out.wait(t, "update 20,000 of 400,000")
	w.Record(&runlog.Record{Step: 20050, Kind: runlog.Train, Values: []runlog.Value{{Name: "contrastive_loss", Value: 1.25}, {Name: "hours_seen", Value: 625.5}}})
	out.wait(t, "update 20,050 of 400,000")
	w.Event(runlog.Event{Step: 20050, Kind: runlog.Validation, Message: "accuracy is up"})
	out.wait(t, "accuracy is up")
	typed("\r")
	out.wait(t, "train 1.250")
	typed("u")
	out.wait(t, "contrastive loss, bits")
	typed("?")
	out.wait(t, "leave; the run goes on")
	typed("\x1b")
	out.wait(t, "contrastive loss, bits")
	typed("q")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	out.wait(t, "\x1b[?1049l") // back to the normal screen
	if s, err := runlog.ReadState(w.Dir()); err != nil || s.Status != runlog.Running {
		t.Errorf("after leaving the run is %q, %v", s.Status, err)
	}
}

func TestRunIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, out, ended := start(ctx, writeFixture(t).Dir())
	out.wait(t, "update 20,000")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	out.wait(t, "\x1b[?1049l")
}

func TestRunRefuses(t *testing.T) {
	if err := Run(t.Context(), []string{t.TempDir()}, Options{Output: io.Discard, Width: 80, Height: 24}); !errors.Is(err, runlog.ErrNotRun) {
		t.Errorf("a directory without a run: %v", err)
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := Run(t.Context(), []string{writeFixture(t).Dir()}, Options{Output: file}); !errors.Is(err, ErrNotTerminal) {
		t.Errorf("output to a file: %v", err)
	}
}
