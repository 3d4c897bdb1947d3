package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"aural/hf"
	"aural/infer"
	"aural/kernels"

	"github.com/spf13/cobra"
)

// extractFlags say of what, and with what, hidden states are made.
type extractFlags struct {
	model, data, split string
	layers             string
	channels           string
	precision          string
	chunk, overlap     float64
	machine            machineFlags
}

// extractFlagsOf adds them, but for --data and --layers, which commands describe themselves.
func extractFlagsOf(a *app, c *cobra.Command, f *extractFlags) {
	p, d := c.Flags(), infer.DefaultOptions()
	p.StringVar(&f.model, "model", "", "`MODEL` folder: a checkpoint of this program, or of Hugging Face (required)")
	p.StringVar(&f.split, "split", "", "of the store, only the rows of this split, `NAME`")
	p.Float64Var(&f.chunk, "chunk", d.ChunkSeconds, "longest piece that goes through the network whole, `SECONDS`")
	p.Float64Var(&f.overlap, "overlap", d.OverlapSeconds, "least overlap of chunks, `SECONDS`")
	precisionFlag(c, &f.precision)
	machineFlagsOf(c, &f.machine)
	a.deviceFlagOf(c, &f.machine)
	c.MarkFlagRequired("model")
}

// layersHelp explains --layers.
const layersHelp = `Layers have the numbers of hidden_states in transformers: 0 is what enters the first block, N what
leaves block N; "last" is the highest, "all" are 0 to the last, and "conv" is the normalised output
of the convolutional feature encoder.`

// extractor runs a model over recordings.
type extractor struct {
	*app
	backend kernels.Backend
	model   *infer.Model
	layers  []int
	codes   bool
	bar     *ticker
	began   time.Time

	total, done, failed int
	seconds             float64 // of audio that is done
}

// newExtractor opens the back end and the model.
func (a *app) newExtractor(f extractFlags) (e *extractor, err error) {
	e = &extractor{app: a, bar: newTicker(a.err, false), began: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	m := f.machine
	m.precision = kernels.Precision(f.precision)
	if e.backend, err = newBackend(m); err != nil {
		return e, err
	}
	if e.model, err = infer.Open(f.model, infer.Options{Backend: e.backend, ChunkSeconds: f.chunk, OverlapSeconds: noZero(f.overlap), Progress: e.progress}); err != nil {
		return e, fmt.Errorf("--model: %w", err)
	}
	e.layers, err = parseLayers(f.layers, e.model.Encoder().Layers)
	return e, err
}

func (e *extractor) close() error {
	var errs []error
	if e.model != nil {
		errs = append(errs, e.model.Close())
	}
	if e.backend != nil {
		errs = append(errs, e.backend.Close())
	}
	return errors.Join(errs...)
}

// convLayer is what infer.Conv is called.
const convLayer = "conv"

// parseLayers reads a list of layers, of a model with so many blocks. The result is sorted, [infer.Conv] last.
func parseLayers(text string, blocks int) ([]int, error) {
	var list []int
	if text == "none" {
		return nil, nil
	}
	conv := false
	for word := range strings.SplitSeq(text, ",") {
		switch word = strings.TrimSpace(word); word {
		case "all":
			for l := range blocks + 1 {
				list = append(list, l)
			}
		case "last":
			list = append(list, blocks)
		case convLayer:
			conv = true
		default:
			l, err := strconv.Atoi(word)
			if err != nil || l < 0 || l > blocks {
				return nil, usagef("--layers: %q is no layer of a model with %d blocks: want 0 to %d, last, all or conv", word, blocks, blocks)
			}
			list = append(list, l)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if conv {
		list = append(list, infer.Conv)
	}
	return list, nil
}

// layerText is what a layer is called.
func layerText(layer int) string {
	if layer == infer.Conv {
		return convLayer
	}
	return strconv.Itoa(layer)
}

// mostStates bounds the hidden states of one group of recordings: 256 MB.
const mostStates = 64 << 20

// numbersASecond is how many numbers a second of audio gives.
func (e *extractor) numbersASecond() float64 {
	n := 0
	for _, l := range e.layers {
		if c := e.model.Encoder(); l == infer.Conv {
			n += c.Conv[len(c.Conv)-1].Channels
		} else {
			n += c.Width
		}
	}
	return float64(max(n, 1)) / e.model.FrameSeconds()
}

// extracted is a recording with what the model gave for it.
type extracted struct {
	recording
	samples int
	states  []infer.Matrix // one a layer
	codes   infer.Codes
}

// each runs the model over recordings and hands over what it gave, in their order. Recordings that cannot be read, or are too short for a frame, are named and left out.
func (e *extractor) each(ctx context.Context, list *recordings, take func(extracted) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	budget := int(max(1, min(groupSeconds, mostStates/e.numbersASecond())) * infer.Rate)
	var group []heard
	samples := 0
	flush := func() error {
		err := e.group(ctx, group, take)
		group, samples = group[:0], 0
		return err
	}
	for h := range list.readAhead(ctx) {
		for _, w := range h.warnings {
			e.bar.note(fmt.Sprintf("warning: %s: %s", printable(h.path), printable(w)))
		}
		if h.err == nil && e.model.Frames(len(h.audio)) == 0 {
			h.err = fmt.Errorf("%d samples are too short for a frame", len(h.audio))
		}
		if h.err != nil {
			e.fail(h.recording, h.err)
			continue
		}
		if group, samples = append(group, h), samples+len(h.audio); samples >= budget {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return flush()
}

// group runs some recordings together.
func (e *extractor) group(ctx context.Context, group []heard, take func(extracted) error) error {
	if len(group) == 0 {
		return nil
	}
	audio := make([][]float32, len(group))
	for i, h := range group {
		audio[i] = h.audio
	}
	states := make([][]infer.Matrix, len(group))
	codes := make([]infer.Codes, len(group))
	var err error
	if len(e.layers) > 0 {
		if states, err = e.model.HiddenBatch(ctx, audio, e.layers); err != nil {
			return err
		}
	}
	if e.codes {
		if codes, err = e.model.CodesBatch(ctx, audio); err != nil {
			return err
		}
	}
	for i, h := range group {
		if err := take(extracted{h.recording, len(h.audio), states[i], codes[i]}); err != nil {
			return err
		}
		e.done++
		e.seconds += float64(len(h.audio)) / infer.Rate
	}
	e.progress(0)
	return nil
}

// fail names a recording that is left out.
func (e *extractor) fail(r recording, err error) {
	e.failed++
	name := r.path
	if name == "" {
		name = r.id
	}
	e.bar.note(fmt.Sprintf("%s: %s", printable(name), printable(err.Error())))
}

// progress shows how far it is, with some seconds of the group under way.
func (e *extractor) progress(seconds float64) {
	audio := e.seconds + seconds
	e.bar.show(false, fmt.Sprintf("%s/%s recordings  %s of audio  %.1f s/s", grouped(e.done+e.failed), grouped(e.total), audioText(audio),
		audio/time.Since(e.began).Seconds()))
}

// modelSum is a checksum of what a model folder computes: its weights and settings.
func modelSum(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, entry := range entries { // in order of their names
		name := entry.Name()
		if filepath.Ext(name) != ".safetensors" && name != hf.ConfigFile && name != hf.PreprocessorFile {
			continue
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s\n", name)
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
