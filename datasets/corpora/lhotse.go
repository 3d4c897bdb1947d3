package corpora

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/datasets"
)

// Lhotse lists manifests of Lhotse (Żelasko and others 2021) as JSON lines, plain or .gz. path is a manifest of recordings,
// which is read with the supervisions beside it, one of supervisions, which is read with its recordings, one of cuts, or a
// folder. Of a folder the cuts are taken when there are some, else the recordings. Files of recordings and supervisions
// belong together when their names differ in that word only. The split is what follows the word in the name, as in
// cuts_train.jsonl.gz, or else what goes before.
//
// As CutSet.from_manifests does, recordings with supervisions give an item for each supervision, named by it, and a recording
// without gives one item, or one for each of its files. A cut gives one item, with the texts of its supervisions joined by
// spaces, in the order of time; its speaker is the one that all supervisions name.
//
// Only MonoCut, and MultiCut of one file, are single recordings; MixedCut and PaddingCut become faults. So do sources that
// are no files: a command is never run. Paths are relative to the folder of the manifest or to rootDir, and absolute ones
// must lie in one of the two.
func Lhotse(path, rootDir string) (*datasets.Listing, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	folder, only := path, ""
	if !info.IsDir() {
		folder, only = filepath.Dir(path), filepath.Base(path)
	}
	dir, err := openRoot(folder)
	if err != nil {
		return nil, err
	}
	l := lhotse{dir: dir}
	if l.roots, err = (roots{dir}).with(rootDir); err != nil {
		return nil, err
	}
	cuts, recordings, err := l.choose(only)
	if err != nil {
		return nil, err
	}
	for _, name := range cuts {
		if err := l.readCuts(name); err != nil {
			return nil, err
		}
	}
	for _, name := range recordings {
		if err := l.readRecordings(name); err != nil {
			return nil, err
		}
	}
	l.c.regroup()
	return l.c.listing("Lhotse manifests " + path)
}

// lhotse collects items from the manifests of a folder.
type lhotse struct {
	c     catalog
	dir   root
	roots roots
}

var lhotseExtensions = []string{".jsonl", ".jsonl.gz"}

// choose returns the manifests to read: of the whole folder, or that one.
func (l *lhotse) choose(only string) (cuts, recordings []string, err error) {
	names := []string{only}
	if only == "" {
		if names, err = l.dir.manifests(lhotseExtensions, math.MaxInt, looksLikeLhotse); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		p, err := look(filepath.Join(l.dir.real, name))
		if err != nil {
			return nil, nil, err
		}
		switch kind := lhotseKind(p.head); {
		case kind == "cuts":
			cuts = append(cuts, name)
		case kind == "recordings":
			recordings = append(recordings, name)
		case kind == "supervisions" && only != "":
			other, err := l.partner(name, "supervisions", "recordings")
			if err == nil && other == "" {
				err = fmt.Errorf("corpora: there are no recordings beside %s: a file of the same name with that word in place of supervisions",
					filepath.Join(l.dir.dir, name))
			}
			if err != nil {
				return nil, nil, err
			}
			recordings = append(recordings, other)
		}
	}
	if len(cuts) > 0 {
		return cuts, nil, nil
	}
	if len(recordings) == 0 {
		return nil, nil, fmt.Errorf("corpora: %s holds no Lhotse manifest of cuts or recordings (.jsonl or .jsonl.gz)",
			filepath.Join(l.dir.dir, only))
	}
	return nil, recordings, nil
}

// partner returns the manifest that is called as name with the other word, compressed or not; "" when there is none.
func (l *lhotse) partner(name, word, other string) (string, error) {
	if !strings.Contains(name, word) {
		return "", nil
	}
	base := strings.TrimSuffix(strings.Replace(name, word, other, 1), ".gz")
	for _, candidate := range []string{base, base + ".gz"} {
		file, err := l.dir.text(candidate)
		if err != nil {
			return "", err
		}
		if file != "" {
			return candidate, nil
		}
	}
	return "", nil
}

// lines calls each for the lines of a manifest that are not empty.
func (l *lhotse) lines(name string, each func(text string, at place)) error {
	file, err := l.dir.text(name)
	if err != nil {
		return err
	}
	for line, err := range fileLines(file) {
		if err != nil {
			return err
		}
		if strings.TrimSpace(line.text) != "" {
			each(line.text, place{name, line.number})
		}
	}
	return nil
}

func (l *lhotse) readCuts(name string) error {
	split := lhotseSplit(name, "cuts")
	return l.lines(name, func(text string, at place) {
		cut, fault := parseCut(text)
		if fault != nil {
			l.c.reject(cut.ID, at, fault)
			return
		}
		item := l.audio(cut.Recording, cut.Channel)
		cut.Recording.take(&item, cut.Start, cut.Duration)
		item.ID, item.Split = cut.ID, split
		item.Speaker, item.Transcript = cut.words()
		l.c.add(item, at)
	})
}

func (l *lhotse) readRecordings(name string) error {
	spoken, err := l.supervisions(name)
	if err != nil {
		return err
	}
	split := lhotseSplit(name, "recordings")
	err = l.lines(name, func(text string, at place) {
		r, fault := parseRecording(text)
		if fault != nil {
			l.c.reject(r.ID, at, fault)
			return
		}
		segments := spoken.byRecording[r.ID]
		delete(spoken.byRecording, r.ID)
		for _, s := range segments {
			item := l.audio(&r, s.Channel)
			if item.Fault != nil {
				item.Fault = ofRecording(item.Fault, r.ID, at)
			}
			r.take(&item, s.Start, s.Duration)
			item.ID, item.Split, item.Speaker, item.Transcript = s.ID, split, string(s.Speaker), strings.TrimSpace(s.Text)
			l.c.add(item, s.at)
		}
		if segments == nil {
			for _, item := range l.whole(&r) {
				item.Split = split
				l.c.add(item, at)
			}
		}
	})
	for _, id := range spoken.order {
		for _, s := range spoken.byRecording[id] {
			l.c.reject(s.ID, s.at, missing("there is no recording %q", id))
		}
	}
	return err
}

// spoken are the supervisions of a file of recordings.
type spoken struct {
	order       []string // of the recordings, as they come first
	byRecording map[string][]placedSupervision
}

type placedSupervision struct {
	lhotseSupervision
	at place
}

func (l *lhotse) supervisions(recordings string) (spoken, error) {
	s := spoken{byRecording: map[string][]placedSupervision{}}
	name, err := l.partner(recordings, "recordings", "supervisions")
	if err != nil || name == "" {
		return s, err
	}
	err = l.lines(name, func(text string, at place) {
		v, fault := parseSupervision(text)
		if fault != nil {
			l.c.reject(v.ID, at, fault)
			return
		}
		if s.byRecording[v.RecordingID] == nil {
			s.order = append(s.order, v.RecordingID)
		}
		s.byRecording[v.RecordingID] = append(s.byRecording[v.RecordingID], placedSupervision{v, at})
	})
	return s, err
}

// audio returns an item with nothing but the place of some channels of a recording, or the fault.
func (l *lhotse) audio(r *lhotseRecording, want channels) datasets.Item {
	if len(want) == 0 {
		want = channels{0} // Lhotse's default
	}
	for _, s := range r.Sources {
		at := slices.Index(s.Channels, want[0])
		switch {
		case at < 0:
			continue
		case len(want) == 1 && len(s.Channels) == 1:
			at = -1 // the only channel of the file
		case len(want) == 1:
		case slices.Equal(slices.Sorted(slices.Values(s.Channels)), slices.Sorted(slices.Values(want))):
			at = -1 // all channels of the file
		default:
			return datasets.Item{Fault: badEntry("it is channels %v, of %v or of several files: make a cut of each channel", want, s.Channels)}
		}
		item := l.file(r, s)
		item.Channel = at + 1
		return item
	}
	return datasets.Item{Fault: badEntry("the recording %q has no channel %d", r.ID, want[0])}
}

// whole returns an item for each file of a recording.
func (l *lhotse) whole(r *lhotseRecording) []datasets.Item {
	var items []datasets.Item
	for i, s := range r.Sources {
		item := l.file(r, s)
		if item.ID = r.ID; len(r.Sources) > 1 {
			item.ID = fmt.Sprintf("%s-%d", r.ID, i)
		}
		item.Frames = r.frames()
		items = append(items, item)
	}
	return items
}

// file locates a source of a recording.
func (l *lhotse) file(r *lhotseRecording, s lhotseSource) datasets.Item {
	if fault := r.usable(s); fault != nil {
		return datasets.Item{Fault: fault}
	}
	item := datasets.Item{Name: filepath.ToSlash(string(s.Source))}
	l.roots.locate(&item)
	return item
}

// lhotseSplit returns what a name says besides the word: "train" for x_cuts_train.jsonl.gz and for train_cuts.jsonl.
func lhotseSplit(name, word string) string {
	const separators = "-_."
	base, _, _ := strings.Cut(name, ".jsonl")
	before, after, found := strings.Cut(base, word)
	if !found {
		return base
	}
	if after = strings.Trim(after, separators); after != "" {
		return after
	}
	return strings.Trim(before, separators)
}
