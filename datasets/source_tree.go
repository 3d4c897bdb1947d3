package datasets

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// detectTree chooses between the two layouts of a directory: LibriSpeech when most audio files are named that way.
func detectTree(dir string) (Source, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	named, all := 0, 0
	for _, f := range files {
		if isAudioName(f.name) {
			all++
			if _, ok := r.libriName(f.name); ok {
				named++
			}
		}
	}
	if 2*named > all {
		return r.libriSpeech(files)
	}
	return r.folder(files)
}

// Folder lists the audio files below dir. The id is the path without its extension, the speaker the name of the folder a
// file lies in, the transcript the .txt file beside it. Hidden files are skipped, links followed inside dir.
func Folder(dir string) (*Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	return r.folder(files)
}

func (r root) folder(files []treeFile) (*Listing, error) {
	sidecars := map[string]string{}
	for _, f := range files {
		if strings.EqualFold(path.Ext(f.name), ".txt") && f.fault == nil {
			sidecars[stem(f.name)] = f.path
		}
	}
	var items []Item
	others := 0
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			if sidecars[stem(f.name)] != f.path {
				others++
			}
			continue
		}
		speaker := path.Base(path.Dir(f.name))
		if speaker == "." {
			speaker = filepath.Base(r.real)
		}
		items = append(items, Item{ID: stem(f.name), Speaker: speaker, Sidecar: sidecars[stem(f.name)],
			Name: f.name, Path: f.path, Fault: f.fault})
	}
	return newListing("folder", r.dir, items, fmt.Sprintf("%d other files ignored", others))
}

// LibriSpeech lists a tree SPK/CHAP/SPK-CHAP-UTT.flac with transcripts in SPK/CHAP/SPK-CHAP.trans.txt (Panayotov and others
// 2015), as in LibriSpeech and Libri-Light. dir may hold one subset, several, or a part of one; the folders above SPK are
// the split.
func LibriSpeech(dir string) (*Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	return r.libriSpeech(files)
}

var libriPattern = regexp.MustCompile(`^([0-9]+)-([0-9]+)-[0-9]+$`)

// libriName returns the speaker when the file is called SPK-CHAP-UTT and lies in SPK/CHAP.
func (r root) libriName(name string) (speaker string, ok bool) {
	m := libriPattern.FindStringSubmatch(stem(path.Base(name)))
	if m == nil {
		return "", false
	}
	chapter := filepath.Dir(filepath.Join(r.real, filepath.FromSlash(name)))
	return m[1], filepath.Base(chapter) == m[2] && filepath.Base(filepath.Dir(chapter)) == m[1]
}

func (r root) libriSpeech(files []treeFile) (*Listing, error) {
	transcripts, missing, items := map[string]string{}, []Item{}, []Item{}
	present := map[string]bool{}
	for _, f := range files {
		present[stem(f.name)] = true
	}
	for _, f := range files {
		if !strings.HasSuffix(f.name, ".trans.txt") || f.fault != nil {
			continue
		}
		text, err := os.ReadFile(f.path)
		if err != nil {
			return nil, fmt.Errorf("datasets: %w", err)
		}
		for _, line := range parseTrans(string(text)) {
			key := path.Join(path.Dir(f.name), line.id)
			transcripts[key] = line.text
			if !present[key] {
				missing = append(missing, Item{ID: line.id, Name: f.name,
					Fault: &Fault{FaultMissing, fmt.Sprintf("line %d of %s has a transcript for %q but there is no such recording", line.number, f.name, line.id)}})
			}
		}
	}
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			continue
		}
		item := Item{ID: path.Base(stem(f.name)), Transcript: transcripts[stem(f.name)], Name: f.name, Path: f.path, Fault: f.fault}
		speaker, ok := r.libriName(f.name)
		if !ok && f.fault == nil {
			item.Fault = &Fault{FaultEntry, "not called SPEAKER-CHAPTER-UTTERANCE in a folder SPEAKER/CHAPTER: import it as a plain folder"}
		}
		item.Speaker = speaker
		if split := path.Dir(path.Dir(path.Dir(f.name))); split != "." {
			item.Split = split
		}
		items = append(items, item)
	}
	return newListing("LibriSpeech tree", r.dir, append(items, missing...))
}

// transLine is one line of a .trans.txt file.
type transLine struct {
	number   int
	id, text string
}

// parseTrans reads lines "ID TEXT". Empty lines are skipped; an id alone has an empty transcript.
func parseTrans(text string) []transLine {
	var out []transLine
	for number, line := range textLines(text) {
		if id, words, _ := strings.Cut(strings.TrimSpace(line), " "); id != "" {
			out = append(out, transLine{number, id, strings.TrimSpace(words)})
		}
	}
	return out
}
