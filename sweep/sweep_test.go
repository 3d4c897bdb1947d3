package sweep

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"aural/finetune"

	"pgregory.net/rapid"
)

func testPlan() Plan {
	return Plan{
		Version: Version, Subsets: []Subset{{"30s", 30}, {"all", 0}}, Modes: []finetune.Mode{finetune.Scratch, finetune.Full}, Seeds: []uint64{1, 2},
		Settings: map[string]string{"train.max_updates": "6"}, Sets: []string{"full:train.schedule.peak=1e-4", "30s:train.max_updates=3"},
		Train: "aaaaaaaaaaaaaaaa", Test: "bbbb", Init: "cccc",
	}
}

func TestPlanCells(t *testing.T) {
	p := testPlan()
	var names []string
	for _, c := range p.Cells() {
		names = append(names, c.Name())
	}
	want := "30s-scratch-1 30s-scratch-2 30s-full-1 30s-full-2 all-scratch-1 all-scratch-2 all-full-1 all-full-2"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("cells %s\nwant  %s", got, want)
	}
	for c, want := range map[Cell][]string{
		{"30s", finetune.Full, 1}:    {"train.schedule.peak=1e-4", "train.max_updates=3"},
		{"all", finetune.Full, 1}:    {"train.schedule.peak=1e-4"},
		{"all", finetune.Scratch, 1}: nil,
	} {
		if got := p.SetsOf(c); !reflect.DeepEqual(got, want) {
			t.Errorf("%s has settings %q, want %q", c.Name(), got, want)
		}
	}
	if _, rest, ok := Scoped("labels.drop=a:b"); ok || rest != "labels.drop=a:b" {
		t.Error("a colon in a value was taken for a scope")
	}
}

func TestPlanValidate(t *testing.T) {
	for want, change := range map[string]func(*Plan){
		"want at least one of each": func(p *Plan) { p.Seeds = nil },
		"subset 30s is there twice": func(p *Plan) { p.Subsets = append(p.Subsets, Subset{"30s", 30}) },
		`subset "../x"`:             func(p *Plan) { p.Subsets[0].Name = "../x" },
		"-1 seconds":                func(p *Plan) { p.Subsets[0].Seconds = -1 },
		`mode "half"`:               func(p *Plan) { p.Modes[0] = "half" },
		"mode full is there twice":  func(p *Plan) { p.Modes[0] = finetune.Full },
		"version 9":                 func(p *Plan) { p.Version = 9 },
	} {
		p := testPlan()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestPlanDiff(t *testing.T) {
	for want, change := range map[string]func(*Plan){
		"":                                  func(p *Plan) {},
		"subset: all -> none":               func(p *Plan) { p.Subsets = p.Subsets[:1] },
		"mode: full -> none":                func(p *Plan) { p.Modes = p.Modes[:1] },
		"seed: 2 -> none":                   func(p *Plan) { p.Seeds = p.Seeds[:1] },
		"train store: aaaaaaaaaaaa -> dddd": func(p *Plan) { p.Train = "dddd" },
		"test store: bbbb -> dddd":          func(p *Plan) { p.Test = "dddd" },
		"weights of --init: cccc -> none":   func(p *Plan) { p.Init = "" },
		"train.max_updates: 6 -> 8":         func(p *Plan) { p.Settings = map[string]string{"train.max_updates": "8"} },
		"mask.length: none -> 4":            func(p *Plan) { p.Settings = map[string]string{"train.max_updates": "6", "mask.length": "4"} },
		"settings of 30s scratch: train.max_updates=3 -> train.max_updates=4;": func(p *Plan) { p.Sets = []string{p.Sets[0], "30s:train.max_updates=4"} },
	} {
		p := testPlan()
		change(&p)
		if got := strings.Join(testPlan().Diff(p), "; ") + ";"; !strings.HasPrefix(got, want) || want == "" && got != ";" {
			t.Errorf("difference %q, want %q", got, want)
		}
	}
	// More cells, and settings for them alone, leave those that are there.
	p := testPlan()
	p.Subsets = append(p.Subsets, Subset{"1m", 60})
	p.Modes, p.Seeds = finetune.Modes(), append(p.Seeds, 3)
	p.Sets = append(p.Sets, "frozen:train.schedule.peak=1", "1m:seed=1")
	if d := testPlan().Diff(p); d != nil {
		t.Errorf("a plan that grows differs in %q", d)
	}
	// A sweep from random weights can go on with a model.
	p = testPlan()
	p.Modes, p.Init = p.Modes[:1], ""
	if d := p.Diff(testPlan()); d != nil {
		t.Errorf("a model for new modes differs in %q", d)
	}
}

func TestBegin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sweep")
	begin := func(p Plan) error {
		release, err := Begin(dir, p)
		if err != nil {
			return err
		}
		return release()
	}
	release, err := Begin(dir, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		if err := begin(testPlan()); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("two at once: %v", err)
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	p := testPlan()
	p.Seeds = append(p.Seeds, 3)
	if err := begin(p); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPlan(dir); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("plan %+v, %v", got, err)
	}
	if err := begin(testPlan()); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "seed: 3 -> none") {
		t.Errorf("a plan with fewer seeds: %v", err)
	}
	if got, err := ReadPlan(dir); err != nil || len(got.Seeds) != 3 {
		t.Errorf("a refused plan changed the folder: %+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, PlanFile), []byte(`{"version":`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := begin(p); err == nil || !strings.Contains(err.Error(), PlanFile) {
		t.Errorf("a damaged plan: %v", err)
	}
}

func add(t *testing.T, r *Results, rec Record) {
	t.Helper()
	if err := r.Add(rec); err != nil {
		t.Fatal(err)
	}
}

func TestResults(t *testing.T) {
	dir := t.TempDir()
	r, err := ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := Cell{"30s", finetune.Full, 1}
	add(t, r, Record{Cell: c, Failed: "diverged"})
	if o := r.Of(c); o.Failed != "diverged" || o.Trained != nil {
		t.Errorf("after a failure: %+v", o)
	}
	add(t, r, Record{Cell: c, Trained: &Trained{Checkpoint: "checkpoint-6", Chosen: Last}})
	add(t, r, Record{Cell: c, Tested: &Tested{Decoder: Greedy, WER: 0.5}})
	add(t, r, Record{Cell: c, Tested: &Tested{Decoder: "lexicon", WER: 0.25}})
	add(t, r, Record{Cell: c, Tested: &Tested{Decoder: Greedy, WER: 0.75}})
	again, err := ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Results{r, again} {
		o := r.Of(c)
		g, ok := o.By(Greedy)
		if o.Failed != "" || o.Trained.Checkpoint != "checkpoint-6" || len(o.Tested) != 2 || !ok || g.WER != 0.75 {
			t.Errorf("outcome %+v", o)
		}
		if _, ok := o.By("prefix"); ok {
			t.Error("an outcome of a decoder that was not run")
		}
	}
	// Error rates of an earlier checkpoint do not stay.
	add(t, again, Record{Cell: c, Trained: &Trained{Checkpoint: "checkpoint-9"}})
	if o := again.Of(c); len(o.Tested) != 0 {
		t.Errorf("tested %+v by another checkpoint", o.Tested)
	}
	if o := r.Of(Cell{"all", finetune.Full, 1}); o.Trained != nil || o.Failed != "" {
		t.Errorf("a cell that nothing is known of: %+v", o)
	}
	if err := os.WriteFile(filepath.Join(dir, ResultsFile), []byte("{}\n{\"subset\":3}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadResults(dir); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a damaged line: %v", err)
	}
}

func TestTable(t *testing.T) {
	r, err := ReadResults(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := testPlan()
	set := func(subset string, m finetune.Mode, seed uint64, decoder string, wer float64) {
		c := Cell{subset, m, seed}
		if decoder == Greedy {
			add(t, r, Record{Cell: c, Trained: &Trained{Seconds: 30 + float64(seed), Took: 10 * float64(seed)}})
		}
		add(t, r, Record{Cell: c, Tested: &Tested{Decoder: decoder, WER: wer, CER: wer / 2}})
	}
	set("30s", finetune.Scratch, 1, Greedy, 1)
	set("30s", finetune.Scratch, 2, Greedy, 0.6)
	set("30s", finetune.Full, 1, Greedy, 0.2)
	set("30s", finetune.Full, 1, "lexicon", 0.1)
	add(t, r, Record{Cell: Cell{"30s", finetune.Full, 2}, Failed: "diverged"})
	set("all", finetune.Scratch, 1, Greedy, 0)
	rows := Table(p, r)
	if len(rows) != 8 {
		t.Fatalf("%d rows, want 2 decoders x 2 subsets x 2 modes", len(rows))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 || math.IsNaN(a) && math.IsNaN(b) }
	nan := math.NaN()
	for i, want := range []Row{
		{"30s", finetune.Scratch, Greedy, 31.5, Spread{0.8, 0.6, 1, 2}, Spread{0.4, 0.3, 0.5, 2}, nan, Spread{15, 10, 20, 2}, 0, 0},
		{"30s", finetune.Full, Greedy, 31, Spread{0.2, 0.2, 0.2, 1}, Spread{0.1, 0.1, 0.1, 1}, 0.75, Spread{10, 10, 10, 1}, 1, 0},
		{"all", finetune.Scratch, Greedy, 31, Spread{0, 0, 0, 1}, Spread{0, 0, 0, 1}, nan, Spread{10, 10, 10, 1}, 0, 1},
		{"all", finetune.Full, Greedy, nan, Spread{nan, nan, nan, 0}, Spread{nan, nan, nan, 0}, nan, Spread{nan, nan, nan, 0}, 0, 2},
		{"30s", finetune.Scratch, "lexicon", 31.5, Spread{nan, nan, nan, 0}, Spread{nan, nan, nan, 0}, nan, Spread{15, 10, 20, 2}, 0, 2},
		{"30s", finetune.Full, "lexicon", 31, Spread{0.1, 0.1, 0.1, 1}, Spread{0.05, 0.05, 0.05, 1}, nan, Spread{10, 10, 10, 1}, 1, 0},
	} {
		got := rows[i]
		spread := func(a, b Spread) bool {
			return a.N == b.N && near(a.Mean, b.Mean) && near(a.Low, b.Low) && near(a.High, b.High)
		}
		if got.Subset != want.Subset || got.Mode != want.Mode || got.Decoder != want.Decoder || !near(got.Seconds, want.Seconds) || !spread(got.WER, want.WER) ||
			!spread(got.CER, want.CER) || !near(got.Gain, want.Gain) || !spread(got.Took, want.Took) || got.Failed != want.Failed || got.Open != want.Open {
			t.Errorf("row %d is %+v\nwant %+v", i, got, want)
		}
	}
}

func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 5), 1, 9).Draw(t, "values")
		s := SpreadOf(values)
		if s.N != len(values) || s.Mean < s.Low-1e-12 || s.Mean > s.High+1e-12 {
			t.Fatalf("%v gives %+v", values, s)
		}
		for _, v := range values {
			if v < s.Low || v > s.High {
				t.Fatalf("%v is outside of %+v", v, s)
			}
		}
	})
}

// What a folder says may come from anybody.
func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"subset":"30s","mode":"full","seed":1,"trained":{"checkpoint":"checkpoint-6"}}` + "\n"))
	f.Add([]byte(`{"subset":"30s","mode":"full","seed":1,"tested":{"decoder":"greedy","wer":0.5}}` + "\n"))
	f.Add([]byte(`{"version":1,"subsets":[{"name":"30s","seconds":30}],"modes":["full"],"seeds":[1],"sets":["full:a=b"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Results{lines: text, cells: map[Cell]*Outcome{}}
		if r.parse() == nil {
			Table(testPlan(), r)
		}
		var p Plan
		if json.Unmarshal(text, &p) == nil && p.Validate() == nil {
			p.Diff(testPlan())
			for _, c := range p.Cells() {
				p.SetsOf(c)
			}
		}
	})
}
