package runlog

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func commands(list []Request) string {
	var names []string
	for _, r := range list {
		names = append(names, string(r.Command))
	}
	return strings.Join(names, " ")
}

func TestAsk(t *testing.T) {
	w := unattended(t, Options{Report: quiet(t)})
	if got := w.Requests(); got != nil {
		t.Errorf("requests %v of nobody", got)
	}
	for _, c := range []Command{Pause, CheckpointNow, Continue} {
		r, err := Ask(w.Dir(), c)
		if err != nil || r.Command != c || r.By == "" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	w.lookForRequests()
	w.lookForRequests()
	if _, err := Ask(w.Dir(), StopAndSave); err != nil {
		t.Fatal(err)
	}
	w.lookForRequests()
	if got := commands(w.Requests()); got != "pause checkpoint continue stop" {
		t.Errorf("requests %q", got)
	}
	if got := w.Requests(); got != nil {
		t.Errorf("requests taken twice: %v", got)
	}
	if left, err := os.ReadDir(filepath.Join(w.Dir(), controlDir)); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	e := read(t, w.Dir()).Events()
	if len(e) != 5 || e[4].Kind != Controlled || e[4].Severity != Info || e[4].Data["command"] != "stop" || !strings.Contains(e[4].Data["by"], "@") {
		t.Errorf("events %+v", e)
	}
	if n := testing.AllocsPerRun(100, func() { w.Requests() }); n != 0 {
		t.Errorf("%v allocations when nothing waits", n)
	}
	leave(t, w)
}

func TestAskRefuses(t *testing.T) {
	if _, err := Ask(filepath.Join(t.TempDir(), "none"), Pause); err == nil {
		t.Error("asked no run")
	}
	w := create(t, Options{Report: quiet(t)})
	if _, err := Ask(w.Dir(), "explode"); err == nil || !strings.Contains(err.Error(), "explode") {
		t.Errorf("unknown command: %v", err)
	}
	control := filepath.Join(w.Dir(), controlDir)
	if err := os.RemoveAll(control); err != nil {
		t.Fatal(err)
	}
	write(t, control, nil) // no directory, so that it holds for root too
	if _, err := Ask(w.Dir(), Pause); err == nil || !strings.Contains(err.Error(), controlDir) {
		t.Errorf("where nothing can be written: %v", err)
	}
	w.Close(Stopped, "")
	if _, err := Ask(w.Dir(), Pause); err == nil || !strings.Contains(err.Error(), "is stopped") {
		t.Errorf("a run that has ended: %v", err)
	}
	s, err := ReadState(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	s.Status, s.Host = Running, "elsewhere"
	if _, _, err := NewRequest(s, Pause, s.Time.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "is crashed") {
		t.Errorf("a run that has crashed: %v", err)
	}
	if _, _, err := NewRequest(s, Pause, s.Time.Add(time.Minute)); err != nil {
		t.Errorf("a run on another host: %v", err)
	}
}

// What is no request to this process is dropped with an event, and never done.
func TestRequestsDropped(t *testing.T) {
	w := unattended(t, Options{Report: quiet(t)})
	control := filepath.Join(w.Dir(), controlDir)
	good, data, err := NewRequest(w.state, StopAndSave, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, change func(r *Request)) {
		r := good
		r.ID = name
		change(&r)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(control, name+".json"), data)
	}
	put("pid", func(r *Request) { r.PID++ })
	put("start", func(r *Request) { r.PIDStart++ })
	put("host", func(r *Request) { r.Host = "elsewhere" })
	put("earlier", func(r *Request) { r.Started = r.Started.Add(-time.Hour) })
	put("command", func(r *Request) { r.Command = "explode" })
	put("by", func(r *Request) { r.By = "me\x1b[2J" })
	put("long", func(r *Request) { r.By = strings.Repeat("x", maxRequest) })
	put("id", func(r *Request) { r.ID = "other" })
	write(t, filepath.Join(control, "text.json"), []byte("pause"))
	write(t, filepath.Join(control, "empty.json"), nil)
	want := 10
	outside := filepath.Join(t.TempDir(), good.ID+".json")
	write(t, outside, data)
	if err := os.Symlink(outside, filepath.Join(control, good.ID+".json")); err != nil {
		t.Logf("this system makes no links: %v", err)
	} else {
		want++
	}
	if err := os.MkdirAll(filepath.Join(control, "folder.json", "x"), 0o755); err != nil { // cannot be removed
		t.Fatal(err)
	}
	want++
	write(t, filepath.Join(control, ".half.json"), data) // not ours yet
	write(t, filepath.Join(control, "README"), nil)
	w.lookForRequests()
	w.lookForRequests()
	if got := w.Requests(); got != nil {
		t.Errorf("done: %+v", got)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("the target of a link: %v", err)
	}
	dropped := 0
	for _, e := range read(t, w.Dir()).Events() {
		if e.Kind == Controlled && e.Severity == Warning && strings.HasPrefix(e.Message, "dropped the request ") {
			dropped++
		}
	}
	if dropped != want {
		t.Errorf("%d events, want %d", dropped, want)
	}
	var left []string
	entries, err := os.ReadDir(control)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if fmt.Sprint(left) != "[.half.json README folder.json]" {
		t.Errorf("left over: %v", left)
	}
	leave(t, w)
}

// Many requests are taken over several looks; none is lost.
func TestManyRequests(t *testing.T) {
	w := unattended(t, Options{Report: quiet(t)})
	for range 3 * requestsAtOnce / 2 {
		if _, err := Ask(w.Dir(), CheckpointNow); err != nil {
			t.Fatal(err)
		}
	}
	w.lookForRequests()
	w.lookForRequests()
	if got := w.Requests(); len(got) != 3*requestsAtOnce/2 {
		t.Errorf("%d requests", len(got))
	}
	leave(t, w)
}

// A request reaches the process by itself.
func TestRequestArrives(t *testing.T) {
	w := create(t, Options{Report: quiet(t)})
	if _, err := Ask(w.Dir(), Pause); err != nil {
		t.Fatal(err)
	}
	var got []Request
	for len(got) == 0 {
		time.Sleep(10 * time.Millisecond)
		got = w.Requests()
	}
	if commands(got) != "pause" {
		t.Errorf("%v", got)
	}
}

// A pause is seen in the heartbeat, and its time does not count as training.
func TestPause(t *testing.T) {
	clock := &fakeClock{now: testTime}
	w := unattended(t, Options{clock: clock.time})
	record := func(step int64) {
		clock.now = clock.now.Add(10 * time.Second)
		w.Record(&Record{Step: step, Kind: Train, Values: []Value{{"loss", 1}}})
	}
	record(1)
	record(2)
	end := testTime.Add(24 * time.Hour)
	w.SetJobEnd(end)
	w.SetPaused(true)
	w.SetPaused(true)
	if err := w.saveState(); err != nil {
		t.Fatal(err)
	}
	s, err := ReadState(w.Dir())
	if err != nil || s.Status != Running || s.At(clock.now) != Paused || !s.JobEnd.Equal(end) {
		t.Errorf("%+v, %v", s, err)
	}
	s.Host = "elsewhere"
	if got := s.At(clock.now.Add(time.Hour)); got != Crashed {
		t.Errorf("a paused run without heartbeat is %s", got)
	}
	clock.now = clock.now.Add(time.Hour)
	w.SetPaused(false)
	record(3)
	r := read(t, w.Dir())
	if got := fmt.Sprint(r.Elapsed("train/loss")); got != "[10 20 30]" {
		t.Errorf("elapsed %s", got)
	}
	if s := w.state.At(clock.now); s != Running {
		t.Errorf("after the pause: %s", s)
	}
	leave(t, w)
}

func FuzzRequest(f *testing.F) {
	_, data, err := NewRequest(State{Status: Running, Time: testTime, Started: testTime, Host: "elsewhere", PID: 7}, Pause, testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"id":"../x","command":"stop"}`))
	f.Add([]byte(`{"id":"x","command":"stop","time":"never"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRequest(data)
		if err != nil {
			return
		}
		if !r.Command.valid() || filepath.Base(r.File()) != r.ID+".json" || strings.ContainsAny(r.By, "\x1b\n") {
			t.Fatalf("%+v", r)
		}
		again, err := json.Marshal(r)
		if err != nil {
			return // a time that cannot be written
		}
		if b, err := parseRequest(again); err != nil && len(again) <= maxRequest || err == nil && b.ID != r.ID {
			t.Fatalf("%+v became %+v, %v", r, b, err)
		}
	})
}
