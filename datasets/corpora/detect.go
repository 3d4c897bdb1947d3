package corpora

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aural/datasets"
)

// Options steer how a source is opened. A layout that has no use for one refuses it.
type Options struct {
	// Root is a folder in which the recordings of a manifest lie: instead of the one that a fairseq manifest names, beside
	// that of the manifest in other layouts.
	Root string
}

// ErrChoice is what Open returns for a layout that is not one of Layouts and for an option that a layout has no use for.
var ErrChoice = errors.New("corpora: layout")

// Layout is one way in which corpora are arranged.
type Layout struct {
	Name  string // what the user calls it
	About string // a line of help
	// open lists what is at path.
	open func(path string, opt Options) (datasets.Source, error)
	// fits reports whether a path looks like this layout; nil: it must be asked for by name.
	fits func(p *probe) bool
	// takesRoot is set when the layout has a use for Options.Root.
	takesRoot bool
}

// Layouts returns all layouts, in the order in which Detect tries them.
func Layouts() []Layout {
	return []Layout{
		{Name: "table", About: "tab- or comma-separated, with a header: path; also id, speaker, transcript, split",
			open: func(path string, _ Options) (datasets.Source, error) { return source(Table(path)) },
			// The tables of Common Voice name files in another folder.
			fits: func(p *probe) bool { return looksLikeTable(p.head) && !looksLikeCommonVoice(p) }},
		{Name: "commonvoice", About: "Common Voice: a language folder, or one of its tables; by default validated.tsv",
			open: func(path string, _ Options) (datasets.Source, error) { return source(CommonVoice(path)) },
			fits: looksLikeCommonVoice},
		{Name: "fairseq", About: "manifest train.tsv of fairseq, or a folder of them; train.wrd or train.ltr beside it",
			open: func(path string, opt Options) (datasets.Source, error) { return source(Fairseq(path, opt.Root)) },
			fits: func(p *probe) bool { return looksLikeFairseq(p.head) || p.holds(looksLikeFairseq, ".tsv") }, takesRoot: true},
		{Name: "lhotse", About: "JSON lines of Lhotse, or a folder of them: cuts, or recordings and supervisions",
			open: func(path string, opt Options) (datasets.Source, error) { return source(Lhotse(path, opt.Root)) },
			fits: func(p *probe) bool {
				return looksLikeLhotse(p.head) || p.holds(looksLikeLhotse, lhotseExtensions...)
			}, takesRoot: true},
		{Name: "nemo", About: "JSON lines of NeMo: a file, NAME_{0..7}.json or a folder; tarred sets too",
			open: func(path string, opt Options) (datasets.Source, error) { return source(NeMo(path, opt.Root)) },
			fits: func(p *probe) bool { return looksLikeNeMo(p.head) || p.holds(looksLikeNeMo, nemoExtensions...) }, takesRoot: true},
		{Name: "kaldi", About: "data folder of Kaldi with wav.scp, text, utt2spk, segments; or a folder of such",
			open: func(path string, opt Options) (datasets.Source, error) { return source(Kaldi(path, opt.Root)) },
			fits: looksLikeKaldi, takesRoot: true},
		{Name: "librispeech", About: "tree SPEAKER/CHAPTER of LibriSpeech, with .trans.txt",
			open: func(path string, _ Options) (datasets.Source, error) { return source(LibriSpeech(path)) },
			fits: func(p *probe) bool { return p.dir && looksLikeLibriSpeech(p) }},
		{Name: "mls", About: "tree audio/SPEAKER/BOOK of Multilingual LibriSpeech, with transcripts.txt",
			open: func(path string, _ Options) (datasets.Source, error) { return source(MLS(path)) },
			fits: func(p *probe) bool { return p.dir && looksLikeMLS(p) }},
		{Name: "librilight", About: "tree SPEAKER/BOOK of the unlabelled Libri-Light, a .json beside each file",
			open: func(path string, _ Options) (datasets.Source, error) { return source(LibriLight(path)) },
			fits: func(p *probe) bool { return p.dir && looksLikeLibriLight(p) }},
		{Name: "ljspeech", About: "LJ Speech: metadata.csv with lines ID|text|normalized text, and wavs/ID.wav",
			open: func(path string, _ Options) (datasets.Source, error) { return source(LJSpeech(path)) },
			fits: looksLikeLJSpeech},
		{Name: "vctk", About: "VCTK: wav48/SPEAKER/ID.wav, or its later flac, and txt/SPEAKER/ID.txt",
			open: func(path string, _ Options) (datasets.Source, error) { return source(VCTK(path)) },
			fits: func(p *probe) bool { return p.dir && p.has("txt") && looksLikeVCTK(p) }},
		{Name: "huggingface", About: "folder of save_to_disk, cache folder or Arrow file of Hugging Face datasets",
			open: func(path string, opt Options) (datasets.Source, error) { return source(HuggingFace(path, opt.Root)) },
			fits: looksLikeHuggingFace, takesRoot: true},
		{Name: "audiofolder", About: "audio files with metadata.csv or metadata.jsonl that has file_name",
			open: func(path string, _ Options) (datasets.Source, error) { return source(AudioFolder(path)) },
			fits: func(p *probe) bool { return p.dir && looksLikeAudioFolder(p) }},
		{Name: "webdataset", About: "tars with KEY.flac, KEY.txt, KEY.json: one, a folder, or {000..012}.tar",
			open: func(path string, _ Options) (datasets.Source, error) { return WebDataset(path) },
			fits: looksLikeWebDataset},
		{Name: "folder", About: "any audio below a folder, which names the speaker; text in .txt beside it",
			open: func(path string, _ Options) (datasets.Source, error) { return source(Folder(path)) },
			fits: func(p *probe) bool { return p.dir }},
	}
}

// source keeps a nil listing from becoming a source that is not nil.
func source[S datasets.Source](s S, err error) (datasets.Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Open lists what is at path in the layout of the given name, or, when the name is "auto", in the first that fits.
// Source.Describe says which.
func Open(layout, path string, opt Options) (datasets.Source, error) {
	chosen, err := choose(layout, path)
	if err != nil {
		return nil, err
	}
	if opt.Root != "" && !chosen.takesRoot {
		return nil, fmt.Errorf("%w %s names its files relative to itself: %s is opened without a root", ErrChoice, chosen.Name, path)
	}
	return chosen.open(path, opt)
}

func choose(layout, path string) (Layout, error) {
	all := Layouts()
	if layout != "auto" {
		names := make([]string, len(all))
		for i, l := range all {
			if names[i] = l.Name; l.Name == layout {
				return l, nil
			}
		}
		return Layout{}, fmt.Errorf("%w %q is unknown: want auto, %s", ErrChoice, layout, strings.Join(names, ", "))
	}
	p, err := look(path)
	if err != nil {
		return Layout{}, err
	}
	if p.dir && p.has(datasets.InfoFile) {
		return Layout{}, fmt.Errorf("corpora: %s is a store already: open it instead of importing it", path)
	}
	for _, l := range all {
		if l.fits != nil && l.fits(p) {
			return l, nil
		}
	}
	return Layout{}, fmt.Errorf("corpora: %s looks like no layout that is known; name one of them", path)
}

// probe is what Detect knows of a path before it chooses a layout.
type probe struct {
	path string
	dir  bool
	head string // the first 64 KiB of a file, decompressed when it is gzip; "" for a directory

	tree  []treeFile // what is below a directory, once walked
	root  root
	walks bool
}

func look(path string) (*probe, error) {
	first := path
	if isTarName(path) && hasBraces(path) {
		return &probe{path: path}, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && hasBraces(path) { // a pattern of files: the first of them stands for all
		names, wrong := expandBraces(filepath.Base(path))
		if wrong != nil {
			return nil, wrong
		}
		first = filepath.Join(filepath.Dir(path), names[0])
		info, err = os.Stat(first)
	}
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	p := &probe{path: path, dir: info.IsDir()}
	if p.dir {
		return p, nil
	}
	if !info.Mode().IsRegular() { // opening a named pipe would wait for a writer
		return nil, fmt.Errorf("corpora: %s is neither a folder nor a regular file", path)
	}
	f, err := os.Open(first)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	defer f.Close()
	text, err := plainText(f)
	if err != nil {
		return nil, fmt.Errorf("corpora: read %s: %w", path, err)
	}
	head, err := io.ReadAll(io.LimitReader(text, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("corpora: read %s: %w", path, err)
	}
	p.head = string(head)
	return p, nil
}

// holds reports whether a directory holds manifests that end in one of exts.
func (p *probe) holds(looksRight func(head string) bool, exts ...string) bool {
	if !p.dir {
		return false
	}
	r, err := openRoot(p.path)
	if err != nil {
		return false
	}
	const most = 64 // a folder may have a .json for each of a million recordings
	names, err := r.manifests(exts, most, looksRight)
	return err == nil && len(names) > 0
}

// mostAudio reports whether more than half of the audio files below a directory are as named says.
func (p *probe) mostAudio(named func(r root, name string) bool) bool {
	if !p.walks {
		p.walks = true
		var err error
		if p.root, p.tree, err = openTree(p.path); err != nil {
			p.tree = nil
		}
	}
	good, all := 0, 0
	for _, f := range p.tree {
		if isAudioName(f.name) {
			all++
			if named(p.root, f.name) {
				good++
			}
		}
	}
	return 2*good > all
}

// has reports whether a directory has an entry of this name.
func (p *probe) has(name string) bool {
	_, err := os.Stat(filepath.Join(p.path, name))
	return err == nil
}
