package tui

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/screen"
)

func codebook(step, updates int64, entries int, counts ...int64) runlog.Snapshot {
	return runlog.Snapshot{Step: step, Codebook: &runlog.Codebook{Groups: len(counts) / entries, Entries: entries, Updates: updates, Counts: counts}}
}

func TestUsage(t *testing.T) {
	list := []runlog.Snapshot{
		codebook(50, 50, 2, 1, 99),               // of another shape
		codebook(100, 100, 3, 99, 1, 0, 1, 1, 1), // this too
		codebook(200, 100, 2, 30, 10, 0, 0),
		codebook(300, 100, 2, 0, 50, 7, 0),
	}
	u, ok := usageAt(list, 3)
	if !ok || u.groups != 2 || u.entries != 2 {
		t.Fatalf("%+v, %t", u, ok)
	}
	// Group 0: (0.7 * 0.75 + 0) / 1.7 and the rest; group 1 was chosen only once.
	want := [][]float64{{0.525 / 1.7, 1 - 0.525/1.7}, {1, 0}}
	for g := range want {
		for v := range want[g] {
			if math.Abs(u.share[g][v]-want[g][v]) > 1e-12 {
				t.Errorf("group %d, code %d: %v, want %v", g, v, u.share[g][v], want[g][v])
			}
		}
	}
	// 97 choices are at least 20 for each of 4 codes, and need both snapshots: 57 are too few.
	if u.updates != 200 || !u.judged || len(u.dead[0]) != 0 || !slices.Equal(u.dead[1], []int{1}) {
		t.Errorf("dead %v over %d updates, judged %t", u.dead, u.updates, u.judged)
	}
	if u, _ := usageAt(list, 2); u.judged {
		t.Error("judged by 40 choices of 4 codes")
	}
	for _, i := range []int{-1, 4} {
		if _, ok := usageAt(list, i); ok {
			t.Errorf("there is no snapshot %d", i)
		}
	}
}

func TestEntropy(t *testing.T) {
	for _, c := range []struct {
		share []float64
		want  float64
	}{{[]float64{0.25, 0.25, 0.25, 0.25}, math.Log(4)}, {[]float64{1, 0}, 0}, {[]float64{0.5, 0.25, 0.25}, 1.5 * math.Ln2}} {
		if got := entropy(c.share); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", c.share, got, c.want)
		}
	}
	if !math.IsNaN(entropy([]float64{math.NaN()})) {
		t.Error("nothing was chosen")
	}
}

// A snapshot fills the columns of the updates that it counted.
func TestCodesOverTime(t *testing.T) {
	list := []runlog.Snapshot{codebook(100, 50, 2, 1, 3), codebook(200, 100, 2, 4, 0)}
	got := over(list, list[1].Codebook, 0, []int{1, 0}, 0, 200, 4)
	nan := math.NaN()
	want := [][]float64{{nan, 0.75, 0, 0}, {nan, 0.25, 1, 1}}
	for r := range want {
		for x := range want[r] {
			if got[r][x] != want[r][x] && !(math.IsNaN(got[r][x]) && math.IsNaN(want[r][x])) {
				t.Errorf("row %d, column %d: %v, want %v", r, x, got[r][x], want[r][x])
			}
		}
	}
}

// Keys and clicks go through snapshots and codes.
func TestCodebookKeys(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, pretraining())
	m.width, m.height = 80, 24
	press(m, "3")
	p := m.panes[2].(*byTask).pretraining.(*codebookPane)
	see := func(want string) {
		t.Helper()
		if frame := m.View(); !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
	see("update 20,000 ·")
	press(m, "left", "left")
	see("update 19,000 (38 of 40 snapshots)")
	m.take(pollMsg{at: snapshotTime, snapshots: &snapshots{codebooks: fixtureCodebook(41, 2, 320)}})
	see("update 19,000 (38 of 41 snapshots)")
	press(m, "end")
	see("update 20,500 ·")
	press(m, "home")
	see("update 500 (1 of 41 snapshots)")

	press(m, "end", "down", "down")
	see("code 0/1 ·")
	press(m, "g", "r", "up")
	see("code 1/")
	press(m, "esc")
	if p.chosen {
		t.Error("a code is still chosen")
	}
	press(m, "r", "d")
	see("dead codes")
	press(m, "d")
	// The cells begin behind the numbers at the left, below header, tabs, head and title.
	click(m, 5+3, 4+1+1+2, false)
	if !p.chosen || p.group != 0 || p.code != 2*32+3 {
		t.Errorf("chose %d of group %d, %t", p.code, p.group, p.chosen)
	}
	press(m, "v")
	see("mean of the codes of a row")
	press(m, "v")
	see("use by rank")
}

// What is drawn is noted for the export.
func TestCodebookDrawings(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, pretraining())
	press(m, "3")
	f := render(m, 80, 24)
	var heats []*heatDrawing
	for _, d := range f.drawn {
		if d.heat != nil {
			heats = append(heats, d.heat)
		}
	}
	if len(heats) != 2 || len(heats[0].values) != 10 || len(heats[0].values[0]) != 32 || heats[1].rows[9] != "288" {
		t.Errorf("%d heat maps", len(heats))
	}
	press(m, "v")
	f = render(m, 80, 24)
	if h := f.drawn[len(f.drawn)-1].heat; h == nil || len(h.values) != 320 || h.right != 20000 {
		t.Errorf("%+v", h)
	}
}
