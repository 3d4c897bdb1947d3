package runlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"

	"pgregory.net/rapid"
)

// lookSteps records snapshots of the steps (from, to] as a deterministic trainer would.
func lookSteps(w *Writer, from, to int64) {
	for step := from + 1; step <= to; step++ {
		w.Snapshot(&Snapshot{Step: step, Codebook: &Codebook{1, 2, []int64{step, 1}, 1}}, nil)
		if step%3 == 0 {
			w.Snapshot(&Snapshot{Step: step, Batch: &Batch{ID: fmt.Sprint(step), Rate: 16000, Samples: 2}}, nil)
		}
		if step%5 == 0 {
			w.Snapshot(&Snapshot{Step: step, Transcripts: []Transcript{{ID: fmt.Sprint(step)}}}, nil)
			w.Snapshot(&Snapshot{Step: step, Alignment: &Alignment{ID: fmt.Sprint(step)}}, nil)
		}
	}
}

// looks describes the snapshots that a reader shows, without their times.
func looks(r *Reader) string {
	var b strings.Builder
	for _, kind := range []SnapshotKind{CodebookSnapshot, BatchSnapshot, TranscriptSnapshot, AlignmentSnapshot} {
		for _, s := range r.Snapshots(kind) {
			s.Time = testTime
			fmt.Fprintf(&b, "%+v\n", deref(s))
		}
	}
	return b.String()
}

// Thinning loses no count, keeps the order, and leaves the newest as they are.
func TestThinning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSnapshots()
		n := rapid.IntRange(codebooksKept-5, codebooksKept+300).Draw(t, "snapshots")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		var want [2]int64
		var updates int64
		for i := range n {
			c := &Codebook{1, 2, []int64{random.Int64N(9), random.Int64N(9)}, 1 + random.Int64N(20)}
			want[0] += c.Counts[0]
			want[1] += c.Counts[1]
			updates += c.Updates
			line := appendSnapshot(nil, &Snapshot{Step: int64(i), Time: testTime, Codebook: c})
			if err := s.add(line[:len(line)-1-crcSuffix]); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.codebooks) != min(n, codebooksKept) {
			t.Fatalf("%d kept of %d", len(s.codebooks), n)
		}
		last := int64(-1)
		for i, c := range s.codebooks {
			if c.Step <= last {
				t.Fatalf("step %d after %d", c.Step, last)
			}
			last = c.Step
			if i >= len(s.codebooks)-recentCodebooks && c.Step != int64(n-len(s.codebooks)+i) {
				t.Fatalf("a recent one was merged: step %d", c.Step)
			}
			want[0] -= c.Codebook.Counts[0]
			want[1] -= c.Codebook.Counts[1]
			updates -= c.Codebook.Updates
		}
		if want != [2]int64{} || updates != 0 {
			t.Fatalf("lost counts %v of %d updates", want, updates)
		}
	})
}

// What was handed out does not change when the reader goes on.
func TestSnapshotsStay(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, lockFile), nil)
	file := filepath.Join(dir, snapshotsFile)
	line := func(step int64) []byte {
		return appendSnapshot(nil, &Snapshot{Step: step, Time: testTime, Codebook: &Codebook{1, 1, []int64{step}, 1}})
	}
	var data []byte
	for step := range int64(codebooksKept) {
		data = append(data, line(step)...)
	}
	write(t, file, data)
	r := read(t, dir)
	before := r.Snapshots(CodebookSnapshot)
	add(t, file, slices.Concat(line(5000), line(5001)))
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	for i, s := range before {
		if s.Step != int64(i) || s.Codebook.Counts[0] != int64(i) {
			t.Fatalf("snapshot %d became %+v", i, s.Codebook)
		}
	}
	// Codebooks of different shapes do not add; the oldest goes.
	data = nil
	for step := range int64(codebooksKept + 1) {
		data = appendSnapshot(data, &Snapshot{Step: step, Time: testTime, Codebook: &Codebook{1, 1 + int(step%2), make([]int64, 1+step%2), 1}})
	}
	write(t, file+".new", data)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	if after := r.Snapshots(CodebookSnapshot); len(after) != codebooksKept || after[0].Step != 1 {
		t.Errorf("%d kept, the first of step %d", len(after), after[0].Step)
	}
}

func TestDamagedSnapshots(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, lockFile), nil)
	batch := func(step int64) []byte {
		return appendSnapshot(nil, &Snapshot{Step: step, Time: testTime, Batch: &Batch{Frames: 5}})
	}
	framed := func(body string) []byte { return appendChecksum([]byte(body), 0) }
	bad := batch(3)
	bad[10] ^= 1
	write(t, filepath.Join(dir, snapshotsFile), slices.Concat(batch(2), bad, batch(4), batch(3), []byte("torn\n"),
		framed(`{"step":5,"time":"2026-11-22T14:12:03.250Z","kind":"dream","dream":{}`),            // of a later version
		framed(`{"step":5,"time":"2026-11-22T14:12:03.250Z","kind":"batch","batch":{"frames":-1}`), // found when it is asked for
		framed(`{"step":5,"time":"2026-11-22T14:12:03.250Z","kind":"codebook","codebook":{"groups":1}`),
		batch(6), batch(7)[:20]))
	r := read(t, dir)
	for range 2 {
		var steps []int64
		for _, s := range r.Snapshots(BatchSnapshot) {
			steps = append(steps, s.Step)
		}
		if !slices.Equal(steps, []int64{2, 4, 6}) || len(r.Snapshots(CodebookSnapshot)) != 0 {
			t.Errorf("steps %v", steps)
		}
		if got, want := r.Damage(), (Damage{Lines: 5, Records: 1}); got != want {
			t.Errorf("damage %+v, want %+v", got, want)
		}
	}
}

// Of batches, transcripts and alignments the newest are kept.
func TestSnapshotsKept(t *testing.T) {
	w := create(t, Options{Report: quiet(t)})
	for step := range int64(3 * snapshotsKept) {
		w.Snapshot(&Snapshot{Step: step, Batch: &Batch{ID: fmt.Sprint(step)}}, nil)
		if step%10 == 0 {
			r := read(t, w.Dir())
			got := r.Snapshots(BatchSnapshot)
			if len(got) != min(int(step)+1, snapshotsKept) || got[len(got)-1].Batch.ID != fmt.Sprint(step) || got[0].Step != max(0, step-snapshotsKept+1) {
				t.Fatalf("%d kept, from step %d to %s", len(got), got[0].Step, got[len(got)-1].Batch.ID)
			}
		}
	}
	w.Close(Finished, "")
}

func sampleNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, samplesDir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// unattended begins a run whose background work waits for the test to do it.
func unattended(t *testing.T, o Options) *Writer {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "run"), Meta{}, o)
	if err != nil {
		t.Fatal(err)
	}
	close(w.quit)
	<-w.done
	return w
}

// leave gives up an unattended run, as a process that dies does.
func leave(t *testing.T, w *Writer) {
	t.Helper()
	for _, f := range w.files {
		f.Close()
	}
	if err := w.lock.release(); err != nil {
		t.Fatal(err)
	}
}

// drain waits until the audio handed over so far is on the disk.
func drain(w *Writer) {
	for len(w.samples) > 0 {
		w.saveSample(<-w.samples)
	}
}

func TestSamples(t *testing.T) {
	var got reports
	w := unattended(t, Options{Report: got.add})
	dir := w.Dir()
	for step := int64(1); step <= 40; step++ {
		w.Snapshot(&Snapshot{Step: step, Batch: &Batch{Rate: 8000}}, []int16{int16(step), -5})
		w.Snapshot(&Snapshot{Step: step, Alignment: &Alignment{Rate: 16000}}, []int16{1})
		w.Snapshot(&Snapshot{Step: step, Alignment: &Alignment{Rate: 16000}}, []int16{2})
		drain(w)
	}
	names := sampleNames(t, dir)
	if len(names) != 2*samplesKept || names[0] != "alignment-00000025-2.wav" || names[1] != "alignment-00000025.wav" || names[len(names)-1] != "update-00000040.wav" {
		t.Errorf("kept %v", names)
	}
	r := read(t, dir)
	batches := r.Snapshots(BatchSnapshot)
	if len(batches) != 40 || batches[7].Batch.Sample != "" || batches[8].Batch.Sample != "samples/update-00000009.wav" {
		t.Errorf("%d batches, %+v, %+v", len(batches), batches[7].Batch, batches[8].Batch)
	}
	data, err := os.ReadFile(filepath.Join(dir, batches[39].Batch.Sample))
	if err != nil {
		t.Fatal(err)
	}
	rate, pcm, err := audio.ParseWAV16(data)
	if err != nil || rate != 8000 || string(pcm) != "\x28\x00\xfb\xff" {
		t.Errorf("%d Hz, % x, %v", rate, pcm, err)
	}
	if a := r.Snapshots(AlignmentSnapshot); a[len(a)-1].Alignment.Sample != "samples/alignment-00000040-2.wav" {
		t.Errorf("alignment %+v", a[len(a)-1].Alignment)
	}

	// Nobody takes the audio now: the snapshots go without after a few, and do not wait.
	for step := int64(41); step <= 50; step++ {
		w.Snapshot(&Snapshot{Step: step, Batch: &Batch{Rate: 8000}}, []int16{1})
	}
	drain(w)
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	batches = r.Snapshots(BatchSnapshot)
	if batches[43].Batch.Sample == "" || batches[44].Batch.Sample != "" || batches[49].Step != 50 {
		t.Errorf("%+v, %+v", batches[43].Batch, batches[44].Batch)
	}
	w.Snapshot(&Snapshot{Step: 51, Batch: &Batch{}}, []int16{1}) // of no rate
	if w.Dropped() != 1 || len(got.list) != 1 {
		t.Errorf("%d dropped, want the audio of no rate; reports %q", w.Dropped(), got.list)
	}
	leave(t, w)

	// A resumed run removes the audio of what is done again, and what a crash left; other files stay.
	write(t, filepath.Join(dir, samplesDir, ".update-00000060.wav.1.tmp"), nil)
	write(t, filepath.Join(dir, samplesDir, "my-own.wav"), nil)
	if w, err = Attach(dir, 30, nil, Options{Report: got.add}); err != nil {
		t.Fatal(err)
	}
	defer w.Close(Stopped, "")
	names = sampleNames(t, dir)
	if !slices.Contains(names, "my-own.wav") || !slices.Contains(names, "update-00000030.wav") || slices.ContainsFunc(names, func(n string) bool {
		_, step, _, ok := parseSampleName(n)
		return ok && step > 30 || strings.HasSuffix(n, ".tmp")
	}) {
		t.Errorf("after a resume: %v", names)
	}
	w.Snapshot(&Snapshot{Step: 29, Batch: &Batch{}}, nil) // the past of this process
	if w.Dropped() != 1 {
		t.Error("a snapshot before the step of the resume was accepted")
	}
}

// A samples directory that cannot be written is told once; the snapshots are written without it.
func TestSamplesFail(t *testing.T) {
	var got reports
	w := unattended(t, Options{Report: got.add})
	if err := os.RemoveAll(filepath.Join(w.Dir(), samplesDir)); err != nil {
		t.Fatal(err)
	}
	for step := range int64(3) {
		w.Snapshot(&Snapshot{Step: step, Batch: &Batch{Rate: 8000}}, []int16{1})
		drain(w)
	}
	if len(got.list) != 1 || !strings.Contains(got.list[0], "audio of snapshots") {
		t.Errorf("reports %q", got.list)
	}
	r := read(t, w.Dir())
	if s := r.Snapshots(BatchSnapshot); len(s) != 3 || s[0].Batch.Sample != "" {
		t.Errorf("snapshots %+v", s)
	}
	if err := os.Mkdir(filepath.Join(w.Dir(), samplesDir), 0o755); err != nil {
		t.Fatal(err)
	}
	w.Snapshot(&Snapshot{Step: 3, Batch: &Batch{Rate: 8000}}, []int16{1})
	drain(w)
	if len(got.list) != 2 || len(sampleNames(t, w.Dir())) != 1 {
		t.Errorf("reports %q", got.list)
	}
	leave(t, w)
}

// A snapshot too long for a line is refused, and a full disk is met as for the other logs.
func TestSnapshotsOnFullDisk(t *testing.T) {
	var got reports
	w := create(t, Options{Report: got.add})
	w.Snapshot(&Snapshot{Step: 1, Codebook: &Codebook{1, maxEntries, make([]int64, maxEntries), 1}}, nil)
	if w.Dropped() != 1 || len(got.list) != 1 || !strings.Contains(got.list[0], "bytes") {
		t.Errorf("%d dropped, reports %q", w.Dropped(), got.list)
	}
	w.mu.Lock()
	file := w.snaps.file
	disk := &smallDisk{free: 10}
	w.snaps.file = disk
	w.mu.Unlock()
	lookSteps(w, 1, 9)
	if err := w.Sync(); err == nil || len(got.list) != 2 || !strings.Contains(got.list[1], snapshotsFile) {
		t.Errorf("%v, reports %q", err, got.list)
	}
	w.mu.Lock()
	begun := slices.Clone(disk.data)
	file.Write(begun)
	w.snaps.file = file
	w.mu.Unlock()
	if err := w.Close(Finished, ""); err == nil {
		t.Error("a line was lost and Close did not tell")
	} else if errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
	r := read(t, w.Dir())
	if n := len(r.Snapshots(CodebookSnapshot)); n != 8 || r.Damage() != (Damage{}) {
		t.Errorf("%d codebooks, damage %+v", n, r.Damage())
	}
}

// usualBatch is a row of 15 s: 749 frames, half of them masked, and the logits of 32.
func usualBatch() *Batch {
	random := rand.New(rand.NewPCG(6, 7))
	b := &Batch{ID: "1034-121119-0005", Speaker: "1034", Samples: 240_000, Rate: 16_000, Frames: 749, Rows: 8}
	for f := 5; f+10 < 749; f += 20 {
		b.Spans = append(b.Spans, [2]int{f, 10})
		for i := range 10 {
			b.Masked = append(b.Masked, MaskedFrame{f + i, []int{random.IntN(320), random.IntN(320)}, i%2 == 0, random.Float32(), random.Float32(), 0})
			if i > 0 || len(b.Logits) == 32 {
				continue
			}
			l := FrameLogits{Frame: f, Positive: 10 * random.Float32()}
			for range 100 {
				l.Negatives = append(l.Negatives, 10*random.Float32())
				l.At = append(l.At, random.IntN(749))
			}
			b.Logits = append(b.Logits, l)
		}
	}
	return b
}

func BenchmarkSnapshot(b *testing.B) {
	w, err := Create(filepath.Join(b.TempDir(), "run"), Meta{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close(Finished, "")
	s := &Snapshot{Batch: usualBatch()}
	b.ReportAllocs()
	for b.Loop() {
		w.Snapshot(s, nil)
	}
	b.ReportMetric(float64(len(w.line)), "B/line")
}

func BenchmarkParseSnapshot(b *testing.B) {
	line := appendSnapshot(nil, &Snapshot{Time: testTime, Batch: usualBatch()})
	for b.Loop() {
		if _, err := parseSnapshot(line[:len(line)-1-crcSuffix]); err != nil {
			b.Fatal(err)
		}
	}
}
