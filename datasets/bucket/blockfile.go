package bucket

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// A block file is, in little-endian:
//
//	magic   8 bytes
//	lengths uint32 of the key, uint32 of the data
//	key
//	sums    uint32 for each piece of the data: CRC-32C
//	sum     uint32 of everything before: CRC-32C
//	data
//
// The data has a sum for each piece of 64 KiB, so that a read of 400 KB need not read and sum up the whole block.
const (
	blockMagic = "aurblk1\n"
	pieceBytes = 64 << 10
)

// errDamaged says that a block file is not what was written.
var errDamaged = errors.New("damaged block")

// fileName is the name of the file for key, but for the suffix.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

func headerSize(key string, length int) int {
	return len(blockMagic) + 8 + len(key) + 4*((length+pieceBytes-1)/pieceBytes) + 4
}

func blockFileSize(key string, length int) int64 { return int64(headerSize(key, length) + length) }

func castagnoli(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

func writeBlockFile(w io.Writer, key string, data []byte) error {
	h := make([]byte, 0, headerSize(key, len(data)))
	h = append(h, blockMagic...)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(key)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(data)))
	h = append(h, key...)
	for piece := range slices.Chunk(data, pieceBytes) {
		h = binary.LittleEndian.AppendUint32(h, castagnoli(piece))
	}
	h = binary.LittleEndian.AppendUint32(h, castagnoli(h))
	if _, err := w.Write(h); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

// readBlockFile fills dst from at on with the data of the block with this key and length from a file of size bytes. Everything
// that is returned was checked; dst is undefined after an error.
func readBlockFile(r io.ReaderAt, size int64, key string, length int, dst []byte, at int) error {
	if size != blockFileSize(key, length) {
		return fmt.Errorf("%w: %d bytes and not %d", errDamaged, size, blockFileSize(key, length))
	}
	h := make([]byte, headerSize(key, length))
	if _, err := r.ReadAt(h, 0); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	sums := h[len(blockMagic)+8+len(key) : len(h)-4]
	switch start := h[len(blockMagic):]; {
	case string(h[:len(blockMagic)]) != blockMagic:
		return fmt.Errorf("%w: wrong magic", errDamaged)
	case castagnoli(h[:len(h)-4]) != binary.LittleEndian.Uint32(h[len(h)-4:]):
		return fmt.Errorf("%w: wrong sum of the header", errDamaged)
	case binary.LittleEndian.Uint32(start) != uint32(len(key)) || binary.LittleEndian.Uint32(start[4:]) != uint32(length) ||
		string(start[8:8+len(key)]) != key:
		return fmt.Errorf("%w: it is another block", errDamaged)
	}
	first, last := at/pieceBytes, (at+len(dst)-1)/pieceBytes
	from, to := first*pieceBytes, min((last+1)*pieceBytes, length)
	buf := dst
	if from != at || to != at+len(dst) {
		buf = make([]byte, to-from)
	}
	if _, err := r.ReadAt(buf, int64(len(h)+from)); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	i := first
	for piece := range slices.Chunk(buf, pieceBytes) {
		if castagnoli(piece) != binary.LittleEndian.Uint32(sums[4*i:]) {
			return fmt.Errorf("%w: wrong sum of piece %d", errDamaged, i)
		}
		i++
	}
	copy(dst, buf[at-from:])
	return nil
}
