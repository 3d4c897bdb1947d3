package corpora

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// arrowSeeds are the files that pyarrow wrote.
func arrowSeeds(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "hf", "*.arrow"))
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	seeds := map[string][]byte{}
	for _, file := range files {
		if seeds[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return seeds
}

// readArrow opens the file and reads all items. Whatever is in it, it ends with items, faults or an error.
func readArrow(t testing.TB, file string) (items int, err error) {
	t.Helper()
	src, err := HuggingFace(file, "")
	if err != nil {
		return 0, err
	}
	for item, err := range src.Items() {
		if err != nil {
			return items, err
		}
		if item.ID == "" || item.Fault == nil && (item.Data == nil) == (item.Path == "") {
			t.Fatalf("%+v", item)
		}
		items++
	}
	if items != src.Total() {
		t.Fatalf("%d items, Total is %d", items, src.Total())
	}
	return items, nil
}

// Any byte of a file may be wrong. In the metadata it is mostly noticed, and nothing panics or takes much memory.
func TestArrowDamaged(t *testing.T) {
	for name, data := range arrowSeeds(t) {
		file := filepath.Join(t.TempDir(), name)
		failed := 0
		for at := 0; at < len(data); at += 1 + at%23 {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1 << (at % 8)
			if at%5 == 0 {
				damaged[at] = 0xFF
			}
			writeFileAt(t, file, damaged)
			if _, err := readArrow(t, file); err != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("%s: no damage was noticed", name)
		}
	}
}

func TestArrowCut(t *testing.T) {
	for name, data := range arrowSeeds(t) {
		file := filepath.Join(t.TempDir(), name)
		for n := 0; n < len(data)-8; n += 37 {
			writeFileAt(t, file, data[:n])
			if items, err := readArrow(t, file); err == nil && items == 0 {
				t.Fatalf("%s cut to %d bytes is empty without an error", name, n)
			}
		}
	}
}

// A schema whose fields share their children stands for 2^40 fields, one with a cycle for infinitely many.
func TestArrowSchemaBomb(t *testing.T) {
	bomb := func(levels int) []byte {
		b := flatbuffers.NewBuilder(0)
		var child flatbuffers.UOffsetT
		for range levels {
			var children flatbuffers.UOffsetT
			if child != 0 {
				b.StartVector(4, 2, 4)
				b.PrependUOffsetT(child)
				b.PrependUOffsetT(child)
				children = b.EndVector(2)
			}
			name := b.CreateString("f")
			b.StartObject(0)
			structure := b.EndObject()
			b.StartObject(7)
			b.PrependUOffsetTSlot(0, name, 0)
			b.PrependByteSlot(2, 13, 0)
			b.PrependUOffsetTSlot(3, structure, 0)
			if children != 0 {
				b.PrependUOffsetTSlot(5, children, 0)
			}
			child = b.EndObject()
		}
		b.StartVector(4, 1, 4)
		b.PrependUOffsetT(child)
		fields := b.EndVector(1)
		b.StartObject(4)
		b.PrependUOffsetTSlot(1, fields, 0)
		schema := b.EndObject()
		b.StartObject(5)
		b.PrependInt16Slot(0, 4, 0)
		b.PrependByteSlot(1, headerSchema, 0)
		b.PrependUOffsetTSlot(2, schema, 0)
		b.Finish(b.EndObject())
		metadata := b.FinishedBytes()
		metadata = append(metadata, make([]byte, (8-len(metadata)%8)%8)...)
		return append(binary.LittleEndian.AppendUint32([]byte{0xFF, 0xFF, 0xFF, 0xFF}, uint32(len(metadata))), metadata...)
	}
	for levels, says := range map[int]string{2: "no column holds audio", 31: "more than 16384 fields", 100: "more than 16384 fields"} {
		file := filepath.Join(t.TempDir(), "x.arrow")
		writeFileAt(t, file, bomb(levels))
		if _, err := readArrow(t, file); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d levels: %v, want %q", levels, err, says)
		}
	}
}

// A compressed buffer claims its size.
func TestArrowInflation(t *testing.T) {
	data := arrowSeeds(t)["stream-lz4.arrow"]
	lz4 := []byte{0x04, 0x22, 0x4D, 0x18}
	at := bytes.Index(data, lz4)
	if at < 8 {
		t.Fatal("no lz4 frame")
	}
	binary.LittleEndian.PutUint64(data[at-8:], 1<<40)
	file := filepath.Join(t.TempDir(), "x.arrow")
	writeFileAt(t, file, data)
	if _, err := readArrow(t, file); err == nil || !strings.Contains(err.Error(), "a buffer of 1099511627776 bytes, the message justifies") {
		t.Error(err)
	}
}

func FuzzArrow(f *testing.F) {
	for _, data := range arrowSeeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.arrow")
		writeFileAt(t, file, data)
		_, _ = readArrow(t, file) // it is the invariants of readArrow that are tested
	})
}
