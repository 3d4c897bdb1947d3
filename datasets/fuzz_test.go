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
			for _, c := range []*byteColumn{&b.id, &b.speaker, &b.transcript, &b.split, &b.sum, &b.audio, &b.path} {
				s := c.span(row)
				if s == null {
					continue
				}
				if !s.inside(int64(len(data))) || !bytes.Equal(c.value(row), data[s.at:][:s.len]) {
					t.Fatalf("row %d: %+v does not lie in %d bytes, or value differs from span", row, s, len(data))
				}
			}
			if _, err := b.index(row, 0, PCM); err != nil && !errors.Is(err, ErrCorrupt) {
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

// sealIndex makes all checksums of an index right, as an attacker would.
func sealIndex(index []byte, rows int) {
	le, at := binary.LittleEndian, indexHeader
	tail := indexHeader + (indexLength+indexRow)*rows
	if len(index) < tail {
		return
	}
	sums := len(index) - 4 - 8*blocksOf(rows)
	if sums < tail {
		return
	}
	for k, size := range []int{indexLength, indexRow} {
		for block := range blocksOf(rows) {
			n := min(blockRows, rows-block*blockRows) * size
			le.PutUint32(index[sums+4*(k*blocksOf(rows)+block):], castagnoli(index[at:at+n]))
			at += n
		}
	}
	le.PutUint32(index[len(index)-4:], castagnoli(append(index[:indexHeader:indexHeader], index[tail:len(index)-4]...)))
}

// readAll reads everything of a store through an index. Whatever the index says, that must be safe.
func readAll(t *testing.T, s *Store, index []byte) error {
	file := memoryFile(index)
	x, err := openIndex(&file, index, &s.info)
	if err != nil {
		return err
	}
	damaged := Store{info: s.info, shards: s.shards, index: x}
	for i := range damaged.Len() {
		_, err = damaged.Utterance(i)
		samples, lengthErr := damaged.Samples(i)
		pcm, pcmErr := damaged.PCM(i)
		if pcmErr == nil && len(pcm) != 2*samples {
			t.Fatalf("row %d has %d bytes of samples, the index says %d samples", i, len(pcm), samples)
		}
		if err = errors.Join(err, lengthErr, pcmErr); err != nil {
			return err
		}
	}
	_, err = damaged.View()
	return err
}

// FuzzIndex damages the index. One that is accepted must be safe to read with.
func FuzzIndex(f *testing.F) {
	dir := makeStore(f, ImportOptions{ShardBytes: 1500}, 400, 401, 402, 403)
	good, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		f.Fatal(err)
	}
	s := openStore(f, dir)
	f.Add(good, true)
	f.Add(good[:indexHeader], true)
	f.Add([]byte(nil), false)
	f.Add(bytes.Replace(good, []byte{0x90, 1}, []byte{0xFF, 0xFF}, -1), true)
	f.Fuzz(func(t *testing.T, index []byte, sign bool) {
		if index = slices.Clone(index); sign {
			sealIndex(index, s.Len())
		}
		if err := readAll(t, s, index); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v is not ErrCorrupt", err)
		}
	})
}

// Each place of a row that a reader follows, moved outside with right checksums.
func TestIndexMustStayInsideTheShards(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{}, 400, 401))
	good, err := os.ReadFile(filepath.Join(s.Where(), indexFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := readAll(t, s, good); err != nil {
		t.Fatal(err)
	}
	size := uint64(s.info.Shards[0].Bytes)
	lengths, rows := indexHeader+indexLength, indexHeader+2*indexLength+indexRow // of the second row, which has all texts
	for name, c := range map[string]struct {
		at    int
		width int
		value uint64
	}{
		"samples": {lengths, 4, 1 << 20}, "speaker": {lengths + 4, 4, 2}, "shard": {rows, 4, 1},
		"audio length": {rows + 8, 4, size + 1}, "no audio": {rows + 8, 4, nullLength}, "no id": {rows + 12, 4, nullLength},
		"id length": {rows + 12, 4, size}, "transcript length": {rows + 16, 4, size}, "path length": {rows + 24, 4, size},
		"audio offset": {rows + 32, 8, size - 10}, "negative audio offset": {rows + 32, 8, 1 << 63}, "id offset": {rows + 40, 8, size},
		"transcript offset": {rows + 48, 8, 1<<64 - 1}, "path offset": {rows + 64, 8, size + 1},
		"speakers": {24, 4, 3}, "names": {28, 4, 1}, "rows": {16, 8, 1}, "version": {8, 4, 1},
	} {
		index := slices.Clone(good)
		if c.width == 4 {
			binary.LittleEndian.PutUint32(index[c.at:], uint32(c.value))
		} else {
			binary.LittleEndian.PutUint64(index[c.at:], c.value)
		}
		sealIndex(index, s.Len())
		if err := readAll(t, s, index); !errors.Is(err, ErrCorrupt) {
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
