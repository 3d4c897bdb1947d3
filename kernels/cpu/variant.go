package cpu

import (
	"fmt"
	"strings"
)

// variant is one complete set of inner loops. Everything above it is the same for all instruction sets.
type variant struct {
	name string
	gemm gemmKernel
	vec  vectors
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
	return nil, fmt.Errorf("cpu: variant %q is unknown on this platform; known are %s", name, strings.Join(known, ", "))
}

func portable() *variant {
	return &variant{name: "portable", gemm: portableGEMM(), vec: portableVectors()}
}
