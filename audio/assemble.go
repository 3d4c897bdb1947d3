package audio

import "slices"

// begin prepares a clip for a stream. A stream that does not fit the one before it gives errOtherParameters.
func (c *Clip) begin(rate, channels int) error {
	if c.Rate == 0 {
		c.Rate, c.Channels = rate, make([][]float32, channels)
	}
	if c.Rate != rate || len(c.Channels) != channels {
		return errOtherParameters
	}
	return nil
}

// reserve makes room for frames more, within the limits.
func (c *Clip) reserve(frames int, lim Limits) {
	n := int(min(int64(frames), lim.MaxSamples/int64(len(c.Channels))))
	for i, plane := range c.Channels {
		c.Channels[i] = slices.Grow(plane, n)
	}
}

// grow extends a channel by n frames and returns them.
func (c *Clip) grow(channel, n int) []float32 {
	plane := slices.Grow(c.Channels[channel], n)
	c.Channels[channel] = plane[:len(plane)+n]
	return c.Channels[channel][len(plane):]
}

// appendInterleaved appends frames; stored channel i belongs into plane order[i].
func (c *Clip) appendInterleaved(frames []float32, order []int) {
	channels := len(order)
	if channels == 1 {
		c.Channels[0] = append(c.Channels[0], frames...)
		return
	}
	for stored, to := range order {
		plane := c.grow(to, len(frames)/channels)
		for i, from := 0, stored; i < len(plane); i, from = i+1, from+channels {
			plane[i] = frames[from]
		}
	}
}

// cut removes frames at the beginning and the end of the part of a clip that starts at frame base.
func (c *Clip) cut(base int, trim oggTrim) {
	if trim == (oggTrim{}) {
		return
	}
	for i, plane := range c.Channels {
		plane = plane[:len(plane)-trim.back]
		c.Channels[i] = append(plane[:base], plane[base+trim.front:]...)
	}
}

// oggClock compares the positions that pages name with the samples that were decoded. The first position may be below the
// number of samples before it: then the stream begins inside its first packet. The last one cuts its last packet.
type oggClock struct {
	base     int   // frames in the clip before this stream
	position int64 // of the end of what is decoded
	known    bool  // the position comes from a page
	broken   bool  // packets were lost before the first page position
}

// lost says that packets are missing: the next page tells the position anew.
func (c *oggClock) lost() {
	c.broken = c.broken || !c.known
	c.known = false
}

func (c *oggClock) decoded(frames int) { c.position += int64(frames) }

// oggTrim is how many frames to remove at the beginning and the end of a stream.
type oggTrim struct{ front, back int }

// arrive takes the position of a packet whose samples end at frame end of the clip.
func (c *oggClock) arrive(p oggPacket, end int) (trim oggTrim) {
	if p.granule < 0 {
		return trim
	}
	have := int64(end - c.base)
	switch surplus := c.position - p.granule; {
	case surplus > 0 && p.last && (c.known || !c.broken):
		trim.back = int(min(surplus, have))
	case surplus > 0 && !c.known && !c.broken && c.position == have:
		trim.front = int(min(surplus, have))
	}
	c.position, c.known = p.granule, true
	return trim
}
