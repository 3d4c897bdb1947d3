package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"sync/atomic"
)

// The side index says where the values of a row lie, so that a random read parses no Arrow metadata. It holds nothing that
// the shards do not hold and is rebuilt from them when it is missing. It is read in blocks of blockRows rows, and a block
// is checked when it is first touched: opening a store of ten million rows reads the header and the tail. All numbers are
// little-endian:
//
//	header    magic "AURALIDX", version u32, shards u32, rows u64, speakers u32, length of names u32,
//	          SHA-256 of the shard list                                                              64 bytes
//	lengths   samples u32, speaker u32 of each row                                                     8 bytes each
//	rows      see rowIndex.append                                                                    112 bytes each
//	speakers  length u32 and name of each speaker; speaker 0 is the unknown one, ""
//	tail      CRC-32C of each block of lengths, then of each block of rows, then of header, speakers and these sums
const (
	indexMagic   = "AURALIDX"
	indexVersion = 2
	indexHeader  = 8 + 4 + 4 + 8 + 4 + 4 + sha256.Size
	indexLength  = 8
	indexRow     = 112
	blockRows    = 4096
	nullLength   = math.MaxUint32
)

// rowIndex is one row of the index.
type rowIndex struct {
	samples, speaker            int
	shard                       int
	texts                       uint32 // CRC-32C of the row's texts, see textSum
	audio                       span   // the encoded audio: a WAV or FLAC file
	id, transcript, split, path span
	start                       float64
	sum                         [sha256.Size]byte // SHA-256 of the PCM bytes
}

func castagnoli(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// textSum is the checksum of everything in a row but its audio.
func textSum(id, speaker, transcript, split, path []byte, start float64) uint32 {
	table, sum := crc32.MakeTable(crc32.Castagnoli), uint32(0)
	var word [8]byte
	for _, text := range [][]byte{id, speaker, transcript, split, path} {
		binary.LittleEndian.PutUint64(word[:], uint64(len(text)))
		sum = crc32.Update(crc32.Update(sum, table, word[:]), table, text)
	}
	binary.LittleEndian.PutUint64(word[:], math.Float64bits(start))
	return crc32.Update(sum, table, word[:])
}

// append appends the part of the row that lies in the section rows: shard u32, texts u32, lengths of audio, id, transcript,
// split and path 5 × u32, 4 zero bytes, their offsets 5 × u64, start f64, sum 32 bytes. A null text has length 0xFFFFFFFF.
func (r *rowIndex) append(dst []byte) []byte {
	le := binary.LittleEndian
	spans := [...]span{r.audio, r.id, r.transcript, r.split, r.path}
	dst = le.AppendUint32(dst, uint32(r.shard))
	dst = le.AppendUint32(dst, r.texts)
	for _, s := range spans {
		dst = le.AppendUint32(dst, uint32(s.len)) // null.len is -1, which becomes nullLength
	}
	dst = le.AppendUint32(dst, 0)
	for _, s := range spans {
		dst = le.AppendUint64(dst, uint64(s.at))
	}
	dst = le.AppendUint64(dst, math.Float64bits(r.start))
	return append(dst, r.sum[:]...)
}

// read decodes what append wrote.
func (r *rowIndex) read(b []byte) {
	le := binary.LittleEndian
	r.shard, r.texts = int(le.Uint32(b)), le.Uint32(b[4:])
	for k, s := range [...]*span{&r.audio, &r.id, &r.transcript, &r.split, &r.path} {
		if *s = null; le.Uint32(b[8+4*k:]) != nullLength {
			*s = span{int64(le.Uint64(b[32+8*k:])), int(le.Uint32(b[8+4*k:]))}
		}
	}
	r.start = math.Float64frombits(le.Uint64(b[72:]))
	copy(r.sum[:], b[80:])
}

func (s span) inside(size int64) bool {
	return s.at >= 0 && s.len >= 0 && s.at <= size && int64(s.len) <= size-s.at
}

func appendIndexHeader(dst []byte, in *Info, speakers, names int) []byte {
	digest, le := in.shardsDigest(), binary.LittleEndian
	dst = append(dst, indexMagic...)
	dst = le.AppendUint32(dst, indexVersion)
	dst = le.AppendUint32(dst, uint32(len(in.Shards)))
	dst = le.AppendUint64(dst, uint64(in.Rows))
	dst = le.AppendUint32(dst, uint32(speakers))
	dst = le.AppendUint32(dst, uint32(names))
	return append(dst, digest[:]...)
}

// index is an open index. Many goroutines may use it at once.
type index struct {
	file     File
	mapped   []byte // the whole file, when it lies in memory
	info     *Info
	speakers []string
	sums     []byte                   // of the blocks
	blocks   []atomic.Pointer[[]byte] // the checked ones: lengths, then rows
}

// section is a part of the index that consists of blocks.
type section struct {
	at    int64 // where it begins
	size  int   // bytes of a row
	first int   // number of its first block
}

func blocksOf(rows int) int { return (rows + blockRows - 1) / blockRows }

func (x *index) lengths() section { return section{indexHeader, indexLength, 0} }
func (x *index) rows() section {
	return section{indexHeader + indexLength*int64(x.info.Rows), indexRow, blocksOf(x.info.Rows)}
}

// openIndex reads the header and the tail of an index and makes sure that it belongs to the store. mapped is the content of
// the file when it lies in memory.
func openIndex(file File, mapped []byte, in *Info) (*index, error) {
	x := &index{file: file, mapped: mapped, info: in, blocks: make([]atomic.Pointer[[]byte], 2*blocksOf(in.Rows))}
	header, err := x.read(0, indexHeader)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if version := le.Uint32(header[8:]); string(header[:8]) != indexMagic || version != indexVersion {
		return nil, fmt.Errorf("index is of another kind or version: %w", ErrCorrupt)
	}
	speakers, names := le.Uint32(header[24:]), le.Uint32(header[28:])
	if string(header) != string(appendIndexHeader(nil, in, int(speakers), int(names))) {
		return nil, fmt.Errorf("index is of other shards: %w", ErrCorrupt)
	}
	at := indexHeader + int64(indexLength+indexRow)*int64(in.Rows)
	tail := int64(names) + 4*int64(len(x.blocks)) + 4
	if file.Size() != at+tail {
		return nil, fmt.Errorf("index has %d bytes, %d rows and %d bytes of names need %d: %w", file.Size(), in.Rows, names, at+tail, ErrCorrupt)
	}
	end, err := x.read(at, int(tail))
	if err != nil {
		return nil, err
	}
	if castagnoli(append(header[:indexHeader:indexHeader], end[:tail-4]...)) != le.Uint32(end[tail-4:]) {
		return nil, fmt.Errorf("index fails its checksum: %w", ErrCorrupt)
	}
	x.sums = end[names : tail-4]
	x.speakers, err = parseNames(end[:names], int(speakers))
	return x, err
}

func parseNames(b []byte, n int) ([]string, error) {
	if n > len(b)/4 {
		return nil, fmt.Errorf("index has %d speakers in %d bytes: %w", n, len(b), ErrCorrupt)
	}
	names := make([]string, n)
	for i := range names {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, fmt.Errorf("index has no name for speaker %d: %w", i, ErrCorrupt)
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		names[i], b = string(b[4:end]), b[end:]
	}
	if n == 0 || names[0] != "" || len(b) > 0 {
		return nil, fmt.Errorf("index has no list of %d speakers that begins with the unknown one: %w", n, ErrCorrupt)
	}
	return names, nil
}

// read returns n bytes at offset at: a part of the mapped file, or new memory.
func (x *index) read(at int64, n int) ([]byte, error) {
	if at+int64(n) > x.file.Size() {
		return nil, fmt.Errorf("index ends at byte %d: %w", x.file.Size(), ErrCorrupt)
	}
	if x.mapped != nil {
		return x.mapped[at : at+int64(n) : at+int64(n)], nil
	}
	b := make([]byte, n)
	return b, readFull(x.file, b, at)
}

// block returns a block of a section, which it checks the first time. Two goroutines may do that at once.
func (x *index) block(s section, k int) ([]byte, error) {
	if b := x.blocks[s.first+k].Load(); b != nil {
		return *b, nil
	}
	rows := min(blockRows, x.info.Rows-k*blockRows)
	b, err := x.read(s.at+int64(k)*blockRows*int64(s.size), rows*s.size)
	if err != nil {
		return nil, err
	}
	if castagnoli(b) != binary.LittleEndian.Uint32(x.sums[4*(s.first+k):]) {
		return nil, fmt.Errorf("index block of rows %d to %d fails its checksum; delete %s, it is made anew from the shards: %w",
			k*blockRows, k*blockRows+rows-1, indexFile, ErrCorrupt)
	}
	if err := x.check(s, b, k*blockRows); err != nil {
		return nil, err
	}
	x.blocks[s.first+k].Store(&b)
	return b, nil
}

// check makes sure that every row of a block lies inside its shard and has a speaker.
func (x *index) check(s section, b []byte, first int) error {
	for i := range len(b) / s.size {
		if s.size == indexLength {
			if speaker := binary.LittleEndian.Uint32(b[i*indexLength+4:]); uint64(speaker) >= uint64(len(x.speakers)) {
				return fmt.Errorf("index row %d names speaker %d of %d: %w", first+i, speaker, len(x.speakers), ErrCorrupt)
			}
			continue
		}
		var r rowIndex
		r.read(b[i*indexRow:])
		if r.shard >= len(x.info.Shards) {
			return fmt.Errorf("index row %d names shard %d of %d: %w", first+i, r.shard, len(x.info.Shards), ErrCorrupt)
		}
		size := x.info.Shards[r.shard].Bytes
		for _, s := range [...]span{r.audio, r.id, r.transcript, r.split, r.path} {
			if s != null && !s.inside(size) {
				return fmt.Errorf("index row %d points to %d bytes at %d, shard %d has %d: %w", first+i, s.len, s.at, r.shard, size, ErrCorrupt)
			}
		}
		if r.audio == null || r.id == null {
			return fmt.Errorf("index row %d has no audio or no id: %w", first+i, ErrCorrupt)
		}
	}
	return nil
}

// length returns the samples and the speaker of row i, which exists.
func (x *index) length(i int) (samples, speaker int, err error) {
	b, err := x.block(x.lengths(), i/blockRows)
	if err != nil {
		return 0, 0, err
	}
	b = b[i%blockRows*indexLength:]
	return int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:])), nil
}

// row returns row i, which exists.
func (x *index) row(i int) (r rowIndex, err error) {
	b, err := x.block(x.rows(), i/blockRows)
	if err != nil {
		return r, err
	}
	r.read(b[i%blockRows*indexRow:])
	r.samples, r.speaker, err = x.length(i)
	return r, err
}
