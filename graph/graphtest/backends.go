package graphtest

import (
	"testing"

	"aural/kernels"
	"aural/kernels/cpu"
)

// CPUs opens every variant of the cpu back end that runs here, with two threads each. They are closed at the end of the test.
func CPUs(t testing.TB) []kernels.Backend {
	t.Helper()
	var list []kernels.Backend
	for _, v := range cpu.Variants() {
		be, err := cpu.New(cpu.Options{Threads: 2, Variant: v})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { be.Close() })
		list = append(list, be)
	}
	return list
}
