package flac

// crc16Table has the CRC-16 of section 9.3 (x^16+x^15+x^2+1) of each byte followed by 0 to 15 zero bytes, so that sixteen
// bytes take sixteen independent look-ups ("slicing", Kounavis and Berry 2005).
var crc16Table = makeCRC16()

// crc8Table has the CRC-8 of section 9.1.8 (x^8+x^2+x+1) of each byte.
var crc8Table = makeCRC8()

func makeCRC16() (t [16][256]uint16) {
	for i := range 256 {
		crc := uint16(i) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x8005
		}
		t[0][i] = crc
	}
	for k := 1; k < len(t); k++ {
		for i, crc := range t[k-1] {
			t[k][i] = crc<<8 ^ t[0][crc>>8]
		}
	}
	return t
}

func makeCRC8() (t [256]uint8) {
	for i := range t {
		crc := uint8(i)
		for range 8 {
			crc = crc<<1 ^ crc>>7*0x07
		}
		t[i] = crc
	}
	return t
}

func crc16(data []byte) uint16 {
	t, crc := &crc16Table, uint16(0)
	for len(data) >= 16 {
		b := (*[16]byte)(data)
		crc = t[15][b[0]^byte(crc>>8)] ^ t[14][b[1]^byte(crc)] ^
			t[13][b[2]] ^ t[12][b[3]] ^ t[11][b[4]] ^ t[10][b[5]] ^ t[9][b[6]] ^ t[8][b[7]] ^
			t[7][b[8]] ^ t[6][b[9]] ^ t[5][b[10]] ^ t[4][b[11]] ^ t[3][b[12]] ^ t[2][b[13]] ^ t[1][b[14]] ^ t[0][b[15]]
		data = data[16:]
	}
	for _, b := range data {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return crc
}

func crc8(data []byte) uint8 {
	crc := uint8(0)
	for _, b := range data {
		crc = crc8Table[crc^b]
	}
	return crc
}
