package datasets

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
)

// indexBuilder writes an index row by row. It keeps the names of the speakers and the checksums in memory, nothing else.
type indexBuilder struct {
	info     *Info
	w        io.WriterAt
	lengths  *blockWriter
	rows     *blockWriter
	speakers map[string]int
	names    []byte
}

func newIndexBuilder(w io.WriterAt, in *Info) *indexBuilder {
	return &indexBuilder{info: in, w: w, speakers: map[string]int{"": 0}, names: binary.LittleEndian.AppendUint32(nil, 0),
		lengths: newBlockWriter(w, indexHeader, indexLength),
		rows:    newBlockWriter(w, indexHeader+indexLength*int64(in.Rows), indexRow)}
}

// blockWriter writes one section of the index and gathers the checksums of its blocks.
type blockWriter struct {
	w     *bufio.Writer
	block []byte
	size  int
	sums  []byte
}

func newBlockWriter(w io.WriterAt, at int64, size int) *blockWriter {
	return &blockWriter{w: bufio.NewWriterSize(io.NewOffsetWriter(w, at), 1<<18), size: size}
}

func (b *blockWriter) end() error {
	if len(b.block) == 0 {
		return nil
	}
	b.sums = binary.LittleEndian.AppendUint32(b.sums, castagnoli(b.block))
	_, err := b.w.Write(b.block)
	b.block = b.block[:0]
	return err
}

// done ends a row.
func (b *blockWriter) done() error {
	if len(b.block) < b.size*blockRows {
		return nil
	}
	return b.end()
}

// writeIndex makes the index of the shards, and so checks every row of them: an id, the right audio header, the right number
// of samples.
func writeIndex(w io.WriterAt, in *Info, shards []shard) error {
	b := newIndexBuilder(w, in)
	for s := range shards {
		rows := 0
		err := shards[s].readStream(func(batch *recordBatch) error {
			for i := range batch.rows {
				if err := b.add(batch, i, s); err != nil {
					return fmt.Errorf("row %d of the shard: %w", rows+i, err)
				}
			}
			rows += batch.rows
			return nil
		})
		if err == nil && rows != in.Shards[s].Rows {
			err = fmt.Errorf("%d rows, %s says %d: %w", rows, InfoFile, in.Shards[s].Rows, ErrCorrupt)
		}
		if err != nil {
			return fmt.Errorf("datasets: %s: %w", in.Shards[s].Name, err)
		}
	}
	return b.finish()
}

func (b *indexBuilder) add(batch *recordBatch, row, shard int) error {
	r, err := batch.index(row, shard, b.info.Codec)
	if err != nil {
		return err
	}
	return b.put(&r, string(batch.speaker.value(row)))
}

// put writes the next row.
func (b *indexBuilder) put(r *rowIndex, speaker string) error {
	number, known := b.speakers[speaker]
	if !known {
		number = len(b.speakers)
		b.speakers[speaker] = number
		b.names = append(binary.LittleEndian.AppendUint32(b.names, uint32(len(speaker))), speaker...)
	}
	b.lengths.block = binary.LittleEndian.AppendUint32(b.lengths.block, uint32(r.samples))
	b.lengths.block = binary.LittleEndian.AppendUint32(b.lengths.block, uint32(number))
	b.rows.block = r.append(b.rows.block)
	if err := b.lengths.done(); err != nil {
		return err
	}
	return b.rows.done()
}

func (b *indexBuilder) finish() error {
	for _, w := range []*blockWriter{b.lengths, b.rows} {
		if err := w.end(); err != nil {
			return err
		}
		if err := w.w.Flush(); err != nil {
			return err
		}
	}
	header := appendIndexHeader(nil, b.info, len(b.speakers), len(b.names))
	tail := append(append(b.names, b.lengths.sums...), b.rows.sums...)
	tail = binary.LittleEndian.AppendUint32(tail, castagnoli(append(header[:indexHeader:indexHeader], tail...)))
	if _, err := b.w.WriteAt(header, 0); err != nil {
		return err
	}
	_, err := b.w.WriteAt(tail, indexHeader+int64(indexLength+indexRow)*int64(b.info.Rows))
	return err
}

// index returns the index of a row of the batch, after checking the row. Shards of format version 1 have no checksums of
// clips; theirs are computed.
func (b *recordBatch) index(row, shard int, codec Codec) (rowIndex, error) {
	samples, ok := b.samples(row)
	r := rowIndex{shard: shard, samples: int(samples), audio: b.audio.span(row), id: b.id.span(row),
		transcript: b.transcript.span(row), split: b.split.span(row), path: b.path.span(row), start: b.start(row)}
	switch {
	case !ok || isNull(b.audioValidity, row) || r.audio == null || r.id == null:
		return r, fmt.Errorf("id, samples or audio is null: %w", ErrCorrupt)
	case samples < 0 || samples > math.MaxUint32:
		return r, fmt.Errorf("%d samples: %w", samples, ErrCorrupt)
	}
	if err := codec.check(b.audio.value(row), int(samples)); err != nil {
		return r, err
	}
	r.texts = textSum(b.id.value(row), b.speaker.value(row), b.transcript.value(row), b.split.value(row), b.path.value(row), r.start)
	if b.version >= 2 {
		text := b.sum.value(row)
		if len(text) == hex.EncodedLen(len(r.sum)) {
			if _, err := hex.Decode(r.sum[:], text); err == nil {
				return r, nil
			}
		}
		return r, fmt.Errorf("sha256 is %q: %w", text, ErrCorrupt)
	}
	pcm, err := codec.decode(b.audio.value(row), int(samples), new(scratch))
	r.sum = pcmSum(pcm)
	return r, err
}
