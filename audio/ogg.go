package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Flags of an Ogg page.
const (
	oggContinued = 1 // it begins inside a packet
	oggFirst     = 2 // of its stream
	oggLast      = 4 // of its stream
)

const (
	oggMagic  = "OggS"
	oggHeader = 27 // bytes of a page header before its lacing values
)

// oggPage is one page of an Ogg bitstream (RFC 3533) whose checksum holds.
type oggPage struct {
	serial, sequence uint32
	granule          int64 // position at the end of the last packet that ends here, -1 when none does
	flags            byte
	lacing, body     []byte // sizes of the segments, and the segments
	gap              bool   // pages of the stream before it are lost
}

// oggStream is one logical stream: the pages of a serial number from its first page on.
type oggStream struct {
	pages       []oggPage
	from, until int // places of its first and last page among all pages
	lost        int // missing pages
}

// oggPacket is one packet of a stream.
type oggPacket struct {
	data    []byte
	granule int64 // position at its end, -1 where the stream does not say
	last    bool  // the last of its stream, by its page's flag
	gap     bool  // packets before it are lost
}

// parseOggPage parses the page at the beginning of data. size is its length also when its checksum fails, and 0 when there
// is no whole page.
func parseOggPage(data []byte) (p oggPage, size int, ok bool) {
	if len(data) < oggHeader || string(data[:4]) != oggMagic || data[4] != 0 || len(data) < oggHeader+int(data[26]) {
		return p, 0, false
	}
	le := binary.LittleEndian
	head := oggHeader + int(data[26])
	p = oggPage{serial: le.Uint32(data[14:]), sequence: le.Uint32(data[18:]), granule: int64(le.Uint64(data[6:])),
		flags: data[5], lacing: data[oggHeader:head]}
	size = head
	for _, n := range p.lacing {
		size += int(n)
	}
	if size > len(data) {
		return p, 0, false
	}
	p.body = data[head:size]
	sum := oggCRC(0, data[:22])
	sum = oggCRC(sum, []byte{0, 0, 0, 0}) // the checksum itself counts as 0
	sum = oggCRC(sum, data[26:size])
	return p, size, sum == le.Uint32(data[22:])
}

// scanOgg returns the logical streams of a file in the order of their first pages, and how many bytes belong to no page.
func scanOgg(data []byte) (streams []*oggStream, skipped int, err error) {
	current := map[uint32]*oggStream{}
	failed, count := 0, 0
	for at := 0; at < len(data); {
		p, size, ok := parseOggPage(data[at:])
		if !ok {
			// Whoever fills a file with page headers in each other's bodies must not buy more than a few passes over it.
			if failed += size; failed > 8*len(data) {
				return nil, 0, fmt.Errorf("ogg with page headers everywhere and checksums that fail: %w", ErrCorrupt)
			}
			next := bytes.Index(data[at+1:], []byte(oggMagic))
			if next < 0 {
				next = len(data) - at - 1
			}
			skipped += 1 + next
			at += 1 + next
			continue
		}
		at += size
		s := current[p.serial]
		switch {
		case p.flags&oggFirst != 0:
			s = &oggStream{from: count}
			current[p.serial] = s
			streams = append(streams, s)
		case s == nil: // its beginning is lost: without headers nothing of it can be decoded
			skipped += size
			continue
		default:
			if missing := p.sequence - s.pages[len(s.pages)-1].sequence - 1; missing != 0 {
				p.gap = true
				s.lost += int(min(missing, 1<<20)) // a huge number is a sequence that jumps back
			}
		}
		s.until = count
		s.pages = append(s.pages, p)
		count++
	}
	return streams, skipped, nil
}

// ended reports whether the page with the mark of the stream's end is there.
func (s *oggStream) ended() bool { return s.pages[len(s.pages)-1].flags&oggLast != 0 }

// head returns the beginning of the first packet, which names the codec.
func (s *oggStream) head() []byte { return s.pages[0].body }

// count returns how many packets end in the stream.
func (s *oggStream) count() (n int) {
	for _, p := range s.pages {
		for _, size := range p.lacing {
			if size < 255 {
				n++
			}
		}
	}
	return n
}

// length returns the position of the last page that names one.
func (s *oggStream) length() int {
	for _, p := range slices.Backward(s.pages) {
		if p.granule >= 0 {
			return int(p.granule)
		}
	}
	return 0
}

// packets goes through the packets. They share memory with the pages where they lie in one.
func (s *oggStream) packets() iter.Seq[oggPacket] {
	return func(yield func(oggPacket) bool) {
		var partial []byte // beginning of a packet that goes on in the next page
		open, gap := false, false
		for _, p := range s.pages {
			if p.gap || open != (p.flags&oggContinued != 0) {
				gap = gap || p.gap || open
				partial, open = nil, false
			}
			skip := !open && p.flags&oggContinued != 0 // the beginning of this packet is lost
			final := len(p.lacing) - 1                 // the last segment that ends a packet
			for final >= 0 && p.lacing[final] == 255 {
				final--
			}
			start, end := 0, 0
			for i, n := range p.lacing {
				end += int(n)
				if n == 255 {
					continue
				}
				packet := oggPacket{data: p.body[start:end:end], granule: -1, gap: gap}
				if open {
					packet.data = append(partial, packet.data...)
					partial, open = nil, false
				}
				start = end
				if skip {
					skip, gap = false, true
					continue
				}
				if i == final {
					packet.granule, packet.last = p.granule, p.flags&oggLast != 0
				}
				gap = false
				if !yield(packet) {
					return
				}
			}
			if start < end && !skip {
				partial, open = append(partial, p.body[start:end]...), true
			}
		}
	}
}

// oggDecoders are the codecs inside Ogg that are decoded, by the beginning of their first packet.
var oggDecoders = [...]struct {
	magic, format string
	decode        func(s *oggStream, clip *Clip, lim Limits) error
}{
	{"\x01vorbis", "ogg/vorbis", decodeVorbis},
	{"OpusHead", "ogg/opus", decodeOpus},
	{"\x7fFLAC", "ogg/flac", decodeOggFLAC},
}

// oggOthers names streams that are not decoded.
var oggOthers = [...]struct{ magic, name string }{
	{"Speex   ", "Speex"}, {"\x80theora", "Theora video"}, {"fishead", "a skeleton"}, {"CELT    ", "CELT"}, {"OVP80", "VP8 video"},
	{"BBCD", "Dirac video"}, {"PCM     ", "OggPCM"}, {"\x80kate", "Kate text"}, {"Midi", "MIDI"},
}

// decodeOgg decodes the first audio stream of a file, and the streams of the same kind chained behind it.
func decodeOgg(data []byte, lim Limits) (*Clip, error) {
	streams, skipped, err := scanOgg(data)
	if err != nil {
		return nil, err
	}
	if len(streams) == 0 {
		return nil, fmt.Errorf("ogg without a whole first page (%d bytes): %w", len(data), ErrCorrupt)
	}
	clip := &Clip{}
	var before *oggStream
	var others []string
	for _, s := range streams {
		name, decode := identifyOgg(s.head())
		if decode == nil {
			others = append(others, name)
			continue
		}
		if before != nil && s.from < before.until {
			clip.warn("a second audio stream (%s) runs beside the first: it is not decoded", name)
			continue
		}
		if before != nil && name != clip.Format {
			clip.warn("a chained stream is %s after %s: decoding ends before it", name, clip.Format)
			break
		}
		clip.Format = name
		if err := decode(s, clip, lim); err == errOtherParameters {
			clip.warn("a chained stream has another rate or number of channels: decoding ends before it")
			break
		} else if err != nil {
			return nil, err
		}
		clip.noteOgg(s)
		before = s
	}
	return finishOgg(clip, others, skipped)
}

// errOtherParameters: a chained stream does not fit the clip that it would continue.
var errOtherParameters = errors.New("audio: other rate or channels")

// identifyOgg names the codec of a stream by its first packet, and returns its decoder when there is one.
func identifyOgg(head []byte) (string, func(*oggStream, *Clip, Limits) error) {
	for _, d := range oggDecoders {
		if bytes.HasPrefix(head, []byte(d.magic)) {
			return d.format, d.decode
		}
	}
	for _, o := range oggOthers {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return o.name, nil
		}
	}
	return fmt.Sprintf("a stream that begins with %q", head[:min(len(head), 8)]), nil
}

// noteOgg warns about what is missing of a stream that was decoded.
func (c *Clip) noteOgg(s *oggStream) {
	if s.lost > 0 {
		c.warn("%d pages are lost or damaged: the audio jumps there", s.lost)
	}
	if !s.ended() {
		c.warn("the stream has no last page: the file is cut short")
		c.Truncated = true
	}
}

func finishOgg(clip *Clip, others []string, skipped int) (*Clip, error) {
	what := strings.Join(others, ", ")
	switch {
	case clip.Format == "":
		return nil, fmt.Errorf("ogg that holds %s; %s: %w", what, convertAdvice, ErrUnsupportedFormat)
	case clip.Frames() == 0:
		return nil, fmt.Errorf("%s headers without samples: %w", clip.Format, ErrEmpty)
	case len(others) > 0:
		clip.warn("the file also holds %s", what)
	}
	if skipped > 0 {
		clip.warn("%d bytes belong to no page: they are skipped", skipped)
	}
	if _, err := checkFinite(clip.Channels); err != nil {
		return nil, err
	}
	return clip, nil
}
