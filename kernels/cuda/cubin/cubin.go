// Package cubin has kernels that were compiled before, so that a machine needs nothing of NVIDIA's but the driver. A program built with the tag cubins
// carries them: machine code for some architectures, and PTX for the rest. They count only for the very text that they were made of.
package cubin

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"aural/internal/atomicfile"
)

// Version of the layout that this package reads and writes.
const Version = 1

// manifestFile lists the other files of a folder.
const manifestFile = "manifest.json"

// maxBytes is the most that an image may say it has.
const maxBytes = 256 << 20

// Manifest says what a folder of images was made of.
type Manifest struct {
	Version  int      `json:"version"`
	Text     string   `json:"text_sha256"` // hexadecimal, of the kernels' text
	Options  []string `json:"options"`     // of the compiler
	Compiler string   `json:"compiler"`    // name and version
	Images   []Image  `json:"images"`
}

// Image is one file: what the driver loads, compressed by gzip.
type Image struct {
	Target string `json:"target"` // driver.Target or driver.TargetPTX
	Driver int    `json:"driver"` // oldest version of CUDA whose driver loads it: 12000 is 12.0
	File   string `json:"file"`
	Bytes  int    `json:"bytes"` // uncompressed
	Sum    string `json:"sha256"`
}

// Set is a folder of images.
type Set struct {
	Manifest
	files fs.FS
}

// Open reads the manifest.
func Open(files fs.FS) (*Set, error) {
	raw, err := fs.ReadFile(files, manifestFile)
	if err != nil {
		return nil, fmt.Errorf("cubin: %w", err)
	}
	s := &Set{files: files}
	if err := json.Unmarshal(raw, &s.Manifest); err != nil {
		return nil, fmt.Errorf("cubin: %s: %w", manifestFile, err)
	}
	if s.Version != Version {
		return nil, fmt.Errorf("cubin: %s has the version %d, this program reads %d", manifestFile, s.Version, Version)
	}
	return s, nil
}

// Of reports whether the images were made of a text with these options.
func (s *Set) Of(text string, options []string) bool {
	return s.Text == sum([]byte(text)) && slices.Equal(s.Options, options)
}

// Find is the entry of a target that a driver loads. A driverVersion of 0 is any.
func (s *Set) Find(target string, driverVersion int) (Image, bool) {
	i := slices.IndexFunc(s.Images, func(i Image) bool { return i.Target == target && (driverVersion == 0 || driverVersion >= i.Driver) })
	if i < 0 {
		return Image{}, false
	}
	return s.Images[i], true
}

// Read unpacks and verifies an image.
func (s *Set) Read(i Image) ([]byte, error) {
	if i.Bytes < 0 || i.Bytes > maxBytes {
		return nil, fmt.Errorf("cubin: %s says %d bytes, want at most %d", i.File, i.Bytes, maxBytes)
	}
	packed, err := fs.ReadFile(s.files, i.File)
	if err != nil {
		return nil, fmt.Errorf("cubin: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("cubin: %s: %w", i.File, err)
	}
	image, err := io.ReadAll(io.LimitReader(r, int64(i.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("cubin: %s: %w", i.File, err)
	}
	if len(image) != i.Bytes || sum(image) != i.Sum {
		return nil, fmt.Errorf("cubin: %s is damaged: it does not have the checksum of %s; build the images again", i.File, manifestFile)
	}
	return image, nil
}

// Write makes a folder of images: those files, and the manifest last. Images with the same order as m.Images; it fills in File, Bytes and Sum.
func Write(folder string, m Manifest, images [][]byte) error {
	if len(images) != len(m.Images) {
		return errors.New("cubin: one image for each entry of the manifest")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	m.Version = Version
	for n, image := range images {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(image); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		i := &m.Images[n]
		i.File, i.Bytes, i.Sum = i.Target+".gz", len(image), sum(image)
		if err := atomicfile.Write(filepath.Join(folder, i.File), packed.Bytes(), 0o644); err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(folder, manifestFile), append(raw, '\n'), 0o644)
}

// Sum is the checksum of a text for [Manifest.Text].
func Sum(text string) string { return sum([]byte(text)) }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
