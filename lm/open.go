package lm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// The first bytes of files.
const (
	trieMagic  = "AURALLM\n"
	kenMagic   = "mmap lm http://kheafield.com/code format version"
	gzipMagic  = "\x1f\x8b"
	bzip2Magic = "BZh"
	xzMagic    = "\xfd7zXZ\x00"
	zstdMagic  = "\x28\xb5\x2f\xfd"
)

// Open reads a model of any format that the package knows, by its content: ARPA, plain or gzip, the trie of this package, or a binary
// file of KenLM.
func Open(path string) (*Model, error) {
	m, err := open(path)
	if err != nil {
		var at *os.PathError // which names the file
		if errors.As(err, &at) {
			return nil, fmt.Errorf("language model: %w", err)
		}
		return nil, fmt.Errorf("language model %s: %w", path, err)
	}
	return m, nil
}

func open(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if st.IsDir() {
		return nil, errors.New("is a folder, not a file")
	}
	in := bufio.NewReaderSize(f, 256<<10)
	head, err := in.Peek(len(kenMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins(trieMagic):
		return openTrie(path)
	case begins(kenMagic):
		return openKenLM(path)
	case begins(gzipMagic):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return ReadARPA(z)
	case begins(bzip2Magic), begins(xzMagic), begins(zstdMagic):
		return nil, errors.New("is compressed, but not with gzip: unpack it, or compress it with gzip")
	case len(head) == 0:
		return nil, errors.New("is empty")
	}
	return ReadARPA(in)
}

// Format is a format that models are written in.
type Format string

// The formats to write.
const (
	ARPA Format = "arpa"
	Trie Format = "trie"
)

// FormatOf returns the format that the name of a file asks for.
func FormatOf(path string) (Format, error) {
	switch {
	case strings.HasSuffix(path, ".arpa"), strings.HasSuffix(path, ".arpa.gz"):
		return ARPA, nil
	case strings.HasSuffix(path, ".trie"):
		return Trie, nil
	}
	return "", fmt.Errorf("%s: the name must end in .arpa, .arpa.gz or .trie, which says the format", path)
}

// Save writes a model to a file whose name ends in .arpa or .arpa.gz, or in .trie for the format of this package, with bits for each
// probability and backoff as in Quantize, or 0 for exact ones. The file is replaced at the end, whole.
func (m *Model) Save(path string, quantBits int) (Quantization, error) {
	form, err := FormatOf(path)
	if err != nil {
		return Quantization{}, err
	}
	if quantBits != 0 {
		if form != Trie {
			return Quantization{}, fmt.Errorf("%s: only the trie format is quantized", path)
		}
		q, report, err := m.Quantize(quantBits)
		if err != nil {
			return Quantization{}, err
		}
		return report, create(path, q.WriteTrie)
	}
	if form == Trie {
		return Quantization{}, create(path, m.WriteTrie)
	}
	return Quantization{}, create(path, m.WriteARPA)
}
