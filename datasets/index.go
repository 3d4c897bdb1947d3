package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"aural/audio"
)

// The side index says where the values of a row lie, so that a random read parses no Arrow metadata. It holds nothing that
// the shards do not hold and is rebuilt from them when it is missing or damaged. All numbers are little-endian:
//
//	header  magic "AURALIDX", version u32, shards u32, rows u64, SHA-256 of the shard list          56 bytes
//	rows    shard u32, samples u32, WAV offset u64, WAV length u32, id, speaker and transcript       56 bytes each
//	        lengths 3 × u32, their offsets 3 × u64; a null text has length 0xFFFFFFFF
//	end     CRC-32C of everything before                                                              4 bytes
const (
	indexMagic   = "AURALIDX"
	indexVersion = 1
	indexHeader  = 8 + 4 + 4 + 8 + sha256.Size
	indexRow     = 56
	nullLength   = math.MaxUint32
)

// rowIndex is one row of the index.
type rowIndex struct {
	shard                        int
	samples                      int
	wav, id, speaker, transcript span
}

func castagnoli(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

func appendIndexHeader(dst []byte, in *Info) []byte {
	digest := in.shardsDigest()
	dst = append(dst, indexMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, indexVersion)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(in.Shards)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(in.Rows))
	return append(dst, digest[:]...)
}

func (r *rowIndex) append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(r.shard))
	dst = le.AppendUint32(dst, uint32(r.samples))
	dst = le.AppendUint64(dst, uint64(r.wav.at))
	dst = le.AppendUint32(dst, uint32(r.wav.len))
	texts := [...]span{r.id, r.speaker, r.transcript}
	for _, t := range texts {
		dst = le.AppendUint32(dst, uint32(t.len)) // null.len is -1, which becomes nullLength
	}
	for _, t := range texts {
		dst = le.AppendUint64(dst, uint64(t.at))
	}
	return dst
}

// readRow decodes row i. The index has been checked.
func readRow(index []byte, i int) (r rowIndex) {
	b := index[indexHeader+indexRow*i:][:indexRow]
	le := binary.LittleEndian
	r.shard, r.samples = int(le.Uint32(b)), int(le.Uint32(b[4:]))
	r.wav = span{int64(le.Uint64(b[8:])), int(le.Uint32(b[16:]))}
	r.id, r.speaker, r.transcript = readText(b, 0), readText(b, 1), readText(b, 2)
	return r
}

func readText(row []byte, k int) span {
	le := binary.LittleEndian
	length := le.Uint32(row[20+4*k:])
	if length == nullLength {
		return null
	}
	return span{int64(le.Uint64(row[32+8*k:])), int(length)}
}

// samplesOf reads only the length of row i.
func samplesOf(index []byte, i int) int {
	return int(binary.LittleEndian.Uint32(index[indexHeader+indexRow*i+4:]))
}

// checkIndex makes sure that index belongs to the store and that every row lies inside its shard. It reads the index once
// and no shard.
func checkIndex(index []byte, in *Info) error {
	want := appendIndexHeader(nil, in)
	switch {
	case len(index) != indexHeader+indexRow*in.Rows+4:
		return fmt.Errorf("index has %d bytes, %d rows need %d: %w", len(index), in.Rows, indexHeader+indexRow*in.Rows+4, ErrCorrupt)
	case string(index[:indexHeader]) != string(want):
		return fmt.Errorf("index is of another version or of other shards: %w", ErrCorrupt)
	case castagnoli(index[:len(index)-4]) != binary.LittleEndian.Uint32(index[len(index)-4:]):
		return fmt.Errorf("index fails its checksum: %w", ErrCorrupt)
	}
	for i := range in.Rows {
		r := readRow(index, i)
		if r.shard >= len(in.Shards) {
			return fmt.Errorf("index row %d names shard %d of %d: %w", i, r.shard, len(in.Shards), ErrCorrupt)
		}
		size := in.Shards[r.shard].Bytes
		for _, s := range [...]span{r.wav, r.id, r.speaker, r.transcript} {
			if s != null && !s.inside(size) {
				return fmt.Errorf("index row %d points to %d bytes at %d, shard %d has %d: %w", i, s.len, s.at, r.shard, size, ErrCorrupt)
			}
		}
		if r.wav == null || r.id == null || r.samples > r.wav.len/2 {
			return fmt.Errorf("index row %d has no audio, no id or %d samples in %d bytes: %w", i, r.samples, r.wav.len, ErrCorrupt)
		}
	}
	return nil
}

func (s span) inside(size int64) bool {
	return s.at >= 0 && s.len >= 0 && s.at <= size && int64(s.len) <= size-s.at
}

// buildIndex makes the index from the shards, and so checks every row of them: an id, the right WAV header, the right
// number of samples.
func buildIndex(in *Info, shards []mapping) ([]byte, error) {
	index := appendIndexHeader(make([]byte, 0, indexHeader+indexRow*in.Rows+4), in)
	for s := range shards {
		rows := 0
		err := readStream(shards[s].data, func(b *recordBatch) error {
			for i := range b.rows {
				r, err := b.index(i, s)
				if err != nil {
					return fmt.Errorf("row %d of the shard: %w", rows+i, err)
				}
				index = r.append(index)
			}
			rows += b.rows
			return nil
		})
		if err == nil && rows != in.Shards[s].Rows {
			err = fmt.Errorf("%d rows, %s says %d: %w", rows, InfoFile, in.Shards[s].Rows, ErrCorrupt)
		}
		if err != nil {
			return nil, fmt.Errorf("datasets: %s: %w", in.Shards[s].Name, err)
		}
	}
	return binary.LittleEndian.AppendUint32(index, castagnoli(index)), nil
}

func (b *recordBatch) index(row, shard int) (rowIndex, error) {
	samples, ok := b.samples(row)
	r := rowIndex{shard: shard, samples: int(samples), wav: b.audio.span(row),
		id: b.id.span(row), speaker: b.speaker.span(row), transcript: b.transcript.span(row)}
	if !ok || isNull(b.audioValidity, row) || r.wav == null || r.id == null {
		return r, fmt.Errorf("id, samples or audio is null: %w", ErrCorrupt)
	}
	_, err := wavSamples(b.audio.value(row), int(samples))
	return r, err
}

// wavSamples returns the PCM bytes of a stored WAV file, inside wav, after checking that it is what the row promises.
func wavSamples(wav []byte, samples int) ([]byte, error) {
	rate, pcm, err := audio.ParseWAV16(wav)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if rate != Rate || samples < 0 || len(pcm) != 2*samples {
		return nil, fmt.Errorf("WAV of %d Hz and %d bytes of samples, want %d Hz and %d samples: %w", rate, len(pcm), Rate, samples, ErrCorrupt)
	}
	return pcm, nil
}
