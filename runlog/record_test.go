package runlog

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testTime = time.Date(2026, 11, 22, 14, 12, 3, 250e6, time.UTC)

func TestRecordLine(t *testing.T) {
	r := &Record{Step: 3, Time: testTime, Kind: Train, Values: []Value{
		{"loss", 4.61}, {"code_perplexity/0", math.NaN()}, {"gradient_norm", math.Inf(1)}, {"x", math.Inf(-1)}, {"y", 1e-7}, {"z", math.Copysign(0, -1)}}}
	got := string(appendRecord(nil, r))
	// The checksum was computed with the crc32c package of PyPI, version 2.9.post0.
	want := `{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":4.61,"code_perplexity/0":"NaN",` +
		`"gradient_norm":"Inf","x":"-Inf","y":1e-07,"z":-0},"crc":"81d04cd1"}` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(got), &any); err != nil {
		t.Errorf("not JSON: %v", err)
	}
}

// genRecord draws records with every kind of number.
var genRecord = rapid.Custom(func(t *rapid.T) Record {
	return Record{
		Step: rapid.Int64Range(0, math.MaxInt64).Draw(t, "step"),
		Time: time.UnixMilli(rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "ms")).UTC(), // years 1 to 9999
		Kind: rapid.StringMatching(`[a-z_]{1,10}`).Filter(func(s string) bool { return s != session }).Draw(t, "kind"),
		Values: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Value {
			return Value{rapid.StringMatching(`[a-zA-Z0-9_/.%-]{1,20}`).Draw(t, "name"), math.Float64frombits(rapid.Uint64().Draw(t, "bits"))}
		}), 1, 30).Draw(t, "values"),
	}
})

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genRecord.Draw(t, "record")
		if err := want.check(); err != nil {
			t.Fatal(err)
		}
		line := appendRecord(nil, &want)
		body, err := checkLine(line[:len(line)-1])
		if err != nil {
			t.Fatal(err)
		}
		var p recordParser
		var got Record
		if err := p.parse(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if !sameRecord(&got, &want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// sameRecord compares bits; all NaNs are the same.
func sameRecord(a, b *Record) bool {
	if a.Step != b.Step || !a.Time.Equal(b.Time) || a.Kind != b.Kind || len(a.Values) != len(b.Values) {
		return false
	}
	for i, v := range a.Values {
		w := b.Values[i]
		if v.Name != w.Name || math.Float64bits(v.Value) != math.Float64bits(w.Value) && !(math.IsNaN(v.Value) && math.IsNaN(w.Value)) {
			return false
		}
	}
	return true
}

// Every damaged byte, every torn end and every doubled byte of a line is found.
func TestLineDamage(t *testing.T) {
	line := appendRecord(nil, &Record{Step: 3, Time: testTime, Kind: Train, Values: []Value{{"loss", 4.61}, {"accuracy", 0.25}}})
	line = line[:len(line)-1]
	if _, err := checkLine(line); err != nil {
		t.Fatal(err)
	}
	for i := range line {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
			bad := append([]byte(nil), line...)
			bad[i] ^= bit
			if _, err := checkLine(bad); err == nil {
				t.Fatalf("bit %d of byte %d: not found", bit, i)
			}
		}
		if _, err := checkLine(line[:i]); err == nil {
			t.Fatalf("torn after %d bytes: not found", i)
		}
		if _, err := checkLine(append(append([]byte(nil), line[:i+1]...), line[i:]...)); err == nil {
			t.Fatalf("byte %d doubled: not found", i)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{
		``, `{`, `{"step":3`,
		`{"step":-3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-02-31T14:12:03.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:60:03.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:60.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.2x0Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.25xZ","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22 14:12:03.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T24:12:03.250Z","kind":"train","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"","values":{"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":0x1p3}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":1_0}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":1e999}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"lo ss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":1,}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{,"loss":1}`,
		`{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":1}}`,
	} {
		var p recordParser
		var r Record
		if err := p.parse([]byte(body), &r); err == nil {
			t.Errorf("accepted %s as %v", body, r)
		}
	}
}

func benchmarkRecord() *Record {
	r := &Record{Step: 123456, Time: testTime, Kind: Train}
	for i, m := range Metrics()[:20] {
		r.Values = append(r.Values, Value{m.Name, math.Sqrt(float64(i + 2))})
	}
	return r
}

func BenchmarkAppendRecord(b *testing.B) {
	r := benchmarkRecord()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkParseRecord(b *testing.B) {
	line := appendRecord(nil, benchmarkRecord())
	c := newColumns()
	var p recordParser
	var r Record
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		body, err := checkLine(line[:len(line)-1])
		if err == nil {
			err = p.parse(body, &r)
		}
		if err != nil {
			b.Fatal(err)
		}
		if !c.add(&r) {
			b.Fatal("refused")
		}
	}
}
