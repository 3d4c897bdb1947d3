package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"aural/align"
	"aural/score"
	"aural/transcript"

	"github.com/spf13/cobra"
)

// alignFormats are the formats that hold times.
var alignFormats = []transcript.Format{transcript.CTM, transcript.JSON, transcript.JSONL, transcript.TextGrid, transcript.Audacity, transcript.SRT, transcript.VTT}

// Ways to align.
const (
	autoMethod    = "auto"
	wholeMethod   = "whole"
	segmentMethod = "segment"
)

// longSeconds is from how long on a recording is segmented by itself.
const longSeconds = 30

type alignFlags struct {
	from       transcribeFlags // model, store, format, output and machine
	method     string
	normalise  string
	confidence float64
	figure     string
	show       string
}

func (a *app) align() *cobra.Command {
	var f alignFlags
	c := a.command(&cobra.Command{
		Use:   "align AUDIO TEXT --model MODEL",
		Short: "Place known transcripts on recordings: times of words and tokens, and how sure they are",
		Long: `Align finds when each word and token of a known text is said, by forced alignment with a model that
has a CTC head. TEXT is a file with an utterance in each line, in the order in which they are said;
"--data STORE" takes the rows of a store with their transcripts instead.

Methods (--method):
  whole     the text is all that is said: the most probable path of all of it
  segment   other speech may be before and after the text: CTC segmentation (Kuerzinger et al. 2020)
            finds each line, and the most probable path in its place the times of its words
  auto      whole for recordings up to 30 s, segment for longer ones

The confidence of a word or token is the mean probability of its tokens in their frames. That of an
utterance is e to the mean log-probability of its path in the worst 30 frames (0.6 s), from 0 to 1;
utterances below --min-confidence are named: there the text, its place or the model is wrong.

Texts must be written in the tokens of the model: --normalise upper, or lower,no-punctuation.

Formats (--format):
  ctm       recording, channel 1, start, duration, word, confidence (sclite)
  json      words, tokens and utterances with times and confidences; a list on stdout
  jsonl     the same, a line for each recording
  textgrid  tiers of words and tokens, and utterances where there are several (Praat)
  audacity  a label track: words, or the lines of TEXT where there are several
  srt, vtt  captions; none holds words of two lines
All but ctm, json and jsonl are a file each: one recording, or --out.

With --figure, one utterance is drawn, that of --show or else the least sure one: waveform,
spectrogram, and the probabilities of the tokens with the path of the text.

Recordings that cannot be read or aligned are named, the rest goes on, and the exit code is 3; it is
1 when none was aligned.`,
		Example: `  aural align talk.flac talk.txt --model runs/mine/best --format textgrid >talk.TextGrid
  aural align book.mp3 chapter.txt --model wav2vec2-base-960h --normalise upper --format srt
  aural align --data stores/dev --model runs/mine/best --format ctm >dev.ctm
  aural align --data stores/dev --model runs/mine/best --format textgrid --out grids
  aural align talk.flac talk.txt --model runs/mine/best --figure talk.svg`,
		Args: cobra.MaximumNArgs(2),
	}, func(args []string) error { return a.doAlign(f, args) })
	p := c.Flags()
	p.StringVar(&f.from.data, "data", "", "align the rows of this `STORE` with their transcripts")
	p.StringVar(&f.from.format, "format", string(transcript.CTM), "`FORMAT`: ctm, json, jsonl, textgrid, audacity, srt or vtt")
	p.StringVar(&f.from.out, "out", "", "write a file for each recording below this `FOLDER`")
	p.StringVar(&f.method, "method", autoMethod, "`METHOD`: auto, whole or segment")
	p.StringVar(&f.normalise, "normalise", "none", "`RULES` for the text as in aural eval, with commas between, in order")
	p.Float64Var(&f.confidence, "min-confidence", align.Doubtful, "name utterances that are less sure than this")
	p.StringVar(&f.figure, "figure", "", "draw an utterance into `FILE` (.svg, .pdf, .png ...)")
	p.StringVar(&f.show, "show", "", "utterance of the figure: `ID` of the store, or number of the line of TEXT")
	f.from.shared(c, alignFormats)
	c.RegisterFlagCompletionFunc("method", words(autoMethod, wholeMethod, segmentMethod))
	return c
}

// check finds what is wrong with the command line, and reads the rules.
func (f *alignFlags) check(args []string) (rules score.Rules, err error) {
	switch {
	case f.from.data != "" && len(args) > 0:
		return nil, usagef("give AUDIO and TEXT or --data, not both")
	case f.from.data == "" && len(args) != 2:
		return nil, usagef("name a recording and the file of its text: AUDIO TEXT; or --data STORE")
	case !slices.Contains(alignFormats, transcript.Format(f.from.format)):
		return nil, usagef("--format %q holds no times of words, or is unknown: want ctm, json, jsonl, textgrid, audacity, srt or vtt", f.from.format)
	case f.method != autoMethod && f.method != wholeMethod && f.method != segmentMethod:
		return nil, usagef("--method is %q, want auto, whole or segment", f.method)
	case !(f.confidence >= 0 && f.confidence <= 1):
		return nil, usagef("--min-confidence is %v, want 0 to 1", f.confidence)
	case f.show != "" && f.figure == "":
		return nil, usagef("--show chooses what --figure draws, which is missing")
	case f.normalise == "":
		return nil, usagef("--normalise is empty; want rules, or none")
	}
	if rules, err = score.ParseRules(f.normalise); err != nil {
		return nil, usagef("--normalise: %w", err)
	}
	return rules, checkFigure(f.figure)
}

// doAlign opens everything, aligns, and says how it went.
func (a *app) doAlign(f alignFlags, args []string) (err error) {
	rules, err := f.check(args)
	if err != nil {
		return err
	}
	out, err := f.from.output(a.out)
	if err != nil {
		return err
	}
	t := &placer{app: a, walk: walk{bar: newTicker(a.err, false), verb: "aligned"}, flags: f, rules: rules}
	if f.from.data == "" {
		if t.lines, err = readFile(args[1], func(file *os.File) ([]string, error) { return readLines(file) }); err != nil {
			return err
		}
		args = args[:1]
	}
	list, err := f.from.recordings(a, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.close()) }()
	if f.from.data == "" && len(list.items) != 1 {
		return usagef("%s is %s: a text belongs to one", args[0], plural(len(list.items), "recording"))
	}
	if f.from.out == "" && !out.format.Joins() && len(list.items) > 1 {
		return usagef("--format %s: alignments of %s are a file each; give --out FOLDER", f.from.format, plural(len(list.items), "recording"))
	}
	ctx, stop := interruptible()
	defer stop()
	if t.recogniser, err = f.from.open(t.progress); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.recogniser.close()) }()
	t.total = len(list.items)
	err = t.run(ctx, list, func(ctx context.Context, group []heard) error { return t.group(ctx, list, group, out) })
	err = errors.Join(err, out.end())
	t.bar.close()
	if err != nil {
		return t.stopped(err)
	}
	t.report()
	if err := t.draw(); err != nil {
		return err
	}
	return t.leftOut()
}

// maxLine bounds a line of a text, in bytes.
const maxLine = 1 << 20

// readLines reads the lines of a text that are not empty.
func readLines(r io.Reader) ([]string, error) {
	var list []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); text != "" {
			list = append(list, text)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it has no line with text")
	}
	return list, nil
}
