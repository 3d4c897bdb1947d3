package pretrain

import (
	"time"

	"aural/exec"
)

// Ready compiles the program of a prepared micro-batch, so that Run does not have to.
func (t *Task) Ready(w *Work) error {
	_, err := t.training.Get(w.shape)
	return err
}

// Profile is where the time of the training programs went since the start or ResetProfile, by kind of op, the slowest first.
func (t *Task) Profile() []exec.OpTime {
	var all []exec.OpTime
	for p := range t.training.All() {
		all = append(all, p.Profile()...)
	}
	return exec.MergeProfiles(all)
}

// ResetProfile forgets what Profile has summed up.
func (t *Task) ResetProfile() {
	for p := range t.training.All() {
		p.ResetProfile()
	}
}

// Measure times the kernel calls that the gradient of a prepared micro-batch takes; see exec.Program.Measure.
func (t *Task) Measure(w *Work, each time.Duration, want func(op string) bool) ([]exec.Call, error) {
	p, out, err := t.training.run(w, false, &t.step)
	if err != nil {
		return nil, err
	}
	p.free = append(p.free, out)
	return p.Measure(&t.step, each, want)
}
