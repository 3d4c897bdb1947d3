package corpora

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"

	"aural/datasets"
)

// maxStreamed bounds the audio of one sample of a compressed tar, which has to be in memory as a whole: 4.6 hours of 16 kHz
// 16-bit mono.
const maxStreamed = 512 << 20

// maxPadding is more than tar writes behind the end of an archive.
const maxPadding = 16 << 20

// tarStream is a Source over shards of which some are compressed. Nothing is read before Items.
type tarStream struct {
	description string
	tars        []tarFile
}

// Describe says what was found and where.
func (s *tarStream) Describe() string { return s.description }

// Total returns -1: a compressed tar has no list of its members.
func (s *tarStream) Total() int { return -1 }

// Items yields the samples in the order of the tars. Members of one sample must be neighbours, as the format demands.
func (s *tarStream) Items() iter.Seq2[datasets.Item, error] {
	return func(yield func(datasets.Item, error) bool) {
		for _, t := range s.tars {
			for item, err := range t.stream() {
				if err != nil {
					err = fmt.Errorf("corpora: WebDataset shard %s: %w", t.path, err)
				}
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// stream yields the items of one tar.
func (t tarFile) stream() iter.Seq2[datasets.Item, error] {
	return func(yield func(datasets.Item, error) bool) {
		f, _, err := openTar(t.path)
		if err != nil {
			yield(datasets.Item{}, err)
			return
		}
		defer f.Close()
		var from io.Reader = f
		if isCompressedTar(t.name) {
			if from, err = gzip.NewReader(f); err != nil {
				yield(datasets.Item{}, err)
				return
			}
		}
		if !t.samples(from, maxStreamed, yield) {
			return
		}
		// The checksum of a compressed file is behind the zeros that end a tar.
		if _, err := io.CopyN(io.Discard, from, maxPadding); err != io.EOF {
			if err == nil {
				err = fmt.Errorf("more than %d bytes follow the tar", maxPadding)
			}
			t.fault(fmt.Sprintf("the samples were read, but the file does not end as it should (%v): it is cut off or damaged", err), yield)
		}
	}
}

// fault yields an item that stands for the shard as a whole.
func (t tarFile) fault(reason string, yield func(datasets.Item, error) bool) {
	yield(datasets.Item{ID: t.name, Name: t.name, Split: SplitOf(t.name), Fault: &datasets.Fault{Kind: datasets.FaultTruncated, Reason: reason}}, nil)
}

// samples yields the items of a tar as it flows by; limit bounds the audio of a sample. When the tar breaks off, the last
// item is a fault that says so, and stands for the sample that was being read. The result is true when the tar ended well
// and the consumer wants more.
func (t tarFile) samples(from io.Reader, limit int64, yield func(datasets.Item, error) bool) bool {
	g := grouping{tar: t, yield: yield, limit: limit}
	err := g.run(tar.NewReader(from))
	if err != nil && !g.stopped {
		t.fault(fmt.Sprintf("the tar breaks off: %v: the samples from %q on are lost", err, g.last), yield)
	}
	return err == nil && !g.stopped
}

// grouping collects neighbouring members of a stream into samples.
type grouping struct {
	tar     tarFile
	yield   func(datasets.Item, error) bool
	limit   int64
	now     *sample
	held    int64  // bytes of audio in now
	last    string // key of the sample begun last
	stopped bool
}

// run reads members until the end of the tar or until the consumer has had enough.
func (g *grouping) run(r *tar.Reader) error {
	for !g.stopped {
		header, err := r.Next()
		if err == io.EOF {
			g.flush()
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		m, regular := member(header)
		if !regular {
			continue
		}
		if err := g.add(m, header.Size, r); err != nil {
			return fmt.Errorf("in %q: %w", m.name, err)
		}
	}
	return nil
}

// add takes one member in.
func (g *grouping) add(m tarMember, size int64, content io.Reader) error {
	key, field, ok := sampleKey(m.name)
	audio := isAudioName("." + field)
	if !ok || !audio && !isAnnotation(field) {
		if m.fault != nil {
			if g.flush(); g.stopped {
				return nil
			}
			g.now, g.last = &sample{key: m.name, audio: []datasets.Item{{Name: m.name, Fault: m.fault}}}, m.name
		}
		return nil
	}
	if g.now == nil || g.now.key != key {
		if g.flush(); g.stopped {
			return nil
		}
		g.now, g.last = &sample{key: key}, key
	}
	limit := int64(maxAnnotation)
	if audio {
		limit = g.limit - g.held
	}
	item := datasets.Item{Name: m.name, Fault: m.fault}
	switch {
	case m.fault != nil:
	case size > limit:
		item.Fault = tooLargeMember(m.name, limit)
	default:
		var data bytes.Buffer // grows with what is there, not with what the header says
		if _, err := io.Copy(&data, content); err != nil {
			return err
		}
		item.Data = data.Bytes()
	}
	switch {
	case audio && item.Fault == nil && len(item.Data) == 0:
		item.Fault = &datasets.Fault{Kind: datasets.FaultAudio, Reason: fmt.Sprintf("the member %q is empty", m.name)}
		fallthrough
	case audio:
		g.held += int64(len(item.Data))
		g.now.audio = append(g.now.audio, item)
	case item.Fault != nil:
		g.now.annotated, g.now.fault = true, item.Fault
	default:
		g.now.annotate(field, item.Data)
	}
	return nil
}

// flush yields the sample that is complete.
func (g *grouping) flush() {
	if g.now == nil {
		return
	}
	items := g.now.items(g.tar)
	g.now, g.held = nil, 0
	for _, item := range items {
		g.emit(item)
	}
}

func (g *grouping) emit(item datasets.Item) {
	if !g.stopped && !g.yield(item, nil) {
		g.stopped = true
	}
}
