package kerneltest

import (
	"slices"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

// The float32 reference against the float64 one: the harness itself, and rounding in kernels/ref.
func TestParity(t *testing.T) { Run(t, ref.New(), MustRun("ref")) }

func TestGradients(t *testing.T) { CheckGradients(t) }

func BenchmarkRef(b *testing.B) { Bench(b, ref.New()) }

func TestNothingIsMissing(t *testing.T) {
	for _, m := range Missing(kernels.All(), Cases()) {
		t.Error(m)
	}
}

// Missing must notice every op whose cases are taken away.
func TestMissingNotices(t *testing.T) {
	var few []Case // enough to call every op once, to be quick
	calledBy := map[string][]string{}
	for _, c := range Cases() {
		calls, err := c.calls()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(calls, func(call Call) bool { return calledBy[call.Op.Name()] == nil }) {
			continue
		}
		few = append(few, c)
		for _, call := range calls {
			calledBy[call.Op.Name()] = append(calledBy[call.Op.Name()], c.fullName())
		}
	}
	for _, op := range kernels.All() {
		others := slices.DeleteFunc(slices.Clone(few), func(c Case) bool { return slices.Contains(calledBy[op.Name()], c.fullName()) })
		missing := strings.Join(Missing([]kernels.Op{op}, others), "\n")
		if !strings.Contains(missing, op.Name()+" is called by no case") || !strings.Contains(missing, op.Name()+" has neither") {
			t.Errorf("without the cases of %s, Missing says %q", op.Name(), missing)
		}
		if missing := Missing([]kernels.Op{op}, few); len(missing) > 0 {
			t.Errorf("with a case of %s, Missing says %q", op.Name(), missing)
		}
	}
}

func TestCasesAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.fullName()] {
			t.Errorf("two cases are called %s", c.fullName())
		}
		seen[c.fullName()] = true
		if _, err := c.Op.Infer(descs(c.forward().In)); err != nil {
			t.Errorf("%s: %v", c.fullName(), err)
		}
		if c.NoGradient == "" && c.Backward == nil {
			t.Errorf("%s states neither gradients nor a reason for having none", c.fullName())
		}
		if c.NoKernel == "" {
			classOf(c.Op).tolerance() // panics for an op that was forgotten
		}
	}
}
