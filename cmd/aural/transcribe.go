package main

import (
	"context"
	"errors"
	"time"

	"aural/audio/vad"
	"aural/infer"
	"aural/transcript"

	"github.com/spf13/cobra"
)

type transcribeFlags struct {
	model, data, split   string
	format, out, segment string
	channels             string
	precision            string
	chunk, overlap       float64
	decoder              decoderFlags
	machine              machineFlags
}

func (a *app) transcribe() *cobra.Command {
	var f transcribeFlags
	c := a.command(&cobra.Command{
		Use:   "transcribe FILE... --model MODEL",
		Short: "Write what is said in recordings: text, captions, times of words",
		Long: `Transcribe runs a model with a CTC head (one of "aural finetune", or a folder of Hugging Face) over
recordings and writes their texts to standard output, or a file each below --out. FILEs are audio
of any format that "aural data import" reads, at any rate, or folders of it; --data takes the rows
of a store instead.

Recordings of more than --chunk seconds go through the network in overlapping chunks, which are
joined in the middle of the overlaps; --segment cuts them at silences instead, and each piece is
then an utterance of its own. IDs are names without their extensions, below a folder with the
path, and those of the rows of a store.

` + decoderHelp + `

With --precision int8 large layers are computed in 8-bit integers on the CPU: on machines with VNNI
more than twice as fast, on those with AVX2 a little. The likeliest token changed in one frame of
200, error rates of small models by 0.6 points at most (docs/BENCHMARKS.md).

Formats (--format):
  txt    the text, a line for each recording
  json   id, text, score, words with their times in seconds, other hypotheses; a list on stdout
  jsonl  the same, a line for each recording, as "aural eval" reads it
  srt    SubRip captions: one recording, or --out
  vtt    WebVTT captions: one recording, or --out
  textgrid, audacity  words for Praat, a label track for Audacity: one recording, or --out
  ctm    time-marked words for sclite: recording, channel 1, start, duration, word
  trn    words (ID), for sclite and "aural eval"; odd characters of IDs become _ in ctm and trn

Recordings that cannot be read are named, the rest goes on, and the exit code is 3; it is 1 when
none was transcribed.`,
		Example: `  aural transcribe talk.mp3 --model runs/mine/best
  aural transcribe interviews/ --model wav2vec2-base-960h --format vtt --out captions
  aural transcribe interviews/ --model wav2vec2-base-960h --precision int8 --format jsonl
  aural transcribe *.flac --model wav2vec2-base-960h --lm 4gram.trie --format jsonl
  aural transcribe call.wav --model runs/mine/best --hotword "NEW YORK=5" --nbest 10 --format json
  aural transcribe --data stores/test --model runs/mine/best --format trn >hyp.trn`,
		Args: cobra.ArbitraryArgs,
	}, func(args []string) error { return a.doTranscribe(f, args) })
	p := c.Flags()
	p.StringVar(&f.data, "data", "", "transcribe the rows of this `STORE` instead of files")
	p.StringVar(&f.format, "format", string(transcript.Text), "`FORMAT`: txt, json, jsonl, srt, vtt, ctm or trn")
	p.StringVar(&f.out, "out", "", "write ID.FORMAT for each recording below this `FOLDER`")
	p.StringVar(&f.segment, "segment", "", "cut recordings at silences into pieces of `MIN-MAX` seconds (alone: 2-15.6)")
	p.Lookup("segment").NoOptDefVal = segmentDefault
	f.shared(c, transcript.Formats())
	f.decoder.flags(c)
	a.deviceFlagOf(c, &f.machine)
	return c
}

// shared adds the flags that "aural align" has too: the model, how audio is read and computed; and what --format, which must be there, completes to.
func (f *transcribeFlags) shared(c *cobra.Command, formats []transcript.Format) {
	p := c.Flags()
	p.StringVar(&f.model, "model", "", "`MODEL` folder with a CTC head and its vocab.json (required)")
	c.MarkFlagRequired("model")
	p.StringVar(&f.split, "split", "", "of the store, only the rows of this split, `NAME`")
	p.StringVar(&f.channels, "channel-policy", "average", "how several channels become one, `HOW`: average, first, refuse, or a number from 0")
	d := infer.DefaultOptions()
	p.Float64Var(&f.chunk, "chunk", d.ChunkSeconds, "longest piece that goes through the network whole, `SECONDS`")
	p.Float64Var(&f.overlap, "overlap", d.OverlapSeconds, "least overlap of chunks, `SECONDS`")
	machineFlagsOf(c, &f.machine)
	precisionFlag(c, &f.precision)
	var names []string
	for _, x := range formats {
		names = append(names, string(x))
	}
	c.RegisterFlagCompletionFunc("format", words(names...))
}

// open opens the model; progress is told of the seconds of audio that are computed.
func (f *transcribeFlags) open(progress func(float64)) (recogniser, error) {
	return openRecogniser(f.model, f.precision, f.machine, infer.Options{ChunkSeconds: f.chunk, OverlapSeconds: noZero(f.overlap), Progress: progress})
}

// doTranscribe opens everything, transcribes, and says how it went.
func (a *app) doTranscribe(f transcribeFlags, files []string) (err error) {
	out, err := f.output(a.out)
	if err != nil {
		return err
	}
	cut, err := parseSegment(f.segment)
	if err != nil {
		return usage(err)
	}
	if err := f.decoder.check(); err != nil {
		return err
	}
	list, err := f.recordings(a, files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.close()) }()
	if f.out == "" && !out.format.Joins() && len(list.items) > 1 {
		return usagef("--format %s: captions of %s are a file each; give --out FOLDER", f.format, plural(len(list.items), "recording"))
	}
	ctx, stop := interruptible()
	defer stop()
	t := &transcriber{app: a, walk: walk{bar: newTicker(a.err, false), verb: "transcribed", total: len(list.items)}}
	if err := t.open(f, cut); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.began = time.Now()
	err = t.run(ctx, list, func(ctx context.Context, group []heard) error { return t.group(ctx, group, out) })
	err = errors.Join(err, out.end())
	t.bar.close()
	if err != nil {
		return t.stopped(err)
	}
	spent := time.Since(t.began).Seconds()
	a.say("%s, %s of audio in %.1f s: %.1f s of audio a second, %s", plural(t.done, "recording"), audioText(t.seconds), spent, t.seconds/spent, t.backend.Name())
	return t.leftOut()
}

// open starts the back end and opens the model and what the decoder needs.
func (t *transcriber) open(f transcribeFlags, cut *vad.Config) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if t.recogniser, err = f.open(t.progress); err != nil {
		return err
	}
	if t.decoding, err = f.decoder.open(t.recogniser.model.Vocabulary()); err != nil {
		return err
	}
	if t.decoding.unspelt > 0 {
		t.app.say("note: %s of the language model cannot be spelt with the tokens of the model", plural(t.decoding.unspelt, "word"))
	}
	if cut != nil {
		t.segmenter, err = vad.New(*cut)
	}
	return err
}

// noZero turns a 0 that was asked for into what package infer takes for none.
func noZero(x float64) float64 {
	if x == 0 {
		return -1
	}
	return x
}

func (t *transcriber) close() error {
	err := errors.Join(t.decoding.close(), t.recogniser.close())
	t.decoding = nil
	return err
}
