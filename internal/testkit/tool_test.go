package testkit

import (
	"errors"
	"strings"
	"testing"
)

// recorder is a test that notes what happens to it instead of stopping.
type recorder struct {
	testing.TB
	failed, skipped string
}

type stopped struct{}

func (r *recorder) Helper()                  {}
func (r *recorder) Fatal(args ...any)        { r.failed = args[0].(string); panic(stopped{}) }
func (r *recorder) Skipf(f string, a ...any) { r.skipped = f; panic(stopped{}) }
func (r *recorder) run(f func(t testing.TB)) {
	defer func() {
		if v := recover(); v != nil && v != (stopped{}) {
			panic(v)
		}
	}()
	f(r)
}

func TestTool(t *testing.T) {
	t.Setenv(skipVariable, "")
	if Tool(t, "go") == "" {
		t.Error("no path")
	}
	absent := &recorder{TB: t}
	absent.run(func(t testing.TB) { Tool(t, "no-such-program") })
	if !strings.Contains(absent.failed, "needs no-such-program") || !strings.Contains(absent.failed, "AURAL_SKIP=no-such-program") {
		t.Errorf("a missing program: failed with %q, skipped with %q", absent.failed, absent.skipped)
	}
	t.Setenv(skipVariable, "g++, no-such-program")
	off := &recorder{TB: t}
	off.run(func(t testing.TB) { Tool(t, "no-such-program") })
	if off.failed != "" || off.skipped == "" {
		t.Errorf("a program that is switched off: failed with %q, skipped with %q", off.failed, off.skipped)
	}
	other := &recorder{TB: t}
	other.run(func(t testing.TB) { Need(t, "no-such"); Lacks(t, "no-such", errors.New("gone")) })
	if other.skipped != "" || !strings.Contains(other.failed, "gone") {
		t.Errorf("a part of a name switched it off: failed with %q, skipped with %q", other.failed, other.skipped)
	}
}
