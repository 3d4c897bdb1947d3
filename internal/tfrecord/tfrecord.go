// Package tfrecord frames messages as TensorFlow does in its record files, of which TensorBoard's event files are one: the
// length (8 bytes, little endian), its masked checksum (4), the message, its masked checksum (4). See
// tensorflow/core/lib/io/record_writer.h.
package tfrecord

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The parts of a frame around the message, in bytes.
const (
	HeadSize = 12
	TailSize = 4
)

var (
	// ErrLength is returned for a head whose checksum does not match. Where the next frame begins cannot be told then.
	ErrLength = errors.New("tfrecord: the checksum of the length does not match")
	// ErrMessage is returned for a message whose checksum does not match. The next frame is not touched.
	ErrMessage = errors.New("tfrecord: the checksum of the message does not match")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Append appends the frame of message to dst.
func Append(dst, message []byte) []byte {
	head := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(message)))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[head:]))
	dst = append(dst, message...)
	return binary.LittleEndian.AppendUint32(dst, checksum(message))
}

// Length returns the length of the message after a head of HeadSize bytes.
func Length(head []byte) (uint64, error) {
	if binary.LittleEndian.Uint32(head[8:]) != checksum(head[:8]) {
		return 0, ErrLength
	}
	return binary.LittleEndian.Uint64(head), nil
}

// Message returns the message of a whole frame.
func Message(frame []byte) ([]byte, error) {
	end := len(frame) - TailSize
	message := frame[HeadSize:end]
	if binary.LittleEndian.Uint32(frame[end:]) != checksum(message) {
		return nil, ErrMessage
	}
	return message, nil
}

// checksum is the CRC-32C, rotated and offset because a checksum of data that holds its own checksum would be weak
// (tensorflow/core/lib/hash/crc32c.h).
func checksum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
