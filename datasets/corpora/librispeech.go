package corpora

import (
	"aural/datasets"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// LibriSpeech lists a tree SPK/CHAP/SPK-CHAP-UTT.flac with transcripts in SPK/CHAP/SPK-CHAP.trans.txt (Panayotov and others
// 2015), as in LibriSpeech and the labelled parts of Libri-Light. dir may hold one subset, several, or a part of one; the
// folders above SPK are the split.
func LibriSpeech(dir string) (*datasets.Listing, error) {
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

func (r root) libriSpeech(files []treeFile) (*datasets.Listing, error) {
	transcripts, missing, items := map[string]string{}, []datasets.Item{}, []datasets.Item{}
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
			return nil, fmt.Errorf("corpora: %w", err)
		}
		for _, line := range parseTrans(string(text)) {
			key := path.Join(path.Dir(f.name), line.id)
			transcripts[key] = line.text
			if !present[key] {
				missing = append(missing, datasets.Item{ID: line.id, Name: f.name, Fault: faultf(datasets.FaultMissing,
					"line %d of %s has a transcript for %q but there is no such recording", line.number, f.name, line.id)})
			}
		}
	}
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			continue
		}
		item := datasets.Item{ID: path.Base(stem(f.name)), Transcript: transcripts[stem(f.name)], Name: f.name, Path: f.path, Fault: f.fault}
		speaker, ok := r.libriName(f.name)
		if !ok && f.fault == nil {
			item.Fault = badEntry("not called SPEAKER-CHAPTER-UTTERANCE in a folder SPEAKER/CHAPTER: import it as a plain folder")
		}
		item.Speaker = speaker
		if split := path.Dir(path.Dir(path.Dir(f.name))); split != "." {
			item.Split = split
		}
		items = append(items, item)
	}
	return datasets.NewListing("LibriSpeech tree "+r.dir, append(items, missing...))
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

// looksLikeLibriSpeech reports whether most audio files of a directory have the names of LibriSpeech.
func looksLikeLibriSpeech(p *probe) bool {
	return p.mostAudio(func(r root, name string) bool {
		_, ok := r.libriName(name)
		return ok
	})
}
