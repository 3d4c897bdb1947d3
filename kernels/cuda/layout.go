package cuda

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// layouts lists the parameter struct of every kernel. The struct fooArgs here is FooArgs in the kernels' text, with the same fields in the same order,
// their names starting with a small letter there. Fields are written so that Go and C agree: 8-byte fields first, or padded by hand.
var layouts = []any{
	step{}, noise{},

	addNArgs{}, mapArgs{}, dropoutArgs{}, castArgs{}, selectArgs{},
	rowsArgs{}, waveformArgs{}, scatterArgs{}, columnsArgs{},
	layerNormArgs{}, layerNormGradArgs{}, groupNormArgs{}, groupNormGradArgs{},
	quantizeArgs{}, diversityArgs{}, contrastArgs{}, ctcArgs{},
	squaresArgs{}, clipScaleArgs{}, adamRates{}, adamWArgs{},
	view{},
	epilogue{},
	convNormArgs{}, residualNormArgs{}, residualNormGradArgs{},
	gemmArgs{},
	partsArgs{},
	splitArgs{},
	splitSumArgs{},
	columnSumArgs{},
	permuteArgs{},
	columnDotArgs{},
	weightNormArgs{},
	weightNormGradArgs{},
	attentionArgs{},
	attentionDeltaArgs{},
}

// layoutChecks is C++ text that does not compile when a struct of the text differs from the host's.
func layoutChecks() string {
	var b strings.Builder
	b.WriteString("#ifdef __CUDACC__\n#define OFFSET_OF(T, field) __INTADDR__(&((T*)0)->field)\n") // NVRTC has no offsetof
	b.WriteString("#else\n#define OFFSET_OF(T, field) __builtin_offsetof(T, field)\n#endif\n")
	for _, v := range layouts {
		t := reflect.TypeOf(v)
		name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		fmt.Fprintf(&b, "static_assert(sizeof(%s) == %d, \"size of %s\");\n", name, t.Size(), name)
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Name == "_" {
				continue
			}
			field := strings.ToLower(f.Name[:1]) + f.Name[1:]
			fmt.Fprintf(&b, "static_assert(OFFSET_OF(%s, %s) == %d, \"%s.%s\");\n", name, field, f.Offset, name, field)
		}
	}
	return b.String()
}

// listed panics when the layout of a struct is not checked: a mistake of whoever wrote the op.
func listed(t reflect.Type) {
	if !slices.ContainsFunc(layouts, func(v any) bool { return reflect.TypeOf(v) == t }) {
		panic(fmt.Sprintf("cuda: %v is missing in layouts", t))
	}
}
