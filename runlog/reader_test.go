package runlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// metricsOf returns a metrics file of the steps (from, to].
func metricsOf(from, to int64) []byte {
	var b []byte
	for step := from + 1; step <= to; step++ {
		b = appendRecord(b, &Record{Step: step, Time: testTime, Kind: Train, Values: []Value{{"loss", float64(step)}}})
	}
	return b
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
}

// poll reads what there is and checks how many steps the loss has.
func poll(t *testing.T, r *Reader, want int) {
	t.Helper()
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	steps, values := r.Series("train/loss")
	if len(steps) != want {
		t.Fatalf("%d steps, want %d", len(steps), want)
	}
	for i, s := range steps {
		if s != int64(i+1) || values[i] != float64(s) {
			t.Fatalf("point %d is (%d, %v)", i, s, values[i])
		}
	}
}

func openIn(t *testing.T) (r *Reader, metrics string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, lockFile), nil)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, filepath.Join(dir, metricsFile)
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotRun) {
		t.Errorf("empty directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	if _, err := Open(file); !errors.Is(err, ErrNotRun) {
		t.Errorf("a file: %v", err)
	}
}

// A line is read when its newline is there, however the bytes arrive.
func TestTornEnd(t *testing.T) {
	r, path := openIn(t)
	poll(t, r, 0) // no file yet
	data := metricsOf(0, 3)
	for i, c := range data {
		add(t, path, []byte{c})
		poll(t, r, bytes.Count(data[:i+1], []byte{'\n'}))
	}
	if r.Damage() != (Damage{}) {
		t.Errorf("damage %+v", r.Damage())
	}
}

func TestDamagedLines(t *testing.T) {
	r, path := openIn(t)
	bad := metricsOf(2, 3)
	bad[10] ^= 1
	data := slices.Concat(metricsOf(0, 2), bad, []byte("not a line\n"), make([]byte, 100), []byte("\n"),
		bytes.Repeat([]byte("x"), 3*maxLine), []byte("\n"), metricsOf(2, 4), metricsOf(0, 1))
	write(t, path, data)
	poll(t, r, 4)
	if got, want := r.Damage(), (Damage{Lines: 4, Records: 1}); got != want {
		t.Errorf("damage %+v, want %+v", got, want)
	}
	if cap(r.metrics.buf) > 4*maxLine {
		t.Errorf("a long line made a buffer of %d bytes", cap(r.metrics.buf))
	}
}

// The metrics may be replaced by a longer copy (reading goes on), by other metrics, or cut (reading begins anew).
func TestReplacedFile(t *testing.T) {
	r, path := openIn(t)
	write(t, path, metricsOf(0, 10))
	poll(t, r, 10)
	write(t, path+".new", metricsOf(0, 12))
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	poll(t, r, 12)
	if r.Generation() != 0 {
		t.Error("a longer copy was taken for another file")
	}
	other := appendRecord(nil, &Record{Step: 1, Time: testTime, Kind: Valid, Values: []Value{{"loss", 1}}})
	write(t, path+".new", append(other, metricsOf(0, 20)...))
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	poll(t, r, 20)
	if r.Generation() != 1 {
		t.Error("another file was taken for a longer copy")
	}
	if err := os.Truncate(path, int64(len(other)+len(metricsOf(0, 5)))); err != nil {
		t.Fatal(err)
	}
	poll(t, r, 5)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	poll(t, r, 5) // a file that is gone may come back
	write(t, path, metricsOf(0, 6))
	poll(t, r, 6)
}

func TestBudget(t *testing.T) {
	r, path := openIn(t)
	write(t, path, metricsOf(0, 1000))
	total := 0
	for range 11 {
		n, more, err := r.Poll(Budget{Records: 100, Duration: time.Hour})
		if err != nil || n > 100 || more != (n == 100) {
			t.Fatalf("read %d, more %v, %v", n, more, err)
		}
		total += n
	}
	if total != 1000 {
		t.Errorf("read %d lines of 1000", total)
	}
	add(t, path, metricsOf(1000, 2000))
	n, more, err := r.Poll(Budget{Duration: time.Nanosecond})
	if n < 15-1000%16 || n > 16 || !more || err != nil {
		t.Errorf("no time: read %d, more %v, %v", n, more, err)
	}
	poll(t, r, 2000)
}

func TestLogIsBounded(t *testing.T) {
	r, path := openIn(t)
	var data []byte
	for i := range 3*logLinesKept + 7 {
		start := len(data)
		data = fmt.Appendf(data, `{"time":"2026-11-22T14:12:03Z","level":"INFO","msg":"%d"`, i)
		data = appendChecksum(data, start)
	}
	write(t, strings.Replace(path, metricsFile, logFile, 1), data)
	poll(t, r, 0)
	lines := r.Log()
	if len(lines) != logLinesKept || lines[len(lines)-1].Message != fmt.Sprint(3*logLinesKept+6) || len(r.lines) > 2*logLinesKept {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1].Message)
	}
}

// FuzzLine: no line makes the parsers panic, and what is accepted as a record is written back to the same record.
func FuzzLine(f *testing.F) {
	f.Add(string(metricsOf(0, 1)))
	f.Add(string(appendRecord(nil, benchmarkRecord())))
	event, err := appendEvent(nil, &Event{Kind: Alert, Time: testTime, Severity: Error, Message: "loss is NaN", Data: map[string]string{"rule": "non-finite"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(event))
	f.Add(`{"time":"2026-11-22T14:12:03Z","level":"INFO","msg":"hello","n":3`)
	f.Add(`{"step":1,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":"NaN","a":"Inf","b":-0e5}`)
	f.Fuzz(func(t *testing.T, line string) {
		// The parsers also get what has no checksum, or the fuzzer would never pass it.
		bodies := [][]byte{[]byte(line)}
		if body, err := checkLine([]byte(line)); err == nil {
			bodies = append(bodies, body)
		}
		for _, body := range bodies {
			parseEvent(body)
			parseLogLine(body)
			var p recordParser
			var got, again Record
			if p.parse(body, &got) != nil {
				continue
			}
			back := appendRecord(nil, &got)
			body, err := checkLine(back[:len(back)-1])
			if err != nil {
				t.Fatalf("written back: %v", err)
			}
			var q recordParser
			if err := q.parse(body, &again); err != nil || !sameRecord(&got, &again) {
				t.Fatalf("%v became %v, %v", got, again, err)
			}
		}
	})
}

// FuzzTail: a file that grows piece by piece reads like one that was there from the start, whatever is in it.
func FuzzTail(f *testing.F) {
	f.Add(metricsOf(0, 3), uint8(7))
	f.Add(append(metricsOf(0, 2), "torn\n\n\nx"...), uint8(200))
	f.Add(slices.Concat(metricsOf(4, 9), appendRecord(nil, &Record{Step: 6, Time: testTime, Kind: session}), metricsOf(6, 8)), uint8(50))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		grown, path := openIn(t)
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			if _, err := file.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
			if _, _, err := grown.Poll(Budget{Records: 3}); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := grown.Poll(Budget{}); err != nil {
			t.Fatal(err)
		}
		whole := read(t, filepath.Dir(path))
		if err := sameSeries(grown, whole); err != nil {
			t.Fatal(err)
		}
		if grown.Damage() != whole.Damage() || grown.Generation() != 0 {
			t.Fatalf("damage %+v and %+v, generation %d", grown.Damage(), whole.Damage(), grown.Generation())
		}
	})
}
