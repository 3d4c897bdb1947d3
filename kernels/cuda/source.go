package cuda

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed src
var sources embed.FS

// first lists the files that others need, in their order. The rest follows by name.
var first = []string{"storage.cuh", "noise.cuh", "reduce.cuh", "vector.cuh", "gelu.cuh", "columns.cuh", "epilogue.cuh", "gemm.cuh", "attention.cuh"}

// Text is all kernels as one text for a compiler, without includes for a GPU: primitives, shared parts, kernels, and the layouts that the host expects.
// A compiler for processors finds the primitives in prim_cpu.h.
func Text() string {
	var b strings.Builder
	b.WriteString("#ifdef __CUDACC__\n")
	b.WriteString(source("prim.cuh"))
	b.WriteString("#else\n#include \"prim_cpu.h\"\n#endif\n")
	for _, name := range first {
		b.WriteString(source(name))
	}
	names, err := fs.Glob(sources, "src/*.cu")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, name := range names {
		b.WriteString(source(strings.TrimPrefix(name, "src/")))
	}
	b.WriteString(layoutChecks())
	return b.String()
}

func source(name string) string {
	text, err := sources.ReadFile("src/" + name)
	if err != nil {
		panic(err) // embedded with the program
	}
	return "#line 1 \"" + name + "\"\n" + string(text) + "\n"
}
