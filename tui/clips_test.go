package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/runlog"
	"aural/tui/screen"
)

// writeWAV writes a second of a ramp.
func writeWAV(t *testing.T, path string) []int16 {
	t.Helper()
	samples := make([]int16, 16000)
	for i := range samples {
		samples[i] = int16(i)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, audio.AppendWAV16(nil, 16000, samples), 0o644); err != nil {
		t.Fatal(err)
	}
	return samples
}

func TestReadSound(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	writeWAV(t, filepath.Join(run, "samples", "a.wav"))
	s, err := readSound(run, "samples/a.wav")
	if err != nil || s.rate != 16000 || s.seconds() != 1 || len(s.levels.Frames) != 98 {
		t.Fatalf("%+v, %v", s, err)
	}
	writeWAV(t, filepath.Join(dir, "outside.wav"))
	if err := os.Symlink(filepath.Join(dir, "outside.wav"), filepath.Join(run, "samples", "link.wav")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../outside.wav", filepath.Join(dir, "outside.wav"), "samples/link.wav", "samples", "samples/none.wav"} {
		if _, err := readSound(run, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// A screen asks for its recording once, after it is shown, and draws it when it comes.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	writeWAV(t, filepath.Join(dir, "samples", "a.wav"))
	b := &runlog.Batch{ID: "one", Sample: "samples/a.wav", Samples: 16000, Rate: 16000, Frames: 49}
	m := fixtureRun(screen.Terminal{}, snapshots{batches: []runlog.Snapshot{{Step: 1, Batch: b}}})
	m.runs[0].dir = dir
	if m.width, m.height = 80, 24; m.listen() != nil {
		t.Error("the overview needs no audio")
	}
	m.show(4)
	read := m.listen()
	if read == nil || m.listen() != nil {
		t.Fatal("it is not read once")
	}
	if frame := m.View(); !strings.Contains(frame, errNoSound.Error()) {
		t.Errorf("it does not say that it reads:\n%s", frame)
	}
	m.Update(read())
	if frame := m.View(); m.listen() != nil || !strings.Contains(frame, "kHz") {
		t.Errorf("it is not shown:\n%s", frame)
	}
	f := render(m, 80, 24)
	if d := f.drawn[len(f.drawn)-1].sound; d == nil || len(d.waveform) != 16000 || d.view.To != 1 {
		t.Errorf("drawn: %+v", d)
	}
	for i := range soundsKept { // others push it out, and it is read again
		m.Update(soundMsg{key: soundKey{dir, string(rune('b' + i))}})
	}
	if len(m.sounds.list) != soundsKept || m.sounds.reading.name != "samples/a.wav" {
		t.Errorf("%d recordings, reading %q", len(m.sounds.list), m.sounds.reading.name)
	}
}

// A recording that cannot be read is not tried again and again; the screen says why.
func TestListenFails(t *testing.T) {
	b := &runlog.Batch{ID: "one", Sample: "samples/none.wav", Samples: 16000, Rate: 16000, Frames: 49}
	m := fixtureRun(screen.Terminal{}, snapshots{batches: []runlog.Snapshot{{Step: 1, Batch: b}}})
	m.runs[0].dir, m.width, m.height = t.TempDir(), 120, 24
	m.show(4)
	m.Update(m.listen()())
	if m.listen() != nil {
		t.Error("it is tried again")
	}
	if frame := m.View(); !strings.Contains(frame, "samples/none.wav: no such file") {
		t.Error(frame)
	}
}

// Saving writes what was recorded, beside files that are there.
func TestSaveSound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	samples := writeWAV(t, filepath.Join(dir, "run", "samples", "a.wav"))
	b := &runlog.Batch{ID: "../odd id", Sample: "samples/a.wav", Samples: 16000, Rate: 16000, Frames: 49}
	m := fixtureRun(screen.Terminal{}, snapshots{batches: []runlog.Snapshot{{Step: 7, Batch: b}}})
	m.runs[0].dir, m.width, m.height = filepath.Join(dir, "run"), 80, 24
	m.show(4)
	if m.press(keyMsg("w")) != nil || !m.bad {
		t.Error("saved before it was read")
	}
	m.Update(m.listen()())
	for _, name := range []string{"base-.._odd_id-update-7.wav", "base-.._odd_id-update-7-2.wav"} {
		m.Update(m.press(keyMsg("w"))())
		if want := "wrote " + name; m.notice != want {
			t.Errorf("%q, want %q", m.notice, want)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := string(audio.AppendWAV16(nil, 16000, samples)); string(data) != want {
			t.Errorf("%s differs from the recording", name)
		}
	}
	if _, err := writeSound("none", "x", fixtureSound()); err == nil {
		t.Error("a folder that is not there was written to")
	}
}
