package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aural/audio"
	"aural/datasets"
	"aural/datasets/corpora"
	"aural/infer"
)

// recording is one that is to be transcribed.
type recording struct {
	id   string
	path string // "" in a store
	row  int    // of the store
	err  error  // why it cannot be read
}

// name is how messages call it.
func (r recording) name() string {
	if r.path == "" {
		return r.id
	}
	return r.path
}

// heard is a recording with its audio, 16 kHz mono.
type heard struct {
	recording
	audio    []float32
	warnings []string
}

// recordings are those that were asked for, in order.
type recordings struct {
	items      []recording
	store      *datasets.Store // nil for files
	channels   audio.ChannelPolicy
	resamplers map[int]*audio.Resampler
}

// recordings finds what is to be transcribed.
func (f *transcribeFlags) recordings(a *app, files []string) (r *recordings, err error) {
	r = &recordings{resamplers: map[int]*audio.Resampler{}}
	if r.channels, err = audio.ParseChannelPolicy(f.channels); err != nil {
		return nil, usage(err)
	}
	switch {
	case f.data != "" && len(files) > 0:
		return nil, usagef("give FILEs or --data, not both")
	case f.data == "" && len(files) == 0:
		return nil, usagef("name at least one FILE, a folder, or --data STORE")
	case f.data == "" && f.split != "":
		return nil, usagef("--split is for --data")
	case f.data != "":
		if r.store, err = a.openStore(f.data); err != nil {
			return nil, err
		}
		if err = r.rows(f.split); err != nil {
			r.store.Close()
			return nil, err
		}
		return r, nil
	}
	for _, path := range files {
		if err := r.add(path); err != nil {
			return nil, err
		}
	}
	seen := map[string]string{}
	for _, item := range r.items {
		if other, twice := seen[item.id]; twice {
			return nil, usagef("%s and %s would both have the id %q: name a folder above both, or transcribe them one by one", other, item.path, item.id)
		}
		seen[item.id] = item.path
	}
	return r, nil
}

// rows takes the rows of the store.
func (r *recordings) rows(split string) error {
	for row := range r.store.Len() {
		u, err := r.store.Utterance(row)
		if err != nil {
			return err
		}
		if split == "" || u.Split == split {
			r.items = append(r.items, recording{id: u.ID, row: row})
		}
	}
	if len(r.items) == 0 {
		return fmt.Errorf("%s has no rows of split %q", r.store.Where(), split)
	}
	return nil
}

// add takes a file, or all recordings of a folder.
func (r *recordings) add(path string) error {
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		// A file that is not there is one that cannot be read: the others are transcribed.
		r.items = append(r.items, recording{id: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), path: path, err: err})
		return nil
	}
	list, err := corpora.Folder(path)
	if err != nil {
		return err
	}
	for item, err := range list.Items() {
		if err != nil {
			return err
		}
		one := recording{id: item.ID, path: item.Path}
		if item.Fault != nil {
			one.err = fmt.Errorf("%s", item.Fault.Reason)
		}
		r.items = append(r.items, one)
	}
	return nil
}

// readAhead reads recordings in order, one ahead of what is taken from the channel.
func (r *recordings) readAhead(ctx context.Context) <-chan heard {
	out := make(chan heard, 1)
	go func() {
		defer close(out)
		for _, item := range r.items {
			h := heard{recording: item}
			if h.err == nil {
				h.err = r.read(&h)
			}
			select {
			case out <- h:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// read decodes a recording.
func (r *recordings) read(h *heard) error {
	if r.store != nil {
		n, err := r.store.Samples(h.row)
		if err != nil {
			return err
		}
		h.audio = make([]float32, n)
		return r.store.Read(h.audio, h.row, 0)
	}
	clip, err := audio.DecodeFile(h.path, audio.Limits{})
	if err != nil {
		return err
	}
	h.warnings = clip.Warnings
	if h.audio, err = clip.Mono(r.channels); err != nil || clip.Rate == infer.Rate {
		return err
	}
	s, ok := r.resamplers[clip.Rate]
	if !ok {
		if s, err = audio.NewResampler(clip.Rate, infer.Rate, audio.SincHann); err != nil {
			return err
		}
		r.resamplers[clip.Rate] = s
	}
	h.audio = s.Process(h.audio)
	return nil
}

func (r *recordings) close() error {
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}
