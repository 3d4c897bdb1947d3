package tui

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	"pgregory.net/rapid"
)

func TestPlainReport(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	text := m.plainReport(m.run())
	golden(t, "plain-report", strings.TrimSuffix(text, "\n"))
	// What a screen reader spells out instead of reading has no place here.
	for _, r := range text {
		if r >= 0x2190 && r < 0x2900 || r == '●' || r == '█' || r == '\x1b' {
			t.Errorf("a character that draws: %q", r)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.Contains(line, ": ") {
			t.Errorf("a line without a name: %q", line)
		}
	}
}

func TestPlainRecords(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	got := m.plainRecords(pollMsg{changes: []chart.Change{
		{Name: "train/accuracy", Steps: []int64{10, 20}, Values: []float64{0.1, 0.25}},
		{Name: "system/data_wait", Steps: []int64{10, 20}, Values: []float64{0.01, math.NaN()}},
		{Name: "valid/accuracy", Steps: []int64{20}, Values: []float64{0.2}},
		{Name: "train/unheard_of", Steps: []int64{20}, Values: []float64{1}},
		{Name: "host/cpu", Steps: []int64{21}, Values: []float64{1}},
	}})
	want := []string{"update 10: accuracy 10 %, data wait 1 %", "update 20: accuracy 25 %, data wait NaN share", "update 20, held out: accuracy 20 %"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// liveRun is a run of this process.
func liveRun(t *testing.T) *runlog.Writer {
	t.Helper()
	w, err := runlog.Create(filepath.Join(t.TempDir(), "20260314-1200-live"), runlog.Meta{TotalSteps: 100}, runlog.Options{NoTensorBoard: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Stopped, "end of test") })
	return w
}

func record(w *runlog.Writer, step int64, accuracy float64) {
	w.Record(&runlog.Record{Step: step, Time: time.Now(), Kind: runlog.Train, Values: []runlog.Value{{Name: "accuracy", Value: accuracy}, {Name: "hours_seen", Value: float64(step)}}})
	w.Progress(step, 0)
}

// follow runs a mode without a screen beside a test that reads its lines.
func follow(t *testing.T, mode func(ctx context.Context, targets []string, w io.Writer, once bool, o Options) error, dir string) (lines *bufio.Scanner, done chan error, cancel func()) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() {
		err := mode(ctx, []string{dir}, w, false, Options{})
		w.Close()
		done <- err
	}()
	t.Cleanup(func() { cancel(); r.Close() })
	lines = bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	return lines, done, cancel
}

// until reads lines up to one that holds a text.
func until(t *testing.T, lines *bufio.Scanner, text string) string {
	t.Helper()
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
		if strings.Contains(lines.Text(), text) {
			return lines.Text()
		}
	}
	t.Fatalf("no line with %q in\n%s", text, strings.Join(all, "\n"))
	return ""
}

// The plain mode goes on with the run and ends with it.
func TestPlainFollows(t *testing.T) {
	w := liveRun(t)
	record(w, 1, 0.01)
	lines, done, _ := follow(t, Plain, w.Dir())
	until(t, lines, "Progress: update 1 of 100, 1.0 percent")
	until(t, lines, "train accuracy: 1 %")
	until(t, lines, "Last event: ")
	record(w, 2, 0.5)
	record(w, 3, math.Inf(1))
	until(t, lines, "update 2: accuracy 50 %")
	until(t, lines, "update 3: accuracy Inf share")
	w.Event(runlog.Event{Step: 3, Kind: runlog.Alert, Severity: runlog.Warning, Message: "look"})
	until(t, lines, "alert at update 3: look")
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	until(t, lines, "Status: finished")
	for lines.Scan() {
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestJSONFollows(t *testing.T) {
	w := liveRun(t)
	record(w, 1, 0.01)
	lines, done, cancel := follow(t, JSON, w.Dir())
	next := func() (l jsonDecoded) {
		t.Helper()
		if !lines.Scan() {
			t.Fatal("no more lines")
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		return l
	}
	first := next()
	if first.Version != 1 || first.Run != "live" || first.Status != "running" || first.TotalSteps != 100 || first.Metrics["train/accuracy"].Value != 0.01 || first.Last ||
		len(first.Events) == 0 || first.Dir != w.Dir() || first.Verdict.Level == "" {
		t.Errorf("first line %+v", first)
	}
	record(w, 2, 0.5)
	for l := first; l.Metrics["train/accuracy"].Step != 2; {
		if l = next(); l.Step > 2 || l.Last {
			t.Fatalf("line %+v", l)
		}
	}
	cancel()
	for lines.Scan() {
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// jsonDecoded is what a reader of the lines sees.
type jsonDecoded struct {
	Version    int
	Run, Dir   string
	Status     string
	Step       int64
	TotalSteps int64 `json:"total_steps"`
	Last       bool
	Metrics    map[string]struct {
		Step  int64
		Value any
	}
	Verdict struct {
		Level, Summary string
		Findings       []struct{ Rule, Level string }
	}
	Events []struct {
		Kind string
	}
}

// Once is one report or one line, however long the run would go on.
func TestOnce(t *testing.T) {
	w := liveRun(t)
	record(w, 1, 0.01)
	var text, lines bytes.Buffer
	if err := Plain(context.Background(), []string{w.Dir()}, &text, true, Options{}); err != nil || !strings.HasPrefix(text.String(), "Run: live\nStatus: running\n") {
		t.Errorf("%s (%v)", &text, err)
	}
	if err := JSON(context.Background(), []string{w.Dir()}, &lines, true, Options{}); err != nil || strings.Count(lines.String(), "\n") != 1 || !strings.Contains(lines.String(), `"last":true`) {
		t.Errorf("%s (%v)", &lines, err)
	}
	if err := Plain(context.Background(), []string{"nowhere"}, &text, true, Options{}); err == nil {
		t.Error("a run that is not there")
	}
}

// Every line is a JSON object that says what the run says, whatever the numbers are.
func TestJSONProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRunView(rapid.String().Draw(t, "name"), "dir", nil, 0)
		v := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 5e-324})).Draw(t, "value")
		feedRun(r, "train/loss", 1, v)
		r.latest.events = []runlog.Event{{Message: rapid.String().Draw(t, "message")}}
		line, err := json.Marshal(newJSONLine(news{run: r, events: r.latest.events}))
		if err != nil || bytes.ContainsRune(line, '\n') {
			t.Fatalf("%s (%v)", line, err)
		}
		var got jsonDecoded
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		p := got.Metrics["train/loss"]
		text, ok := p.Value.(string)
		switch {
		case ok:
			if back, err := strconv.ParseFloat(text, 64); err != nil || math.Float64bits(back) != math.Float64bits(v) && !(math.IsNaN(back) && math.IsNaN(v)) {
				t.Fatalf("%v is written %q", v, text)
			}
		case p.Value != v || p.Step != 2:
			t.Fatalf("%v at 2 is written %v at %d", v, p.Value, p.Step)
		}
	})
}
