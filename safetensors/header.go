package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// encodeHeader returns the first 8+N bytes of a file. Metadata comes first with its keys in order, then the tensors in
// the order of their data, so equal contents give equal bytes.
func encodeHeader(meta map[string]string, entries []entry) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 8, 8+64*(1+len(entries))))
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	str := func(s string) error {
		if !utf8.ValidString(s) {
			return fmt.Errorf("metadata %q is not UTF-8", s)
		}
		err := enc.Encode(s)
		buf.Truncate(buf.Len() - 1) // the encoder's newline
		return err
	}
	buf.WriteByte('{')
	comma := ""
	if len(meta) > 0 {
		comma = `"` + metadataKey + `":{`
		for _, k := range slices.Sorted(maps.Keys(meta)) {
			buf.WriteString(comma)
			if err := str(k); err != nil {
				return nil, err
			}
			buf.WriteByte(':')
			if err := str(meta[k]); err != nil {
				return nil, err
			}
			comma = ","
		}
		buf.WriteByte('}')
	}
	for _, e := range entries {
		buf.WriteString(comma)
		if err := str(e.Name); err != nil {
			return nil, err
		}
		fmt.Fprintf(buf, `:{"dtype":%q,"shape":[`, e.DType)
		for i, d := range e.Shape {
			if i > 0 {
				buf.WriteByte(',')
			}
			buf.WriteString(strconv.Itoa(d))
		}
		fmt.Fprintf(buf, `],"data_offsets":[%d,%d]}`, e.begin, e.end)
		comma = ","
	}
	buf.WriteByte('}')
	for buf.Len()%8 != 0 { // the data starts on a multiple of the largest element
		buf.WriteByte(' ')
	}
	if n := buf.Len() - 8; n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes is above the format's limit of %d", n, maxHeader)
	}
	binary.LittleEndian.PutUint64(buf.Bytes(), uint64(buf.Len()-8))
	return buf.Bytes(), nil
}

// splitHeader separates header and data of a whole file.
func splitHeader(file []byte) (header, data []byte, err error) {
	if len(file) < 8 {
		return nil, nil, fmt.Errorf("%d bytes are too few for a safetensors file, which begins with 8 bytes of header length", len(file))
	}
	n := binary.LittleEndian.Uint64(file)
	switch {
	case n > maxHeader:
		return nil, nil, fmt.Errorf("header length %d is above the format's limit of %d: not a safetensors file, or a damaged one", n, maxHeader)
	case n > uint64(len(file)-8):
		return nil, nil, fmt.Errorf("header of %d bytes does not fit the %d bytes after its length: the file is cut short", n, len(file)-8)
	}
	return file[8 : 8+n], file[8+n:], nil
}

// decodeHeader reads the JSON strictly. Entries come back in the order of their data.
func decodeHeader(header []byte) (meta map[string]string, entries []entry, err error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, fmt.Errorf("header does not begin with '{'")
	}
	if !utf8.Valid(header) {
		return nil, nil, fmt.Errorf("header is not UTF-8")
	}
	p := parser{json.NewDecoder(bytes.NewReader(header))}
	p.dec.UseNumber()
	err = p.object(func(name string) error {
		if name == metadataKey {
			meta = map[string]string{}
			return p.object(func(key string) (err error) {
				meta[key], err = p.string()
				return err
			})
		}
		e, err := p.entry(name)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("header near byte %d: %w", p.dec.InputOffset(), err)
	}
	if rest := bytes.TrimRight(header[p.dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("header has %d bytes after its JSON object", len(rest))
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.begin != b.begin {
			return a.begin - b.begin
		}
		return a.end - b.end // empty tensors before the one that begins where they are
	})
	return meta, entries, nil
}

// checkPlaces holds sorted entries against the size of the data: each begins where the one before ends.
func checkPlaces(entries []entry, size int) error {
	at := 0
	for _, e := range entries {
		want, err := e.Size()
		switch {
		case err != nil:
			return err
		case e.begin > at:
			return fmt.Errorf("bytes %d to %d, before tensor %q, belong to no tensor", at, e.begin, e.Name)
		case e.begin < at:
			return fmt.Errorf("tensor %q at bytes %d to %d overlaps the one before it, which ends at %d", e.Name, e.begin, e.end, at)
		case e.end-e.begin != want:
			return fmt.Errorf("tensor %q of %v %v takes %d bytes, but its offsets %d and %d leave %d", e.Name, e.DType, e.Shape, want, e.begin, e.end, e.end-e.begin)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("the tensors take %d bytes, but %d follow the header: the file is cut short or has something appended", at, size)
	}
	return nil
}

// parser walks JSON tokens. encoding/json alone would let the last of two equal keys win.
type parser struct{ dec *json.Decoder }

// delim takes the next token, which must be d.
func (p parser) delim(d json.Delim) error {
	tok, err := p.dec.Token()
	if err != nil {
		return err
	}
	if tok != d {
		return fmt.Errorf("got %v, want %v", tok, d)
	}
	return nil
}

func (p parser) string() (string, error) {
	tok, err := p.dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("got %v, want a string", tok)
	}
	return s, nil
}

// object calls value for each key, once the key has been read, and refuses a key that comes twice.
func (p parser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		key, err := p.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return p.delim('}')
}

// ints reads an array of non-negative whole numbers.
func (p parser) ints() ([]int, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	out := []int{}
	for p.dec.More() {
		tok, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		num, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("got %v, want a number", tok)
		}
		v, err := strconv.ParseUint(num.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("got %v, want a whole number that fits an int", num)
		}
		out = append(out, int(v))
	}
	return out, p.delim(']')
}

func (p parser) entry(name string) (entry, error) {
	e := entry{Info: Info{Name: name}}
	var offsets []int
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			var s string
			if s, err = p.string(); err == nil {
				e.DType, err = parseDType(s)
			}
		case "shape":
			e.Shape, err = p.ints()
		case "data_offsets":
			if offsets, err = p.ints(); err == nil && (len(offsets) != 2 || offsets[0] > offsets[1]) {
				err = fmt.Errorf("got %v, want the begin and the end", offsets)
			}
		default:
			err = fmt.Errorf("unknown field")
		}
		return err
	})
	switch {
	case err != nil:
		return e, err
	case !e.DType.valid() || e.Shape == nil || offsets == nil:
		return e, fmt.Errorf("dtype, shape or data_offsets is missing")
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, nil
}
