package runlog

import (
	"bytes"
	"errors"
	"hash/crc32"
)

// A line of metrics.jsonl, events.jsonl and log.jsonl is a JSON object whose last member is the CRC-32C (Castagnoli)
// of the bytes before it:
//
//	{"step":3,"time":"2026-11-22T14:12:03.250Z","kind":"train","values":{"loss":4.61},"crc":"af5f0ae9"}
//	└──────────────────────────── checksummed ────────────────────────────────────┘
//
// so that it stays plain JSON for other programs, while a line torn by a crash or damaged on its way is detected.

const (
	crcKey    = `,"crc":"`
	crcSuffix = len(crcKey) + 8 + len(`"}`)

	// maxLine bounds a line, and so the memory of a reader. The writer refuses longer ones.
	maxLine = 1 << 20
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errChecksum = errors.New("the checksum does not match")
	errNoFrame  = errors.New("the line does not end with a checksum")
)

// appendChecksum closes the object that begins at buf[start:] and lacks its closing brace, and ends the line.
func appendChecksum(buf []byte, start int) []byte {
	sum := crc32.Checksum(buf[start:], castagnoli)
	buf = append(buf, crcKey...)
	const hex = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		buf = append(buf, hex[sum>>shift&15])
	}
	return append(buf, '"', '}', '\n')
}

// checkLine verifies a line, given without its newline, and returns the object without its checksum and closing brace.
func checkLine(line []byte) ([]byte, error) {
	n := len(line) - crcSuffix
	if n < 1 || line[0] != '{' || !bytes.HasPrefix(line[n:], []byte(crcKey)) || line[len(line)-2] != '"' || line[len(line)-1] != '}' {
		return nil, errNoFrame
	}
	var sum uint32
	for _, c := range line[n+len(crcKey) : len(line)-2] {
		switch {
		case '0' <= c && c <= '9':
			sum = sum<<4 | uint32(c-'0')
		case 'a' <= c && c <= 'f':
			sum = sum<<4 | uint32(c-'a'+10)
		default:
			return nil, errNoFrame
		}
	}
	if crc32.Checksum(line[:n], castagnoli) != sum {
		return nil, errChecksum
	}
	return line[:n], nil
}
