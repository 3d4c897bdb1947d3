package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"aural/audio"
	"aural/audio/vad"
)

// minSamples is the receptive field of the feature encoder of wav2vec 2.0, 400 samples or 25 ms (Baevski and others 2020,
// section 4.2): a shorter recording gives no frame at all.
const minSamples = 400

// maxSidecar bounds a transcript file.
const maxSidecar = 1 << 20

// converted is one piece of an item after decoding: a row, or the fault that rejects it.
type converted struct {
	row      storedRow
	warnings []string
	fault    *Fault
}

// converter turns items into rows. Each worker has its own.
type converter struct {
	opt       ImportOptions
	resampler *audio.Resampler // for rate, the one used last
	rate      int
	last      recording
	segmenter *vad.Segmenter // nil unless long recordings are cut
	spans     []vad.Span
}

func newConverter(opt ImportOptions) (*converter, error) {
	c := &converter{opt: opt}
	if opt.Segment != nil {
		var err error
		if c.segmenter, err = vad.New(*opt.Segment); err != nil {
			return nil, fmt.Errorf("datasets: import: %w", err)
		}
	}
	return c, nil
}

// recording is a decoded file.
type recording struct {
	item     Item // that named the file
	channel  int
	samples  []int16 // 16 kHz mono
	frames   int     // in the file, at its own rate
	warnings []string
	fault    *Fault
}

// convert returns the rows of an item, or one fault; always at least one piece.
func (c *converter) convert(item Item) []converted {
	fault := item.Fault
	if fault == nil {
		fault = checkTexts(&item)
	}
	if fault != nil {
		return []converted{{fault: fault}}
	}
	rec := c.recording(item)
	if rec.fault != nil {
		return []converted{{fault: rec.fault}}
	}
	warnings := slices.Clone(rec.warnings)
	if item.Frames > 0 && item.Frames != rec.frames {
		warnings = append(warnings, fmt.Sprintf("the manifest says %d samples, the file has %d", item.Frames, rec.frames))
	}
	samples, warning, fault := cutItem(item, rec.samples)
	if fault != nil {
		return []converted{{fault: fault}}
	}
	if warning != "" {
		warnings = append(warnings, warning)
	}
	out := c.pieces(item, samples)
	out[0].warnings = append(warnings, out[0].warnings...)
	return out
}

// pieces encodes what an item holds: as one row, or, when it is longer than a piece may be, as the stretches between its
// silences. Those have the item's id with their begin and end in hundredths of a second of the recording, as Kaldi names
// segments. Nothing says which words are in which piece, so a transcript is not kept.
func (c *converter) pieces(item Item, samples []int16) []converted {
	if c.segmenter == nil || float64(len(samples)) <= c.opt.Segment.MaxSeconds*Rate {
		return []converted{c.encode(item, item.Start, samples)}
	}
	c.spans = c.segmenter.Segment(c.spans[:0], samples)
	if len(c.spans) == 0 {
		return []converted{{fault: &Fault{FaultSilent, fmt.Sprintf("%.1f s without speech", float64(len(samples))/Rate)}}}
	}
	out := make([]converted, len(c.spans))
	whole := item
	item.Transcript = ""
	for i, span := range c.spans {
		start := whole.Start + float64(span.Start)/Rate
		item.ID = fmt.Sprintf("%s-%07.0f-%07.0f", whole.ID, 100*start, 100*(whole.Start+float64(span.End)/Rate))
		out[i] = c.encode(item, start, samples[span.Start:span.End])
	}
	if whole.Transcript != "" {
		out[0].warnings = []string{"it was cut into pieces, which have no transcripts"}
	}
	return out
}

// checkTexts completes the transcript and refuses texts that an Arrow string column or a line of a log cannot hold.
func checkTexts(item *Item) *Fault {
	if item.Sidecar != "" {
		text, err := readSidecar(item.Sidecar)
		if err != nil {
			return &Fault{FaultEntry, fmt.Sprintf("transcript: %v", err)}
		}
		item.Transcript = text
	}
	if item.ID == "" {
		return &Fault{FaultEntry, "it has no id"}
	}
	for _, t := range []struct{ name, text string }{
		{"id", item.ID}, {"speaker", item.Speaker}, {"transcript", item.Transcript}, {"split", item.Split}, {"path", item.Name},
	} {
		if !utf8.ValidString(t.text) {
			return &Fault{FaultEntry, fmt.Sprintf("its %s is not UTF-8: %q", t.name, t.text)}
		}
		if strings.ContainsFunc(t.text, unicode.IsControl) {
			return &Fault{FaultEntry, fmt.Sprintf("its %s has control characters: %q", t.name, t.text)}
		}
	}
	return nil
}

// readSidecar returns the words of a transcript file with single spaces between them.
func readSidecar(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxSidecar {
		return "", fmt.Errorf("%s has %d bytes, a transcript has at most %d", path, info.Size(), maxSidecar)
	}
	data, err := os.ReadFile(path)
	return strings.Join(strings.Fields(strings.TrimPrefix(string(data), "\ufeff")), " "), err
}

// cutItem returns the part of a recording that the item is. Times in manifests are often rounded up past the end of the
// file; half a frame hop is forgiven, more is told.
func cutItem(item Item, samples []int16) (part []int16, warning string, fault *Fault) {
	if item.Start == 0 && item.End == 0 {
		return samples, "", nil
	}
	length := float64(len(samples)) / Rate
	if !(item.Start >= 0) || item.End != 0 && !(item.End > item.Start) || item.Start > length {
		return nil, "", &Fault{FaultEntry, fmt.Sprintf("it is the part from %g s to %g s of a recording of %.3f s", item.Start, item.End, length)}
	}
	from, to := min(int(item.Start*Rate+0.5), len(samples)), len(samples)
	if item.End > 0 && item.End < length {
		to = max(from, int(item.End*Rate+0.5))
	}
	if item.End > length+0.01 {
		warning = fmt.Sprintf("it ends at %g s and the recording at %.3f s", item.End, length)
	}
	return samples[from:min(to, len(samples))], warning, nil
}

// encode makes a row of samples that begin at start seconds of the item's recording.
func (c *converter) encode(item Item, start float64, pcm []int16) (out converted) {
	switch seconds := float64(len(pcm)) / Rate; {
	case len(pcm) < minSamples:
		out.fault = &Fault{FaultShort, fmt.Sprintf("%d samples at 16 kHz, one frame of the encoder needs %d", len(pcm), minSamples)}
	case seconds < c.opt.MinSeconds:
		out.fault = &Fault{FaultShort, fmt.Sprintf("%.3f s, the shortest allowed is %g s", seconds, c.opt.MinSeconds)}
	case c.opt.MaxSeconds > 0 && seconds > c.opt.MaxSeconds:
		out.fault = &Fault{FaultLong, fmt.Sprintf("%.3f s, the longest allowed is %g s: split it", seconds, c.opt.MaxSeconds)}
	case 2*len(pcm) > maxRowBytes-64:
		out.fault = &Fault{FaultLong, fmt.Sprintf("%.0f s, one row holds %d s: split it", seconds, maxRowBytes/2/Rate)}
	default:
		out.row = storedRow{id: item.ID, speaker: item.Speaker, transcript: item.Transcript, split: item.Split, path: item.Name,
			start: start, samples: len(pcm), audio: c.opt.Codec.encode(pcm)}
		out.row.sum = c.opt.Codec.sum(pcm, out.row.audio)
	}
	return out
}

// recording decodes the file of an item, unless it is the one that was decoded last.
func (c *converter) recording(item Item) *recording {
	if item.PCM != nil {
		return &recording{samples: item.PCM}
	}
	if c.last.channel == item.Channel && item.sameRecording(c.last.item) {
		return &c.last
	}
	c.last = recording{item: item, channel: item.Channel, samples: c.last.samples}
	c.last.fault = c.decode(&c.last)
	return &c.last
}

// decode fills a recording.
func (c *converter) decode(rec *recording) *Fault {
	clip, err := c.read(&rec.item)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{FaultMissing, err.Error()}
	case errors.Is(err, audio.ErrTooLarge):
		return &Fault{FaultLong, err.Error()}
	case err != nil:
		return &Fault{FaultAudio, err.Error()}
	}
	rec.warnings, rec.frames = clip.Warnings, clip.Frames()
	if !c.opt.KeepTruncated && clip.Truncated {
		return &Fault{FaultTruncated, strings.Join(clip.Warnings, "; ")}
	}
	policy := c.opt.Channels
	if rec.channel > 0 {
		policy = audio.Channel(rec.channel - 1)
	}
	mono, err := clip.Mono(policy)
	if err != nil {
		return &Fault{FaultAudio, err.Error()}
	}
	if clip.Rate != Rate {
		if c.rate != clip.Rate {
			c.rate = 0
			if c.resampler, err = audio.NewResampler(clip.Rate, Rate, c.opt.Resampler); err != nil {
				return &Fault{FaultAudio, err.Error()}
			}
			c.rate = clip.Rate
		}
		mono = c.resampler.Process(mono)
	}
	rec.samples = slices.Grow(rec.samples[:0], len(mono))[:len(mono)]
	// The ringing of a resampler takes single samples of loud speech past full scale. One in a thousand is more than that.
	if clipped := audio.ToInt16(rec.samples, mono); 1000*clipped > len(mono) {
		rec.warnings = append(rec.warnings, fmt.Sprintf("%d of %d samples are clipped at full scale", clipped, len(mono)))
	}
	return nil
}

// read decodes the file, or the part of a file, or the bytes, that an item names; with the help of ffmpeg when the user
// has asked for it and package audio does not know the format.
func (c *converter) read(item *Item) (*audio.Clip, error) {
	data, path := item.Data, ""
	if item.Path != "" {
		if item.Offset == 0 && item.Size == 0 {
			clip, err := audio.DecodeFile(item.Path, c.opt.Limits)
			if c.opt.FFmpeg == "" || !errors.Is(err, audio.ErrUnsupportedFormat) {
				return clip, err
			}
			path = item.Path
		}
		var err error
		if data, err = readPart(item.Path, item.Offset, item.Size, c.opt.Limits); err != nil {
			return nil, err
		}
	}
	clip, err := audio.Decode(data, c.opt.Limits)
	if c.opt.FFmpeg == "" || !errors.Is(err, audio.ErrUnsupportedFormat) {
		return clip, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.opt.FFmpegTimeout)
	defer cancel()
	return audio.DecodeWithFFmpeg(ctx, c.opt.FFmpeg, path, data, c.opt.Limits)
}

// readPart reads a part of a file, such as a member of a tar. Size 0 means the rest.
func readPart(path string, offset, size int64, lim audio.Limits) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = info.Size() - offset
	}
	if offset < 0 || size < 0 || offset > info.Size() || size > info.Size()-offset {
		return nil, fmt.Errorf("%s has %d bytes, the recording is said to have %d at byte %d: %w", path, info.Size(), size, offset, audio.ErrCorrupt)
	}
	if most := lim.WithDefaults().MaxBytes; size > most {
		return nil, fmt.Errorf("%d bytes at byte %d of %s, MaxBytes is %d: %w", size, offset, path, most, audio.ErrTooLarge)
	}
	data := make([]byte, size)
	_, err = f.ReadAt(data, offset)
	return data, err
}
