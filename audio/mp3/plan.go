package mp3

import "fmt"

// plan is what a walk over the headers tells before anything is decoded.
type plan struct {
	header header // of the first frame
	tag    infoTag
	tagged bool  // the first frame is an info tag
	slots  int   // frames of sound, lost ones included
	frames int   // frames of sound that are there
	bytes  int64 // of these frames
	junk   int   // bytes of the file that are neither frames nor tags nor zero
	cut    bool  // the file ends within a frame
	span   span
}

// length is the number of samples of each channel that remain after trimming.
func (p *plan) length() int {
	return p.span.cut - p.span.start + p.slots*p.header.samples() - p.span.cutEnd
}

// survey walks over the headers of data.
func survey(data []byte) (*plan, error) {
	p, walk := new(plan), newFrames(data)
	available := 0 // bytes from the first frame on
	for n := 0; ; n++ {
		f, ok, err := walk.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if n == 0 {
			if f.layer != 3 {
				return nil, fmt.Errorf("mp3: MPEG audio Layer %d: only Layer III is decoded: convert the file: %w", f.layer, ErrUnsupported)
			}
			p.header = f.header
			available = len(data) - f.offset
			if p.tag, p.tagged = parseInfoTag(f.header, f.data); p.tagged {
				continue
			}
		}
		p.slots += 1 + f.lost
		p.frames++
		p.bytes += int64(len(f.data))
	}
	p.junk, p.cut = walk.junk, walk.truncated
	switch {
	case p.frames == 0 && p.tagged:
		return nil, fmt.Errorf("mp3: the file has an info tag and no sound: %w", ErrEmpty)
	case p.frames == 0 && p.cut:
		return nil, fmt.Errorf("mp3: the file ends within its first frame: %w", ErrCorrupt)
	case p.frames == 0 && p.junk == 0:
		return nil, fmt.Errorf("mp3: the file has no frames, only tags and zeros: %w", ErrEmpty)
	case p.frames == 0:
		return nil, fmt.Errorf("mp3: no frame of MPEG audio in %d bytes: %w", len(data), ErrCorrupt)
	case int64(p.junk) > p.bytes:
		return nil, fmt.Errorf("mp3: %d bytes of the file are no MPEG audio and only %d are: %w", p.junk, p.bytes, ErrCorrupt)
	}
	p.span = p.tag.trim(p.slots*p.header.samples(), p.header.samples(), available)
	if p.length() == 0 {
		return nil, fmt.Errorf("mp3: the info tag trims all %d frames: %w", p.frames, ErrEmpty)
	}
	return p, nil
}

// missing is how many frames the info tag announces beyond those that there are.
func (p *plan) missing() int {
	return max(0, p.tag.frames-p.slots)
}
