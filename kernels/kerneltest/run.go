package kerneltest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"aural/kernels"
)

// Option says what is particular about a back end.
type Option func(*config)

type config struct {
	mayRefuse func(op kernels.Op, in []kernels.Desc) string
	mustRun   []string
	tolerance map[Class]Tolerance
	only      func(op kernels.Op, in []kernels.Desc) bool
	narrow    func(op kernels.Op, in, out []kernels.Desc) kernels.Storage // nil: calls as they are
	used      *float64                                                    // where judge notes the largest share of a tolerance
}

// MayRefuse lets the back end refuse calls for which allow returns a reason. Any other refusal fails the test.
func MayRefuse(allow func(op kernels.Op, in []kernels.Desc) (reason string)) Option {
	return func(c *config) { c.mayRefuse = allow }
}

// MustRun names kernel variants that must have been chosen at least once, so that a silent fallback cannot pass for them.
func MustRun(variants ...string) Option {
	return func(c *config) { c.mustRun = append(c.mustRun, variants...) }
}

// Tolerate replaces the tolerance of a class, for a back end that computes it with less precision on purpose.
func Tolerate(class Class, tol Tolerance) Option {
	return func(c *config) { c.tolerance[class] = tol }
}

// Only restricts a run to the calls that keep wants, for what concerns some ops or takes long.
func Only(keep func(op kernels.Op, in []kernels.Desc) bool) Option {
	return func(c *config) { c.only = keep }
}

func newConfig(opts []Option) config {
	cfg := config{
		mayRefuse: func(kernels.Op, []kernels.Desc) string { return "" },
		tolerance: map[Class]Tolerance{},
		only:      func(kernels.Op, []kernels.Desc) bool { return true },
	}
	for _, o := range opts {
		o(&cfg)
	}
	return cfg
}

// Run holds every call of the table on back end b against kernels/ref in float64. It logs which variants ran and which calls were refused, and
// fails when nothing ran. Subtests are named op/case/call, so -run Parity/attention selects the cases of one op.
func Run(t *testing.T, b kernels.Backend, opts ...Option) {
	cfg := newConfig(opts)
	var report report
	for _, c := range Cases() {
		t.Run(c.fullName(), func(t *testing.T) {
			calls, err := c.calls()
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range calls {
				if !cfg.only(call.Op, descs(call.In)) {
					continue
				}
				for name, call := range cfg.stored(call) {
					t.Run(name, func(t *testing.T) {
						variant, err := cfg.check(b, call)
						reason := cfg.mayRefuse(call.Op, descs(call.In))
						switch refused := errors.Is(err, kernels.ErrUnsupported); {
						case refused && call.NoKernel != "":
							report.refuse(call, call.NoKernel)
						case refused && reason != "":
							report.refuse(call, reason)
						case err != nil:
							t.Errorf("%s%v on %s: %v", call.Op.Name(), descs(call.In), variant, err)
						case call.NoKernel != "":
							t.Errorf("%s compiled, but it has no kernel: %s", call.Op.Name(), call.NoKernel)
						default:
							report.ran(call, variant)
						}
					})
				}
			}
		})
	}
	t.Logf("%s:\n%s", b.Name(), &report)
	if err := report.verdict(cfg); err != nil && !t.Failed() {
		t.Error(err)
	}
}

// check does everything that Run promises for one call. variant is "" when none was chosen.
func (cfg config) check(b kernels.Backend, c Call) (variant string, err error) {
	r, err := newRig(b, c)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.free()) }()
	variant = r.kernel.Variant

	first, err := cfg.judge(r, c.Step, false)
	if err != nil {
		return variant, err
	}
	second, err := r.run(c.Step, dirtyOther, false)
	if err != nil {
		return variant, fmt.Errorf("second run: %w", err)
	}
	if err := sameBits(first, second); err != nil {
		return variant, fmt.Errorf("two runs on the same inputs: %w", err)
	}
	switch n, err := r.allocations(); {
	case err != nil:
		return variant, err
	case n > 0:
		return variant, fmt.Errorf("a run allocates %d objects", n)
	}
	if c.InPlace != nil {
		if _, err := cfg.judge(r, c.Step, true); err != nil {
			return variant, fmt.Errorf("in place: %w", err)
		}
	}
	if !c.noisy() {
		return variant, nil
	}
	for _, change := range []struct {
		what string
		step kernels.Step
	}{
		{"seed", kernels.Step{Seed: c.Step.Seed + 1, Update: c.Step.Update, Row: c.Step.Row}},
		{"update", kernels.Step{Seed: c.Step.Seed, Update: c.Step.Update + 1, Row: c.Step.Row}},
		{"row", kernels.Step{Seed: c.Step.Seed, Update: c.Step.Update, Row: c.Step.Row + 1}},
	} {
		other, err := cfg.judge(r, change.step, false)
		if err != nil {
			return variant, fmt.Errorf("another %s: %w", change.what, err)
		}
		if first[0].Size() >= manyDraws && sameBits(first[:1], other[:1]) == nil {
			return variant, fmt.Errorf("another %s gives the same noise", change.what)
		}
	}
	return variant, nil
}

// manyDraws is a size of output at which two draws of noise cannot be equal by chance.
const manyDraws = 256

// judge runs the call at a step and compares the outputs with the reference in float64.
func (cfg config) judge(r *rig, step kernels.Step, inPlace bool) ([]kernels.Buffer, error) {
	got, err := r.run(step, dirtyNaN, inPlace)
	if err != nil {
		return nil, err
	}
	call := r.call
	call.Step = step
	want, err := reference(call.promoted())
	if err != nil {
		return nil, err
	}
	class := classOf(call.Op)
	tol, own := cfg.tolerance[class]
	if !own {
		tol = class.tolerance()
	}
	slack := call.Slack
	if slack == 0 {
		slack = 1
	}
	for o := range want {
		var used float64
		if got[o].DType == kernels.BFloat16 && want[o].DType == kernels.Float64 {
			used, err = compareStored(got[o], floats(want[o]), tol, slack)
		} else {
			used, err = compare(got[o], want[o], tol, slack)
		}
		if cfg.used != nil {
			*cfg.used = max(*cfg.used, used)
		}
		if err != nil {
			return nil, fmt.Errorf("output %d %v (class %v): %w", o, got[o].Desc, class, err)
		}
	}
	return got, nil
}

// report counts what happened to the calls.
type report struct {
	variants map[string]int // "op: variant" to calls
	seen     map[string]bool
	refusals []string
}

func (r *report) ran(c Call, variant string) {
	if r.variants == nil {
		r.variants, r.seen = map[string]int{}, map[string]bool{}
	}
	r.variants[c.Op.Name()+": "+variant]++
	r.seen[variant] = true
}

func (r *report) refuse(c Call, reason string) {
	r.refusals = append(r.refusals, fmt.Sprintf("%s%v: %s", c.Op.Name(), descs(c.In), reason))
}

func (r *report) String() string {
	var lines []string
	total := 0
	for _, v := range slices.Sorted(maps.Keys(r.variants)) {
		lines = append(lines, fmt.Sprintf("%5d  %s", r.variants[v], v))
		total += r.variants[v]
	}
	lines = append(lines, fmt.Sprintf("%5d  calls agree with the reference, %d refused", total, len(r.refusals)))
	for _, s := range r.refusals {
		lines = append(lines, "refused "+s)
	}
	return strings.Join(lines, "\n")
}

// verdict is an error when nothing ran or when a variant that had to run did not.
func (r *report) verdict(cfg config) error {
	if len(r.variants) == 0 {
		return fmt.Errorf("no call ran: %d were refused", len(r.refusals))
	}
	for _, v := range cfg.mustRun {
		if !r.seen[v] {
			return fmt.Errorf("variant %q never ran", v)
		}
	}
	return nil
}
