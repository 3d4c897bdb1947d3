package corpora

import (
	"fmt"
	"path/filepath"
	"strings"

	"aural/datasets"
)

// LJSpeech lists a corpus in the form of LJ Speech (Ito and Johnson 2017): metadata.csv with lines "ID|text" or
// "ID|text|normalized text", and wavs/ID.wav. The transcript is the last column; quotes are ordinary characters. One speaker
// reads it all and is called by the name of the folder.
func LJSpeech(dir string) (*datasets.Listing, error) {
	r, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	file, err := r.text(ljMetadata)
	if err == nil && file == "" {
		err = fmt.Errorf("corpora: there is no %s in %s", ljMetadata, dir)
	}
	if err != nil {
		return nil, err
	}
	var c catalog
	for l, err := range fileLines(file) {
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(l.text) == "" {
			continue
		}
		id, text, fault := parseLJSpeech(l.text)
		item := datasets.Item{ID: id, Speaker: filepath.Base(r.real), Transcript: text, Fault: fault}
		if fault == nil {
			item.Name = "wavs/" + id + ".wav"
			item.Path, item.Fault = r.resolve(filepath.FromSlash(item.Name))
		}
		c.add(item, place{ljMetadata, l.number})
	}
	return c.listing("LJ Speech folder " + dir)
}

const ljMetadata = "metadata.csv"

func parseLJSpeech(line string) (id, text string, fault *datasets.Fault) {
	cells := strings.Split(line, "|")
	if len(cells) != 2 && len(cells) != 3 || strings.TrimSpace(cells[0]) == "" {
		return "", "", badEntry("%q: want ID|text or ID|text|normalized text", clip(line))
	}
	return strings.TrimSpace(cells[0]), strings.TrimSpace(cells[len(cells)-1]), nil
}

func looksLikeLJSpeech(p *probe) bool {
	if !p.dir || !p.has("wavs") || !p.has(ljMetadata) {
		return false
	}
	metadata, err := look(filepath.Join(p.path, ljMetadata))
	if err != nil {
		return false
	}
	line, _, _ := strings.Cut(metadata.head, "\n")
	_, _, fault := parseLJSpeech(line)
	return fault == nil
}
