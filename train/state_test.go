package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// someState has a value in every field.
func someState() State {
	cfg := DefaultConfig().Resolved()
	cfg.Optimizer.Groups = []Group{{Match: "*.bias", WeightDecay: ptr(0)}}
	return State{Version: StateVersion, Position: Position{Update: 12, Epoch: 2, Index: 7}, Applied: 10, Skipped: 2, InRow: 1,
		AudioSeconds: 1234.5, Minutes: 0.1, Score: &Score{Value: Number(math.Inf(1)), Better: "lower"},
		Window: Window{Updates: 3, Clipped: 1, GradientNorm: 4.25, LearningRate: 1e-5, SampleSize: 99, AudioSeconds: 3,
			Totals: map[string]Number{"loss": 1. / 3, "nowhere": Number(math.NaN()), "low": Number(math.Inf(-1))}},
		Settings: StateSettings{Seed: math.MaxUint64, Accumulate: 2, Schedule: cfg.Schedule, Optimizer: cfg.Optimizer}, Program: "aural test"}
}

func TestStateRoundTrip(t *testing.T) {
	data, err := someState().Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeState(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Encode()
	if err != nil || string(again) != string(data) {
		t.Errorf("written as\n%s\nread back as\n%s (%v)", data, again, err)
	}
	if d := back.Settings.Differences(someState().Settings); len(d) > 0 {
		t.Errorf("settings read back differ: %v", d)
	}
	if x := float64(back.Window.Totals["nowhere"]); !math.IsNaN(x) {
		t.Errorf("NaN was read back as %v", x)
	}
}

func TestStateIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"newer version":      {func(m map[string]any) { m["version"] = 2 }, "version 2"},
		"no version":         {func(m map[string]any) { delete(m, "version") }, "version 0"},
		"unknown field":      {func(m map[string]any) { m["momentum"] = 1 }, "momentum"},
		"inside an update":   {func(m map[string]any) { m["position"].(map[string]any)["micro"] = 1 }, "inside an update"},
		"negative epoch":     {func(m map[string]any) { m["position"].(map[string]any)["epoch"] = -1 }, "out of range"},
		"counts":             {func(m map[string]any) { m["applied"] = 11 }, "are not the 12 done"},
		"more than done":     {func(m map[string]any) { m["applied"] = 13 }, "are not the 12 done"},
		"skipped in a row":   {func(m map[string]any) { m["skipped_in_row"] = 3 }, "in a row"},
		"negative minutes":   {func(m map[string]any) { m["minutes"] = -1 }, "minutes"},
		"window too long":    {func(m map[string]any) { m["window"].(map[string]any)["updates"] = 11 }, "window"},
		"direction of score": {func(m map[string]any) { m["score"].(map[string]any)["better"] = "up" }, "score.better"},
		"word for a number":  {func(m map[string]any) { m["window"].(map[string]any)["sample_size"] = "much" }, "much"},
	} {
		data, err := someState().Encode()
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		m["settings"].(map[string]any)["seed"] = 1 // does not survive the way through float64
		c.change(m)
		if data, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeState(data); err == nil || name != "word for a number" && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	data, _ := someState().Encode()
	if _, err := DecodeState(append(data, "{}"...)); err == nil {
		t.Error("accepted something after the object")
	}
}

func FuzzDecodeState(f *testing.F) {
	data, err := someState().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"position":{"update":0,"micro":0,"row":0,"epoch":0,"index":0},"applied":0,"skipped":0,"window":{},"settings":{}}`))
	f.Add([]byte(`{"version":1,"applied":1e400}`))
	f.Add([]byte(`{"version":1} x`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeState(data)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatalf("%s was accepted but cannot be written: %v", data, err)
		}
		back, err := DecodeState(again)
		if err != nil {
			t.Fatalf("%s was accepted, but not what it is written as, %s: %v", data, again, err)
		}
		if twice, err := back.Encode(); err != nil || string(twice) != string(again) {
			t.Fatalf("%s is written as %s after being read (%v)", again, twice, err)
		}
	})
}

func FuzzParseSums(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	f.Add([]byte(sum + "  model.safetensors\n" + sum + " *config.json\n"))
	f.Add([]byte(sum + "  ../x\n"))
	f.Add([]byte(sum))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := parseSums(data)
		if err != nil {
			return
		}
		for name := range sums {
			if name == "" || filepath.Base(name) != name || name == ".." {
				t.Fatalf("%q would be read outside of the folder", name)
			}
		}
		if len(sums) == 0 {
			t.Fatal("an empty list was accepted")
		}
	})
}

func TestSumsAreChecked(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for _, bad := range []string{"", "x", sum + " model", sum + "  a/b", sum + "  ..", sum + "  a\n" + sum + "  a\n", "zz" + sum[2:] + "  a", sum[:63] + "  model.safetensors"} {
		if _, err := parseSums([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	// A folder inside a checkpoint would have no checksum.
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := writeSums(dir); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder in a checkpoint: %v", err)
	}
}

func TestMetricsOfAStruct(t *testing.T) {
	m := regressionMetrics{regressionLoss: regressionLoss{1}, Accuracy: 2, Rows: 3, Perplexity: [2]float64{4, 5}, Nowhere: 6}
	list, err := metrics(&m)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, x := range list {
		got[x.name] = *x.value
		if x.sum != (x.name == "rows") {
			t.Errorf("%s: sum is %v", x.name, x.sum)
		}
	}
	want := map[string]float64{"loss": 1, "accuracy": 2, "rows": 3, "code_perplexity/0": 4, "code_perplexity/1": 5, "nowhere": 6}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	slice := struct {
		P []float64 `metric:"p"`
	}{[]float64{1, 2}}
	if list, err := metrics(&slice); err != nil || len(list) != 2 || list[1].value != &slice.P[1] {
		t.Errorf("slice: %v, %v", list, err)
	}
	for name, bad := range map[string]any{
		"no pointer": m,
		"nil":        (*regressionMetrics)(nil),
		"no struct":  new(float64),
		"integer": &struct {
			N int `metric:"n"`
		}{},
		"float32": &struct {
			N [2]float32 `metric:"n"`
		}{},
		"unexported": &struct {
			n float64 `metric:"n"`
		}{},
		"option": &struct {
			N float64 `metric:"n,max"`
		}{},
		"no name": &struct {
			N float64 `metric:",sum"`
		}{},
		"twice": &struct {
			A float64 `metric:"a"`
			B float64 `metric:"a"`
		}{},
	} {
		if list, err := metrics(bad); err == nil {
			t.Errorf("%s: accepted, as %v", name, list)
		}
	}
}

// A mean is weighted by sample size; a sum is not.
func TestTally(t *testing.T) {
	var a, b float64
	list := []metric{{"a", &a, false}, {"b", &b, true}}
	total, update := tally{totals: make([]float64, 2)}, tally{totals: make([]float64, 2)}
	for _, x := range []struct{ a, b, size float64 }{{1, 10, 1}, {4, 20, 2}, {7, 30, 3}} {
		a, b = x.a, x.b
		update.reset()
		update.take(list, &Measured{SampleSize: x.size, AudioSeconds: 2})
		total.merge(&update)
	}
	if x := total.mean(list, 0); x != (1+8+21)/6. {
		t.Errorf("mean %v, want 5", x)
	}
	if x := total.mean(list, 1); x != 60 {
		t.Errorf("sum %v, want 60", x)
	}
	if total.audioSeconds != 6 || total.sampleSize != 6 {
		t.Errorf("%v seconds and sample size %v", total.audioSeconds, total.sampleSize)
	}
}
