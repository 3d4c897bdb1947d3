package audio

import (
	"encoding/binary"
	"sync"
)

// oggTables returns the tables of the checksum of Ogg pages (RFC 3533 section 6): polynomial 0x04C11DB7, most significant
// bit first, from 0. hash/crc32 only knows the reflected order. Table k holds the effect of a byte k bytes further on.
var oggTables = sync.OnceValue(func() *[8][256]uint32 {
	t := new([8][256]uint32)
	for i := range t[0] {
		crc := uint32(i) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04C11DB7
		}
		t[0][i] = crc
	}
	for k := 1; k < len(t); k++ {
		for i := range t[k] {
			crc := t[k-1][i]
			t[k][i] = crc<<8 ^ t[0][crc>>24]
		}
	}
	return t
})

// oggCRC continues the checksum crc over data.
func oggCRC(crc uint32, data []byte) uint32 {
	t := oggTables()
	for ; len(data) >= 8; data = data[8:] {
		a, b := crc^binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		crc = t[7][a>>24] ^ t[6][a>>16&0xFF] ^ t[5][a>>8&0xFF] ^ t[4][a&0xFF] ^
			t[3][b>>24] ^ t[2][b>>16&0xFF] ^ t[1][b>>8&0xFF] ^ t[0][b&0xFF]
	}
	for _, v := range data {
		crc = crc<<8 ^ t[0][byte(crc>>24)^v]
	}
	return crc
}
