package corpora

import (
	"aural/datasets"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// MLS lists Multilingual LibriSpeech (Pratap and others 2020): SPLIT/audio/SPK/BOOK/SPK_BOOK_UTT.flac, or .opus, with
// transcripts in SPLIT/transcripts.txt, a line "SPK_BOOK_UTT, tab, text" each. dir may hold the language, one split or a
// part of the audio. The split is the folder above audio. segments.txt says which part of a LibriVox book an utterance was
// cut from and is not needed.
func MLS(dir string) (*datasets.Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	var c catalog
	texts := transcripts{at: map[string]int{}}
	for _, f := range files {
		if path.Base(f.name) == "transcripts.txt" && f.fault == nil {
			if err := texts.read(f, &c); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			continue
		}
		item := datasets.Item{ID: path.Base(stem(f.name)), Name: f.name, Path: f.path, Split: r.mlsSplit(f.name), Fault: f.fault}
		speaker, ok := r.mlsName(f.name)
		if !ok && f.fault == nil {
			item.Fault = badEntry("not called SPEAKER_BOOK_UTTERANCE in a folder SPEAKER/BOOK: import it as a plain folder")
		}
		item.Speaker = speaker
		item.Transcript = texts.take(path.Join(path.Dir(path.Dir(path.Dir(path.Dir(f.name)))), item.ID))
		c.add(item, place{file: f.name})
	}
	for _, t := range texts.all {
		if !t.taken {
			c.reject(t.id, t.at, missing("there is a transcript for %q but no such recording", t.id))
		}
	}
	return c.listing("MLS tree " + r.dir)
}

// transcripts are lines of files transcripts.txt.
type transcripts struct {
	all []transcript
	at  map[string]int // in all, by the folder of the file and the id
}

type transcript struct {
	id, text string
	at       place
	taken    bool // there is such a recording
}

func (ts *transcripts) read(f treeFile, c *catalog) error {
	for l, err := range fileLines(f.path) {
		if err != nil {
			return err
		}
		p := place{f.name, l.number}
		id, text, fault := parseTabbed(l.text)
		switch key := path.Join(path.Dir(f.name), id); {
		case fault != nil:
			c.reject("", p, fault)
		case id == "": // an empty line
		default:
			if first, twice := ts.at[key]; twice {
				c.reject(id, p, badEntry("%q has a transcript in %s already", id, ts.all[first].at))
				continue
			}
			ts.at[key] = len(ts.all)
			ts.all = append(ts.all, transcript{id: id, text: text, at: p})
		}
	}
	return nil
}

// take returns the text of a recording, "" when there is none.
func (ts *transcripts) take(key string) string {
	i, ok := ts.at[key]
	if !ok {
		return ""
	}
	ts.all[i].taken = true
	return ts.all[i].text
}

// parseTabbed splits a line "id, tab, text". An empty line has no id.
func parseTabbed(line string) (id, text string, fault *datasets.Fault) {
	if strings.TrimSpace(line) == "" {
		return "", "", nil
	}
	id, text, ok := strings.Cut(line, "\t")
	if id = strings.TrimSpace(id); !ok || id == "" {
		return "", "", badEntry("%q: want an id, a tab and the text", clip(line))
	}
	return id, strings.TrimSpace(text), nil
}

var mlsPattern = regexp.MustCompile(`^([0-9]+)_([0-9]+)_[0-9]+$`)

// mlsName returns the speaker when the file is called SPK_BOOK_UTT and lies in SPK/BOOK.
func (r root) mlsName(name string) (speaker string, ok bool) {
	m := mlsPattern.FindStringSubmatch(stem(path.Base(name)))
	if m == nil {
		return "", false
	}
	book := filepath.Dir(filepath.Join(r.real, filepath.FromSlash(name)))
	return m[1], filepath.Base(book) == m[2] && filepath.Base(filepath.Dir(book)) == m[1]
}

// mlsSplit returns the folder above "audio", which may be the root itself or, for a part of the audio, above it.
func (r root) mlsSplit(name string) string {
	audio := filepath.Dir(filepath.Dir(filepath.Dir(filepath.Join(r.real, filepath.FromSlash(name)))))
	if filepath.Base(audio) != "audio" {
		return ""
	}
	return filepath.Base(filepath.Dir(audio))
}

func looksLikeMLS(p *probe) bool {
	return p.mostAudio(func(r root, name string) bool {
		_, ok := r.mlsName(name)
		return ok
	})
}
