package corpora

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aural/datasets"
)

// CommonVoice lists Mozilla Common Voice (Ardila and others 2020): a language folder with clips/ and tables of clips, or a
// release, which is a folder of language folders. It takes the clips that the community has validated: the rows of
// validated.tsv, in their order, then those of train, dev and test.tsv that are not among them. The split is train, dev or
// test where that table has the clip, else "validated". Neither other.tsv nor invalidated.tsv is read.
//
// Of a table of a language folder, such as en/other.tsv, it takes that table as it is, and the split is its name.
//
// Columns are found by the header, because releases differ; client_id is the speaker, sentence the transcript. Quotes are
// ordinary characters. The extension .mp3, which early releases leave away, may be missing.
func CommonVoice(file string) (*datasets.Listing, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	var c catalog
	if !info.IsDir() {
		r, err := openRoot(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		v := voices{c: &c, root: r, folder: ".", listed: map[string]bool{}}
		if err := v.table(filepath.Base(file), func(string) string { return stem(filepath.Base(file)) }); err != nil {
			return nil, err
		}
		return c.listing("Common Voice table " + file)
	}
	r, err := openRoot(file)
	if err != nil {
		return nil, err
	}
	folders, err := r.folders(r.isVoiceFolder)
	if err != nil {
		return nil, err
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("corpora: %s has no folder clips with one of %s.tsv beside it",
			file, strings.Join(voiceTables, ".tsv, "))
	}
	var notes []string
	for _, folder := range folders {
		v := voices{c: &c, root: r, folder: folder, listed: map[string]bool{}}
		if err := v.validated(); err != nil {
			return nil, err
		}
		for _, name := range []string{"other.tsv", "invalidated.tsv"} {
			if r.exists(folder, name) {
				notes = append(notes, path.Join(folder, name))
			}
		}
	}
	if len(notes) > 0 {
		notes = []string{strings.Join(notes, " and ") + " left out"}
	}
	return c.listing("Common Voice folder "+file, notes...)
}

// voiceTables are the tables of validated clips.
var voiceTables = []string{"validated", "train", "dev", "test"}

func (r root) isVoiceFolder(dir string) bool {
	if !r.exists(dir, "clips") {
		return false
	}
	for _, name := range voiceTables {
		if r.exists(dir, name+".tsv") {
			return true
		}
	}
	return false
}

// looksLikeCommonVoice knows a language folder, a folder of them, and a table with the columns of a clip and clips beside it.
func looksLikeCommonVoice(p *probe) bool {
	dir := p.path
	if !p.dir {
		dir = filepath.Dir(dir)
	}
	r, err := openRoot(dir)
	if err != nil {
		return false
	}
	if !p.dir {
		line, _, _ := strings.Cut(strings.TrimPrefix(p.head, byteOrderMark), "\n")
		at := tableHeader(strings.Split(line, "\t"))
		return strings.Contains(line, "client_id") && at[tablePath] >= 0 && r.exists("clips")
	}
	folders, err := r.folders(r.isVoiceFolder)
	return err == nil && len(folders) > 0
}

// voices lists the clips of one language folder.
type voices struct {
	c      *catalog
	root   root
	folder string          // in root
	listed map[string]bool // clips of the tables before
}

// validated lists the clips of the default.
func (v *voices) validated() error {
	splits := map[string]string{}
	for _, split := range voiceTables[1:] {
		for row, err := range v.rows(split + ".tsv") {
			if err != nil {
				return err
			}
			if row.Fault == nil && splits[row.Name] == "" {
				splits[row.Name] = split
			}
		}
	}
	for _, name := range voiceTables {
		err := v.table(name+".tsv", func(clip string) string { return cmp.Or(splits[clip], "validated") })
		if err != nil {
			return err
		}
	}
	return nil
}

// table adds the rows of a table. A clip that an earlier table has listed is left out; twice in one table it is a duplicate.
func (v *voices) table(name string, split func(clip string) string) error {
	var clips []string
	for row, err := range v.rows(name) {
		if err != nil {
			return err
		}
		item := row.Item
		if item.Fault == nil {
			if v.listed[item.Name] {
				continue
			}
			clips = append(clips, item.Name)
			item.Split = split(item.Name)
			v.locate(&item)
		}
		v.c.add(item, place{path.Join(v.folder, name), row.line})
	}
	for _, clip := range clips {
		v.listed[clip] = true
	}
	return nil
}

// rows yields the rows of a table, none when it is not there. An error is the last that it yields.
func (v *voices) rows(name string) iter.Seq2[tableRow, error] {
	return func(yield func(tableRow, error) bool) {
		inRoot := path.Join(v.folder, name)
		file, err := v.root.text(inRoot)
		if err == nil && file == "" {
			return
		}
		text := ""
		if err == nil {
			text, err = readManifest(file)
		}
		if err != nil {
			yield(tableRow{}, err)
			return
		}
		for row, err := range parseTable(text) {
			if err != nil {
				err = fmt.Errorf("corpora: Common Voice table %s: %w", filepath.Join(v.root.dir, inRoot), err)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// locate finds a clip, with and without the extension.
func (v *voices) locate(item *datasets.Item) {
	item.ID = strings.TrimSuffix(item.Name, ".mp3")
	clip := path.Join(v.folder, "clips", item.Name)
	if path.IsAbs(item.Name) || !filepath.IsLocal(filepath.FromSlash(item.Name)) {
		item.Fault = faultf(datasets.FaultOutside, "%q leads out of the folder clips", item.Name)
		return
	}
	if path.Ext(clip) == "" {
		clip += ".mp3"
	}
	item.Name = clip
	item.Path, item.Fault = v.root.resolve(filepath.FromSlash(clip))
}
