package train

import (
	"context"
	"errors"
	"os/signal"
	"syscall"
	"testing"
)

// The kernel refuses to let the optimiser's file grow beyond a limit, as a full disk or a quota would.
func TestFullDisk(t *testing.T) {
	be := testBackend(t)
	r := newRegression(t, be, 8, false)
	var err error
	const n = 1_000_000 // the model takes 4 MB, the moments 8 MB; go test itself writes a list of the files that were opened, 2 MB
	if r.w, err = NewWeights(be, []Spec{{"linear.weight", []int{1, features}}, {"linear.bias", []int{1}}, {"unused", []int{n}}}, false); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := func(bytes uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: old.Max}); err != nil {
			t.Error(err)
		}
	}
	defer limit(old.Cur)
	run := begin(t)
	r.ran = func(at Position) {
		switch at.Update {
		case 7:
			limit(6_000_000) // at 10 and 15
		case 16:
			limit(old.Cur)
			onlyGood(t, run.Dir(), 5)
		case 21:
			limit(6_000_000) // at 25, the last
		}
	}
	err = Run(context.Background(), r, be, testConfig(25), run, Options{})
	limit(old.Cur)
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want the error of the disk", err)
	}
	if n := alerts(t, run.Dir())["checkpoint"]; n != 2 {
		t.Errorf("%d alerts, want 2", n)
	}
	onlyGood(t, run.Dir(), 20)
}
