package health

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// unpack makes a run directory of a log that testdata/pack.go wrote.
func unpack(t *testing.T, name string) (dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 60_000 {
		t.Errorf("%s has %d bytes: log less often", name, len(data))
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
		file, content, _ := strings.Cut(part, "\n")
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// recorded is a real run, with the time of its last heartbeat.
func recorded(t *testing.T, name string) (Input, *runlog.Reader) {
	t.Helper()
	r, err := runlog.Open(unpack(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for more := true; more; {
		if _, more, err = r.Poll(runlog.Budget{}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := r.State()
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Damage(); d != (runlog.Damage{}) {
		t.Errorf("%s: damage %+v", name, d)
	}
	return Input{Curves: r, State: s, Status: s.At(s.Time), Events: r.Events(), Codebooks: r.Snapshots(runlog.CodebookSnapshot), Now: s.Time}, r
}

// at is what was known when a run had done so many updates, as of a live run.
func (in Input) at(step int64) Input {
	f := newFake()
	for _, name := range in.Curves.Names() {
		f.steps[name], f.values[name] = in.Curves.Series(name)
		if t := in.Curves.Elapsed(name); len(t) > 0 && t[len(t)-1] > 0 {
			f.rate = float64(f.steps[name][len(t)-1]) / t[len(t)-1]
		}
	}
	out := in
	out.Curves = f.cut(step)
	out.Status, out.State.Status, out.State.Step, out.State.Message = runlog.Running, runlog.Running, step, ""
	out.Now, out.State.StepTime = out.State.Time, out.State.Time
	out.Events = slices.DeleteFunc(slices.Clone(in.Events), func(e runlog.Event) bool { return e.Step > step })
	out.Codebooks = slices.DeleteFunc(slices.Clone(in.Codebooks), func(s runlog.Snapshot) bool { return s.Step > step })
	return out
}

// steps of the records of training.
func (in Input) steps() []int64 {
	steps, _ := in.Curves.Series("train/skipped_steps")
	return steps
}

// brokenRuns are the runs of testdata/make.sh that were broken on purpose, with the rule that has to see it.
var brokenRuns = []struct {
	name, rule string
	level      Level
}{
	{"rate-x1000", "single-code", Broken},
	{"rate-raised-x100", "single-code", Broken},
	{"diversity-0", "single-code", Broken},
	{"logits-x100", "single-code", Broken},
	{"penalty-1000", "single-code", Broken},
	{"tiny-batch", "small-batch", Watch},
	{"tiny-batch", "soft-hard-split", Watch},
	{"tiny-batch", "at-chance", Broken},
	{"temperature-0", "gradient-explosion", Watch},
	{"diversity-x500", "at-chance", Watch},
	{"endless-warmup", "warm-up", Watch},
	{"slow-data", "data-stall", Watch},
}

// healthyRuns are the runs of testdata/make.sh that were left alone.
var healthyRuns = []string{"healthy-quickstart", "healthy-speech", "healthy-tiny"}

// Every broken run is seen, from some update on until its end. With -v the table of docs/HEALTH.md is printed.
func TestBrokenRuns(t *testing.T) {
	for _, c := range brokenRuns {
		in, _ := recorded(t, c.name)
		first, hits, after := int64(-1), 0, 0
		steps := in.steps()
		for _, step := range steps {
			r := Examine(in.at(step))
			found := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Rule == c.rule })
			if found && first < 0 {
				first = step
			}
			if first >= 0 {
				after++
				if found {
					hits++
				}
			}
		}
		r := Examine(in)
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Rule == c.rule })
		if i < 0 || r.Findings[i].Level != c.level || r.Level < c.level {
			t.Errorf("%s: %v, %+v; want %s at %v", c.name, r.Level, r.Findings, c.rule, c.level)
			continue
		}
		others := ""
		for _, f := range r.Findings {
			if f.Rule != c.rule {
				others += fmt.Sprintf(" %s (%v)", f.Rule, f.Level)
			}
		}
		t.Logf("| %s | %s, %v | %d | %d of %d |%s |", c.name, c.rule, c.level, first, hits, after, others)
		t.Log(r.Findings[i].Evidence)
	}
}

// Healthy runs are healthy at every record.
func TestHealthyRuns(t *testing.T) {
	for _, name := range healthyRuns {
		in, r := recorded(t, name)
		alarms := map[string]int{}
		steps := in.steps()
		for _, step := range steps {
			for _, f := range Examine(in.at(step)).Findings {
				if f.Level > Healthy {
					t.Errorf("%s at update %d: %+v", name, step, f)
				}
				alarms[f.Rule]++
			}
		}
		report, err := FromReader(r, time.Now())
		if err != nil || report.Level != Healthy {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		t.Logf("| %s | %d verdicts | notes: %v | judged: %s |", name, len(steps), alarms, strings.Join(report.Rules, " "))
	}
}

// lostRuns are runs whose process was stopped or killed, so that their last heartbeat says that they run.
var lostRuns = []struct {
	name  string
	after time.Duration
	level Level
}{
	{"stopped-process", 10 * time.Second, Healthy}, // a heartbeat is due every 5 s
	{"stopped-process", time.Minute, Watch},        // the process is there
	{"killed-process", 10 * time.Second, Healthy},
	{"killed-process", 10 * time.Minute, Broken}, // seen from another host, where nobody can look for the process
}

func TestLostRuns(t *testing.T) {
	for _, c := range lostRuns {
		_, r := recorded(t, c.name)
		s, err := r.State()
		if err != nil || s.Status != runlog.Running {
			t.Fatalf("%s: %+v, %v", c.name, s, err)
		}
		report, err := FromReader(r, s.Time.Add(c.after))
		if err != nil || report.Level != c.level || c.level > Healthy && report.Findings[0].Rule != "silent" {
			t.Errorf("%s after %v: %+v, %v; want %v", c.name, c.after, report, err, c.level)
		}
	}
}

// Every log in testdata is looked at by a test.
func TestFixturesAreListed(t *testing.T) {
	listed := map[string]bool{}
	for _, name := range healthyRuns {
		listed[name] = true
	}
	for _, c := range brokenRuns {
		listed[c.name] = true
	}
	for _, c := range lostRuns {
		listed[c.name] = true
	}
	files, err := filepath.Glob("testdata/*.gz")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".gz")
		if !listed[name] {
			t.Errorf("%s belongs to no test", f)
		}
		delete(listed, name)
	}
	if len(listed) > 0 {
		t.Errorf("not in testdata: %v", slices.Sorted(maps.Keys(listed)))
	}
}
