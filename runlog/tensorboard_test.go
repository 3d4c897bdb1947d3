package runlog

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The decoder below shares nothing with the writer: the wire format of protocol buffers is read by hand, as
// https://protobuf.dev/programming-guides/encoding describes it, with the field numbers of TensorBoard's event.proto and
// summary.proto. tools/check_tensorboard.py does the same with TensorBoard itself.

type boardEvent struct {
	wallTime    float64
	step        int64
	version     string
	start       bool
	values      map[string]float32
	description map[string]string
}

// fields splits a message: for each field its number and its bytes (of varints, 8 bytes little endian).
func fields(t *testing.T, msg []byte, visit func(number int, data []byte)) {
	t.Helper()
	uvarint := func() uint64 {
		v, n := binary.Uvarint(msg)
		if n <= 0 {
			t.Fatalf("bad varint in % x", msg)
		}
		msg = msg[n:]
		return v
	}
	for len(msg) > 0 {
		key := uvarint()
		var data []byte
		switch key & 7 {
		case 0:
			data = binary.LittleEndian.AppendUint64(nil, uvarint())
		case 1:
			data, msg = msg[:8], msg[8:]
		case 2:
			n := uvarint()
			data, msg = msg[:n], msg[n:]
		case 5:
			data, msg = msg[:4], msg[4:]
		default:
			t.Fatalf("wire type %d", key&7)
		}
		visit(int(key>>3), data)
	}
}

func decodeBoard(t *testing.T, data []byte) []boardEvent {
	t.Helper()
	unmask := func(b []byte) uint32 {
		v := binary.LittleEndian.Uint32(b) - 0xa282ead8
		return v>>17 | v<<15
	}
	sum := func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	var events []boardEvent
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		if unmask(data[8:]) != sum(data[:8]) {
			t.Fatal("bad checksum of a length")
		}
		msg := data[12 : 12+n]
		if unmask(data[12+n:]) != sum(msg) {
			t.Fatal("bad checksum of an event")
		}
		data = data[16+n:]
		e := boardEvent{values: map[string]float32{}, description: map[string]string{}}
		fields(t, msg, func(number int, data []byte) {
			switch number {
			case 1:
				e.wallTime = math.Float64frombits(binary.LittleEndian.Uint64(data))
			case 2:
				e.step = int64(binary.LittleEndian.Uint64(data))
			case 3:
				e.version = string(data)
			case 5:
				fields(t, data, func(_ int, value []byte) {
					var tag, description string
					var v float32
					fields(t, value, func(number int, data []byte) {
						switch number {
						case 1:
							tag = string(data)
						case 2:
							v = math.Float32frombits(binary.LittleEndian.Uint32(data))
						case 9:
							fields(t, data, func(number int, data []byte) {
								if number == 3 {
									description = string(data)
								}
							})
						}
					})
					e.values[tag] = v
					if description != "" {
						e.description[tag] = description
					}
				})
			case 7:
				fields(t, data, func(number int, data []byte) { e.start = number == 1 && data[0] == 1 })
			}
		})
		events = append(events, e)
	}
	return events
}

func boardFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, boardDir, "events.out.tfevents.*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTensorBoard(t *testing.T) {
	w := create(t, Options{Report: quiet(t)})
	w.Record(&Record{Step: 1, Time: testTime, Kind: Train, Values: []Value{{"loss", 4.5}, {"accuracy", math.NaN()}, {"own", math.Inf(1)}}})
	w.Record(&Record{Step: 1 << 40, Time: testTime, Kind: Train, Values: []Value{{"loss", 4.25}}})
	if err := w.Close(Stopped, ""); err != nil {
		t.Fatal(err)
	}
	files := boardFiles(t, w.Dir())
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	e := decodeBoard(t, data)
	if len(e) != 4 || e[0].version != "brain.Event:2" || !e[1].start || e[1].step != 1 {
		t.Fatalf("events %+v", e)
	}
	first := e[2]
	if first.step != 1 || math.Abs(first.wallTime-float64(testTime.UnixMilli())/1e3) > 1e-5 || len(first.values) != 3 ||
		first.values["train/loss"] != 4.5 || first.values["train/accuracy"] == first.values["train/accuracy"] || !math.IsInf(float64(first.values["train/own"]), 1) {
		t.Errorf("first record %+v", first)
	}
	if len(first.description) != 2 || first.description["train/loss"] == "" {
		t.Errorf("descriptions %q", first.description)
	}
	if e[3].step != 1<<40 || e[3].values["train/loss"] != 4.25 || len(e[3].description) != 0 {
		t.Errorf("second record %+v", e[3])
	}

	w, err = Attach(w.Dir(), 7, nil, Options{Report: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	w.Close(Stopped, "")
	if files = boardFiles(t, w.Dir()); len(files) != 2 {
		t.Fatalf("files after a resume: %q", files)
	}
	if data, err = os.ReadFile(files[1]); err != nil {
		t.Fatal(err)
	}
	if e := decodeBoard(t, data); len(e) != 2 || !e[1].start || e[1].step != 8 {
		t.Errorf("events of the resumed process %+v", e)
	}
}
