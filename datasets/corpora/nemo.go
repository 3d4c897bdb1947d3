package corpora

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"aural/datasets"
)

// NeMo lists manifests of NVIDIA NeMo: lines of JSON with audio_filepath, and text, duration, offset and speaker when they
// are there. path is a manifest, a pattern of them such as "manifest__OP_0..7_CL_.json" or "{train,dev}.json", or a folder.
// Paths are relative to the folder of the manifest or to rootDir, and absolute ones must lie in one of the two.
//
// With an offset an item is a part of its file, from offset for duration seconds, and its id says which:
// NAME-OFFSET-DURATION. Without, it is the whole file, whatever the duration. The parts of a file are listed one after the
// other. The split is the name of the manifest without "manifest". A line with "_skipme" true is left out, as NeMo does.
//
// Of a tarred set the audio is read where it lies in the tars audio_N.tar beside the manifest, N being shard_id or else the
// number of the manifest; see tarShards.
func NeMo(path, rootDir string) (*datasets.Listing, error) {
	dir, names, err := nemoManifests(path)
	if err != nil {
		return nil, err
	}
	roots, err := roots{dir}.with(rootDir)
	if err != nil {
		return nil, err
	}
	tars, err := findTarShards(roots)
	if err != nil {
		return nil, err
	}
	var c catalog
	skipped := 0
	for _, name := range names {
		file, err := dir.text(name)
		if err == nil && file == "" {
			err = fmt.Errorf("corpora: there is no manifest %s in %s", name, dir.dir)
		}
		if err != nil {
			return nil, err
		}
		shard, numbered := manifestNumber(name)
		for l, err := range fileLines(file) {
			if err != nil {
				return nil, err
			}
			if strings.TrimSpace(l.text) == "" {
				continue
			}
			e, fault := parseNeMo(l.text)
			if e.Skip {
				skipped++
				continue
			}
			item := e.item()
			item.Split = manifestSplit(name)
			switch item.Fault = fault; {
			case fault != nil:
			case e.Shard != nil:
				tars.locate(&item, *e.Shard)
			case numbered && tars.has(shard):
				tars.locate(&item, shard)
			default:
				roots.locate(&item)
			}
			item.ID = stem(item.Name) + e.part() // an absolute name is relative by now
			c.add(item, place{name, l.number})
		}
	}
	c.regroup()
	notes := []string{}
	if skipped > 0 {
		notes = append(notes, fmt.Sprintf("%d marked _skipme left out", skipped))
	}
	return c.listing("NeMo manifest "+path, notes...)
}

// nemoManifests returns the folder of the manifests that path stands for, and their names.
func nemoManifests(path string) (root, []string, error) {
	folder := filepath.Dir(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		folder = path
	case err == nil:
		dir, err := openRoot(folder)
		return dir, []string{filepath.Base(path)}, err
	case !hasBraces(path):
		return root{}, nil, fmt.Errorf("corpora: %w", err)
	}
	dir, err := openRoot(folder)
	if err != nil {
		return root{}, nil, err
	}
	if folder != path {
		names, err := expandBraces(filepath.Base(path))
		return dir, names, err
	}
	names, err := dir.manifests(nemoExtensions, math.MaxInt, looksLikeNeMo)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("corpora: %s holds no manifest of NeMo: a file %s of lines with audio_filepath",
			path, strings.Join(nemoExtensions, " or "))
	}
	return dir, names, err
}

var nemoExtensions = []string{".json", ".jsonl", ".json.gz", ".jsonl.gz"}

// nemoEntry is a line of a manifest.
type nemoEntry struct {
	Path     string   `json:"audio_filepath"`
	OldPath  string   `json:"audio_file"`
	Duration *float64 `json:"duration"`
	Offset   *float64 `json:"offset"`
	Text     *string  `json:"text"`
	Speaker  label    `json:"speaker"`
	Shard    *int     `json:"shard_id"`
	Skip     bool     `json:"_skipme"`
}

// label is a name that some corpora write as a number.
type label string

func (l *label) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err == nil {
		if s != nil {
			*l = label(*s)
		}
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("want a string or a number, not %s", clip(string(data)))
	}
	*l = label(n)
	return nil
}

// parseNeMo reads one line. Its times are finite, not negative, and the part is not empty.
func parseNeMo(line string) (nemoEntry, *datasets.Fault) {
	var e nemoEntry
	if fault := parseJSON(line, &e); fault != nil {
		return nemoEntry{}, fault
	}
	if e.Path == "" {
		e.Path = e.OldPath
	}
	e.Path = strings.TrimSpace(e.Path)
	if fault := notAFile(e.Path); fault != nil {
		return e, fault
	}
	if e.Offset == nil {
		return e, nil
	}
	if e.Duration == nil {
		return e, checkPart(*e.Offset, 0)
	}
	if *e.Duration <= 0 {
		return e, badEntry("the part is %g s long", *e.Duration)
	}
	return e, checkPart(*e.Offset, *e.Offset+*e.Duration)
}

// parseJSON reads the value of one line. What encoding/json would replace without a word is refused.
func parseJSON(line string, to any) *datasets.Fault {
	if !utf8.ValidString(line) {
		return badEntry("it is not UTF-8")
	}
	if err := json.Unmarshal([]byte(line), to); err != nil {
		return badEntry("%q is not the JSON that is wanted: %v", clip(line), err)
	}
	return nil
}

// item is what the line says, but for the id, which is the name as the audio is found and part.
func (e nemoEntry) item() datasets.Item {
	item := datasets.Item{Name: filepath.ToSlash(e.Path), Speaker: string(e.Speaker)}
	if e.Text != nil {
		item.Transcript = strings.TrimSpace(*e.Text)
	}
	if e.Offset != nil {
		item.Start = *e.Offset
		if e.Duration != nil {
			item.End = item.Start + *e.Duration
		}
	}
	return item
}

// part is "-OFFSET-DURATION", "" for the whole file.
func (e nemoEntry) part() string {
	seconds := func(t *float64) string {
		if t == nil {
			return ""
		}
		return "-" + strconv.FormatFloat(*t, 'f', -1, 64)
	}
	if e.Offset == nil {
		return ""
	}
	return seconds(e.Offset) + seconds(e.Duration)
}

func looksLikeNeMo(head string) bool {
	for _, line := range textLines(head) {
		if line = strings.TrimSpace(line); line != "" {
			return strings.HasPrefix(line, "{") && strings.Contains(line, `"audio_filepath"`)
		}
	}
	return false
}

var manifestNumberPattern = regexp.MustCompile(`manifest[^/]*_([0-9]{1,9})[^/]*\.json`)

// manifestNumber returns the shard to which a manifest belongs, as 3 for manifest_3.json.
func manifestNumber(name string) (int, bool) {
	m := manifestNumberPattern.FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

var (
	manifestWords  = regexp.MustCompile(`[-_.]*(tarred_audio_)?manifests?`)
	manifestDigits = regexp.MustCompile(`[-_.]*[0-9]+$`)
)

// manifestSplit returns "train" for train_manifest.json and for manifest_train.json, and "" for manifest_0.json.
func manifestSplit(name string) string {
	base, _, _ := strings.Cut(path.Base(name), ".json")
	if manifestWords.MatchString(base) {
		base = manifestDigits.ReplaceAllString(manifestWords.ReplaceAllString(base, ""), "")
	}
	return strings.Trim(base, "-_.")
}
