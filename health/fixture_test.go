package health

import (
	"bytes"
	"compress/gzip"
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

// brokenRuns are the runs of testdata/make.sh that were broken on purpose, with the rules that have to see it.
var brokenRuns = []struct {
	name, how, rule string
	level           Level
}{
	{"rate-x1000", "learning rate x 1000, no clipping", "single-code", Broken},
	{"rate-x1000-clipped", "learning rate x 1000", "single-code", Broken},
	{"rate-infinite", "learning rate 1e38", "non-finite", Broken},
	{"rate-raised-x100", "learning rate x 100 from update 500 on", "single-code", Broken},
	{"diversity-0", "no diversity loss, quantizer as fast as the rest", "single-code", Broken},
	{"logits-x100", "temperature of the logits 0.001", "single-code", Broken},
	{"penalty-1000", "feature penalty 1000, in place of 0", "single-code", Broken},
	{"temperature-0", "Gumbel temperature 0.001", "gradient-explosion", Watch},
	{"diversity-x500", "diversity weight 50", "at-chance", Watch},
	{"decay-x3000", "weight decay 30", "uniform-death", Watch},
	{"decay-x3000", "", "soft-hard-split", Broken},
	{"decay-raised", "weight decay 30 from update 500 on", "fell-to-chance", Broken},
	{"tiny-batch", "2 s of audio an update", "small-batch", Watch},
	{"tiny-batch", "", "at-chance", Broken},
	{"tiny-batch", "", "soft-hard-split", Watch},
	{"repeated-data", "two utterances over and over", "overfit", Watch},
	{"endless-warmup", "warm-up of 20,000 updates in a run of 300", "warm-up", Watch},
	{"slow-data", "store behind a line of 250 kB/s", "data-stall", Watch},
}

// healthyRuns are the runs of testdata/make.sh that were left alone.
var healthyRuns = []struct{ name, how string }{
	{"healthy-quickstart", "quickstart, synthetic speech"},
	{"healthy-speech", "quickstart, LibriSpeech, two readers"},
	{"healthy-tiny", "tiny, LibriSpeech, two readers"},
}

// Every broken run is seen at its end, and from some update on at every record.
func TestBrokenRuns(t *testing.T) {
	for _, c := range brokenRuns {
		in, _ := recorded(t, c.name)
		r := Examine(in)
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Rule == c.rule })
		if i < 0 || r.Findings[i].Level != c.level {
			t.Errorf("%s: %v, %+v; want %s at %v", c.name, r.Level, r.Findings, c.rule, c.level)
			continue
		}
		t.Logf("%s: %s", c.name, r.Findings[i].Evidence)
		if m := measure(in, c.rule); m.hits < m.after {
			t.Errorf("%s: %s fires at update %d, but then at %d of %d records", c.name, c.rule, m.first, m.hits, m.after)
		}
	}
}

// measured is what a rule says in the course of a run.
type measured struct {
	first       int64 // update at which it fires first
	hits, after int   // records at which it fires, and all, from then on
	others      map[string]int
}

func measure(in Input, rule string) measured {
	m := measured{others: map[string]int{}}
	for _, step := range in.steps() {
		found := false
		for _, f := range Examine(in.at(step)).Findings {
			if f.Rule == rule {
				found = true
			} else if f.Level > Healthy {
				m.others[f.Rule]++
			}
		}
		if found && m.after == 0 {
			m.first = step
		}
		if found || m.after > 0 {
			m.after++
		}
		if found {
			m.hits++
		}
	}
	return m
}

// Healthy runs are healthy at every record.
func TestHealthyRuns(t *testing.T) {
	for _, c := range healthyRuns {
		in, r := recorded(t, c.name)
		for _, step := range in.steps() {
			for _, f := range Examine(in.at(step)).Findings {
				if f.Level > Healthy {
					t.Errorf("%s at update %d: %+v", c.name, step, f)
				}
			}
		}
		if report, err := FromReader(r, time.Now()); err != nil || report.Level != Healthy {
			t.Errorf("%s: %+v, %v", c.name, report, err)
		}
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
	for _, c := range healthyRuns {
		listed[c.name] = true
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
