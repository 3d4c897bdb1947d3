package datasets

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"aural/audio"
)

// minSamples is the receptive field of the feature encoder of wav2vec 2.0, 400 samples or 25 ms (Baevski and others 2020,
// section 4.2): a shorter recording gives no frame at all.
const minSamples = 400

// maxSidecar bounds a transcript file.
const maxSidecar = 1 << 20

// converted is an item after decoding: a row, or the fault that rejects it.
type converted struct {
	item     Item
	row      storedRow
	pcmHash  [sha256.Size]byte
	warnings []string
	fault    *Fault
}

// converter turns items into rows. Each worker has its own.
type converter struct {
	opt       ImportOptions
	resampler *audio.Resampler // for rate, the one used last
	rate      int
	samples   []int16
}

func (c *converter) convert(item Item) converted {
	out := converted{item: item, fault: item.Fault}
	if out.fault == nil {
		out.fault = checkTexts(&item)
	}
	if out.fault == nil {
		out.fault = c.encode(&item, &out)
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
		{"id", item.ID}, {"speaker", item.Speaker}, {"transcript", item.Transcript}, {"path", item.Name},
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

// encode decodes, mixes, resamples and writes the WAV file of the row.
func (c *converter) encode(item *Item, out *converted) *Fault {
	pcm := item.PCM
	if item.Path != "" {
		var fault *Fault
		if pcm, fault = c.decode(item, out); fault != nil {
			return fault
		}
	}
	switch seconds := float64(len(pcm)) / Rate; {
	case len(pcm) < minSamples:
		return &Fault{FaultShort, fmt.Sprintf("%d samples at 16 kHz, one frame of the encoder needs %d", len(pcm), minSamples)}
	case seconds < c.opt.MinSeconds:
		return &Fault{FaultShort, fmt.Sprintf("%.3f s, the shortest allowed is %g s", seconds, c.opt.MinSeconds)}
	case c.opt.MaxSeconds > 0 && seconds > c.opt.MaxSeconds:
		return &Fault{FaultLong, fmt.Sprintf("%.3f s, the longest allowed is %g s: split it", seconds, c.opt.MaxSeconds)}
	case 2*len(pcm) > maxRowBytes-64:
		return &Fault{FaultLong, fmt.Sprintf("%.0f s, one row holds %d s: split it", seconds, maxRowBytes/2/Rate)}
	}
	wav := audio.AppendWAV16(make([]byte, 0, 2*len(pcm)+64), Rate, pcm)
	stored, err := wavSamples(wav, len(pcm))
	if err != nil {
		return &Fault{FaultAudio, err.Error()}
	}
	out.pcmHash = sha256.Sum256(stored)
	out.row = storedRow{id: item.ID, speaker: item.Speaker, transcript: item.Transcript, path: item.Name, samples: len(pcm), wav: wav}
	return nil
}

// decode returns the samples of a file at 16 kHz. They stay valid until the next call.
func (c *converter) decode(item *Item, out *converted) ([]int16, *Fault) {
	clip, err := audio.DecodeFile(item.Path, c.opt.Limits)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Fault{FaultMissing, err.Error()}
	case errors.Is(err, audio.ErrTooLarge):
		return nil, &Fault{FaultLong, err.Error()}
	case err != nil:
		return nil, &Fault{FaultAudio, err.Error()}
	}
	out.warnings = clip.Warnings
	if !c.opt.KeepTruncated && clip.Truncated {
		return nil, &Fault{FaultTruncated, strings.Join(clip.Warnings, "; ")}
	}
	if item.Frames > 0 && item.Frames != clip.Frames() {
		out.warnings = append(out.warnings, fmt.Sprintf("the manifest says %d samples, the file has %d", item.Frames, clip.Frames()))
	}
	mono, err := clip.Mono(c.opt.Channels)
	if err != nil {
		return nil, &Fault{FaultAudio, err.Error()}
	}
	if clip.Rate != Rate {
		if c.rate != clip.Rate {
			c.rate = 0
			if c.resampler, err = audio.NewResampler(clip.Rate, Rate, c.opt.Resampler); err != nil {
				return nil, &Fault{FaultAudio, err.Error()}
			}
			c.rate = clip.Rate
		}
		mono = c.resampler.Process(mono)
	}
	if cap(c.samples) < len(mono) {
		c.samples = make([]int16, len(mono))
	}
	pcm := c.samples[:len(mono)]
	// The ringing of a resampler takes single samples of loud speech past full scale. One in a thousand is more than that.
	if clipped := audio.ToInt16(pcm, mono); 1000*clipped > len(pcm) {
		out.warnings = append(out.warnings, fmt.Sprintf("%d of %d samples are clipped at full scale", clipped, len(pcm)))
	}
	return pcm, nil
}
