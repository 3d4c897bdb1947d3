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
	return readPieces(r, int64(len(h)), sums, length, dst, at)
}

// readPieces fills dst with the data from at on, which begins at start in the file. Pieces that dst holds in full go straight
// into it, and at most one at each end takes a detour.
func readPieces(r io.ReaderAt, start int64, sums []byte, length int, dst []byte, at int) error {
	var detour []byte
	for done := 0; done < len(dst); {
		i := (at + done) / pieceBytes
		from, to := i*pieceBytes, min((i+1)*pieceBytes, length)
		skip := at + done - from // of the piece, before dst
		if skip == 0 && len(dst)-done >= to-from {
			to = from + (len(dst)-done)/pieceBytes*pieceBytes // all full ones at once, or the short one at the end
			if to == from {
				to = length
			}
			if err := readSummed(r, start, sums, i, dst[done:done+to-from]); err != nil {
				return err
			}
			done += to - from
			continue
		}
		if detour == nil {
			detour = make([]byte, pieceBytes)
		}
		piece := detour[:to-from]
		if err := readSummed(r, start, sums, i, piece); err != nil {
			return err
		}
		done += copy(dst[done:], piece[skip:])
	}
	return nil
}

// readSummed fills dst with whole pieces from piece i on and checks them.
func readSummed(r io.ReaderAt, start int64, sums []byte, i int, dst []byte) error {
	if _, err := r.ReadAt(dst, start+int64(i)*pieceBytes); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	for piece := range slices.Chunk(dst, pieceBytes) {
		if castagnoli(piece) != binary.LittleEndian.Uint32(sums[4*i:]) {
			return fmt.Errorf("%w: wrong sum of piece %d", errDamaged, i)
		}
		i++
	}
	return nil
}
