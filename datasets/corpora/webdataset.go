package corpora

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"aural/datasets"
)

// maxAnnotation bounds a .txt or .json member of a sample.
const maxAnnotation = 1 << 20

// WebDataset lists shards of WebDataset: one tar, all tars below a folder, or a pattern such as "shards-{000000..000012}.tar".
// A sample is the members of a tar with the same key, which is the name up to the first dot of its last part, the folder
// included (base_plus_ext of webdataset and of Hugging Face). Its audio is the member with the extension of an audio file;
// the transcript is in a .txt member or in a field of a .json member, which may also name the speaker. The key is the id,
// with the name of the tar in front when there are several, because keys are unique only in their tar.
//
// Members of a plain tar are read in place, in parallel. A compressed tar (.tar.gz, .tgz) can only be read from its
// beginning: its members go through memory one after the other, and Total is not known.
func WebDataset(name string) (datasets.Source, error) {
	tars, err := findTars(name)
	if err != nil {
		return nil, err
	}
	description := "WebDataset " + name
	if slices.ContainsFunc(tars, func(t tarFile) bool { return isCompressedTar(t.name) }) {
		return &tarStream{description: fmt.Sprintf("%s: %d shards, compressed", description, len(tars)), tars: tars}, nil
	}
	var items []datasets.Item
	others := 0
	for _, t := range tars {
		members, err := tarMembers(t.path)
		if err != nil {
			return nil, err
		}
		listed, ignored, err := t.items(members)
		if err != nil {
			return nil, err
		}
		items, others = append(items, listed...), others+ignored
	}
	return source(datasets.NewListing(description, items, fmt.Sprintf("%d shards", len(tars)), fmt.Sprintf("%d other members ignored", others)))
}

// tarFile is one shard.
type tarFile struct {
	name   string // from the folder or the pattern that was opened, with slashes
	path   string // to open
	prefix string // of the ids
}

func isTarName(name string) bool {
	return strings.EqualFold(path.Ext(name), ".tar") || isCompressedTar(name)
}

func isCompressedTar(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// findTars returns the shards that a path or a pattern stands for, in the order of the pattern or of the names.
func findTars(name string) ([]tarFile, error) {
	var tars []tarFile
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		_, files, err := openTree(name)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if isTarName(f.name) && f.fault != nil {
				return nil, fmt.Errorf("corpora: WebDataset %s: %s", name, f.fault.Reason)
			}
			if isTarName(f.name) {
				tars = append(tars, tarFile{name: f.name, path: f.path})
			}
		}
		if len(tars) == 0 {
			return nil, fmt.Errorf("corpora: there is no .tar, .tar.gz or .tgz in %s", name)
		}
	case err == nil:
		tars = []tarFile{{name: filepath.Base(name), path: name}}
	default:
		expanded, patternErr := expandBraces(name)
		if patternErr != nil {
			return nil, patternErr
		}
		for _, file := range expanded {
			if _, err := os.Stat(file); err != nil {
				return nil, fmt.Errorf("corpora: WebDataset %s: %w", name, err)
			}
			tars = append(tars, tarFile{name: filepath.Base(file), path: file})
		}
	}
	if len(tars) > 1 {
		for i := range tars {
			tars[i].prefix = strings.TrimSuffix(stem(tars[i].name), ".tar") + "/"
		}
	}
	return tars, nil
}

// sampleKey splits the name of a member at the first dot of its last part: "a/b.left.wav" is the member "left.wav" of the
// sample "a/b". Names that begin with a dot or have none belong to no sample.
func sampleKey(name string) (key, field string, ok bool) {
	dir, base := path.Split(name)
	key, field, ok = strings.Cut(base, ".")
	return dir + key, strings.ToLower(field), ok && key != ""
}

// sample gathers the members that have one key.
type sample struct {
	key        string
	audio      []datasets.Item // with Path, Offset and Size, or Data, or a Fault; Name is the name of the member
	text       string
	annotation annotation
	annotated  bool            // there is a .txt or a .json
	fault      *datasets.Fault // of the .txt or the .json
}

// annotation is what a .json member of a sample says. Numbers are given as text.
type annotation struct{ transcript, speaker string }

// isAnnotation reports whether a field of a sample is read as text.
func isAnnotation(field string) bool { return field == "txt" || field == "json" }

// annotate reads the content of a .txt or .json member.
func (s *sample) annotate(field string, content []byte) {
	s.annotated = true
	text := strings.TrimPrefix(string(content), "\ufeff")
	switch {
	case !utf8.ValidString(text):
		s.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("the member %s.%s is not UTF-8", s.key, field)}
	case field == "txt":
		s.text = strings.Join(strings.Fields(text), " ")
	default:
		var err error
		if s.annotation, err = parseAnnotation(content); err != nil {
			s.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("the member %s.%s is no JSON object: %v", s.key, field, err)}
		}
	}
}

// parseAnnotation takes the transcript and the speaker from the fields of a JSON object, by the names of columns.
func parseAnnotation(content []byte) (annotation, error) {
	fields, err := textFields(content)
	if err != nil {
		return annotation{}, err
	}
	first := func(names []string) string {
		for _, name := range names {
			if fields[name] != "" {
				return fields[name]
			}
		}
		return ""
	}
	return annotation{transcript: strings.Join(strings.Fields(first(transcriptNames)), " "), speaker: first(speakerNames)}, nil
}

// items returns the recordings of the sample. One with several audio members is several recordings, told apart by what
// stands between key and extension. A text without audio is an item with a fault, so that a shard whose audio has another
// place or extension does not pass for an empty one.
func (s *sample) items(t tarFile) []datasets.Item {
	if len(s.audio) == 0 && s.annotated {
		return []datasets.Item{{ID: t.prefix + s.key, Name: t.name + "/" + s.key, Split: SplitOf(t.name),
			Fault: &datasets.Fault{Kind: datasets.FaultMissing, Reason: fmt.Sprintf("the sample %q of %s has text but no audio", s.key, t.name)}}}
	}
	for i := range s.audio {
		item := &s.audio[i]
		_, field, _ := sampleKey(item.Name)
		item.ID = t.prefix + s.key
		if len(s.audio) > 1 {
			item.ID += "." + stem(field)
		}
		item.Name, item.Split = t.name+"/"+item.Name, SplitOf(t.name)
		item.Transcript, item.Speaker = s.text, s.annotation.speaker
		if item.Transcript == "" {
			item.Transcript = s.annotation.transcript
		}
		if item.Fault == nil {
			item.Fault = s.fault
		}
	}
	return s.audio
}

// items groups the members of a plain tar, wherever they lie in it, and reads the annotations.
func (t tarFile) items(members []tarMember) (items []datasets.Item, others int, err error) {
	f, err := os.Open(t.path)
	if err != nil {
		return nil, 0, fmt.Errorf("corpora: %w", err)
	}
	defer f.Close()
	samples := map[string]*sample{}
	var order []*sample
	for _, m := range members {
		key, field, ok := sampleKey(m.name)
		audio := isAudioName("." + field)
		if !ok || !audio && !isAnnotation(field) {
			if m.fault == nil {
				others++
			} else { // which is always reported
				order = append(order, &sample{key: m.name, audio: []datasets.Item{{Name: m.name, Fault: m.fault}}})
			}
			continue
		}
		s := samples[key]
		if s == nil {
			s = &sample{key: key}
			samples[key], order = s, append(order, s)
		}
		switch {
		case audio && m.fault == nil && m.size == 0:
			s.audio = append(s.audio, datasets.Item{Name: m.name, Fault: &datasets.Fault{Kind: datasets.FaultAudio, Reason: fmt.Sprintf("the member %q is empty", m.name)}})
		case audio:
			s.audio = append(s.audio, datasets.Item{Name: m.name, Path: t.path, Offset: m.offset, Size: m.size, Fault: m.fault})
		case m.fault != nil:
			s.annotated, s.fault = true, m.fault
		case m.size > maxAnnotation:
			s.annotated, s.fault = true, tooLargeMember(m.name, maxAnnotation)
		default:
			content := make([]byte, m.size)
			if _, err := f.ReadAt(content, m.offset); err != nil && err != io.EOF {
				return nil, 0, fmt.Errorf("corpora: read %q of %s: %w", m.name, t.path, err)
			}
			s.annotate(field, content)
		}
	}
	for _, s := range order {
		items = append(items, s.items(t)...)
	}
	return items, others, nil
}

func tooLargeMember(name string, limit int64) *datasets.Fault {
	return &datasets.Fault{Kind: datasets.FaultLong, Reason: fmt.Sprintf("the member %q has more than %d bytes: unpack the tar and import the files", name, limit)}
}

// looksLikeWebDataset: a tar, a pattern of tars, or a folder with tars and no audio beside them, as it would be with the
// archives that a corpus was unpacked from.
func looksLikeWebDataset(p *probe) bool {
	if !p.dir {
		return isTarName(p.path)
	}
	_, files, err := openTree(p.path)
	tars := false
	for _, f := range files {
		if isAudioName(f.name) {
			return false
		}
		tars = tars || isTarName(f.name)
	}
	return err == nil && tars
}
