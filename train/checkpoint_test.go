package train

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aural/safetensors"
)

// checkpoints lists the names of the checkpoints in a run directory.
func checkpoints(t *testing.T, dir string) []string {
	t.Helper()
	updates, err := updatesIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range updates {
		names = append(names, CheckpointName(u))
	}
	return names
}

// A checkpoint holds what docs/FORMATS.md says, and sha256sum agrees with its checksums.
func TestCheckpointFiles(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	dir := finished(t, r, testConfig(7))
	if got, want := checkpoints(t, dir), []string{"checkpoint-5", "checkpoint-7"}; !slices.Equal(got, want) {
		t.Fatalf("checkpoints %v, want %v", got, want)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"SHA256SUMS", "config.json", modelFile, optimizerFile, stateFile}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if target, err := os.Readlink(filepath.Join(dir, "last")); err != nil || target != "checkpoint-7" {
		t.Errorf("last leads to %q (%v)", target, err)
	}
	f, err := safetensors.Open(filepath.Join(dir, "last", optimizerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []string{"exp_avg.linear.bias", "exp_avg.linear.weight", "exp_avg.unused", "exp_avg_sq.linear.bias", "exp_avg_sq.linear.weight", "exp_avg_sq.unused"}
	if !slices.Equal(f.Names(), want) {
		t.Errorf("tensors %v, want %v", f.Names(), want)
	}
	if sum, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(sum, "--strict", "-c", sumsFile)
		cmd.Dir = filepath.Join(dir, "last")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v\n%s", err, out)
		}
	}
}

// Every kind of damage is noticed, with the name of the file, and "auto" goes back to the newest checkpoint without any.
func TestDamagedCheckpointsAreRefused(t *testing.T) {
	flip := func(name string) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 4
			return os.WriteFile(path, data, 0o666)
		}
	}
	good := finished(t, newRegression(t, testBackend(t), 8, false), testConfig(7))
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"bit flipped in the model":     {flip(modelFile), modelFile},
		"bit flipped in the optimizer": {flip(optimizerFile), optimizerFile},
		"bit flipped in the state":     {flip(stateFile), stateFile},
		"bit flipped in the sums":      {flip(sumsFile), ""},
		"model truncated":              {func(d string) error { return os.Truncate(filepath.Join(d, modelFile), 100) }, modelFile},
		"model missing":                {func(d string) error { return os.Remove(filepath.Join(d, modelFile)) }, modelFile},
		"sums missing":                 {func(d string) error { return os.Remove(filepath.Join(d, sumsFile)) }, sumsFile},
		"sums empty":                   {func(d string) error { return os.Truncate(filepath.Join(d, sumsFile), 0) }, sumsFile},
		"everything missing":           {func(d string) error { return errors.Join(os.RemoveAll(d), os.Mkdir(d, 0o777)) }, sumsFile},
		"of another update": {func(d string) error {
			return errors.Join(os.RemoveAll(d), os.CopyFS(d, os.DirFS(filepath.Join(filepath.Dir(d), "checkpoint-5"))))
		}, "update 5"},
		"state left out of the sums": {func(d string) error {
			data, err := os.ReadFile(filepath.Join(d, sumsFile))
			if err != nil {
				return err
			}
			lines := strings.SplitAfter(string(data), "\n")
			return os.WriteFile(filepath.Join(d, sumsFile), []byte(strings.Join(lines[:3], "")), 0o666)
		}, stateFile},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			newest := filepath.Join(dir, "checkpoint-7")
			if err := c.damage(newest); err != nil {
				t.Fatal(err)
			}
			for _, which := range []string{"last", "checkpoint-7", newest} {
				if _, err := Find(dir, which); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want an error with %q", which, err, c.want)
				}
			}
			found, err := Find(dir, "auto")
			if err != nil {
				t.Fatal(err)
			}
			if found.State.Position.Update != 5 || len(found.Damaged) != 1 || !strings.Contains(found.Damaged[0].Error(), "checkpoint-7") {
				t.Errorf("auto found update %d, damaged %v", found.State.Position.Update, found.Damaged)
			}
			if err := c.damage(filepath.Join(dir, "checkpoint-5")); err == nil && name != "of another update" {
				if _, err := Find(dir, "auto"); err == nil || errors.Is(err, ErrNoCheckpoint) || !strings.Contains(err.Error(), "checkpoint-5") {
					t.Errorf("with all damaged: %v", err)
				}
			}
		})
	}
}

func TestFindWithoutCheckpoints(t *testing.T) {
	dir := t.TempDir()
	for _, which := range []string{"auto", "last", "best", "checkpoint-3", filepath.Join(dir, "nowhere", "x")} {
		if _, err := Find(dir, which); !errors.Is(err, ErrNoCheckpoint) {
			t.Errorf("%s: %v, want ErrNoCheckpoint", which, err)
		}
	}
	if _, err := Find(dir, ""); err == nil || errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("nothing asked for: %v", err)
	}
	if _, err := Find(filepath.Join(dir, "nowhere"), "auto"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no run: %v", err)
	}
}

// A checkpoint of another model is refused before anything is trained.
func TestCheckpointOfAnotherModelIsRefused(t *testing.T) {
	be := testBackend(t)
	dir := finished(t, newRegression(t, be, 8, false), testConfig(5))
	for name, specs := range map[string][]Spec{
		"more parameters": {{"linear.weight", []int{1, features}}, {"linear.bias", []int{1}}, {"unused", []int{3}}, {"extra", []int{1}}},
		"another shape":   {{"linear.weight", []int{features, 1}}, {"linear.bias", []int{1}}, {"unused", []int{3}}},
		"another name":    {{"linear.weights", []int{1, features}}, {"linear.bias", []int{1}}, {"unused", []int{3}}},
	} {
		w, err := NewWeights(be, specs, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := readMoments(filepath.Join(dir, "last"), be, w); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A checkpoint that cannot be written costs itself, not the run: what was there stays good, nothing is left behind, and the next one is tried.
func TestFailedCheckpointLeavesThePreviousGood(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	run := begin(t)
	r.ran = func(at Position) {
		switch at.Update {
		case 7:
			r.save = syscall.ENOSPC // at 10 and 15
		case 16:
			r.save = nil
			onlyGood(t, run.Dir(), 5)
		}
	}
	if err := Run(context.Background(), r, r.be, testConfig(20), run, Options{}); err != nil {
		t.Fatal(err)
	}
	if n := alerts(t, run.Dir())["checkpoint"]; n != 2 {
		t.Errorf("%d alerts, want 2", n)
	}
	if got, want := checkpoints(t, run.Dir()), []string{"checkpoint-5", "checkpoint-20"}; !slices.Equal(got, want) {
		t.Errorf("checkpoints %v, want %v", got, want)
	}
}

// onlyGood holds that the newest checkpoint is that of update, that it is good, and that nothing hidden lies beside it.
func onlyGood(t *testing.T, dir string, update uint64) {
	t.Helper()
	for _, which := range []string{"auto", "last"} {
		if c, err := Find(dir, which); err != nil || c.State.Position.Update != update || len(c.Damaged) > 0 {
			t.Errorf("%s: found %+v, %v; want update %d", which, c, err, update)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, hiddenPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Only the last checkpoint must succeed.
func TestFailedLastCheckpointIsAnError(t *testing.T) {
	for name, stop := range map[string]bool{"complete": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			r := newRegression(t, testBackend(t), 8, false)
			run, opt := begin(t), Options{Stop: new(Stop)}
			r.ran = func(at Position) {
				if at.Update == 6 {
					r.save = syscall.ENOSPC
					if stop {
						opt.Stop.Ask("test")
					}
				}
			}
			err := Run(context.Background(), r, r.be, testConfig(8), run, opt)
			if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, ErrStopped) {
				t.Errorf("got %v, want the error of the disk", err)
			}
			onlyGood(t, run.Dir(), 5)
		})
	}
}
