package amxemu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/cpu"
)

// run runs the test binary as a child of the given kind.
func run(t testing.TB, ctx context.Context, what string) (Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	res, err := Run(ctx, []string{os.Args[0], "an argument"}, append(os.Environ(), childEnv+"="+what))
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	return res, err
}

// expect runs a child that must exit with the given code and write the given words.
func expect(t *testing.T, what string, exit int, words ...string) Result {
	t.Helper()
	res, err := run(t, t.Context(), what)
	if err != nil || res.Exit != exit {
		t.Fatalf("child %q: %v, exit %d, want %d\n%s", what, err, res.Exit, exit, res.Output)
	}
	for _, w := range words {
		if !strings.Contains(string(res.Output), w) {
			t.Errorf("child %q wrote no %q:\n%s", what, w, res.Output)
		}
	}
	return res
}

// counts compares the numbers of executed instructions, unless the machine has them.
func counts(t *testing.T, res Result, want map[string]int) {
	t.Helper()
	for name, n := range want {
		switch got := res.Counts[name]; {
		case got == 0 && n > 0:
			t.Logf("%s did not trap: this machine has it, and the results checked were the hardware's", name)
		case got != n:
			t.Errorf("%d %s, want %d", got, name, n)
		}
	}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	res := expect(t, "products", 0, "0 wrong of 100\n")
	// Half of them start from zero; 13 of 25 in each goroutine load c.
	counts(t, res, map[string]int{"LDTILECFG": 100, "TILELOADD": 2*100 + 4*13, "TILEZERO": 4 * 12, "TDPBF16PS": 100, "TILESTORED": 100, "TILERELEASE": 100})
}

func TestConversions(t *testing.T) {
	t.Parallel()
	if !cpu.X86.HasAVX512F {
		t.Skip("this machine has no zmm registers")
	}
	res := expect(t, "convert", 0, "0 wrong of 200\n")
	counts(t, res, map[string]int{"VCVTNEPS2BF16": 600, "VCVTNE2PS2BF16": 200})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	words := []string{"pages: <nil>\n", "good: <nil>\n"}
	const refused = ": runtime error: invalid memory address or nil pointer dereference\n"
	for _, c := range badConfigs {
		words = append(words, c.what+": runtime error: ")
	}
	words = append(words, "no configuration"+refused, "load from nothing"+refused, "store to what is read only: runtime error: ")
	expect(t, "bad configs", 0, words...)
}

func TestIllegalInstructions(t *testing.T) {
	t.Parallel()
	expect(t, "unconfigured", 2, "SIGILL: illegal instruction", "tileasm.DotUnconfigured")
	expect(t, "undefined", 2, "SIGILL: illegal instruction", "tileasm.Undefined")
	expect(t, "illegal", 2, "SIGILL: illegal instruction")
}

func TestEnds(t *testing.T) {
	t.Parallel()
	res := expect(t, "exit", 7)
	if got, want := string(res.Output), "out err out again, args [an argument]"; got != want {
		t.Errorf("output is %q, want %q", got, want)
	}
	if len(res.Counts) != 0 {
		t.Errorf("a program without tiles has the counts %v", res.Counts)
	}
	expect(t, "panic", 2, "panic: boom")
	expect(t, "kill", 128+9)
	expect(t, "exec", 0, "0 wrong of 100\n")
}

func TestSignals(t *testing.T) {
	t.Parallel()
	expect(t, "signals", 0, "0 wrong of 40\n", "50 SIGUSR1\n")
}

func TestGroupStop(t *testing.T) {
	t.Parallel()
	expect(t, "group stop", 0, "continued <nil> State:\tt", "0 wrong of 3\n")
}

func TestContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	res, err := run(t, ctx, "sleep")
	if !errors.Is(err, context.DeadlineExceeded) || string(res.Output) != "asleep\n" || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v: %v, output %q; want the deadline's error and what was written before", time.Since(begin), err, res.Output)
	}
}

func TestStartErrors(t *testing.T) {
	for _, argv := range [][]string{nil, {filepath.Join(t.TempDir(), "missing")}, {t.TempDir()}} {
		if res, err := Run(t.Context(), argv, nil); err == nil || errors.Is(err, ErrUnavailable) {
			t.Errorf("Run(%q) = %+v, %v; want an error about the program", argv, res, err)
		}
	}
}

// BenchmarkInstruction measures a call of eight instructions with two others between, that is three stops.
func BenchmarkInstruction(b *testing.B) {
	for b.Loop() {
		res, err := run(b, b.Context(), "time of dot")
		if err != nil {
			b.Fatal(err)
		}
		ns, err := strconv.ParseFloat(string(res.Output), 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(ns/8, "ns/instruction")
	}
}
