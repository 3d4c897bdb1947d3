package datasets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzStream feeds the stream loader shards with damage anywhere. It may refuse them, with ErrCorrupt, or read them, but
// every value that it gives must lie in the shard.
func FuzzStream(f *testing.F) {
	dir := makeStore(f, ImportOptions{}, 400, 401, 402, 403)
	shard, err := os.ReadFile(filepath.Join(dir, shardName(0, 1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shard)
	f.Add(shard[:len(shard)-8])
	f.Add(append(slices.Clone(shard), 0))
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Add([]byte("ARROW1\x00\x00"))
	f.Fuzz(checkStream)
}

func checkStream(t *testing.T, data []byte) {
	err := readStream(data, func(b *recordBatch) error {
		for row := range b.rows {
			for _, c := range []*byteColumn{&b.id, &b.speaker, &b.transcript, &b.audio, &b.path} {
				s := c.span(row)
				if s == null {
					continue
				}
				if !s.inside(int64(len(data))) || !bytes.Equal(c.value(row), data[s.at:][:s.len]) {
					t.Fatalf("row %d: %+v does not lie in %d bytes, or value differs from span", row, s, len(data))
				}
			}
			if _, err := b.index(row, 0); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("row %d: %v", row, err)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrCorrupt) {
		t.Fatalf("%v is not ErrCorrupt", err)
	}
}

// Most bytes of a shard are audio, where damage does nothing, so a fuzzer wastes its time there. This puts the numbers that
// break length checks at every place of a shard.
func TestStreamSurvivesBadNumbersEverywhere(t *testing.T) {
	dir := makeStore(t, ImportOptions{}, 400, 401, 402)
	shard, err := os.ReadFile(filepath.Join(dir, shardName(0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for at := range len(shard) - 8 {
		now := uint64(binary.LittleEndian.Uint32(shard[at:]))
		for _, bad := range []uint64{now - 1, now + 1, now - 4, now + 4, now - 8, now + 8, 0, 1, 1 << 31, 1<<31 - 1, 1<<32 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 8} {
			damaged := slices.Clone(shard)
			binary.LittleEndian.PutUint64(damaged[at:], bad)
			checkStream(t, damaged)
			copy(damaged, shard)
			binary.LittleEndian.PutUint32(damaged[at:], uint32(bad))
			checkStream(t, damaged)
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	dir := makeStore(t, ImportOptions{}, 400, 401, 402)
	shard, err := os.ReadFile(filepath.Join(dir, shardName(0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{
		"bytes after the end":    append(slices.Clone(shard), 0),
		"without its end":        shard[:len(shard)-8],
		"no schema":              shard[len(shard)-8:],
		"continuation marker":    []byte("ARROW1\x00\x00"),
		"metadata of":            shard[:100],
		"body of":                shard[:len(shard)-1000],
		"is \"ie\" of type 5":    bytes.Replace(shard, []byte("\x02\x00\x00\x00id\x00"), []byte("\x02\x00\x00\x00ie\x00"), 1),
		"is \"bytez\" of type 4": bytes.Replace(shard, []byte("\x05\x00\x00\x00bytes\x00"), []byte("\x05\x00\x00\x00bytez\x00"), 1),
	} {
		if err := readStream(data, func(*recordBatch) error { return nil }); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestBuffersThatAreTooShort(t *testing.T) {
	for name, read := range map[string]func(*bufferReader){
		"validity": func(r *bufferReader) { r.validity() }, // 1 byte for 9 rows
		"fixed":    func(r *bufferReader) { r.fixed(8) },
		"offsets":  func(r *bufferReader) { r.nodes[0][1] = 0; r.buffers[1] = [2]int64{0, 36}; r.bytes() }, // 9 of 10 offsets
		"beyond":   func(r *bufferReader) { r.buffers[0] = [2]int64{60, 5}; r.next() },
		"negative": func(r *bufferReader) { r.buffers[0] = [2]int64{-1, 5}; r.next() },
	} {
		r := bufferReader{body: make([]byte, 64), buffers: [][2]int64{{0, 1}, {0, 40}, {0, 0}}, nodes: [][2]int64{{9, 1}}, rows: 9}
		if read(&r); !errors.Is(r.err, ErrCorrupt) {
			t.Errorf("%s: %v", name, r.err)
		}
	}
}

// FuzzIndex damages the index and gives it a right checksum, as an attacker would. An index that is accepted must be safe to
// read with.
func FuzzIndex(f *testing.F) {
	dir := makeStore(f, ImportOptions{ShardBytes: 1500}, 400, 401, 402, 403)
	good, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		f.Fatal(err)
	}
	s := openStore(f, dir)
	f.Add(good[:len(good)-4], true)
	f.Add(good[:indexHeader], true)
	f.Add([]byte(nil), false)
	f.Add(bytes.Replace(good[:len(good)-4], []byte{0x90, 1}, []byte{0xFF, 0xFF}, -1), true)
	f.Fuzz(func(t *testing.T, index []byte, sign bool) {
		if sign {
			index = binary.LittleEndian.AppendUint32(slices.Clone(index), castagnoli(index))
		}
		if err := checkIndex(index, &s.info); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		damaged := Store{info: s.info, shards: s.shards, index: index}
		for i := range damaged.Len() {
			damaged.Utterance(i)
			if pcm, err := damaged.PCM(i); err == nil && len(pcm) != 2*damaged.Samples(i) {
				t.Fatalf("row %d has %d bytes of samples, the index says %d samples", i, len(pcm), damaged.Samples(i))
			}
		}
		damaged.View()
	})
}

// Each place of a row that a reader follows, moved outside with a right checksum.
func TestIndexMustStayInsideTheShards(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{}, 400, 401))
	size := uint64(s.info.Shards[0].Bytes)
	for name, c := range map[string]struct {
		at    int // in the row
		width int
		value uint64
	}{
		"shard": {0, 4, 1}, "samples": {4, 4, 1 << 20}, "WAV offset": {8, 8, size - 10}, "negative WAV offset": {8, 8, 1 << 63},
		"WAV length": {16, 4, size + 1}, "no WAV": {16, 4, nullLength}, "no id": {20, 4, nullLength}, "id length": {20, 4, size},
		"speaker length": {24, 4, size}, "transcript length": {28, 4, size}, "id offset": {32, 8, size}, "speaker offset": {40, 8, size + 1},
		"transcript offset": {48, 8, 1<<64 - 1},
	} {
		index := slices.Clone(s.index[:len(s.index)-4])
		row := index[indexHeader+indexRow:] // of the second row, which has all three texts
		if c.width == 4 {
			binary.LittleEndian.PutUint32(row[c.at:], uint32(c.value))
		} else {
			binary.LittleEndian.PutUint64(row[c.at:], c.value)
		}
		index = binary.LittleEndian.AppendUint32(index, castagnoli(index))
		if err := checkIndex(index, &s.info); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzInfo(f *testing.F) {
	dir := makeStore(f, ImportOptions{ShardBytes: 1500}, 400, 401)
	data, err := os.ReadFile(filepath.Join(dir, InfoFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format_version":1}`))
	f.Add([]byte(`{"format_version":1,"files":[{"name":"../../x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parseInfo(data)
		if err != nil {
			return
		}
		if again, err := in.encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted but not canonical (%v)", err)
		}
		for _, file := range slices.Concat(in.Shards, in.Files) {
			if strings.ContainsAny(file.Name, `/`) || file.Name == ".." {
				t.Fatalf("file name %q", file.Name)
			}
		}
	})
}
