package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/internal/synth"
)

// runVariable makes the test binary behave as the program, for tests that need a process of their own.
const runVariable = "AURAL_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// call runs the program and checks its exit code.
func call(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(args, &out, &err); code != want {
		t.Fatalf("aural %s: exit code %d, want %d\nstdout:\n%sstderr:\n%s", strings.Join(args, " "), code, want, &out, &err)
	}
	return out.String(), err.String()
}

// has fails unless text holds every part.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in\n%s", p, text)
		}
	}
}

// writeCorpus writes recordings of four talkers, a folder each.
func writeCorpus(t *testing.T, dir string) {
	t.Helper()
	for u := range synth.Corpus(synth.Options{Seed: 3, Utterances: 24, Speakers: 4, MinSeconds: 1.1, MaxSeconds: 1.4}) {
		write(t, filepath.Join(dir, u.Speaker, u.ID+".wav"), audio.AppendWAV16(nil, synth.Rate, u.Samples))
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// micro is the recipe of the tests.
const micro = "testdata/micro.yaml"

// newStore imports a small corpus.
func newStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeCorpus(t, filepath.Join(dir, "corpus"))
	store := filepath.Join(dir, "store")
	call(t, exitDone, "data", "import", filepath.Join(dir, "corpus"), "--out", store)
	return store
}

// What a wrong command line is answered with. All of it must happen before anything is written.
func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"pretrian", exitUsage, []string{`unknown command "pretrian" for "aural", did you mean "pretrain"?`, "Run 'aural --help' for usage."}},
		{"data improt", exitUsage, []string{`did you mean "import"?`, "Run 'aural data --help'"}},
		{"data zzz", exitUsage, []string{`unknown command "zzz" for "aural data"`}},
		{"pretrain --frobnicate", exitUsage, []string{"unknown flag: --frobnicate", "Run 'aural pretrain --help'"}},
		{"pretrain", exitUsage, []string{`required flag(s) "data" not set`}},
		{"pretrain --data store", exitUsage, []string{"a new run needs --recipe: quickstart, tiny"}},
		{"pretrain --data store --recipe tinny", exitUsage, []string{`no recipe "tinny", did you mean "tiny"?`}},
		{"pretrain --data store --recipe tiny --set lr=1", exitUsage, []string{"did you mean train.schedule.peak?"}},
		{"pretrain --data store --recipe tiny --set encoder.heads=7", exitUsage, []string{"width 128 must be a multiple of heads 7"}},
		{"pretrain --data store --recipe tiny --set precision=half", exitUsage, []string{`precision is "half", want float32, high or bf16`}},
		{"pretrain --data store --recipe tiny --set precision=int8", exitUsage, []string{"precision int8 is for inference only", "train in float32, high or bf16"}},
		{"pretrain --data store --recipe tiny --resume-force", exitUsage, []string{"--resume-force needs --resume"}},
		{"pretrain --data store --resume auto", exitUsage, []string{"needs --run, --name or --recipe"}},
		{"pretrain --data store --recipe tiny --run x --name y", exitUsage, []string{"none of the others can be"}},
		{"pretrain --data store --recipe tiny --resume last", exitError, []string{"there is no run called tiny in runs"}},
		{"pretrain --data store --run nowhere --resume best", exitError, []string{"nowhere is no run"}},
		{"pretrain --data store --recipe tiny", exitError, []string{"store"}},
		{"data import", exitUsage, []string{"requires at least 1 arg"}},
		{"data import x --out y --format mp3", exitUsage, []string{`layout "mp3" is unknown: want auto, table`}},
		{"data import x --out y --format folder --root z", exitUsage, []string{"opened without a root"}},
		{"data import x --out y --channel-policy loud", exitUsage, []string{"loud"}},
		{"data import x --out y --resampler cubic", exitUsage, []string{"cubic"}},
		{"data import nowhere --out y", exitError, []string{"nowhere"}},
		{"data info nowhere", exitError, []string{"nowhere"}},
		{"data verify nowhere", exitError, []string{"nowhere"}},
		{"runs nowhere", exitError, []string{"nowhere"}},
		{"plot nowhere", exitError, []string{"there is no run nowhere, neither as a path nor in runs"}},
		{"plot . --x steps", exitUsage, []string{`unknown --x "steps": want updates, epochs, relative, wall or hours`}},
		{"plot . --theme blue", exitUsage, []string{`unknown --theme "blue"`}},
		{"plot", exitUsage, []string{"name at least one run"}},
		{"plot . --band iqr", exitUsage, []string{`unknown --band "iqr": want minmax, std or none`}},
		{"plot . --column triple", exitUsage, []string{`want single or double`}},
		{"plot . --legend inside", exitUsage, []string{`want above, below, right or none`}},
		{"plot . --table html", exitUsage, []string{`want csv, md or latex`}},
		{"plot . --xlim 5", exitUsage, []string{`--xlim: "5" is no range: want LOW,HIGH`}},
		{"plot . --ylim 2,1", exitUsage, []string{"the first end must be lower"}},
		{"plot . --figure loss --metric accuracy", exitUsage, []string{"--metric draws the figure metric and not loss"}},
		{"plot . --figure lengths", exitUsage, []string{"give --data and no run"}},
		{"plot . --data store", exitUsage, []string{"--data is for the figure lengths"}},
		{"plot .", exitError, []string{". is no run"}},
		{"recipes zebra", exitUsage, []string{`no recipe "zebra"`}},
		{"recipes --resolved", exitUsage, []string{"need the name of a recipe"}},
		{"bench step --recipe tiny --batches 0", exitUsage, []string{"--batches is 0"}},
		{"bench step --recipe tiny --kernels sse9", exitUsage, []string{"--kernels", `"sse9"`, "portable"}},
		{"bench step --recipe tiny --threads -1", exitUsage, []string{"--threads is -1"}},
		{"bench kernels --op nothing", exitUsage, []string{`--op "nothing" matches none of the ops: linear, `}},
		{"bench kernels --op (", exitUsage, []string{"--op: ", "missing closing )"}},
		{"bench kernels --seconds 0", exitUsage, []string{"--seconds is 0"}},
		{"bench products 5x6", exitUsage, []string{`"5x6" is no product`}},
		{"bench products 5x6x7x8", exitUsage, []string{"is no product"}},
		{"bench products 5x0x7", exitUsage, []string{"is no product"}},
		{"man", exitUsage, []string{`required flag(s) "out" not set`}},
		{"quickstart --minutes -1", exitUsage, []string{"max_minutes is -1"}},
	} {
		stdout, stderr := call(t, c.code, strings.Fields(c.args)...)
		has(t, stderr, append(c.want, "aural: ")...)
		if stdout != "" && !strings.HasPrefix(c.args, "bench") {
			t.Errorf("aural %s: prints %q", c.args, stdout)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Every command says what it does, with an example, on lines that fit a terminal.
func TestHelp(t *testing.T) {
	a := &app{}
	root := a.root()
	root.InitDefaultHelpCmd()
	commands := root.Commands()
	if len(commands) < 10 {
		t.Fatalf("only %d commands", len(commands))
	}
	for len(commands) > 0 {
		c := commands[0]
		commands = append(commands[1:], c.Commands()...)
		if c.Name() == "help" {
			continue
		}
		out, _ := call(t, exitDone, append(strings.Fields(c.CommandPath())[1:], "--help")...)
		has(t, out, c.UseLine())
		if c.Short == "" || !c.HasSubCommands() && c.Example == "" {
			t.Errorf("%s: no short text or no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 100 {
				t.Errorf("%s: a line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
	}
	out, _ := call(t, exitDone)
	has(t, out, "quickstart", "75   stopped early", "Data and training:")
}

func TestSmallCommands(t *testing.T) {
	dir := t.TempDir()
	out, _ := call(t, exitDone, "version")
	has(t, out, "aural ", "go1.")
	out, _ = call(t, exitDone, "version", "--json")
	has(t, out, `"go": "go1.`, `"modules"`)
	out, _ = call(t, exitDone, "recipes")
	has(t, out, "base ", "95,044,608", "317,390,592")
	out, _ = call(t, exitDone, "recipes", "--json")
	has(t, out, `"parameters": 95044608`)
	out, _ = call(t, exitDone, "recipes", "large")
	has(t, out, "Libri-Light", "width: 1024")
	out, _ = call(t, exitDone, "recipes", "tiny", "--resolved", "--set", "seed=77")
	has(t, out, "seed: 77", "mask:\n  probability: 0.65")
	write(t, filepath.Join(dir, "mine.yaml"), []byte(out))
	again, _ := call(t, exitDone, "recipes", filepath.Join(dir, "mine.yaml"))
	if again != out {
		t.Error("a resolved recipe changes when it is read and printed")
	}
	out, _ = call(t, exitDone, "doctor", "--runs", filepath.Join(dir, "not", "there"))
	has(t, out, "kernels", "portable", "precision", "float32", "MB/s", "gpu  ")
	if _, err := os.Stat(filepath.Join(dir, "not")); err == nil {
		t.Error("doctor made the runs folder")
	}
	out, _ = call(t, exitError, "doctor", "--runs", dir, "--data", filepath.Join(dir, "nowhere"))
	has(t, out, "store", "nowhere")
	call(t, exitDone, "man", "--out", filepath.Join(dir, "man"))
	has(t, read(t, dir, "man", "aural-pretrain.1"), "resume", "EXAMPLE")
	out, _ = call(t, exitDone, "completion", "bash")
	has(t, out, "complete")
	out, _ = call(t, exitDone, "__complete", "pretrain", "--set", "")
	has(t, out, "train.schedule.peak=")
	out, _ = call(t, exitDone, "__complete", "pretrain", "--recipe", "")
	has(t, out, "base-hf")
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus")
	writeCorpus(t, corpus)
	store := filepath.Join(dir, "store")
	out, msg := call(t, exitDone, "data", "import", corpus, "--out", store)
	has(t, out, "24 utterances by 4 speakers", "fingerprint")
	has(t, msg, "24 recordings", "24/24 recordings")
	_, msg = call(t, exitError, "data", "import", corpus, "--out", store)
	has(t, msg, store)
	call(t, exitDone, "data", "import", corpus, "--out", store, "--overwrite")

	for i := range 7 {
		write(t, filepath.Join(corpus, fmt.Sprintf("bad%d.wav", i)), []byte("this is no audio"))
	}
	write(t, filepath.Join(corpus, "empty.flac"), nil)
	out, msg = call(t, exitRejects, "data", "import", corpus, "--out", store, "--overwrite", "--json")
	has(t, out, `"accepted": 24`, `"rejects"`, `"fingerprint"`)
	has(t, msg, "aural: 8 of 32 recordings rejected", "bad0.wav: ", "rejected.jsonl", "8 bad-audio")
	has(t, read(t, store, "rejected.jsonl"), "empty.flac", "bad6.wav")

	// Two sources, of which one gives nothing.
	_, msg = call(t, exitRejects, "data", "import", filepath.Join(corpus, "synth00"), corpus, "--out", filepath.Join(dir, "both"), "--max-seconds", "1.3")
	has(t, msg, "too-long", "; ")
	bad := filepath.Join(dir, "bad")
	write(t, filepath.Join(bad, "x.wav"), []byte("no"))
	_, msg = call(t, exitError, "data", "import", bad, "--out", filepath.Join(dir, "none"))
	has(t, msg, "no recording was accepted", "x.wav: ")

	out, _ = call(t, exitDone, "data", "info", store)
	has(t, out, "utterances   24", "speakers     4", "rejected     8")
	out, _ = call(t, exitDone, "data", "info", store, "--json")
	has(t, out, `"rows": 24`)
	out, _ = call(t, exitDone, "data", "verify", store)
	has(t, out, "is sound", "24 rows")
	shards, err := filepath.Glob(filepath.Join(store, "*.arrow"))
	if err != nil || len(shards) == 0 {
		t.Fatalf("no shards: %v", err)
	}
	data := []byte(read(t, shards[0]))
	data[len(data)/2] ^= 1
	write(t, shards[0], data)
	out, msg = call(t, exitError, "data", "verify", store)
	has(t, out, filepath.Base(shards[0]))
	has(t, msg, "problem", "aural data repair")
	out, _ = call(t, exitError, "data", "verify", store, "--json")
	has(t, out, `"problems"`)
	out, _ = call(t, exitError, "doctor", "--runs", dir, "--data", store)
	has(t, out, "problem")
}
