package main

import (
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
	"strconv"

	"aural/infer"
	"aural/safetensors"
	"aural/vocab"
)

// The file of emissions is a safetensors file with one tensor of all frames, float32 (frames, tokens), and these entries of metadata beside what they were computed from.
const (
	emissionsName  = "emissions"
	framesMeta     = "frames" // of each utterance, a JSON list
	vocabularyMeta = "vocabulary"
	versionMeta    = "version"
	emissionsNow   = "1"
)

// readEmissions fills in the emissions of utterances from a file. It is not found when there is none, or one of something else: then it is written anew.
func readEmissions(path string, key map[string]string, list []devUtterance) (v *vocab.Vocabulary, found bool, err error) {
	f, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w; remove it", err)
	}
	defer f.Close()
	meta := f.Metadata()
	if meta[versionMeta] != emissionsNow {
		return nil, false, nil
	}
	for name, value := range key {
		if meta[name] != value {
			return nil, false, nil
		}
	}
	fail := func(err error) (*vocab.Vocabulary, bool, error) {
		return nil, false, fmt.Errorf("%s: %w; remove it", path, err)
	}
	if v, err = vocab.Parse([]byte(meta[vocabularyMeta])); err != nil {
		return fail(err)
	}
	var frames []int
	if err := json.Unmarshal([]byte(meta[framesMeta]), &frames); err != nil {
		return fail(err)
	}
	t, err := f.Tensor(emissionsName)
	if err != nil {
		return fail(err)
	}
	x, err := safetensors.Float32(t)
	if err != nil {
		return fail(err)
	}
	if len(frames) != len(list) {
		return fail(fmt.Errorf("it has %d utterances, want %d", len(frames), len(list)))
	}
	for i, n := range frames {
		if n < 0 || n > len(x)/v.Len() {
			return fail(fmt.Errorf("utterance %d has %d frames, more than there are", i, n))
		}
		list[i].emissions = infer.Matrix{Rows: n, Cols: v.Len(), Data: slices.Clone(x[:n*v.Len()])} // the file is mapped
		x = x[n*v.Len():]
	}
	if len(x) > 0 {
		return fail(fmt.Errorf("%d values belong to no utterance", len(x)))
	}
	return v, true, nil
}

// writeEmissions writes what readEmissions reads.
func writeEmissions(path string, key map[string]string, v *vocab.Vocabulary, list []devUtterance) error {
	tokens, err := v.JSON()
	if err != nil {
		return err
	}
	var all []float32
	frames := make([]int, len(list))
	for i, u := range list {
		frames[i] = u.emissions.Rows
		all = append(all, u.emissions.Data...)
	}
	lengths, err := json.Marshal(frames)
	if err != nil {
		return err
	}
	meta := map[string]string{versionMeta: emissionsNow, framesMeta: string(lengths), vocabularyMeta: string(tokens)}
	for name, value := range key {
		meta[name] = value
	}
	t, err := safetensors.FromFloat32(emissionsName, []int{len(all) / v.Len(), v.Len()}, all)
	if err != nil {
		return err
	}
	return safetensors.Write(path, meta, []safetensors.Tensor{t})
}

// fileDigest is the SHA-256 of a file.
func fileDigest(path string) (string, error) { return filesDigest([]string{path}) }

// filesDigest is the SHA-256 of the content of files, with their names where there are several.
func filesDigest(paths []string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		if len(paths) > 1 {
			st, err := f.Stat()
			if err != nil {
				return "", errors.Join(err, f.Close())
			}
			io.WriteString(h, filepath.Base(path)+"\x00"+strconv.FormatInt(st.Size(), 10)+"\x00")
		}
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
