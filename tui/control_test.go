package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/screen"
)

// trainer is a source that notes what it was asked for.
type trainer struct {
	asked []runlog.Command
	err   error
}

func (t *trainer) poll() pollMsg { return pollMsg{at: fixtureTime, status: runlog.Running} }
func (t *trainer) close() error  { return nil }
func (t *trainer) ask(c runlog.Command) (runlog.Request, error) {
	t.asked = append(t.asked, c)
	return runlog.Request{ID: "id-" + string(c) + strings.Repeat("+", len(t.asked)-1), Command: c}, t.err
}

// deliver runs the command that a key led to, and gives the model its message.
func deliver(t *testing.T, m *model, keys ...string) {
	t.Helper()
	for i, k := range keys {
		_, cmd := m.Update(keyMsg(k))
		if i < len(keys)-1 || cmd == nil {
			continue
		}
		m.Update(cmd())
	}
}

// answer lets the trainer answer.
func answer(m *model, id, result, text string) {
	r := m.run()
	msg := r.latest
	msg.events = append(msg.events, runlog.Event{Time: fixtureTime, Kind: runlog.Answered, Message: text, Data: map[string]string{"id": id, "result": result}})
	m.take(msg)
}

// Nothing is asked of the trainer that the user did not confirm; its answer is shown.
func TestControl(t *testing.T) {
	for key, c := range map[string]struct {
		status  runlog.Status
		command runlog.Command
		asks    string
	}{
		"C": {runlog.Running, runlog.CheckpointNow, "save a checkpoint of base-librispeech now? (y/n)"},
		"P": {runlog.Running, runlog.Pause, "pause the training"},
		"p": {runlog.Paused, runlog.Continue, "go on?"},
		"X": {runlog.Running, runlog.StopAndSave, "save base-librispeech and stop its training?"},
	} {
		m := shellModel(screen.Terminal{}, 0)
		s := &trainer{}
		m.run().source, m.run().latest.status = s, c.status
		key = strings.ToUpper(key)
		press(m, key)
		if m.prompt == nil || !strings.Contains(m.prompt.before, c.asks) || !strings.Contains(m.View(), c.asks) {
			t.Fatalf("%s: no question %q", key, c.asks)
		}
		for _, no := range []string{"n", "esc", "q", "enter"} {
			deliver(t, m, no)
			if m.prompt != nil || len(s.asked) > 0 || !strings.Contains(m.notice, "nothing was done") {
				t.Fatalf("%s, then %s: asked %v, notice %q", key, no, s.asked, m.notice)
			}
			press(m, key)
		}
		deliver(t, m, "y")
		if len(s.asked) != 1 || s.asked[0] != c.command || !strings.Contains(m.notice, "asked the trainer of base-librispeech: "+string(c.command)) {
			t.Errorf("%s: asked %v, notice %q", key, s.asked, m.notice)
		}
		answer(m, "another", "done", "for somebody else")
		if strings.Contains(m.notice, "somebody") {
			t.Errorf("%s: the answer to another request is shown", key)
		}
		answer(m, "id-"+string(c.command), "done", "saved checkpoint-12")
		if m.bad || !strings.Contains(m.notice, string(c.command)+": saved checkpoint-12") || len(m.run().asked) != 0 {
			t.Errorf("%s: the answer is %q, waiting for %d", key, m.notice, len(m.run().asked))
		}
	}
}

func TestControlRefused(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	s := &trainer{}
	m.run().source = s
	m.view.readonly = true
	press(m, "C", "P", "X")
	if m.prompt != nil || !strings.Contains(m.notice, "--readonly") || !m.bad {
		t.Errorf("read only: %q", m.notice)
	}
	m.view.readonly = false
	for _, status := range []runlog.Status{runlog.Finished, runlog.Stopped, runlog.Failed, runlog.Crashed, ""} {
		m.run().latest.status = status
		press(m, "X")
		if m.prompt != nil || !strings.Contains(m.notice, "nobody to ask") {
			t.Errorf("%s: %q", status, m.notice)
		}
	}
	m.run().latest.status = runlog.Running
	s.err = errors.New("no space left on device")
	deliver(t, m, "X", "y")
	if !m.bad || !strings.Contains(m.notice, "no space") || len(m.run().asked) != 0 {
		t.Errorf("a failed request: %q", m.notice)
	}
	// A refusal is bad news.
	s.err = nil
	deliver(t, m, "P", "y")
	answer(m, m.run().asked[0].request.ID, "refused", "the run ends")
	if !m.bad || !strings.Contains(m.notice, "pause refused: the run ends") {
		t.Errorf("a refusal: %q", m.notice)
	}
	// So is silence, once.
	deliver(t, m, "P", "y")
	msg := m.run().latest
	msg.at = msg.at.Add(answerWithin + time.Second)
	m.take(msg)
	if !m.bad || !strings.Contains(m.notice, "has not answered for 1 min 1 s: pause") {
		t.Errorf("no answer: %q", m.notice)
	}
	m.notice = ""
	m.take(msg)
	if m.notice != "" {
		t.Errorf("told twice: %q", m.notice)
	}
	deliver(t, m, "C", "y")
	msg = m.run().latest
	msg.status = runlog.Crashed
	m.take(msg)
	if !strings.Contains(m.notice, "ended (crashed) without an answer to: checkpoint") {
		t.Errorf("ended: %q", m.notice)
	}
}

// Without a way of its own a source's requests go through the run directory, which refuses them for a run that has ended.
func TestControlFiles(t *testing.T) {
	dir := writeRun(t, t.TempDir(), "run", "")
	f, err := openFollower(dir, Options{now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	r := newRunView("run", dir, f, 0)
	if msg := r.request(runlog.Pause)().(askedMsg); msg.err == nil || !strings.Contains(msg.err.Error(), "only a live run") {
		t.Errorf("asked a run that has ended: %v", msg.err)
	}
}
