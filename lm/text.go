package lm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// EachSentence reads texts, plain or gzip by their content, - for standard input, a sentence a line, words separated by blanks and tabs, and calls do with the
// words of each, which are valid during the call. Lines without words are left out.
func EachSentence(ctx context.Context, paths []string, do func(words [][]byte) error) error {
	for _, path := range paths {
		if err := sentencesOf(ctx, path, do); err != nil {
			return err
		}
	}
	return nil
}

func sentencesOf(ctx context.Context, path string, do func(words [][]byte) error) error {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return err
		}
		defer f.Close()
	}
	in := bufio.NewReaderSize(f, 256<<10)
	var text io.Reader = in
	if head, _ := in.Peek(2); bytes.Equal(head, []byte(gzipMagic)) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		text = z
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	var words [][]byte
	n := 0
	for lines.Scan() {
		n++
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if words = splitFields(words[:0], lines.Bytes()); len(words) == 0 {
			continue
		}
		if err := do(words); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s:%d: the line is longer than %d bytes: put a sentence on each line", path, n+1, maxLine)
	case err != nil:
		return fmt.Errorf("%s:%d: %w", path, n+1, err)
	}
	return ctx.Err()
}
