package tui

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	"pgregory.net/rapid"
)

// compared is a view of four runs whose recipes differ.
func compared(t screen.Terminal) *model {
	m := shellModel(t, 3)
	for i, s := range []map[string]string{
		{"train.schedule.peak": "0.0005", "quantizer.entries": "320", "seed": "1"},
		{"train.schedule.peak": "0.005", "quantizer.entries": "320", "seed": "1"},
		{"train.schedule.peak": "0.0005", "quantizer.entries": "320", "seed": "1", "quantizer.diversity": "0"},
		{"train.schedule.peak": "0.0005", "quantizer.entries": "64", "seed": "1"},
	} {
		m.runs[i].config.settings = s
	}
	return m
}

func TestRunsFrames(t *testing.T) {
	mono, colour := screen.Terminal{}, screen.Terminal{Colors: screen.Colors256}
	for _, f := range []struct {
		name          string
		terminal      screen.Terminal
		width, height int
		keys          []string
	}{
		{"runs-80x24", mono, 80, 24, []string{"9"}},
		{"runs-80x24-colour", colour, 80, 24, []string{"9", "b", "down", "down", "p", "s", "s", "s"}},
		{"runs-80x24-settings", mono, 80, 24, []string{"9", "tab"}},
		{"runs-80x24-query", mono, 80, 24, []string{"9", "/", "p", "e", "a", "k", "<", "1", "e", "-", "3", "enter", "down", "down", " "}},
		{"runs-160x50", mono, 160, 50, []string{"9", "b", "s", "s", "s", "s", "s", "s"}},
		{"runs-160x50-colour", colour, 160, 50, []string{"9", "v", "m", "left", "down", "enter"}},
		{"runs-40x12", mono, 40, 12, []string{"9"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			m := compared(f.terminal)
			m.width, m.height = f.width, f.height
			press(m, f.keys...)
			frame := m.View()
			checkSize(t, frame, f.width, f.height)
			golden(t, f.name, frame)
		})
	}
}

func names(list []*runView) string {
	var out []string
	for _, r := range list {
		out = append(out, r.name)
	}
	return strings.Join(out, " ")
}

func TestRunsOrder(t *testing.T) {
	m := compared(screen.Terminal{})
	p := m.compareScreen()
	for _, c := range []struct {
		sort       string
		descending bool
		query      string
		want       string
	}{
		{"", false, "", "base-librispeech large-lr no-diversity small-batch"},
		{"name", true, "", "small-batch no-diversity large-lr base-librispeech"},
		{"updates", false, "", "small-batch large-lr base-librispeech no-diversity"},
		{"updates", true, "", "base-librispeech no-diversity large-lr small-batch"},
		{"valid/accuracy", true, "", "base-librispeech no-diversity large-lr small-batch"},
		{"verdict", true, "", "large-lr no-diversity base-librispeech small-batch"},
		{"", false, "peak<1e-3", "base-librispeech no-diversity small-batch"},
		{"", false, "quantizer.entries=320 !base", "large-lr no-diversity"},
		{"", false, "status=crashed", "small-batch"},
		{"", false, "updates>10000 accuracy<0.43", "large-lr no-diversity"},
		{"", false, "nothing", ""},
	} {
		p.sort, p.descending = c.sort, c.descending
		var err error
		if p.query, err = parseQuery(c.query); err != nil {
			t.Fatal(err)
		}
		if got := names(p.order(m)); got != c.want {
			t.Errorf("sorted by %q (descending %v), query %q: %s, want %s", c.sort, c.descending, c.query, got, c.want)
		}
	}
	// A run without the number comes last, a pinned one first whatever the query says.
	m.runs[0].data["valid/accuracy"] = nil
	m.runs[3].pinned = true
	p.query, p.sort, p.descending = query{}, "valid/accuracy", true
	if got := names(p.order(m)); got != "small-batch no-diversity large-lr base-librispeech" && got != "small-batch large-lr no-diversity base-librispeech" {
		t.Errorf("order %s", got)
	}
	p.query, _ = parseQuery("nothing")
	if got := names(p.order(m)); got != "small-batch" {
		t.Errorf("with a query for nothing: %s", got)
	}
}

// Orders hold all runs, rise or fall, and leave equal ones as they were opened.
func TestRunsOrderProperty(t *testing.T) {
	value := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), -1, 0, 0, 1, 2})
	rapid.Check(t, func(t *rapid.T) {
		m := emptyModel(screen.Terminal{})
		m.runs = nil
		n := rapid.IntRange(1, 7).Draw(t, "runs")
		for i := range n {
			r := newRunView(string(rune('a'+i)), string(rune('a'+i)), nil, i)
			feedRun(r, "train/accuracy", value.Draw(t, "value"))
			m.runs = append(m.runs, r)
		}
		p := m.compareScreen()
		p.sort, p.descending = "train/accuracy", rapid.Bool().Draw(t, "descending")
		list := p.order(m)
		if len(list) != n {
			t.Fatalf("%d of %d runs", len(list), n)
		}
		for i := 1; i < n; i++ {
			a, b := p.valueAt(m, list[i-1], p.sort), p.valueAt(m, list[i], p.sort)
			switch {
			case math.IsNaN(b):
			case math.IsNaN(a), a > b != p.descending && a != b, a == b && list[i-1].name > list[i].name:
				t.Fatalf("%v (%s) before %v (%s), descending %v", a, list[i-1].name, b, list[i].name, p.descending)
			}
		}
	})
}

func feedRun(r *runView, name string, values ...float64) {
	c := chart.Change{Name: name, Values: values}
	for i := range values {
		c.Steps = append(c.Steps, int64(i+1))
	}
	r.take(pollMsg{at: fixtureTime, changes: []chart.Change{c}}, 0)
}

// The difference to the baseline is that of the values at the cursor, else at the ends.
func TestBaseline(t *testing.T) {
	m := compared(screen.Terminal{})
	p := m.compareScreen()
	p.baseline = m.runs[0]
	c := p.differenceColumn(m, p.seriesColumn(m, "train/contrastive_loss", "loss"))
	end := m.runs[1].data["train/contrastive_loss"].Raw.List()
	base := m.runs[0].data["train/contrastive_loss"].Raw.List()
	if got, want := c.rank(m.runs[1]), end[len(end)-1]-base[len(base)-1]; got != want {
		t.Errorf("at the ends: %v, want %v", got, want)
	}
	m.view.cursor = 5000
	if got, want := c.rank(m.runs[1]), end[99]-base[99]; got != want {
		t.Errorf("at the cursor: %v, want %v", got, want)
	}
	if text, style := c.cell(m.runs[1]); !strings.HasPrefix(text, "+0.") || style != screen.Bad {
		t.Errorf("a larger loss is %q in style %d", text, style)
	}
	if text, _ := c.cell(m.runs[0]); text != "base" {
		t.Errorf("the baseline differs by %q from itself", text)
	}
	// Smoothed as the charts are.
	m.view.cursor = math.NaN()
	m.smoothen(0.9)
	s := m.runs[1].data["train/contrastive_loss"]
	if got := p.valueAt(m, m.runs[1], "train/contrastive_loss"); got != s.Smooth.List()[s.Len()-1] || got == s.Raw.List()[s.Len()-1] {
		t.Errorf("the last value is %v: not smoothed", got)
	}
}

func TestDifferences(t *testing.T) {
	m := compared(screen.Terminal{})
	var got []string
	for _, d := range differences(m.runs) {
		got = append(got, d.path+": "+strings.Join(d.values, "|"))
	}
	want := []string{"quantizer.diversity: ||0|", "quantizer.entries: 320|320|320|64", "train.schedule.peak: 0.0005|0.005|0.0005|0.0005"}
	if !slices.Equal(got, want) {
		t.Errorf("differences %q, want %q", got, want)
	}
	// Of runs whose recipe is not known nothing is said.
	m.runs[2].config.settings, m.runs[3].config.settings, m.runs[1].config.settings = nil, nil, m.runs[0].config.settings
	if d := differences(m.runs); len(d) != 0 {
		t.Errorf("differences of equal recipes: %v", d)
	}
}

func TestShowAndPin(t *testing.T) {
	m := compared(screen.Terminal{})
	press(m, "9", " ") // the current run
	if len(m.shown()) != 4 || !strings.Contains(m.notice, "always visible") {
		t.Errorf("the current run was hidden: %q", m.notice)
	}
	press(m, "down", " ", "down", "p")
	if got := names(m.shown()); got != "base-librispeech no-diversity small-batch" {
		t.Errorf("shown: %s", got)
	}
	press(m, " ")
	if m.runs[2].hidden || !strings.Contains(m.notice, "pinned") {
		t.Errorf("a pinned run was hidden: %q", m.notice)
	}
	press(m, "end", "enter")
	if m.run() != m.runs[3] {
		t.Errorf("the current run is %s", m.run().name)
	}
	press(m, "/", "b", "a", "s", "e", "enter", "h")
	if got := names(m.shown()); got != "base-librispeech no-diversity small-batch" { // the pinned one and the current one too
		t.Errorf("shown: %s", got)
	}
}

// writeRun writes a run that has ended.
func writeRun(t *testing.T, root, name, config string) string {
	t.Helper()
	dir := filepath.Join(root, name)
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: 10, Config: []byte(config)}, runlog.Options{NoTensorBoard: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Record(&runlog.Record{Step: 5, Time: fixtureTime, Kind: runlog.Train, Values: []runlog.Value{{Name: "loss", Value: 3}}})
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readSettings is a stand-in for the parser of recipes: "key: value" lines.
func readSettings(data []byte) (map[string]string, error) {
	out := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return nil, errors.New("no recipe: " + line)
		}
		out[key] = value
	}
	return out, nil
}

// Of a folder the newest runs are shown, the others listed until they are shown, and later ones added.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	if _, _, err := openTargets(context.Background(), []string{root}, Options{now: time.Now}); err == nil || !strings.Contains(err.Error(), root+" holds no run") {
		t.Errorf("an empty folder: %v", err)
	}
	for i := range shownFirst + 3 {
		writeRun(t, root, "run"+string(rune('a'+i)), "peak: "+string(rune('0'+i%10)))
	}
	os.MkdirAll(filepath.Join(root, "store"), 0o755)
	m, closeRuns, err := openModel(context.Background(), screen.Terminal{}, []string{root}, Options{now: time.Now, Settings: readSettings, Screen: runsScreen + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closeRuns() }()
	if len(m.runs) != shownFirst+3 || len(m.shown()) != shownFirst || m.run().name != "runk" {
		t.Fatalf("%d runs, %d shown, current %s", len(m.runs), len(m.shown()), m.run().name)
	}
	if err := m.load(); err != nil {
		t.Fatal(err)
	}
	last := m.runs[len(m.runs)-1]
	if last.name != "runa" || last.source != nil || last.latest.status != runlog.Finished || last.config.settings["peak"] != "0" {
		t.Errorf("a listed run: %+v", last.latest)
	}
	// Showing it opens it.
	press(m, "end", " ")
	_, cmd := m.Update(keyMsg("j"))
	if cmd != nil {
		t.Error("a second key opens it again")
	}
	last.dormant = func() (source, error) { return openFollower(last.dir, m.options) }
	msg := m.wake()()
	if batch, ok := msg.(wokenMsg); ok {
		msg = batch
	}
	m.Update(msg)
	if last.source == nil {
		t.Fatalf("it was not opened: %T", msg)
	}
	if err := m.load(); err != nil || last.data["train/loss"].Len() != 1 {
		t.Errorf("it was not read: %v", err)
	}
	// One that begins later is added and shown.
	writeRun(t, root, "new", "peak: 7")
	m.Update(m.compareScreen().folder.look())
	added := m.runs[len(m.runs)-1]
	if added.name != "new" || added.hidden || len(m.runs) != shownFirst+4 {
		t.Errorf("%d runs, the last is %s", len(m.runs), added.name)
	}
	m.Update(m.compareScreen().folder.look())
	if len(m.runs) != shownFirst+4 {
		t.Errorf("%d runs after a second look", len(m.runs))
	}
	os.RemoveAll(root)
	m.Update(m.compareScreen().folder.look())
	if !m.bad || !strings.Contains(m.notice, "no new runs can be seen") {
		t.Errorf("the folder is gone: %q", m.notice)
	}
}

func TestConfigReader(t *testing.T) {
	dir := writeRun(t, t.TempDir(), "run", "a: 1\nb: x")
	c := configReader{dir: dir, parse: readSettings}
	got := c.read()
	if got == nil || got.err != nil || got.settings["b"] != "x" {
		t.Fatalf("read %+v", got)
	}
	if c.read() != nil {
		t.Error("read again though nothing changed")
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := c.read(); got == nil || got.err == nil {
		t.Errorf("a broken recipe: %+v", got)
	}
	if (&configReader{dir: dir}).read() != nil || (&configReader{dir: t.TempDir(), parse: readSettings}).read() != nil {
		t.Error("a recipe without a parser or a file")
	}
}
