package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aural/audio"
	"aural/audio/vad"
	"aural/datasets"
	"aural/datasets/corpora"
	"aural/datasets/parquet"

	"github.com/spf13/cobra"
)

type importFlags struct {
	out, format, root   string
	channels, resampler string
	codec, share        string
	segment, decoder    string
	options             datasets.ImportOptions
	dryRun, json        bool
}

func (a *app) dataImport() *cobra.Command {
	var f importFlags
	c := a.command(&cobra.Command{
		Use:   "import SOURCE... --out STORE",
		Short: "Import recordings into a new store",
		Long: `Import decodes recordings, makes them 16 kHz mono, and writes a new store. What a recording is
follows from its content, not from its name.

Recordings that cannot be used (not audio, damaged, empty, too short, twice there ...) are listed
with the reason in STORE/rejected.jsonl and the rest goes in; the exit code is 3 then. The store
appears when it is complete. The same sources and options give the same bytes.

An import that was interrupted or killed leaves a hidden folder beside STORE; the same command goes
on with it and does at most the last few minutes of audio again (--restart drops it instead).

Several machines share the work with --shard 1/4, --shard 2/4 ..., each into a store of its own;
"aural data merge" makes one of them.

Layouts (--format):
  auto          find out (default)
` + layoutHelp() + `
Several sources go into one store in the order given; their ids must differ.`,
		Example: `  aural data import LibriSpeech/train-clean-100 --out stores/clean100
  aural data import ~/recordings --out stores/mine --min-seconds 1 --max-seconds 30
  aural data import train.tsv --format fairseq --root /mnt/audio --out stores/train
  aural data import audiobooks/ --segment --out stores/books
  aural data import archive/ --out stores/archive --json | jq .accepted`,
		Args: cobra.MinimumNArgs(1),
	}, func(args []string) error { return a.importStore(f, args) })
	p := c.Flags()
	p.StringVar(&f.out, "out", "", "folder of the new `STORE` (required)")
	p.StringVar(&f.format, "format", "auto", "`LAYOUT` of the sources")
	p.StringVar(&f.root, "root", "", "fairseq: `FOLDER` to use instead of the root on the first line")
	p.Float64Var(&f.options.MinSeconds, "min-seconds", 0, "reject shorter recordings")
	p.Float64Var(&f.options.MaxSeconds, "max-seconds", 0, "reject longer recordings (0: no limit but 2.3 hours)")
	p.StringVar(&f.channels, "channel-policy", "average", "how several channels become one, `HOW`: average, first, refuse, or a number from 0")
	p.StringVar(&f.resampler, "resampler", "sinc_hann", "`FILTER`: sinc_hann, sinc_kaiser or kaiser_best")
	p.StringVar(&f.options.Split, "split", "", "take only recordings of this split, `NAME`")
	p.StringVar(&f.segment, "segment", "", "cut recordings that are longer than MAX at silences into pieces of `MIN-MAX` seconds (alone: 2-15.6)")
	p.Lookup("segment").NoOptDefVal = segmentDefault
	p.StringVar(&f.decoder, "decoder", "", "program for formats that aural does not decode: ffmpeg or `ffmpeg=/PATH` (default: reject them)")
	p.BoolVar(&f.options.KeepTruncated, "keep-truncated", false, "keep what is there of recordings that end early")
	p.BoolVar(&f.options.KeepDuplicates, "keep-duplicates", false, "keep recordings whose samples are those of an earlier one")
	p.Float64Var(&f.options.Limits.MaxSeconds, "max-file-seconds", 0, "refuse longer files, before they are cut (0: 6 hours)")
	p.Int64Var(&f.options.Limits.MaxSamples, "max-file-samples", 0, "refuse files with more samples in all channels (0: 2^28, 1 GiB of memory)")
	p.StringVar(&f.codec, "codec", "pcm", "how the store holds audio: pcm (mapped, no decoding) or flac (half the size)")
	p.StringVar(&f.share, "shard", "", "import only share `I/N` of the recordings")
	p.BoolVar(&f.options.Restart, "restart", false, "begin anew even if an unfinished import could go on")
	p.BoolVar(&f.dryRun, "dry-run", false, "only list what would be imported, without decoding")
	p.IntVar(&f.options.Workers, "workers", 0, "recordings decoded at once (0: one for each CPU)")
	p.BoolVar(&f.options.Overwrite, "overwrite", false, "replace STORE if it is a store")
	p.BoolVar(&f.json, "json", false, "print the outcome as JSON")
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("format", words(layoutNames()...))
	return c
}

func (a *app) importStore(f importFlags, paths []string) error {
	var err error
	if f.options.Channels, err = audio.ParseChannelPolicy(f.channels); err != nil {
		return usage(err)
	}
	if f.options.Resampler, err = audio.ParseQuality(f.resampler); err != nil {
		return usage(err)
	}
	if f.options.Codec, err = datasets.ParseCodec(f.codec); err != nil {
		return usage(err)
	}
	if f.options.Share, err = datasets.ParseShare(f.share); err != nil {
		return usage(err)
	}
	if f.options.FFmpeg, err = findDecoder(f.decoder); err != nil {
		return usage(err)
	}
	if f.options.Segment, err = parseSegment(f.segment); err != nil {
		return usage(err)
	}
	src, err := openSources(f, paths)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.listSource(src, f.json)
	}
	ctx, release := interruptible()
	defer release()
	a.say("%s", src.Describe())
	bar := newTicker(a.err, false)
	sum, err := datasets.Import(ctx, src, f.out, f.options, func(p datasets.Progress) { bar.show(p.Done == p.Total, importLine(p)) })
	bar.close()
	switch {
	case errors.Is(err, context.Canceled):
		return coded{exitStopped, errors.New("interrupted: the same command goes on from here")}
	case errors.Is(err, datasets.ErrUnfinished):
		return fmt.Errorf("%w (--restart)", err)
	case errors.Is(err, datasets.ErrEmpty):
		a.explainRejects(sum, "")
		return err
	case err != nil:
		return err
	}
	if f.json {
		if err := writeJSON(a.out, importResult{f.out, sum.Listed, sum.Accepted, sum.OtherSplit, sum.Resumed, sum.Rejects, sum.Warnings, sum.Leftovers, sum.Info}); err != nil {
			return err
		}
	} else {
		a.print("%s: %s of audio in %s by %s, fingerprint %.12s", f.out, audioText(sum.Info.Seconds), plural(sum.Accepted, "utterance"),
			plural(sum.Info.Speakers, "speaker"), sum.Info.Fingerprint)
	}
	if sum.Resumed > 0 {
		a.say("went on with an unfinished import behind its first %s", plural(sum.Resumed, "recording"))
	}
	for _, dir := range sum.Leftovers {
		a.say("note: %s is left over from a command that was killed; delete it unless another one runs", dir)
	}
	if n := len(sum.Warnings); n > 0 {
		a.say("%s with something odd about them, see %s", plural(n, "recording"), filepath.Join(f.out, "warnings.jsonl"))
	}
	if len(sum.Rejects) > 0 {
		a.explainRejects(sum, f.out)
		return coded{exitRejects, fmt.Errorf("%s of %s rejected", grouped(len(sum.Rejects)), plural(sum.Listed, "recording"))}
	}
	return nil
}

// findDecoder returns the path of the program that --decoder names.
func findDecoder(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	name, path, _ := strings.Cut(text, "=")
	if name != "ffmpeg" {
		return "", fmt.Errorf("--decoder %q: want ffmpeg or ffmpeg=/PATH", text)
	}
	found, err := exec.LookPath(cmp.Or(path, name))
	if err != nil {
		return "", fmt.Errorf("--decoder %s: %w", text, err)
	}
	return found, nil
}

// segmentDefault is what --segment means alone.
const segmentDefault = "2-15.6"

// parseSegment reads "MIN-MAX" in seconds; "" means not to cut.
func parseSegment(text string) (*vad.Config, error) {
	if text == "" {
		return nil, nil
	}
	c := vad.Default()
	least, most, _ := strings.Cut(text, "-")
	var err error
	if c.MinSeconds, err = strconv.ParseFloat(least, 64); err == nil {
		c.MaxSeconds, err = strconv.ParseFloat(most, 64)
	}
	if err != nil {
		return nil, fmt.Errorf("--segment %q: want MIN-MAX in seconds, such as %s", text, segmentDefault)
	}
	c.TargetSeconds = c.MinSeconds + 0.88*(c.MaxSeconds-c.MinSeconds) // as 14 s lies between the usual ones
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("--segment %s: %w", text, err)
	}
	return &c, nil
}

// importResult is the outcome of an import as JSON.
type importResult struct {
	Store      string             `json:"store"`
	Listed     int                `json:"listed"`
	Accepted   int                `json:"accepted"`
	OtherSplit int                `json:"other_split"` // left out because of --split
	Resumed    int                `json:"resumed"`     // done by an earlier, interrupted import
	Rejects    []datasets.Reject  `json:"rejects"`
	Warnings   []datasets.Warning `json:"warnings"`
	Leftovers  []string           `json:"leftovers"` // folders of imports that were killed
	Info       datasets.Info      `json:"info"`
}

func importLine(p datasets.Progress) string {
	total := "?"
	if p.Total >= 0 {
		total = grouped(p.Total)
	}
	line := fmt.Sprintf("%s/%s recordings, %s", grouped(p.Done), total, audioText(p.Seconds))
	if p.Rejected > 0 {
		line += fmt.Sprintf(", %s rejected", grouped(p.Rejected))
	}
	return line
}

// shownRejects is how many rejections are told in full; all are in the file.
const shownRejects = 5

// kindCount is how often recordings were rejected for one kind of reason.
type kindCount struct {
	Kind  datasets.FaultKind `json:"kind"`
	Count int                `json:"count"`
}

// countKinds counts rejects by their kind, the most frequent first.
func countKinds(rejects []datasets.Reject) []kindCount {
	counts := map[datasets.FaultKind]int{}
	for _, r := range rejects {
		counts[r.Kind]++
	}
	list := make([]kindCount, 0, len(counts))
	for k, n := range counts {
		list = append(list, kindCount{k, n})
	}
	slices.SortFunc(list, func(x, y kindCount) int { return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Kind, y.Kind)) })
	return list
}

func (a *app) explainRejects(sum datasets.Summary, store string) {
	var parts []string
	for _, k := range countKinds(sum.Rejects) {
		parts = append(parts, fmt.Sprintf("%s %s", grouped(k.Count), k.Kind))
	}
	a.say("rejected: %s", strings.Join(parts, ", "))
	for _, r := range sum.Rejects[:min(shownRejects, len(sum.Rejects))] {
		a.say("  %s: %s", printable(r.Path), printable(r.Reason))
	}
	switch rest := len(sum.Rejects) - shownRejects; {
	case store != "":
		a.say("  all of them: %s", filepath.Join(store, "rejected.jsonl"))
	case rest > 0:
		a.say("  and %d more", rest)
	}
}

// joined is several sources one after the other.
type joined []datasets.Source

func (j joined) Describe() string {
	parts := make([]string, len(j))
	for i, s := range j {
		parts[i] = s.Describe()
	}
	return strings.Join(parts, "; ")
}

func (j joined) Total() int {
	n := 0
	for _, s := range j {
		n += s.Total()
	}
	return n
}

func (j joined) Items() iter.Seq2[datasets.Item, error] {
	return func(yield func(datasets.Item, error) bool) {
		for _, s := range j {
			for item, err := range s.Items() {
				if !yield(item, err) {
					return
				}
			}
		}
	}
}

func openSources(f importFlags, paths []string) (datasets.Source, error) {
	var all joined
	for _, p := range paths {
		s, err := openSource(f, p)
		if errors.Is(err, corpora.ErrChoice) {
			return nil, usage(err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// parquetLayout is listed apart from the others, because Parquet needs much that only datasets/parquet imports.
const parquetLayout, parquetAbout = "parquet", "Parquet files of Hugging Face datasets, or a folder of them"

// openSource opens one source.
func openSource(f importFlags, path string) (datasets.Source, error) {
	if f.format == parquetLayout || f.format == "auto" && parquet.Recognises(path) {
		return parquet.Open(path)
	}
	return corpora.Open(f.format, path, corpora.Options{Root: f.root})
}

func layoutNames() []string {
	names := []string{"auto", parquetLayout}
	for _, l := range corpora.Layouts() {
		names = append(names, l.Name)
	}
	return names
}

// layoutHelp is one line for each layout.
func layoutHelp() string {
	var b strings.Builder
	for _, l := range corpora.Layouts() {
		fmt.Fprintf(&b, "  %-13s %s\n", l.Name, l.About)
	}
	fmt.Fprintf(&b, "  %-13s %s\n", parquetLayout, parquetAbout)
	return b.String()
}

// listing is what a source lists, as JSON.
type listing struct {
	Source string            `json:"source"`
	Listed int               `json:"listed"`
	Faults []datasets.Reject `json:"faults"`
}

// listSource says what an import would begin with.
func (a *app) listSource(src datasets.Source, asJSON bool) error {
	l := listing{Source: src.Describe(), Faults: []datasets.Reject{}}
	for item, err := range src.Items() {
		if err != nil {
			return err
		}
		l.Listed++
		if item.Fault != nil {
			l.Faults = append(l.Faults, datasets.Reject{Path: item.Name, ID: item.ID, Kind: item.Fault.Kind, Reason: item.Fault.Reason})
		} else if !asJSON {
			a.print("%s\t%s\t%s\t%s", item.ID, item.Speaker, item.Name, item.Transcript)
		}
	}
	if asJSON {
		return writeJSON(a.out, l)
	}
	a.say("%s", l.Source)
	if len(l.Faults) > 0 {
		a.explainRejects(datasets.Summary{Rejects: l.Faults}, "")
	}
	return nil
}
