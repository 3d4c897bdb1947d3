package cpu

import (
	"fmt"
	"runtime"
	"strings"

	"aural/kernels"
)

// variant is one complete set of inner loops. Everything above it is the same for all instruction sets.
type variant struct {
	name string
	gemm gemmKernel
	vec  vectors

	bf16, high *bf16Kernel // products in the precisions of these names, or nil
	int8       int8Kernel
}

// candidate is a variant that this build knows, with what the machine lacks for it.
type candidate struct {
	name    string
	missing []string
	table   func() *variant
}

// candidates lists what this build knows, best first. The portable variant is always there.
func candidates() []candidate {
	return append(native(), candidate{name: "portable", table: portable})
}

// architectures are those that programs with the variants in assembly are for.
var architectures = map[string]string{"amx": "amd64", "avx512": "amd64", "avx2": "amd64", "neon": "arm64"}

// Known lists the variants of this architecture, best first, whether or not this machine can run them.
func Known() []string {
	var names []string
	for _, c := range candidates() {
		names = append(names, c.name)
	}
	return names
}

// Variants lists the variants that this machine can run, best first.
func Variants() []string {
	var names []string
	for _, c := range candidates() {
		if len(c.missing) == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// Precisions lists the precisions of matrix products that this machine can run.
func Precisions() []kernels.Precision {
	var list []kernels.Precision
	for _, p := range kernels.Precisions() {
		if _, err := choose(candidates(), "", p); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// pick returns the named variant, or the best one for an empty name.
func pick(list []candidate, name string) (*variant, error) {
	var known, able []string
	for _, c := range list {
		known = append(known, c.name)
		if len(c.missing) == 0 {
			able = append(able, c.name)
			if name == "" || name == c.name {
				return c.table(), nil
			}
		}
	}
	for _, c := range list {
		if c.name == name {
			return nil, fmt.Errorf("cpu: variant %q needs %s, which this machine does not have; it can run %s",
				name, strings.Join(c.missing, ", "), strings.Join(able, ", "))
		}
	}
	if arch := architectures[name]; arch != "" && arch != runtime.GOARCH {
		return nil, fmt.Errorf("cpu: variant %q is for %s, and this program is for %s; known here are %s", name, arch, runtime.GOARCH, strings.Join(known, ", "))
	}
	return nil, fmt.Errorf("cpu: variant %q is unknown on this platform; known are %s", name, strings.Join(known, ", "))
}

// reduced is the variant that has products in reduced precision.
const reduced = "amx"

// choose is pick for a precision.
func choose(list []candidate, name string, precision kernels.Precision) (*variant, error) {
	if err := precision.Validate(); err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	v, err := pick(list, name)
	if err != nil || precision == kernels.PrecisionFloat32 || precision == kernels.PrecisionInt8 || v.forPrecision(precision) != nil {
		return v, err
	}
	what := fmt.Sprintf("cpu: precision %q needs variant %q", precision, reduced)
	for _, c := range list {
		switch {
		case c.name != reduced:
		case len(c.missing) > 0:
			return nil, fmt.Errorf("%s, and this machine lacks %s for it; use precision float32 here, or a machine with AMX "+
				"(Intel Xeon of the 4th generation or later, Linux 5.16 or later)", what, strings.Join(c.missing, ", "))
		default:
			return nil, fmt.Errorf("%s, and %q was asked for; ask for %q or none, or use precision float32", what, name, reduced)
		}
	}
	return nil, fmt.Errorf("%s, which this platform does not have (known are linux/amd64 machines with AMX); use precision float32", what)
}

func portable() *variant {
	return &variant{name: "portable", gemm: portableGEMM(), vec: portableVectors(), int8: portableInt8()}
}
