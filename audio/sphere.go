package audio

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// sphereMagic begins the header; its second line is the header's length in bytes, right-justified in 7 characters.
const sphereMagic = "NIST_1A\n"

// decodeSPHERE decodes NIST SPHERE files (NIST "Speech Header Resources" 2.6, the format of TIMIT, WSJ and Switchboard)
// with PCM, mu-law and A-law samples. The header is text: one "name -type value" a line until "end_head".
func decodeSPHERE(file []byte, lim Limits) (*Clip, error) {
	if len(file) < 16 {
		return nil, fmt.Errorf("SPHERE cut inside its header (%d bytes): %w", len(file), ErrCorrupt)
	}
	start, err := strconv.Atoi(strings.TrimSpace(string(file[8:16])))
	if err != nil || start < 16 {
		return nil, fmt.Errorf("SPHERE with the header length %q: %w", file[8:16], ErrCorrupt)
	}
	if start > len(file) {
		return nil, fmt.Errorf("SPHERE cut inside its header (%d of %d bytes): %w", len(file), start, ErrCorrupt)
	}
	fields, err := sphereFields(file[16:start])
	if err != nil {
		return nil, err
	}
	l, samples, err := sphereLayout(fields)
	if err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	e := extent{data: file[start:]}
	if samples > 0 {
		e = takeExtent(e.data, uint64(samples)*uint64(l.channels*l.width))
	} else {
		e.warnings = []string{"the header has no sample_count: decoded to the end of the file"}
	}
	clip, err := l.decode(e.data, lim)
	return e.mark(clip, err)
}

// sphereFields reads the lines of a header.
func sphereFields(header []byte) (map[string]string, error) {
	fields := map[string]string{}
	for line := range bytes.Lines(header) {
		text := strings.TrimSpace(string(line))
		if text == "end_head" {
			return fields, nil
		}
		if name, rest, ok := strings.Cut(text, " "); ok && text[0] != ';' {
			if _, value, ok := strings.Cut(strings.TrimSpace(rest), " "); ok {
				fields[name] = strings.TrimSpace(value)
			}
		}
	}
	return nil, fmt.Errorf("SPHERE header of %d bytes without end_head: %w", 16+len(header), ErrCorrupt)
}

// sphereLayout interprets the fields. Old corpora leave out sample_coding, which means PCM.
func sphereLayout(fields map[string]string) (l layout, samples int, err error) {
	number := func(name string, missing int) int {
		text, ok := fields[name]
		if !ok {
			return missing
		}
		n, e := strconv.Atoi(text)
		if (e != nil || n < 0 || n > 1<<40) && err == nil {
			err = fmt.Errorf("SPHERE header says %s is %q: %w", name, text, ErrCorrupt)
		}
		return n
	}
	l = layout{container: "sphere", width: number("sample_n_bytes", 2), channels: number("channel_count", 1), rate: number("sample_rate", 0)}
	l.bits = min(number("sample_sig_bits", 8*l.width), 8*l.width)
	samples = number("sample_count", 0)
	if err != nil {
		return l, 0, err
	}
	base, embedded, packed := strings.Cut(fields["sample_coding"], ",")
	if packed {
		return l, 0, fmt.Errorf("SPHERE with samples packed by %q; unpack it first, for example: sph2pipe -f wav IN OUT.wav: %w",
			embedded, ErrUnsupportedFormat)
	}
	switch base {
	case "", "pcm":
		err = l.setSPHEREOrder(fields["sample_byte_format"])
	case "ulaw", "mu-law":
		l.coding = muLawCode
	case "alaw":
		l.coding = aLawCode
	default:
		err = fmt.Errorf("SPHERE with the coding %q; unpack it first, for example: sph2pipe -f wav IN OUT.wav: %w", base, ErrUnsupportedFormat)
	}
	if fields["channels_interleaved"] == "FALSE" && l.channels > 1 {
		err = fmt.Errorf("SPHERE with channels one after the other; %s: %w", convertAdvice, ErrUnsupportedFormat)
	}
	return l, samples, err
}

// setSPHEREOrder applies sample_byte_format, which lists the bytes of a sample by their weight: "01" is little-endian, and
// sox writes it for wider samples too. There is no default: guessing wrong would make noise of speech.
func (l *layout) setSPHEREOrder(format string) error {
	const ascending, descending = "01234567", "76543210"
	switch {
	case l.width <= 1:
	case l.width < 8 && (format == ascending[:l.width] || format == "01"):
	case l.width < 8 && (format == descending[8-l.width:] || format == "10"):
		l.bigEndian = true
	default:
		return fmt.Errorf("SPHERE with %d bytes a sample and the byte order %q, want 01 or 10: %w", l.width, format, ErrCorrupt)
	}
	return nil
}
