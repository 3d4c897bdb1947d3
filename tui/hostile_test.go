package tui

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/teatest"
)

// vandalise changes the logs of a run as crashes, full disks, bad disks, other programs and people do.
func vandalise(t *testing.T, dir string, random *rand.Rand) {
	t.Helper()
	names := []string{"metrics.jsonl", "events.jsonl", "log.jsonl", "snapshots.jsonl", "state.json"}
	path := filepath.Join(dir, names[random.IntN(len(names))])
	data, _ := os.ReadFile(path)
	switch random.IntN(7) {
	case 0: // torn
		data = data[:len(data)-min(len(data), random.IntN(200))]
	case 1: // some bits
		for range 20 {
			if len(data) > 0 {
				data[random.IntN(len(data))] ^= 1 << random.IntN(8)
			}
		}
	case 2: // grows by garbage
		garbage := make([]byte, random.IntN(500))
		for i := range garbage {
			garbage[i] = byte(random.IntN(256))
		}
		data = append(data, garbage...)
	case 3: // empty
		data = nil
	case 4: // gone
		os.Remove(path)
		return
	case 5: // the beginning is lost
		data = data[min(len(data), random.IntN(len(data)/2+1)):]
	case 6: // repeated
		data = append(data, data[len(data)/2:]...)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// The real program outlives anything that happens to its logs, its keyboard and its terminal at once.
func TestHostileLogs(t *testing.T) {
	fixture := writeFixture(t)
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 7))
		dir := filepath.Join(t.TempDir(), "20260314-1200-hostile")
		copyRun(t, fixture.Dir(), dir)
		f, err := newFollower(dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(screen.Terminal{Colors: screen.Colors(random.IntN(5))}, Options{ReadOnly: true}, newRunView(runlog.RunName(dir), dir, f, 0))
		tm := teatest.NewTestModel(t, m, teatest.WithInitialTermSize(1+random.IntN(200), 1+random.IntN(60)))
		for range 60 {
			switch random.IntN(5) {
			case 0:
				vandalise(t, dir, random)
				tm.Send(pollNowMsg{0})
			case 1:
				tm.Send(tea.WindowSizeMsg{Width: random.IntN(401), Height: random.IntN(121)})
			case 2:
				tm.Send(tea.MouseMsg{X: random.IntN(200), Y: random.IntN(60), Button: tea.MouseButton(random.IntN(8)), Action: tea.MouseAction(random.IntN(3))})
			default:
				tm.Send(keyMsg(anyKeys[random.IntN(len(anyKeys))]))
			}
		}
		tm.Send(tea.Quit())
		tm.WaitFinished(t, teatest.WithFinalTimeout(20*time.Second))
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
}
