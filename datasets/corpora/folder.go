package corpora

import (
	"aural/datasets"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Folder lists the audio files below dir. The id is the path without its extension, or with it where two files differ in
// nothing else. The speaker is the name of the folder a file lies in, the transcript the .txt file beside it. Hidden files
// are skipped, links followed inside dir.
func Folder(dir string) (*datasets.Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	return r.folder(files)
}

func (r root) folder(files []treeFile) (*datasets.Listing, error) {
	sidecars := map[string]string{}
	for _, f := range files {
		if strings.EqualFold(path.Ext(f.name), ".txt") && f.fault == nil {
			sidecars[stem(f.name)] = f.path
		}
	}
	stems := map[string]int{} // of audio files: a stem that two of them have is no id
	for _, f := range files {
		if isAudioName(f.name) {
			stems[stem(f.name)]++
		}
	}
	var items []datasets.Item
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
		id := stem(f.name)
		if stems[id] > 1 {
			id = f.name
		}
		items = append(items, datasets.Item{ID: id, Speaker: speaker, Sidecar: sidecars[stem(f.name)],
			Name: f.name, Path: f.path, Fault: f.fault})
	}
	return datasets.NewListing("folder "+r.dir, items, fmt.Sprintf("%d other files ignored", others))
}
