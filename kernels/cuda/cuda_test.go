package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/kerneltest"
)

// emulated starts the back end on the emulator: the same kernel text and the same host code as on a GPU.
func emulated(t testing.TB, o Options, e cudaemu.Options) *Backend {
	t.Helper()
	e.Compiler = testkit.Tool(t, "g++")
	m := cudaemu.New(e)
	b, err := New(m, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestParity(t *testing.T) {
	kerneltest.Run(t, emulated(t, Options{}, cudaemu.Options{}), kerneltest.MustRun("add_n"),
		kerneltest.MayRefuse(func(op kernels.Op, _ []kernels.Desc) string { return "not written yet" }))
}
