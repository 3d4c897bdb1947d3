package plots

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aural/runlog"
)

// memory is a log in memory.
type memory struct {
	dir    string
	steps  map[string][]int64
	values map[string][]float64
}

func (m memory) Dir() string { return m.dir }
func (m memory) Names() []string {
	var names []string
	for name := range m.steps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
func (m memory) Series(name string) ([]int64, []float64) { return m.steps[name], m.values[name] }
func (m memory) Elapsed(name string) []float64 {
	var e []float64
	for _, s := range m.steps[name] {
		e = append(e, float64(s)*2)
	}
	return e
}
func (m memory) Last(name string) (int64, float64, bool) {
	n := len(m.steps[name])
	if n == 0 {
		return 0, 0, false
	}
	return m.steps[name][n-1], m.values[name][n-1], true
}

func logOf(dir string, steps []int64, values ...float64) memory {
	return memory{dir, map[string][]int64{"train/loss": steps}, map[string][]float64{"train/loss": values}}
}

// The mean of a group is over the updates that all have, with the values of a run between its points on a line.
func TestGroupMean(t *testing.T) {
	nan := math.NaN()
	logs := []runlog.Curves{logOf("runs/a", []int64{10, 20, 30, 40}, 1, 2, 3, 4), logOf("runs/b", []int64{15, 25, 35}, 2, 4, 6)}
	for _, c := range []struct {
		band            Band
		mean, low, high []float64
	}{
		// At 15: 1.5 and 2; at 20: 2 and 3; at 25: 2.5 and 4; at 30: 3 and 5; at 35: 3.5 and 6.
		{MinMax, []float64{1.75, 2.5, 3.25, 4, 4.75}, []float64{1.5, 2, 2.5, 3, 3.5}, []float64{2, 3, 4, 5, 6}},
		{Deviation, []float64{1.75, 2.5, 3.25, 4, 4.75}, []float64{1.75 - 0.5/math.Sqrt2, 2.5 - 1/math.Sqrt2, 3.25 - 1.5/math.Sqrt2, 4 - math.Sqrt2, 4.75 - 2.5/math.Sqrt2}, nil},
		{NoBand, []float64{1.75, 2.5, 3.25, 4, 4.75}, nil, nil},
	} {
		b, err := newBuilder(logs, Options{Groups: []string{"g", "g"}, Band: c.band})
		if err != nil {
			t.Fatal(err)
		}
		p := b.panel("", "loss", train("loss"))
		if len(p.curves) != 1 || p.curves[0].run != "g (2 runs)" || !slices.Equal(p.curves[0].steps, []int64{15, 20, 25, 30, 35}) {
			t.Fatalf("curves %+v", p.curves)
		}
		for i := range c.mean {
			v := p.curves[0]
			if math.Abs(v.raw[i]-c.mean[i]) > 1e-12 || c.low != nil && math.Abs(v.low[i]-c.low[i]) > 1e-12 || c.high != nil && math.Abs(v.high[i]-c.high[i]) > 1e-12 {
				t.Errorf("band %d, point %d: %v in %v", c.band, i, v.raw[i], v.low)
			}
		}
		if c.low == nil && p.curves[0].low != nil {
			t.Error("there is a band")
		}
	}
	// A value that is not finite is a gap of the mean; a group without common updates has no curve; one run is itself.
	for name, c := range map[string]struct {
		groups []string
		logs   []runlog.Curves
		want   []float64
	}{
		"gap":    {[]string{"g", "g"}, []runlog.Curves{logOf("a", []int64{1, 2}, 1, nan), logOf("b", []int64{1, 2}, 3, 4)}, []float64{2, nan}},
		"apart":  {[]string{"g", "g"}, []runlog.Curves{logOf("a", []int64{1, 2}, 1, 2), logOf("b", []int64{3, 4}, 3, 4)}, nil},
		"single": {[]string{"g"}, []runlog.Curves{logOf("a", []int64{1, 2}, 1, 2)}, []float64{1, 2}},
	} {
		b, err := newBuilder(c.logs, Options{Groups: c.groups})
		if err != nil {
			t.Fatal(err)
		}
		p := b.panel("", "loss", train("loss"))
		if c.want == nil {
			if len(p.curves) != 0 {
				t.Errorf("%s: %d curves", name, len(p.curves))
			}
			continue
		}
		for i, w := range c.want {
			if got := p.curves[0].raw[i]; got != w && !(math.IsNaN(got) && math.IsNaN(w)) {
				t.Errorf("%s: point %d is %v, want %v", name, i, got, w)
			}
		}
	}
}

// Whatever the runs, a band holds the mean, and of runs that are the same it has no width.
func TestBandHoldsMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var logs []runlog.Curves
		var groups []string
		for range rapid.IntRange(2, 4).Draw(t, "runs") {
			var steps []int64
			var values []float64
			at := int64(0)
			for range rapid.IntRange(1, 10).Draw(t, "points") {
				at += rapid.Int64Range(1, 5).Draw(t, "step")
				steps, values = append(steps, at), append(values, rapid.Float64Range(-10, 10).Draw(t, "value"))
			}
			logs, groups = append(logs, logOf("r", steps, values...)), append(groups, "g")
		}
		b, err := newBuilder(logs, Options{Groups: groups, Band: Band(rapid.IntRange(0, 1).Draw(t, "band")), Smoothing: rapid.Float64Range(0, 0.9).Draw(t, "smoothing")})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.panel("", "loss", train("loss")).curves {
			for i, v := range c.drawn() {
				if c.low[i] > v+1e-9 || c.high[i] < v-1e-9 || i > 0 && (c.steps[i] <= c.steps[i-1] || c.x[i] < c.x[i-1]) {
					t.Fatalf("point %d: %v to %v around %v", i, c.low[i], c.high[i], v)
				}
			}
		}
	})
}

func TestRunLabels(t *testing.T) {
	for _, c := range []struct{ dirs, want []string }{
		{[]string{"runs/20260101-1200-a", "runs/20260101-1200-b/"}, []string{"a", "b"}},
		{[]string{"runs/20260101-1200-a", "runs/20260101-1300-a", "runs/c"}, []string{"20260101-1200-a", "20260101-1300-a", "c"}},
		{[]string{"x/20260101-1200-a", "y/20260101-1200-a"}, []string{"x/20260101-1200-a", "y/20260101-1200-a"}},
	} {
		if got := RunLabels(c.dirs); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.dirs, got, c.want)
		}
	}
}

// Whole epochs of the log become a line through their beginnings.
func TestEpochs(t *testing.T) {
	log := memory{"r", map[string][]int64{epochsSeen: {50, 100, 150, 200, 250}}, map[string][]float64{epochsSeen: {0, 1, 1, 2, 2}}}
	steps, values := epochs(log)
	if !slices.Equal(steps, []int64{100, 200, 250}) || !slices.Equal(values, []float64{1, 2, 2.5}) {
		t.Errorf("%v %v", steps, values)
	}
	log.values[epochsSeen] = make([]float64, 5)
	if _, err := newBuilder([]runlog.Curves{log}, Options{X: Epochs}); err == nil || !strings.Contains(err.Error(), "first epoch") {
		t.Errorf("no epoch: %v", err)
	}
}

// The time of a point is that of its record, also behind a pause between two processes and a part that was done again.
func TestClock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	options := runlog.Options{NoTensorBoard: true}
	w, err := runlog.Create(dir, runlog.Meta{}, options)
	if err != nil {
		t.Fatal(err)
	}
	var want []time.Time
	record := func(w *runlog.Writer, step int64, at time.Time) {
		w.Record(&runlog.Record{Step: step, Time: at, Kind: runlog.Train, Values: []runlog.Value{{Name: "loss", Value: 1}}})
	}
	begin := time.Now()
	for i := int64(1); i <= 4; i++ {
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		record(w, i, at)
		if i <= 2 {
			want = append(want, at)
		}
	}
	if err := w.Close(runlog.Stopped, ""); err != nil {
		t.Fatal(err)
	}
	if w, err = runlog.Attach(dir, 2, nil, options); err != nil {
		t.Fatal(err)
	}
	again := time.Now()
	for i := int64(3); i <= 5; i++ {
		at := again.Add(time.Duration(i) * 5 * time.Second)
		record(w, i, at)
		want = append(want, at)
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	b, err := newBuilder([]runlog.Curves{open(t, dir)}, Options{X: Clock})
	if err != nil {
		t.Fatal(err)
	}
	c := b.panel("", "loss", train("loss")).curves[0]
	for i, at := range want {
		if got := time.UnixMicro(int64(c.x[i] * 1e6)); got.Sub(at).Abs() > time.Second {
			t.Errorf("point %d at %v, want %v", i, got, at)
		}
	}
	if _, err := newBuilder([]runlog.Curves{logOf("r", []int64{1}, 1)}, Options{X: Clock}); err == nil || !strings.Contains(err.Error(), "when it began") {
		t.Errorf("a log without events: %v", err)
	}
}

// Choices are neither lost nor invented: a column's values, in shares of even use, have the mean 1, and all cells together
// the sums of the entries.
func TestUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.IntRange(1, 6).Draw(t, "entries")
		var list []runlog.Snapshot
		at := rapid.Int64Range(0, 100).Draw(t, "first")
		for range rapid.IntRange(1, 300).Draw(t, "snapshots") {
			n := rapid.Int64Range(1, 20).Draw(t, "updates")
			at += n
			c := &runlog.Codebook{Groups: 2, Entries: entries, Counts: make([]int64, 2*entries), Updates: n}
			for i := range c.Counts {
				c.Counts[i] = rapid.Int64Range(0, 3).Draw(t, "count")
			}
			list = append(list, runlog.Snapshot{Step: at, Codebook: c})
		}
		h := usage(list, 1, rapid.Bool().Draw(t, "sorted"))
		if len(h.Values) != entries || len(h.Values[0]) > codebookColumns || h.Left >= h.Right || h.check() != nil {
			t.Fatalf("%d rows of %d from %v to %v", len(h.Values), len(h.Values[0]), h.Left, h.Right)
		}
		for j := range h.Values[0] {
			sum := 0.0
			for i := range h.Values {
				sum += h.Values[i][j]
			}
			if !math.IsNaN(sum) && math.Abs(sum-float64(entries)) > 1e-9 {
				t.Fatalf("column %d: mean %v", j, sum/float64(entries))
			}
		}
	})
}

// What a snapshot counted is divided between the columns that its updates lie in.
func TestUsageDivides(t *testing.T) {
	snapshot := func(step, updates int64, counts ...int64) runlog.Snapshot {
		return runlog.Snapshot{Step: step, Codebook: &runlog.Codebook{Groups: 1, Entries: 2, Counts: counts, Updates: updates}}
	}
	h := usage([]runlog.Snapshot{snapshot(1, 1, 3, 0), snapshot(4, 3, 0, 3)}, 0, false)
	if want := [][]float64{{1.5, 0}, {0.5, 2}}; !slices.EqualFunc(h.Values, want, slices.Equal) {
		t.Errorf("%v, want %v", h.Values, want)
	}
	if h = usage([]runlog.Snapshot{snapshot(1, 1, 3, 0), snapshot(4, 3, 0, 9)}, 0, true); !slices.Equal(h.entries, []string{"1", "0"}) {
		t.Errorf("order %v", h.entries)
	}
}

func TestPublishedIsCut(t *testing.T) {
	b := ViewBand{X: []float64{0, 100, 200}, Low: []float64{0, 1, 2}, High: []float64{1, 3, 5}}
	cut := b.within(50, 150, 0, 0)
	if !slices.Equal(cut.X, []float64{50, 100, 150}) || !slices.Equal(cut.Low, []float64{0.5, 1, 1.5}) || !slices.Equal(cut.High, []float64{2, 3, 4}) {
		t.Errorf("%+v", cut)
	}
	if cut = b.within(300, 400, 0, 0); len(cut.X) != 0 {
		t.Errorf("beyond: %+v", cut)
	}
}

func TestCompare(t *testing.T) {
	root := t.TempDir()
	logs := []runlog.Curves{small("a1", false).make(t, root), synthetic{name: "a2", seed: 2, updates: 20000, every: 100, speed: 10}.make(t, root),
		synthetic{name: "b", seed: 3, updates: 10000, every: 100, speed: 2}.make(t, root)}
	recipes := []map[string]string{{"seed": "1", "lr": "1e-3", "same": "x"}, {"seed": "2", "lr": "1e-3", "same": "x"}, {"seed": "1", "lr": "2e-3", "same": "x", "new": "a|b & c_d"}}
	table, err := Compare(logs, recipes, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table.Header, ";"); !strings.HasPrefix(got, "run;updates;audio seen (h);training time (h);valid contrastive loss (nats);best valid contrastive loss (nats);valid accuracy;best valid accuracy;") ||
		!strings.HasSuffix(got, "best valid cer;lr;new;seed") {
		t.Errorf("header %s", got)
	}
	_, last, _ := logs[2].Last("valid/accuracy")
	if row := table.Rows[2]; row[0].Text != "b" || row[1].Value != 10000 || row[6].Value != last || row[len(row)-2].Text != "a|b & c_d" {
		t.Errorf("row %v", row)
	}
	for name, c := range map[string]struct {
		text []byte
		says []string
	}{
		"csv":   {table.CSV(), []string{"run,updates,", "b,10000,", ",2e-3,a|b & c_d,1\n"}},
		"md":    {table.Markdown(), []string{"| run |", "--: |", `a\|b & c_d`, "| b   |   10000 |"}},
		"latex": {table.LaTeX(), []string{`\begin{tabular}{lrrr`, `\toprule`, `a\textbar{}b \& c\_d`, "\\bottomrule\n\\end{tabular}\n"}},
	} {
		for _, s := range c.says {
			if !strings.Contains(string(c.text), s) {
				t.Errorf("%s does not say %q:\n%s", name, s, c.text)
			}
		}
	}
	grouped, err := Compare(logs, recipes, Options{Groups: []string{"a", "a", ""}, Metrics: []string{"accuracy"}})
	if err != nil {
		t.Fatal(err)
	}
	x, y := table.Rows[0][6].Value, table.Rows[1][6].Value
	if c := grouped.Rows[0][4]; len(grouped.Rows) != 2 || math.Abs(c.Value-(x+y)/2) > 1e-12 || math.Abs(c.Deviation-math.Abs(x-y)/math.Sqrt2) > 1e-12 {
		t.Errorf("group %+v of %v and %v", c, x, y)
	}
	if !strings.Contains(string(grouped.CSV()), "valid accuracy,\"valid accuracy, deviation\"") || !strings.Contains(string(grouped.LaTeX()), ` $\pm$ `) {
		t.Errorf("%s\n%s", grouped.CSV(), grouped.LaTeX())
	}
	if names := differing([]map[string]string{{"a": "1", "b": "2"}, nil, {"a": "1", "b": "3"}}); !slices.Equal(names, []string{"b"}) {
		t.Errorf("%q differ, want b", names)
	}
	if _, err := Compare(logs, nil, Options{Metrics: []string{"clip_rate"}}); !errors.Is(err, ErrNoData) {
		t.Errorf("a metric that nobody has: %v", err)
	}
	if _, err := Compare(logs, nil, Options{Metrics: []string{"acuracy"}}); !errors.Is(err, runlog.ErrUnknownMetric) {
		t.Errorf("an unknown metric: %v", err)
	}
}

func TestCell(t *testing.T) {
	for want, c := range map[string]Cell{
		"text": {Text: "text"}, "-": {Number: true, Value: math.NaN()}, "400000": {Number: true, Value: 4e5}, "0.6123": {Number: true, Value: 0.61234, digits: 4},
		"3512": {Number: true, Value: 3512.4, digits: 4}, "0.612 ± 0.012": {Number: true, Value: 0.6123, Deviation: 0.0121}, "0.000": {Number: true, digits: 4}, "2.50": {Number: true, Value: 2.5, Deviation: 1e-7, digits: 3},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
