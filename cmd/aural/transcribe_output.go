package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aural/internal/atomicfile"
	"aural/transcript"
)

// output is where transcripts go: one stream, or a file each.
type output struct {
	w      io.Writer
	folder string // "" for the stream
	format transcript.Format
	count  int
}

// notWritten is the error of one transcript that has no place, where others may have one.
type notWritten struct{ error }

// output checks where transcripts are to go.
func (f *transcribeFlags) output(w io.Writer) (*output, error) {
	form, err := transcript.ParseFormat(f.format)
	if err != nil {
		return nil, usagef("--format: %w", err)
	}
	if f.out != "" {
		if st, err := os.Stat(f.out); err == nil && !st.IsDir() {
			return nil, usagef("--out %s is no folder", f.out)
		}
	}
	return &output{w: w, folder: f.out, format: form}, nil
}

// write writes a transcript. In the stream, JSON is a list.
func (o *output) write(t *transcript.Transcript) error {
	var b bytes.Buffer
	if err := transcript.Write(&b, o.format, t); err != nil {
		return err
	}
	if o.folder != "" {
		return o.file(t.ID, b.Bytes())
	}
	text := b.Bytes()
	if o.format == transcript.JSON {
		open := "[\n"
		if o.count > 0 {
			open = ",\n"
		}
		text = append([]byte(open), bytes.TrimSuffix(text, []byte("\n"))...)
	}
	o.count++
	_, err := o.w.Write(text)
	return err
}

// file writes ID.FORMAT below the folder, whole or not at all.
func (o *output) file(id string, data []byte) error {
	name := filepath.FromSlash(id) + o.format.Extension()
	if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return notWritten{fmt.Errorf("the id %q makes no file name below %s; write to standard output", id, o.folder)}
	}
	path := filepath.Join(o.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o644)
}

// end closes the list.
func (o *output) end() error {
	if o.folder != "" || o.format != transcript.JSON {
		return nil
	}
	text := "\n]\n"
	if o.count == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(o.w, text)
	return err
}
