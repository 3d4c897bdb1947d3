package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/safetensors"
)

// Bounds on files that are read into memory, many times what they need.
const (
	maxConfigBytes = 1 << 20
	maxIndexBytes  = 1 << 25
	maxVocabBytes  = 1 << 25
	maxShards      = 1000
)

// readFile reads a small regular file of a folder.
func readFile(dir, name string, most int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("hf: %s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("hf: %s has more than %d bytes; no model needs that", path, most)
	}
	return raw, nil
}

// index is model.safetensors.index.json.
type index struct {
	shards map[string][]string // the tensors of each file
	bytes  int64               // of all tensors, -1 when it is not said
}

// parseIndex reads the index of a model in several files. A file must lie in the folder itself, so its name is one without separators.
func parseIndex(raw []byte) (index, error) {
	var doc struct {
		Metadata struct {
			Total *int64 `json:"total_size"`
		} `json:"metadata"`
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return index{}, fmt.Errorf("hf: %s: %w", IndexFile, err)
	}
	if len(doc.Map) == 0 {
		return index{}, fmt.Errorf("hf: %s: weight_map is missing or empty", IndexFile)
	}
	ix := index{shards: map[string][]string{}, bytes: -1}
	if doc.Metadata.Total != nil {
		ix.bytes = *doc.Metadata.Total
	}
	for _, tensor := range slices.Sorted(maps.Keys(doc.Map)) {
		file := doc.Map[tensor]
		if !plainName(file) {
			return index{}, fmt.Errorf("hf: %s: tensor %q is in %q, which is no name of a .safetensors file in the folder", IndexFile, tensor, file)
		}
		ix.shards[file] = append(ix.shards[file], tensor)
	}
	if len(ix.shards) > maxShards {
		return index{}, fmt.Errorf("hf: %s: %d files, more than %d", IndexFile, len(ix.shards), maxShards)
	}
	return ix, nil
}

// plainName says whether a name stays in its folder on every system.
func plainName(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsAny(name, `/\:`) && name[0] != '.' && strings.HasSuffix(name, ".safetensors")
}

// stored is where a tensor lies.
type stored struct {
	file *safetensors.File
	name string // in the file
}

// openWeights opens the weights of a folder and lists its tensors under the names they have there. The files are open until closed, after an error too.
func openWeights(dir string) (files []*safetensors.File, tensors map[string]stored, err error) {
	tensors = map[string]stored{}
	open := func(name string) (*safetensors.File, error) {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
			return nil, fmt.Errorf("hf: %s is no file", path)
		}
		f, err := safetensors.Open(path)
		if err == nil {
			files = append(files, f)
		}
		return f, err
	}
	if _, err := os.Stat(filepath.Join(dir, WeightsFile)); err == nil { // transformers prefers it to an index, too
		f, err := open(WeightsFile)
		if err != nil {
			return files, nil, err
		}
		for _, name := range f.Names() {
			tensors[name] = stored{f, name}
		}
		return files, tensors, nil
	}
	raw, err := readFile(dir, IndexFile, maxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, noWeights(dir)
	}
	if err != nil {
		return nil, nil, err
	}
	ix, err := parseIndex(raw)
	if err != nil {
		return nil, nil, err
	}
	total := int64(0)
	for _, shard := range slices.Sorted(maps.Keys(ix.shards)) {
		f, err := open(shard)
		if err != nil {
			return files, nil, err
		}
		listed := ix.shards[shard] // sorted, as Names is
		if missing := without(listed, f.Names()); len(missing) > 0 {
			return files, nil, fmt.Errorf("hf: %s says that %s holds %s, which are not there", IndexFile, shard, list(missing))
		}
		if more := without(f.Names(), listed); len(more) > 0 {
			return files, nil, fmt.Errorf("hf: %s holds %s, which %s does not say", shard, list(more), IndexFile)
		}
		for _, name := range listed {
			tensors[name] = stored{f, name}
			t, err := f.Tensor(name)
			if err != nil {
				return files, nil, err
			}
			total += int64(len(t.Data))
		}
	}
	if ix.bytes >= 0 && ix.bytes != total {
		return files, nil, fmt.Errorf("hf: %s says that the tensors have %d bytes, they have %d", IndexFile, ix.bytes, total)
	}
	return files, tensors, nil
}

// without lists the elements of a that are not in b, which is sorted.
func without(a, b []string) (out []string) {
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); !ok {
			out = append(out, s)
		}
	}
	return out
}

// noWeights says why a folder has no weights that can be read, by what it has instead.
func noWeights(dir string) error {
	const advice = `load it with transformers and save it again: Wav2Vec2ForPreTraining.from_pretrained(DIR).save_pretrained(NEW) writes model.safetensors`
	for _, name := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("hf: %s has its weights in %s, a Python pickle, which runs code when it is read and is not read here; %s", dir, name, advice)
		}
	}
	for _, name := range []string{"flax_model.msgpack", "tf_model.h5"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("hf: %s has its weights in %s, which is not read here; %s", dir, name, advice)
		}
	}
	return fmt.Errorf("hf: %s has neither %s nor %s", dir, WeightsFile, IndexFile)
}
