package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/datasets"
	"aural/infer"
	"aural/internal/atomicfile"
	"aural/internal/npy"
	"aural/probe"
)

// featureSettings is features.json: everything that decides what is in the files beside it.
type featureSettings struct {
	Version   int      `json:"version"`
	Model     string   `json:"model"` // SHA-256 of its weights and settings
	Layers    []string `json:"layers"`
	Mean      bool     `json:"mean"`
	Codes     bool     `json:"codes"`
	Format    string   `json:"format"`
	Shard     int      `json:"shard"`      // recordings of an Arrow file
	Source    string   `json:"source"`     // fingerprint of the store
	Items     string   `json:"recordings"` // SHA-256 of the IDs, which decide what is in which Arrow file
	Channels  string   `json:"channels"`
	Chunk     float64  `json:"chunk_seconds"`
	Overlap   float64  `json:"overlap_seconds"`
	Precision string   `json:"precision"`
	Frame     float64  `json:"frame_seconds"` // from one frame to the next
}

const (
	featureVersion = 1
	settingsFile   = "features.json"
)

// featureWriter writes what an extractor gives.
type featureWriter struct {
	*extractor
	flags    featureFlags
	settings featureSettings
	there    int // recordings whose files were there
}

// begin makes the folder, or checks that what is there was made with the same settings.
func (w *featureWriter) begin(list *recordings) error {
	f := w.flags
	sum, err := modelSum(f.model)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	w.settings = featureSettings{Version: featureVersion, Model: sum, Layers: w.names(), Mean: f.mean, Codes: f.codes, Format: f.format, Channels: f.channels,
		Chunk: f.chunk, Overlap: f.overlap, Precision: f.precision, Frame: w.model.FrameSeconds()}
	if list.store != nil {
		w.settings.Source = list.store.Info().Fingerprint
	}
	if f.format == arrowFeatures {
		ids := sha256.New()
		for _, item := range list.items {
			fmt.Fprintf(ids, "%q\n", item.id)
		}
		w.settings.Shard, w.settings.Items = f.shard, hex.EncodeToString(ids.Sum(nil))
	}
	path := filepath.Join(f.out, settingsFile)
	old, err := os.ReadFile(path)
	if err == nil {
		return w.compare(path, old)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if entries, err := os.ReadDir(f.out); err == nil && len(entries) > 0 {
		return fmt.Errorf("--out %s is not empty and has no %s: give a new folder", f.out, settingsFile)
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(w.settings, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(text, '\n'), 0o644)
}

// compare names the settings that differ from those of a folder.
func (w *featureWriter) compare(path string, old []byte) error {
	var was, is map[string]any
	if err := json.Unmarshal(old, &was); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text, err := json.Marshal(w.settings)
	if err == nil {
		err = json.Unmarshal(text, &is)
	}
	if err != nil {
		return err
	}
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if a, b := fmt.Sprint(was[name]), fmt.Sprint(is[name]); a != b {
			differ = append(differ, fmt.Sprintf("%s was %s and is now %s", name, a, b))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%s was made otherwise: %s: give another --out, or the same settings", filepath.Dir(path), strings.Join(differ, "; "))
	}
	return nil
}

// path is where a file of a recording goes.
func (w *featureWriter) path(id, ext string) (string, error) {
	name := filepath.FromSlash(id) + ext
	if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("the id %q makes no file name below %s; write --format arrow", id, w.flags.out)
	}
	return filepath.Join(w.flags.out, name), nil
}

// The endings of NumPy files.
const (
	statesFile = ".npy"
	convFile   = ".conv.npy"
	codesFile  = ".codes.npy"
)

// endings are those of the files that a recording gets.
func (w *featureWriter) endings() []string {
	var list []string
	if n := len(w.hidden()); n > 0 {
		list = append(list, statesFile)
	}
	if len(w.layers) > len(w.hidden()) {
		list = append(list, convFile)
	}
	if w.codes {
		list = append(list, codesFile)
	}
	return list
}

// hidden are the layers without conv, which is last.
func (w *featureWriter) hidden() []int {
	if n := len(w.layers); n > 0 && w.layers[n-1] == infer.Conv {
		return w.layers[:n-1]
	}
	return w.layers
}

// npy writes the files of recordings that lack one.
func (w *featureWriter) npy(ctx context.Context, list *recordings) error {
	missing := *list
	missing.items = nil
	for _, item := range list.items {
		complete := item.err == nil
		for _, ext := range w.endings() {
			path, err := w.path(item.id, ext)
			if err != nil {
				item.err = err
			}
			if _, err := os.Stat(path); err != nil || item.err != nil {
				complete = false
			}
		}
		if complete {
			w.there++
		} else {
			missing.items = append(missing.items, item)
		}
	}
	w.total = len(missing.items)
	err := w.each(ctx, &missing, w.writeNPY)
	w.total = len(list.items)
	return err
}

func (w *featureWriter) writeNPY(x extracted) error {
	w.pool(x.states)
	n := len(w.hidden())
	for _, ext := range w.endings() {
		path, err := w.path(x.id, ext)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		switch ext {
		case statesFile:
			var pieces [][]float32
			for _, m := range x.states[:n] {
				pieces = append(pieces, m.Data)
			}
			shape := w.shape(x.states[0])
			if n > 1 {
				shape = append([]int{n}, shape...)
			}
			err = npy.Write(&b, shape, pieces...)
		case convFile:
			err = npy.Write(&b, w.shape(x.states[n]), x.states[n].Data)
		case codesFile:
			err = npy.Write(&b, []int{x.codes.Rows, x.codes.Groups}, x.codes.Data)
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = atomicfile.Write(path, b.Bytes(), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shape is that of a layer: frames and width, or the width of a mean.
func (w *featureWriter) shape(m infer.Matrix) []int {
	if w.flags.mean {
		return []int{m.Cols}
	}
	return []int{m.Rows, m.Cols}
}

// pool replaces frames by their mean where that is wanted.
func (w *featureWriter) pool(states []infer.Matrix) {
	if !w.flags.mean {
		return
	}
	for i, m := range states {
		mean := make([]float32, m.Cols)
		probe.Mean(mean, m.Data)
		states[i] = infer.Matrix{Rows: 1, Cols: m.Cols, Data: mean}
	}
}

// arrow writes the files that are missing.
func (w *featureWriter) arrow(ctx context.Context, list *recordings) error {
	text, err := json.Marshal(w.settings)
	if err != nil {
		return err
	}
	settings := map[string]string{"aural.features": string(text)}
	for from := 0; from < len(list.items); from += w.flags.shard {
		part := *list
		part.items = list.items[from:min(len(list.items), from+w.flags.shard)]
		path := filepath.Join(w.flags.out, fmt.Sprintf("features-%05d.arrow", from/w.flags.shard))
		if _, err := os.Stat(path); err == nil {
			w.there += len(part.items)
			continue
		}
		err := datasets.WriteFeatures(path, settings, func(add func(...datasets.FeatureRow) error) error {
			return w.each(ctx, &part, func(x extracted) error { return add(w.rows(x)...) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rows are those of a recording.
func (w *featureWriter) rows(x extracted) []datasets.FeatureRow {
	w.pool(x.states)
	var rows []datasets.FeatureRow
	for i, m := range x.states {
		rows = append(rows, datasets.FeatureRow{ID: x.id, Layer: layerText(w.layers[i]), Frames: m.Rows, Dim: m.Cols, Values: m.Data})
	}
	if w.codes {
		rows = append(rows, datasets.FeatureRow{ID: x.id, Layer: "codes", Frames: x.codes.Rows, Dim: x.codes.Groups, Codes: x.codes.Data})
	}
	return rows
}
