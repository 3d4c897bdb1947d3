package corpora

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"aural/datasets"
)

// Kaldi lists a data folder of Kaldi (kaldi-asr.org/doc/data_prep.html): wav.scp, and text, utt2spk, segments and
// reco2file_and_channel when they are there. path is such a folder, its wav.scp, or a folder of data folders, as data with
// data/train and data/dev. The name of the data folder is the split.
//
// Relative paths are tried in the data folder, then in path, then in rootDir, which is for the paths of a recipe, relative
// to where it was run. Absolute paths must lie in one of these. "FILE.ark:OFFSET" is the WAV file at that byte of an
// archive. A command ("sph2pipe … |") is never run: it becomes a fault.
//
// With segments an item is a part of a recording, and the parts of a recording are listed one after the other. Several
// recordings in one file are its channels, as reco2file_and_channel says; a recording with a file for itself is mixed as
// ever, because the command that the column was written for has usually taken the channel out already.
func Kaldi(path, rootDir string) (*datasets.Listing, error) {
	dir := path
	if filepath.Base(path) == scpFile {
		dir = filepath.Dir(path)
	}
	r, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	folders, err := r.folders(func(dir string) bool { return r.exists(dir, scpFile) })
	if err != nil {
		return nil, err
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("corpora: neither %s nor a folder in it has a %s", dir, scpFile)
	}
	var c catalog
	for _, folder := range folders {
		k, err := openKaldi(&c, r, folder, rootDir)
		if err != nil {
			return nil, err
		}
		if err := k.utterances(); err != nil {
			return nil, err
		}
	}
	c.regroup()
	return c.listing("Kaldi data folder " + dir)
}

const scpFile = "wav.scp"

func looksLikeKaldi(p *probe) bool {
	if !p.dir {
		return filepath.Base(p.path) == scpFile
	}
	r, err := openRoot(p.path)
	if err != nil {
		return false
	}
	folders, err := r.folders(func(dir string) bool { return r.exists(dir, scpFile) })
	return err == nil && len(folders) > 0
}

// kaldiFolder is one data folder.
type kaldiFolder struct {
	c          *catalog
	root       root
	name       string // in root
	split      string
	order      []string // of the recordings in wav.scp
	recordings map[string]kaldiRecording
	texts      *kaldiTable
	speakers   *kaldiTable
}

// kaldiRecording is a line of wav.scp.
type kaldiRecording struct {
	audio datasets.Item // where the audio is, or the fault
	at    place
}

// openKaldi reads everything but the segments.
func openKaldi(c *catalog, r root, name, rootDir string) (*kaldiFolder, error) {
	k := &kaldiFolder{c: c, root: r, name: name, recordings: map[string]kaldiRecording{}}
	data, err := openRoot(filepath.Join(r.real, name))
	if err != nil {
		return nil, err
	}
	k.split = filepath.Base(data.real)
	within := roots{data}
	if data.real != r.real {
		within = append(within, r)
	}
	if within, err = within.with(rootDir); err != nil {
		return nil, err
	}
	scp, err := k.table(scpFile)
	if err != nil {
		return nil, err
	}
	channels, err := k.channels(scp)
	if err != nil {
		return nil, err
	}
	for _, id := range scp.order {
		line := scp.lines[id]
		audio := kaldiAudio(within, line.value)
		audio.Channel = channels[id]
		k.recordings[id] = kaldiRecording{audio, line.at}
	}
	k.order = scp.order
	if k.texts, err = k.table("text"); err != nil {
		return nil, err
	}
	k.speakers, err = k.table("utt2spk")
	return k, err
}

// channels returns the channels of the recordings that share their file with others, from reco2file_and_channel: lines
// "RECORDING FILE CHANNEL" with A or 1 for the first channel, B or 2 for the second.
func (k *kaldiFolder) channels(scp *kaldiTable) (map[string]int, error) {
	table, err := k.table("reco2file_and_channel")
	if err != nil {
		return nil, err
	}
	sharing := map[string]int{}
	for _, l := range scp.lines {
		sharing[l.value]++
	}
	channels := map[string]int{}
	for id, l := range table.lines {
		fields := kaldiFields(l.value)
		if sharing[scp.lines[id].value] < 2 || len(fields) != 2 {
			continue
		}
		switch fields[1] {
		case "A", "1":
			channels[id] = 1
		case "B", "2":
			channels[id] = 2
		}
	}
	return channels, nil
}

// utterances adds the items: the segments, or else the recordings themselves.
func (k *kaldiFolder) utterances() error {
	segments, err := k.table("segments")
	if err != nil {
		return err
	}
	for _, id := range segments.order {
		l := segments.lines[id]
		s, fault := parseSegment(l.value)
		r, known := k.recordings[s.recording]
		if fault == nil && !known {
			fault = missing("%s has no recording %q", scpFile, s.recording)
		}
		item := r.audio
		item.Start, item.End = s.start, s.end
		if s.channel > 0 {
			item.Channel = s.channel
		}
		switch {
		case fault != nil:
			item.Fault = fault
		case item.Fault != nil:
			item.Fault = ofRecording(item.Fault, s.recording, r.at)
		}
		k.add(id, item, l.at)
	}
	if !segments.exists {
		for _, id := range k.order {
			r := k.recordings[id]
			k.add(id, r.audio, r.at)
		}
	}
	for _, id := range k.texts.order {
		if l := k.texts.lines[id]; !l.used {
			k.c.reject(id, l.at, missing("there is a text for %q but no such utterance", id))
		}
	}
	return nil
}

// add completes an item.
func (k *kaldiFolder) add(id string, item datasets.Item, at place) {
	item.ID, item.Split = id, k.split
	item.Transcript = strings.Join(kaldiFields(k.texts.take(id)), " ")
	item.Speaker = k.speakers.take(id)
	k.c.add(item, at)
}

// kaldiTable is a file of lines "KEY VALUE".
type kaldiTable struct {
	exists bool
	order  []string // the keys as they come
	lines  map[string]*kaldiLine
}

type kaldiLine struct {
	value string
	at    place
	used  bool
}

// take returns the value of a key, "" when it has none.
func (t *kaldiTable) take(key string) string {
	l, ok := t.lines[key]
	if !ok {
		return ""
	}
	l.used = true
	return l.value
}

// table reads a file of the data folder. One that is not there is an empty table. A key without a value and one that comes
// twice become faults, except that a text may be empty.
func (k *kaldiFolder) table(name string) (*kaldiTable, error) {
	t := &kaldiTable{lines: map[string]*kaldiLine{}}
	inRoot := path.Join(k.name, name)
	file, err := k.root.text(inRoot)
	if err != nil || file == "" {
		return t, err
	}
	t.exists = true
	for l, err := range fileLines(file) {
		if err != nil {
			return nil, err
		}
		key, value := cutKaldi(l.text)
		at := place{inRoot, l.number}
		switch first := t.lines[key]; {
		case key == "": // an empty line
		case value == "" && name != "text":
			k.c.reject(key, at, badEntry("%q has nothing behind it", key))
		case first != nil:
			k.c.reject(key, at, badEntry("%q is in %s already", key, first.at))
		default:
			t.order = append(t.order, key)
			t.lines[key] = &kaldiLine{value: value, at: at}
		}
	}
	return t, nil
}
