package mp3

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// tagBytes returns the length of the tag that starts at b, 0 if none does. Known are ID3v2, with and without a footer,
// APEv2 with a header, and the 128 bytes of ID3v1, which stand in the middle of concatenated files. A tag that claims more
// than there is counts as none, so a broken length cannot swallow the audio behind it.
func tagBytes(b []byte) int {
	n := 0
	switch {
	case len(b) >= 10 && string(b[:3]) == "ID3" && b[3] != 0xff && b[4] != 0xff && (b[6]|b[7]|b[8]|b[9]) < 0x80:
		n = 10 + int(b[6])<<21 + int(b[7])<<14 + int(b[8])<<7 + int(b[9])
		if b[5]&0x10 != 0 {
			n += 10
		}
	case len(b) >= 32 && string(b[:8]) == "APETAGEX":
		n = 32 + int(binary.LittleEndian.Uint32(b[12:]))
	case len(b) >= 128 && string(b[:3]) == "TAG":
		n = 128
	}
	if n > len(b) {
		return 0
	}
	return n
}

// withoutTrailer returns data without the tags at its end: ID3v1, Lyrics3v2 and APEv2, in any order and number.
func withoutTrailer(data []byte) []byte {
	for {
		n := trailerBytes(data)
		if n == 0 {
			return data
		}
		data = data[:len(data)-n]
	}
}

// trailerBytes is the length of the tag that ends where data ends, 0 if none does.
func trailerBytes(data []byte) int {
	n := len(data)
	if n >= 128 && string(data[n-128:n-125]) == "TAG" {
		return 128
	}
	if n >= 32 && string(data[n-32:n-24]) == "APETAGEX" {
		size := int(binary.LittleEndian.Uint32(data[n-20:])) // the items and this footer
		if flags := binary.LittleEndian.Uint32(data[n-12:]); flags>>31 != 0 {
			size += 32 // and a header
		}
		if size >= 32 && size <= n {
			return size
		}
		return 32
	}
	if n >= 15 && string(data[n-9:]) == "LYRICS200" {
		size, err := strconv.ParseUint(string(data[n-15:n-9]), 10, 32) // from "LYRICSBEGIN" to before the size
		if total := int(size) + 15; err == nil && total <= n && bytes.HasPrefix(data[n-total:], []byte("LYRICSBEGIN")) {
			return total
		}
	}
	return 0
}
