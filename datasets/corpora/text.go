package corpora

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// maxManifest bounds a list of files, after decompression, so that a small .gz cannot fill the memory. It leaves room for
// the transcripts of MLS English, which take 2 GB.
const maxManifest = 4 << 30

const (
	maxLine  = 16 << 20 // bytes of a line of a manifest that is read line by line
	maxLines = 1 << 25  // lines of it; most become an item or an entry of a map
)

// openText opens a text file, plain or, as its first bytes say, gzip. Reading more than maxManifest from it is an error.
func openText(path string) (io.Reader, io.Closer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("corpora: %w", err)
	}
	if !info.Mode().IsRegular() { // opening a named pipe would wait for a writer
		return nil, nil, fmt.Errorf("corpora: %s is no manifest: it is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("corpora: %w", err)
	}
	r, err := plainText(f)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("corpora: read %s: %w", path, err), f.Close())
	}
	return &boundedText{from: r, path: path, left: maxManifest}, f, nil
}

var gzipMagic = []byte{0x1f, 0x8b}

// plainText decompresses what is gzip and leaves the rest alone.
func plainText(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	magic, err := b.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.Equal(magic, gzipMagic) {
		return b, nil
	}
	return gzip.NewReader(b)
}

// boundedText is a reader that fails, instead of ending early, when there is too much.
type boundedText struct {
	from io.Reader
	path string
	left int64
}

func (b *boundedText) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("it has more than %d bytes of text: split it", int64(maxManifest))
	}
	return n, err
}

func readManifest(path string) (string, error) {
	r, closer, err := openText(path)
	if err != nil {
		return "", err
	}
	defer closer.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, r); err != nil {
		return "", fmt.Errorf("corpora: read %s: %w", path, err)
	}
	return text.String(), nil
}

// textLines yields the lines of text, numbered from 1, without line ends, carriage returns and a byte order mark. The part
// after the last line end is a line when it is not empty.
func textLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text = strings.TrimPrefix(text, byteOrderMark)
		for number := 1; text != ""; number++ {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if !yield(number, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}

const byteOrderMark = "\ufeff"

// textLine is one line of a text file.
type textLine struct {
	number int // from 1
	text   string
}

// fileLines yields what textLines would, but holds one line at a time. An error is the last that it yields.
func fileLines(path string) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		r, closer, err := openText(path)
		if err != nil {
			yield(textLine{}, err)
			return
		}
		defer closer.Close()
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		number := 0
		for lines.Scan() { // ScanLines takes the carriage return away
			if number++; number > maxLines {
				yield(textLine{}, fmt.Errorf("corpora: %s has more than %d lines: split it", path, maxLines))
				return
			}
			text := lines.Text()
			if number == 1 {
				text = strings.TrimPrefix(text, byteOrderMark)
			}
			if !yield(textLine{number, text}, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(textLine{}, fmt.Errorf("corpora: read %s, after line %d: %w", path, number, err))
		}
	}
}
