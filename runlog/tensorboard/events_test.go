package tensorboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/internal/tfrecord"
	"aural/runlog"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// frame returns the record of an event with scalars; with start, of the start of a process.
func frame(wall float64, step int64, start bool, scalars map[string]float64) []byte {
	e := protowire.AppendFixed64(protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type), math.Float64bits(wall))
	e = protowire.AppendVarint(protowire.AppendTag(e, eventStep, protowire.VarintType), uint64(step))
	if start {
		e = protowire.AppendBytes(protowire.AppendTag(e, eventSessionLog, protowire.BytesType), []byte{sessionStatus << 3, sessionStart})
	}
	var summary []byte
	for tag, v := range scalars {
		value := protowire.AppendString(protowire.AppendTag(nil, valueTag, protowire.BytesType), tag)
		value = protowire.AppendFixed32(protowire.AppendTag(value, valueSimple, protowire.Fixed32Type), math.Float32bits(float32(v)))
		summary = protowire.AppendBytes(protowire.AppendTag(summary, summaryValue, protowire.BytesType), value)
	}
	if summary != nil {
		e = protowire.AppendBytes(protowire.AppendTag(e, eventSummary, protowire.BytesType), summary)
	}
	return tfrecord.Append(nil, e)
}

// loss is a scalar of the tag loss.
func loss(wall float64, step int64, v float64) []byte {
	return frame(wall, step, false, map[string]float64{"loss": v})
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *Events {
	t.Helper()
	e, err := OpenEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	poll(t, e)
	return e
}

// poll reads all there is, also in files that are new.
func poll(t testing.TB, e *Events) {
	t.Helper()
	e.listed = time.Time{}
	for more := true; more; {
		var err error
		if _, more, err = e.Poll(runlog.Budget{}); err != nil {
			t.Fatal(err)
		}
	}
}

// show prints a series as step:value.
func show(e *Events, name string) string {
	steps, values := e.Series(name)
	var b strings.Builder
	for i := range steps {
		fmt.Fprintf(&b, " %d:%g", steps[i], values[i])
	}
	return strings.TrimPrefix(b.String(), " ")
}

// Files of other writers read as TensorBoard reads them; see testdata/make.py.
func TestOtherWriters(t *testing.T) {
	data, err := os.ReadFile("testdata/want.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string][][2]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"Loss/train": "train/loss", "Loss/test": "test/loss", "my_own__metric_": "train/my_own__metric_"}
	for log, path := range map[string]string{"pytorch": "testdata/pytorch", "v2": "testdata/v2.tfevents"} {
		e := open(t, path)
		if got := e.Names(); len(got) != len(want[log]) || len(got) == 0 || e.Damage() != (runlog.Damage{}) {
			t.Errorf("%s: series %v, damage %+v", log, got, e.Damage())
		}
		for tag, points := range want[log] {
			name := tag
			if names[tag] != "" {
				name = names[tag]
			}
			var text []string
			for _, p := range points {
				text = append(text, fmt.Sprintf("%v:%v", p[0], p[1]))
			}
			if got := show(e, name); got != strings.Join(text, " ") {
				t.Errorf("%s: %s is %s, want %s", log, name, got, strings.Join(text, " "))
			}
		}
	}
	e := open(t, "testdata/pytorch")
	if got := fmt.Sprint(e.Elapsed("train/loss")); got != "[0 10 20 30 40 50 60 70 70 80 90 100 110 120]" {
		t.Errorf("elapsed %s", got)
	}
}

// fairseq has a folder for each kind, and its losses are in bits.
func TestFairseq(t *testing.T) {
	e := open(t, "testdata/fairseq")
	want := "[train/accuracy train/contrastive_loss train/loss train/wps train_epoch/accuracy train_epoch/contrastive_loss train_epoch/loss " +
		"train_epoch/wps valid/accuracy valid/contrastive_loss valid/loss valid/wps]"
	if got := fmt.Sprint(e.Names()); got != want {
		t.Errorf("series %s", got)
	}
	for name, want := range map[string]float64{"train/contrastive_loss": math.Log(101), "valid/loss": 8 * math.Ln2, "train/accuracy": 0.25, "train/wps": 1000} {
		if step, v, ok := e.Last(name); !ok || step != 400 || math.Abs(v-want) > 1e-6 {
			t.Errorf("%s: %d, %v, want %v", name, step, v, want)
		}
	}
	// Without its folders, it is known by its other tags, also when they come later.
	path := filepath.Join(t.TempDir(), "a.tfevents")
	write(t, path, slices.Concat(loss(1, 1, 2), loss(2, 2, 4), frame(2, 2, false, map[string]float64{"wps": 5}), loss(3, 3, 6)))
	if got, want := show(open(t, path), "train/loss"), fmt.Sprintf("1:%g 2:%g 3:%g", 2*math.Ln2, 4*math.Ln2, 6*math.Ln2); got != want {
		t.Errorf("loss %s, want %s", got, want)
	}
}

// The mirror of one of our runs reads as the run does, in float32; also after it was resumed.
func TestOwnMirror(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	quiet := runlog.Options{Report: func(err error) { t.Error(err) }}
	w, err := runlog.Create(dir, runlog.Meta{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	record := func(step int64) {
		at = at.Add(10 * time.Second)
		w.Record(&runlog.Record{Step: step, Time: at, Kind: runlog.Train, Values: []runlog.Value{
			{Name: "loss", Value: 1 / float64(step)}, {Name: "code_perplexity/0", Value: math.NaN()}, {Name: "time/forward", Value: 3}, {Name: "mine", Value: math.Inf(1)}}})
		w.Record(&runlog.Record{Step: step, Time: at, Kind: runlog.Valid, Values: []runlog.Value{{Name: "loss", Value: float64(step)}}})
	}
	for step := range int64(20) {
		record(step + 1)
	}
	w.Close(runlog.Stopped, "")
	if w, err = runlog.Attach(dir, 10, nil, quiet); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	for step := range int64(5) {
		record(step + 11)
	}
	w.Close(runlog.Stopped, "")
	poll(t, e)
	r, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Poll(runlog.Budget{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Names(), r.Names()) || len(e.Names()) != 5 {
		t.Fatalf("series %v, want %v", e.Names(), r.Names())
	}
	for _, name := range r.Names() {
		gotSteps, got := e.Series(name)
		wantSteps, want := r.Series(name)
		if !slices.Equal(gotSteps, wantSteps) || len(got) != 15 {
			t.Fatalf("%s: steps %v, want %v", name, gotSteps, wantSteps)
		}
		for i := range got {
			if v := float64(float32(want[i])); got[i] != v && !(math.IsNaN(v) && math.IsNaN(got[i])) {
				t.Errorf("%s at step %d: %v, want %v", name, gotSteps[i], got[i], v)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := OpenEvents(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := OpenEvents(t.TempDir()); !errors.Is(err, ErrNoEvents) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := OpenEvents(os.DevNull); !errors.Is(err, ErrNoEvents) {
		t.Errorf("a device: %v", err)
	}
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.tfevents", i)), nil)
	}
	if _, err := OpenEvents(dir); err == nil || !strings.Contains(err.Error(), "more than 1000 event files") {
		t.Errorf("too many: %v", err)
	}
}

// A record is read when all of it is there, however the bytes arrive; damaged ones are passed over.
func TestGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tfevents")
	write(t, path, nil)
	e := open(t, path)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var data []byte
	ends := map[int]int{}
	for step := range int64(3) {
		data = append(data, loss(float64(step), step, 5)...)
		ends[len(data)] = int(step) + 1
	}
	want := 0
	for i, c := range data {
		if _, err := file.Write([]byte{c}); err != nil {
			t.Fatal(err)
		}
		if n, ok := ends[i+1]; ok {
			want = n
		}
		poll(t, e)
		if steps, _ := e.Series("train/loss"); len(steps) != want {
			t.Fatalf("%d points after %d bytes, want %d", len(steps), i+1, want)
		}
	}
	bad := loss(4, 4, 5)
	bad[20] ^= 1
	nonsense := tfrecord.Append(nil, []byte{0xff})
	large := tfrecord.Append(nil, make([]byte, maxMessage+1))
	negative := loss(4, -4, 5)
	if _, err := file.Write(slices.Concat(bad, nonsense, negative, large, loss(5, 5, 5), loss(6, 6, 5)[:20])); err != nil {
		t.Fatal(err)
	}
	poll(t, e)
	if got := show(e, "train/loss"); got != "0:5 1:5 2:5 5:5" || e.Damage() != (runlog.Damage{Lines: 1, Records: 2}) {
		t.Errorf("%s, damage %+v", got, e.Damage())
	}
	// Where a length is damaged, the rest of the file cannot be read.
	if _, err := file.Write(slices.Concat(loss(6, 6, 5)[20:], []byte("abcdefghijklmnop"), loss(7, 7, 5))); err != nil {
		t.Fatal(err)
	}
	poll(t, e)
	poll(t, e)
	if got := show(e, "train/loss"); got != "0:5 1:5 2:5 5:5 6:5" || e.Damage() != (runlog.Damage{Lines: 2, Records: 2}) {
		t.Errorf("%s, damage %+v", got, e.Damage())
	}
	if e.Generation() != 0 {
		t.Error("a file that grew was taken for another one")
	}
}

// A longer copy goes on; another file, or a shorter one, begins anew.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "1.tfevents")
	replace := func(data []byte) {
		write(t, path+".new", data)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	one := slices.Concat(loss(1, 1, 1), loss(2, 2, 2))
	replace(one)
	e := open(t, dir)
	replace(slices.Concat(one, loss(3, 3, 3)))
	poll(t, e)
	if got := show(e, "train/loss"); got != "1:1 2:2 3:3" || e.Generation() != 0 {
		t.Errorf("a longer copy: %s, generation %d", got, e.Generation())
	}
	replace(slices.Concat(loss(1, 1, 9), loss(2, 2, 9), loss(3, 3, 9), loss(4, 4, 9)))
	poll(t, e)
	if got := show(e, "train/loss"); got != "1:9 2:9 3:9 4:9" || e.Generation() != 1 {
		t.Errorf("another file: %s, generation %d", got, e.Generation())
	}
	if err := os.Truncate(path, int64(len(one))); err != nil {
		t.Fatal(err)
	}
	poll(t, e)
	if got := show(e, "train/loss"); got != "1:9 2:9" || e.Generation() != 2 {
		t.Errorf("a shorter file: %s, generation %d", got, e.Generation())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	poll(t, e)
	if got := show(e, "train/loss"); got != "1:9 2:9" {
		t.Errorf("a file that is gone: %s", got)
	}
}

// A process that continues voids what came after its step, and the time between processes does not count.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.tfevents"), slices.Concat(loss(100, 1, 1), loss(110, 2, 2), frame(120, 3, false, map[string]float64{"loss": 3, "acc": 3})))
	e := open(t, dir)
	// Known by its first step only.
	write(t, filepath.Join(dir, "2.tfevents"), slices.Concat(loss(900, 3, 30), loss(920, 4, 40)))
	poll(t, e)
	if got := show(e, "train/loss") + fmt.Sprint(e.Elapsed("train/loss")); got != "1:1 2:2 3:30 4:40[0 10 10 30]" {
		t.Errorf("after a smaller step: %s", got)
	}
	if got := show(e, "train/acc"); got != "3:3" {
		t.Errorf("a tag that does not go on: %s", got)
	}
	// It says so.
	write(t, filepath.Join(dir, "3.tfevents"), slices.Concat(frame(2000, 2, true, nil), loss(2010, 2, 200)))
	poll(t, e)
	if got := show(e, "train/loss") + fmt.Sprint(e.Elapsed("train/loss"), e.Names()); got != "1:1 2:200[0 10] [train/loss]" {
		t.Errorf("after the start of a process: %s", got)
	}
}

// Budgets are kept, and reading goes on where it stopped.
func TestBudget(t *testing.T) {
	dir := t.TempDir()
	for file := range 4 {
		var data []byte
		for i := range 100 {
			step := int64(100*file + i)
			data = append(data, loss(float64(step), step, 1)...)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%d.tfevents", file)), data)
	}
	e, err := OpenEvents(dir)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for more := true; more; {
		var n int
		if n, more, err = e.Poll(runlog.Budget{Records: 30, Duration: time.Hour}); err != nil || n > 30 {
			t.Fatalf("%d, %v", n, err)
		}
		total += n
	}
	if steps, _ := e.Series("train/loss"); total != 400 || len(steps) != 400 {
		t.Errorf("%d records, %d points", total, len(steps))
	}
	write(t, filepath.Join(dir, "5.tfevents"), loss(1000, 1000, 1))
	e.listed = time.Time{}
	if n, _, err := e.Poll(runlog.Budget{Duration: time.Nanosecond}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// However steps come, a series rises, ends with the last event, and holds after each step only what came later.
func TestStepsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := &folder{tags: make(map[string]*series)}
		e := &Events{}
		e.reset()
		f := &file{folder: in}
		want, last := map[string][]int64{}, map[string]*file{}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			step := rapid.Int64Range(0, 20).Draw(t, "step")
			if rapid.IntRange(0, 9).Draw(t, "file") == 0 {
				f = &file{folder: in}
			}
			later := func(s int64) bool { return s >= step }
			var scalars map[string]float64
			if rapid.IntRange(0, 9).Draw(t, "start") == 0 {
				for tag := range want {
					want[tag] = slices.DeleteFunc(want[tag], later)
				}
			} else {
				tag := rapid.SampledFrom([]string{"loss", "accuracy"}).Draw(t, "tag")
				scalars = map[string]float64{tag: float64(step)}
				if n := len(want[tag]); n > 0 && (want[tag][n-1] > step || want[tag][n-1] == step && f != last[tag]) {
					want[tag] = slices.DeleteFunc(want[tag], later)
				}
				want[tag] = append(want[tag], step)
				last[tag] = f
			}
			record := frame(rapid.Float64().Draw(t, "wall"), step, scalars == nil, scalars)
			if err := e.add(f, record[tfrecord.HeadSize:len(record)-tfrecord.TailSize]); err != nil {
				t.Fatal(err)
			}
			for tag, want := range want {
				steps, values := e.Series("train/" + tag)
				elapsed := e.Elapsed("train/" + tag)
				if !slices.Equal(steps, want) || len(values) != len(steps) || !slices.IsSorted(steps) || !slices.IsSorted(elapsed) || slices.Contains(elapsed, math.Inf(1)) {
					t.Fatalf("%s: steps %v, want %v; elapsed %v", tag, steps, want, elapsed)
				}
			}
		}
	})
}

// The numbers of IEEE 754-2008, table 3.5, with 10 bits of fraction.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint64]float64{0: 0, 1: 0x1p-24, 0x3ff: 0x1p-14 - 0x1p-24, 0x400: 0x1p-14, 0x3c00: 1, 0x3555: 0.333251953125, 0xc000: -2, 0x7bff: 65504,
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if got := half(bits); got != want {
			t.Errorf("%#x: %v, want %v", bits, got, want)
		}
	}
	if v := half(0x8000); v != 0 || !math.Signbit(v) || !math.IsNaN(half(0x7e00)) {
		t.Error("-0 or NaN")
	}
}

// FuzzFile: no file makes the reader panic, and one that grows reads like one that was there from the start.
func FuzzFile(f *testing.F) {
	for _, path := range []string{"testdata/v2.tfevents", "testdata/fairseq/valid/events.out.tfevents.1764338000.host"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint16(100))
	}
	f.Add(slices.Concat(frame(1, 1, true, nil), loss(1, 1, 1), loss(2, 1, 1), loss(1, 0, 1))[:150], uint16(13))
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		path := filepath.Join(t.TempDir(), "x.tfevents")
		write(t, path, nil)
		grown := open(t, path)
		for n := 0; n < len(data); {
			n = min(len(data), n+max(int(piece)+1, len(data)/50))
			write(t, path, data[:n])
			poll(t, grown)
		}
		whole := open(t, path)
		if a, b := fmt.Sprint(whole.Names(), whole.Damage()), fmt.Sprint(grown.Names(), grown.Damage()); a != b {
			t.Fatalf("%s and %s", a, b)
		}
		for _, name := range whole.Names() {
			if a, b := show(whole, name), show(grown, name); a != b {
				t.Fatalf("%s: %s and %s", name, a, b)
			}
		}
	})
}

// FuzzEvent: no message makes the parser panic, and no series gets steps that fall.
func FuzzEvent(f *testing.F) {
	for _, path := range []string{"testdata/v2.tfevents", "testdata/pytorch/events.out.tfevents.1764338001.host"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for len(data) > 0 {
			n, err := tfrecord.Length(data)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data[tfrecord.HeadSize : tfrecord.HeadSize+n])
			data = data[tfrecord.HeadSize+n+tfrecord.TailSize:]
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		e := &Events{}
		e.reset()
		file := &file{folder: &folder{tags: make(map[string]*series)}}
		for range 2 {
			e.add(file, message)
		}
		for _, name := range e.Names() {
			steps, values := e.Series(name)
			if !slices.IsSorted(steps) || len(values) != len(steps) || len(e.Elapsed(name)) != len(steps) {
				t.Fatalf("%s: %v", name, steps)
			}
		}
	})
}

func BenchmarkPoll(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.tfevents")
	var data []byte
	for step := range int64(50_000) {
		scalars := map[string]float64{}
		for i := range 20 {
			scalars[fmt.Sprintf("train/metric_%d", i)] = float64(i)
		}
		data = append(data, frame(float64(step), step, false, scalars)...)
	}
	write(b, path, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		e := open(b, path)
		if steps, _ := e.Series("train/metric_0"); len(steps) != 50_000 {
			b.Fatalf("%d points", len(steps))
		}
	}
}
