package mp3

// crcRight checks the CRC of a protected Layer III frame, which covers the last two bytes of the header and the side
// information (ISO/IEC 11172-3, 2.4.3.1): polynomial 0x8005, start value 0xffff, most significant bit first.
func crcRight(h header, frame []byte) bool {
	crc := uint16(0xffff)
	for _, part := range [2][]byte{frame[2:4], frame[6 : 6+h.sideInfoBytes()]} {
		for _, b := range part {
			crc ^= uint16(b) << 8
			for range 8 {
				carry := crc&0x8000 != 0
				crc <<= 1
				if carry {
					crc ^= 0x8005
				}
			}
		}
	}
	return crc == uint16(frame[4])<<8|uint16(frame[5])
}
