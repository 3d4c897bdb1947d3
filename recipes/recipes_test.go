package recipes

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aural/finetune"
	"aural/kernels"
	"aural/pretrain"

	"go.yaml.in/yaml/v3"
)

// Every embedded recipe must be listed, load, say what it is for, and survive being written out.
func TestEmbedded(t *testing.T) {
	found, err := fs.Glob(files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if names := append(Pretrain.Names(), Finetune.Names()...); len(found) != len(names) {
		t.Errorf("%d embedded files %q for %d names %q", len(found), found, len(names), names)
	}
	embedded(t, Pretrain)
	embedded(t, Finetune)
}

func embedded[R Recipe](t *testing.T, k Kind[R]) {
	for _, name := range k.Names() {
		r, err := k.Load(name, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if note := *k.note(&r); !strings.Contains(note, "Batch: ") || !strings.Contains(note, "For: ") && name != "base-hf" {
			t.Errorf("%s: the note says neither the batch arithmetic nor what the recipe is for:\n%s", name, note)
		}
		text, err := Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := k.Decode(name, text)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: reading back what Marshal wrote: %v\n%v", name, err, Diff(r, back))
		}
	}
}

// The base of each task is the code's default but for the micro-batches that stand for 64 or 8 GPUs, and for how much of a store is taken.
func TestBaseIsDefault(t *testing.T) {
	r, err := Pretrain.Load(Pretrain.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(pretrain.Default(), r); !slices.Equal(d, []string{"train.accumulate: 1 -> 64"}) {
		t.Errorf("base differs from the defaults in %q", d)
	}
	f, err := Finetune.Load(Finetune.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(finetune.Default(), f); !slices.Equal(d, []string{"subset.seconds: 0 -> 36000", "train.accumulate: 1 -> 8"}) {
		t.Errorf("%s differs from the defaults in %q", Finetune.base, d)
	}
}

// Every line of a recipe must change something: a default stands in one place.
func TestOnlyDifferences(t *testing.T) {
	onlyDifferences(t, Pretrain)
	onlyDifferences(t, Finetune)
}

func onlyDifferences[R Recipe](t *testing.T, k Kind[R]) {
	b, err := k.Load(k.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range k.Names() {
		if name == k.base {
			continue
		}
		r, err := k.Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := k.Source(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		changed := Diff(b, r)
		for _, path := range leaves(nil, doc.Content[0], "") {
			if !slices.ContainsFunc(changed, func(d string) bool { return strings.HasPrefix(d, path+":") }) && path != "note" {
				t.Errorf("%s sets %s to what %s has", name, path, k.base)
			}
		}
	}
}

// leaves lists the settings of a text.
func leaves(out []string, n *yaml.Node, path string) []string {
	if n.Kind != yaml.MappingNode {
		return append(out, path)
	}
	for i := 0; i < len(n.Content); i += 2 {
		out = leaves(out, n.Content[i+1], join(path, n.Content[i].Value))
	}
	return out
}

// Sources: the published models, counted by instantiating them in torchaudio and transformers (95 M and 317 M in the paper).
func TestParameterCounts(t *testing.T) {
	for name, want := range map[string]int{"base": 95_044_608, "large": 317_390_592} {
		r, err := Pretrain.Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := parameters(t, r); got != want {
			t.Errorf("%s has %d parameters, want %d", name, got, want)
		}
	}
}

// The numbers that a reader of the note relies on.
func TestSmallModelsAreSmall(t *testing.T) {
	for name, limit := range map[string]int{"tiny": 5_000_000, "small": 25_000_000} {
		r, err := Pretrain.Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := parameters(t, r)
		t.Logf("%s: %d parameters", name, n)
		if n > limit {
			t.Errorf("%s has %d parameters, more than %d", name, n, limit)
		}
		if r.Quantizer.Temperature(r.Train.MaxUpdates/2) > r.Quantizer.TempEnd && name == "tiny" {
			t.Errorf("%s: the temperature does not reach its floor in the first half of the run", name)
		}
	}
}

func parameters(t *testing.T, r pretrain.Recipe) int {
	t.Helper()
	m, err := pretrain.Build(r, pretrain.Shape{Rows: 1, Samples: r.Data.MinSamples, Masked: 2}, pretrain.Mode{Float: kernels.Float32, Training: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range m.Specs() {
		n += kernels.Of(kernels.Float32, s.Shape...).Size()
	}
	return n
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f, err := os.CreateTemp(dir, "*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	for _, c := range []struct {
		recipe string
		sets   []string
		want   []string // parts of the error
	}{
		{"tinny", nil, []string{`no recipe "tinny"`, `did you mean "tiny"?`, "quickstart, tiny, small, base"}},
		{"zebra", nil, []string{`no recipe "zebra". There are quickstart`}},
		{filepath.Join(dir, "none.yaml"), nil, []string{"no such file"}},
		{file("seed: 1\ndata:\n  batch_sampels: 5\n"), nil, []string{".yaml:3: data: unknown key \"batch_sampels\", did you mean \"batch_samples\"?"}},
		{file("data:\n  num_negatives: 5\n"), nil, []string{":2: data: unknown key \"num_negatives\", did you mean contrastive.distractors?"}},
		{file("mask:\n  peak: 5\n"), nil, []string{":2: mask: unknown key \"peak\", did you mean train.schedule.peak?"}},
		{file("lr: 1\n"), nil, []string{`:1: unknown key "lr", did you mean train.schedule.peak?`}},
		{file("encoder: {dropout_feature: 1}\n"), nil, []string{`did you mean "feature_dropout"?`}},
		{file("xyzzy: 1\n"), nil, []string{`unknown key "xyzzy": want one of note, seed, precision, init`}},
		{file("seed: 1\nseed: 2\n"), nil, []string{":2: seed: is given twice"}},
		{file("data:\n  batch_samples: 1.5\n"), nil, []string{`:2: data.batch_samples: "1.5" is not a whole number`}},
		{file("data:\n  batch_samples: many\n"), nil, []string{`:2: data.batch_samples: "many" is not a whole number`}},
		{file("data:\n  batch_samples:\n"), nil, []string{":2: data.batch_samples: has no value"}},
		{file("data: 5\n"), nil, []string{":1: data: is a section with the keys batch_samples"}},
		{file("- 5\n"), nil, []string{"a recipe is a list of"}},
		{file("seed: -1\n"), nil, []string{`"-1" is not a whole number from 0 on`}},
		{file("data: {normalize: yes}\n"), nil, []string{`"yes" is neither true nor false`}},
		{file("loss: {diversity: .nan}\n"), nil, []string{`".nan" is not a finite number`}},
		{file("loss: {diversity: [1]}\n"), nil, []string{"is one value, not a list"}},
		{file("train: {optimizer: {betas: [0.9]}}\n"), nil, []string{"takes 2 values, got 1"}},
		{file("encoder:\n  conv:\n  - {channels: 4, kernel: 3, strides: 2}\n"), nil, []string{`:3: encoder.conv.0: unknown key "strides", did you mean "stride"?`}},
		{file("seed: &a 1\nvalid: {seed: *a}\n"), nil, []string{":2: valid.seed: aliases"}},
		{file("seed: 1\n---\nseed: 2\n"), nil, []string{"more than one document"}},
		{file("seed: [\n"), nil, []string{"yaml: line"}},
		{file("seed: x\nvalid: {seconds: y}\n"), nil, []string{"seed", "valid.seconds"}},
		{file("encoder: {heads: 7}\n"), nil, []string{"cannot be used", "width 768 must be a multiple of heads 7"}},
		{file(strings.Repeat("#", maxBytes+1)), nil, []string{"larger than"}},
		{"tiny", []string{"train.schedul.peak=1"}, []string{`override "train.schedul.peak=1": there is no setting "train.schedul.peak", did you mean train.schedule.peak?`}},
		{"tiny", []string{"lr=1"}, []string{"did you mean train.schedule.peak?"}},
		{"tiny", []string{"peak=1"}, []string{"did you mean train.schedule.peak?"}},
		{"tiny", []string{"qqq=1"}, []string{`"aural recipes base" shows all`}},
		{"tiny", []string{"seed"}, []string{"want path=value"}},
		{"tiny", []string{"seed="}, []string{"no value after ="}},
		{"tiny", []string{"seed=["}, []string{"the value is not YAML"}},
		{"tiny", []string{"seed=abc"}, []string{`override: seed: "abc" is not`}},
		{"tiny", []string{"seed.x=1"}, []string{`seed is one value and has no "x"`}},
		{"tiny", []string{"encoder.conv.7.kernel=1"}, []string{`encoder.conv is a list of 7: "7" is not the number`}},
		{"tiny", []string{"seed=a", "zzz=1"}, []string{"seed", "zzz"}},
		{"tiny", []string{"precision=fp16"}, []string{"cannot be used", `precision is "fp16", want float32, high or bf16`}},
		{"tiny", []string{"encoder.heads=3"}, []string{"width 128 must be a multiple of heads 3"}},
	} {
		_, err := Pretrain.Load(c.recipe, c.sets)
		if err == nil {
			t.Errorf("Load(%s, %q) succeeds, want an error with %q", filepath.Base(c.recipe), c.sets, c.want)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("Load(%s, %q): %v\nlacks %q", filepath.Base(c.recipe), c.sets, err, part)
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	for _, c := range []struct {
		set  string
		get  func(pretrain.Recipe) any
		want any
	}{
		{"seed=18446744073709551615", func(r pretrain.Recipe) any { return r.Seed }, uint64(1<<64 - 1)},
		{" train.max_updates = 1e3", func(r pretrain.Recipe) any { return r.Train.MaxUpdates }, uint64(1000)},
		{"data.batch_samples=1_400_000", func(r pretrain.Recipe) any { return r.Data.BatchSamples }, 1400000},
		{"data.normalize=true", func(r pretrain.Recipe) any { return r.Data.Normalize }, true},
		{"mask.semantics=hf", func(r pretrain.Recipe) any { return string(r.Mask.Semantics) }, "hf"},
		{"train.optimizer.betas=[0.8, 0.9]", func(r pretrain.Recipe) any { return r.Train.Optimizer.Betas }, [2]float64{0.8, 0.9}},
		{"train.optimizer.betas.1=0.5", func(r pretrain.Recipe) any { return r.Train.Optimizer.Betas }, [2]float64{0.9, 0.5}},
		{"encoder.conv.0.channels=64", func(r pretrain.Recipe) any { return r.Encoder.Conv[0].Channels }, 64},
		{"encoder.conv=[{channels: 8, kernel: 10, stride: 10}]", func(r pretrain.Recipe) any { return len(r.Encoder.Conv) }, 1},
		{"train.keep={last: 5}", func(r pretrain.Recipe) any { return r.Train.Keep.Last*10 + r.Train.Keep.Best }, 51},
		{`train.optimizer.groups=[{match: "*.bias", weight_decay: 0}]`, func(r pretrain.Recipe) any { return *r.Train.Optimizer.Groups[0].WeightDecay }, 0.0},
		{"note=a = b", func(r pretrain.Recipe) any { return r.Note }, "a = b"},
	} {
		r, err := Pretrain.Load("tiny", []string{c.set})
		if err != nil {
			t.Errorf("%s: %v", c.set, err)
			continue
		}
		if got := c.get(r); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s gives %v, want %v", c.set, got, c.want)
		}
	}
}

// The names of other programs must lead to settings that exist.
func TestForeignNames(t *testing.T) {
	paths, seen := append(Pretrain.Paths(), Finetune.Paths()...), map[string]bool{}
	for _, f := range foreign() {
		if !slices.Contains(paths, f.path) {
			t.Errorf("%q leads to %s, which is no setting", f.names, f.path)
		}
		for _, n := range f.names {
			if seen[n] {
				t.Errorf("%q is listed twice", n)
			}
			seen[n] = true
		}
	}
}

func TestDiff(t *testing.T) {
	was, now := pretrain.Default(), pretrain.Default()
	now.Note, now.Encoder.Conv[1].Channels, now.Train.Optimizer.Betas[1] = "other", 3, 0.5
	got := Diff(was, now)
	if len(got) != 2 || !strings.Contains(got[0], "encoder.conv: [{channels: 512") || got[1] != "train.optimizer.betas: [0.9, 0.98] -> [0.9, 0.5]" {
		t.Errorf("got %q", got)
	}
}

// What is accepted must survive being written and read, and nothing may panic or hang.
func FuzzDecode(f *testing.F) {
	for _, name := range Pretrain.Names() {
		text, err := Pretrain.Source(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("encoder: {conv: [{channels: 4, kernel: 3, stride: 2}]}"))
	f.Add([]byte("train: {optimizer: {groups: [{match: '*', frozen: true}], betas: [.5, 0x1p-2]}}\nseed: 0o17\nnote: !!binary gIGC"))
	f.Add([]byte("a: &a [*a]\n? {b: c}\n: d\n<<: {seed: 1}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Pretrain.Decode("fuzz", data)
		if err != nil {
			return
		}
		text, err := Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Pretrain.Decode("fuzz", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := Diff(r, back); len(d) > 0 || r.Note != back.Note {
			t.Fatalf("%q changes when written and read: %q; note %q, %q", data, d, r.Note, back.Note)
		}
	})
}

func FuzzOverride(f *testing.F) {
	for _, s := range []string{"seed=1", "train.optimizer.betas=[1, 2]", "encoder.conv.0={kernel: 3}", "mask.length", "a.b=c", "=", "note=\x00", "train.keep.=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, set string) {
		r := pretrain.Default()
		if err := override(&r, set); err == nil && len(Diff(pretrain.Default(), r)) > 0 && !strings.Contains(set, "=") {
			t.Fatalf("%q changed the recipe", set)
		}
	})
}
