package kerneltest

import (
	"errors"
	"fmt"

	"aural/kernels"
)

// Missing names what the table leaves open for the given ops: an op without a reference kernel, without a case that calls it, or without either a
// gradient check or a reason. An op that computes gradients is checked where it is used in the gradient of another.
func Missing(ops []kernels.Op, cases []Case) []string {
	computed, refused, answered := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var missing []string
	for _, c := range cases {
		calls, err := c.calls()
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", c.fullName(), err))
			continue
		}
		for _, call := range calls {
			_, _, err := compileReference(call)
			switch {
			case err == nil:
				computed[call.Op.Name()] = true
			case call.NoKernel != "" && errors.Is(err, kernels.ErrUnsupported):
				refused[call.Op.Name()] = true
			default:
				missing = append(missing, fmt.Sprintf("%s: no reference kernel: %v", c.fullName(), err))
			}
		}
		if c.NoGradient != "" {
			answered[c.Op.Name()] = true
			continue
		}
		for _, call := range calls {
			answered[call.Op.Name()] = true // checked by CheckGradients, as the forward op or as its gradient
		}
	}
	for _, op := range ops {
		name := op.Name()
		if !computed[name] && !refused[name] {
			missing = append(missing, name+" is called by no case")
		}
		if !answered[name] {
			missing = append(missing, name+" has neither a gradient check nor a reason to have none")
		}
	}
	return missing
}
