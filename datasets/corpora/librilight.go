package corpora

import (
	"aural/datasets"
	"path"
	"path/filepath"
	"regexp"
)

// LibriLight lists the unlabelled part of Libri-Light (Kahn and others 2020): SUBSET/SPK/BOOK/NAME.flac, whole chapters of
// up to an hour or what cut_by_vad made of them. There are no transcripts; the .json beside each file is not needed. dir may
// hold one subset, several, or a part of one; the folders above SPK are the split.
func LibriLight(dir string) (*datasets.Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	var c catalog
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			continue
		}
		item := datasets.Item{Name: f.name, Path: f.path, Fault: f.fault}
		speaker, id, ok := r.lightName(f.name)
		if !ok && f.fault == nil {
			item.Fault = badEntry("not in a folder SPEAKER/BOOK: import it as a plain folder")
		}
		item.Speaker, item.ID = speaker, id
		if split := path.Dir(path.Dir(path.Dir(f.name))); split != "." {
			item.Split = split
		}
		c.add(item, place{file: f.name})
	}
	return c.listing("Libri-Light tree " + r.dir)
}

var speakerPattern = regexp.MustCompile(`^[0-9]+$`)

// lightName returns the speaker of a file in SPK/BOOK, and SPK/BOOK/NAME as its id: names of chapters are not unique.
func (r root) lightName(name string) (speaker, id string, ok bool) {
	book := filepath.Dir(filepath.Join(r.real, filepath.FromSlash(name)))
	speaker = filepath.Base(filepath.Dir(book))
	if !speakerPattern.MatchString(speaker) {
		return "", stem(name), false
	}
	return speaker, path.Join(speaker, filepath.Base(book), path.Base(stem(name))), true
}

// looksLikeLibriLight asks for the .json beside each file: folders with a number for a name are too common.
func looksLikeLibriLight(p *probe) bool {
	return p.mostAudio(func(r root, name string) bool {
		_, _, ok := r.lightName(name)
		return ok && r.exists(stem(name)+".json")
	})
}
