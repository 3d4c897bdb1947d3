package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"aural/score"

	"github.com/spf13/cobra"
)

// evalVersion is the version of what --json prints.
const evalVersion = 1

type evalFlags struct {
	unit, normalise, format, missing, costs string
	speakers, baseline                      string
	alignments, confusions, resamples       int
	level                                   float64
	seed                                    uint64
	json                                    bool
}

func (a *app) eval() *cobra.Command {
	var f evalFlags
	c := a.command(&cobra.Command{
		Use:   "eval REF HYP",
		Short: "Measure transcripts against references: error rates, and where the errors are",
		Long:  evalHelp(),
		Example: `  aural eval data/test/text hyp.txt
  aural eval ref.trn hyp.jsonl --unit char --normalise lower,no-punctuation,collapse-space
  aural eval text hyp.txt --speakers utt2spk --alignments 5
  aural eval text with-lm.txt --baseline greedy.txt
  aural eval text hyp.txt --json | jq .rate`,
		Args: cobra.ExactArgs(2),
	}, func(args []string) error { return a.evaluate(f, args[0], args[1]) })
	l := c.Flags()
	l.StringVar(&f.unit, "unit", "word", "what is counted: word, char, char-nospace or phone")
	l.StringVar(&f.normalise, "normalise", "none", "`RULES` for both texts, with commas between, in order")
	l.StringVar(&f.format, "format", "auto", "format of the files: auto, kaldi, jsonl or trn")
	l.StringVar(&f.missing, "missing", "error", "utterances that one file lacks are an error, or ignore, or empty text")
	l.StringVar(&f.costs, "costs", "sclite", "costs of edits: sclite (4, 3, 3) or plain (1, 1, 1)")
	l.StringVar(&f.speakers, "speakers", "", "`FILE` of \"ID speaker\" lines: a table by speaker, intervals over speakers")
	l.StringVar(&f.baseline, "baseline", "", "transcripts of another system, `FILE`: how sure is it that HYP is better?")
	l.IntVar(&f.alignments, "alignments", 0, "print the alignments of the `N` utterances with the most errors")
	l.IntVar(&f.confusions, "confusions", 10, "print the `N` most frequent errors of each kind")
	l.IntVar(&f.resamples, "bootstrap", score.DefaultResamples, "resamples for confidence intervals; 0: none")
	l.Float64Var(&f.level, "level", .95, "level of confidence")
	l.Uint64Var(&f.seed, "seed", 1, "seed of the resamples")
	l.BoolVar(&f.json, "json", false, "print as JSON")
	for name, list := range map[string][]string{"unit": {"word", "char", "char-nospace", "phone"}, "format": {"auto", "kaldi", "jsonl", "trn"},
		"missing": {"error", "ignore", "empty"}, "costs": {"sclite", "plain"}} {
		c.RegisterFlagCompletionFunc(name, words(list...))
	}
	var names []string
	for _, r := range score.AllRules() {
		names = append(names, r.Name)
	}
	c.RegisterFlagCompletionFunc("normalise", words(names...))
	return c
}

func evalHelp() string {
	var b strings.Builder
	b.WriteString(`Eval aligns hypotheses with references and prints the error rate of the corpus, (S+D+I) by reference
tokens, its confidence interval, the rate by length of the reference and by speaker, and the most
frequent errors.

REF and HYP are read by content: Kaldi's text ("ID words"), JSONL ({"id": "...", "text": "..."}) or
trn ("words (ID)"). An ID must be there once, and in both files; --missing says otherwise.

Alignments have the least cost with sclite's costs: 4 for a substitution, 3 for an insertion or a
deletion. "--costs plain" counts the fewest possible errors, which can be a few less.

Intervals are percentiles of a bootstrap over utterances, or over speakers where all are known
(Bisani and Ney 2004). The same seed gives the same interval. With --baseline both systems are
resampled together.

Texts are compared as they are, unless --normalise names rules, which change both:
`)
	for _, r := range score.AllRules() {
		text := r.Description
		if parts := r.Parts(); parts != nil {
			text += ": " + strings.Join(parts, ", ")
		}
		b.WriteString(folded(fmt.Sprintf("%-31s%s", r.Name, text), 2, 33) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// options turns the flags that say how to compare into those of package score.
func (f evalFlags) options() (o score.Options, err error) {
	if o.Unit, err = score.ParseUnit(f.unit); err != nil {
		return o, usagef("--unit: %w", err)
	}
	if f.normalise == "" {
		return o, usagef("--normalise is empty; want rules, or none")
	}
	if o.Rules, err = score.ParseRules(f.normalise); err != nil {
		return o, usagef("--normalise: %w", err)
	}
	switch f.costs {
	case "sclite":
		o.Costs = score.Sclite
	case "plain":
		o.Costs = score.Plain
	default:
		return o, usagef("--costs is %q, want sclite or plain", f.costs)
	}
	switch {
	case !slices.Contains(score.Formats(), score.Format(f.format)):
		return o, usagef("--format is %q, want auto, kaldi, jsonl or trn", f.format)
	case !slices.Contains([]string{"error", "ignore", "empty"}, f.missing):
		return o, usagef("--missing is %q, want error, ignore or empty", f.missing)
	case f.resamples < 0 || f.resamples > score.MaxResamples:
		return o, usagef("--bootstrap is %d, want 0 to %d", f.resamples, score.MaxResamples)
	case !(f.level > 0 && f.level < 1):
		return o, usagef("--level is %g, want a number between 0 and 1, such as 0.95", f.level)
	case f.alignments < 0 || f.confusions < 0:
		return o, usagef("--alignments is %d and --confusions %d, want 0 or more", f.alignments, f.confusions)
	case f.baseline != "" && f.resamples == 0:
		return o, usagef("--baseline needs resamples: give --bootstrap")
	}
	return o, nil
}

// rated is a row as JSON: rates are null where there is nothing to rate.
type rated struct {
	score.Row
	Rate         *float64 `json:"rate"`
	SentenceRate *float64 `json:"sentence_error_rate"`
}

func rateRow(r score.Row) rated {
	return rated{r, defined(r.Counts.Rate()), defined(r.SentenceRate())}
}

func rateRows(rows []score.Row) []rated {
	var list []rated
	for _, r := range rows {
		list = append(list, rateRow(r))
	}
	return list
}

func defined(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// aligned is an utterance as JSON.
type aligned struct {
	ID      string       `json:"id"`
	Speaker string       `json:"speaker,omitempty"`
	Counts  score.Counts `json:"counts"`
	Steps   [][3]string  `json:"steps"` // kind, reference, hypothesis
}

// evaluation is what eval finds, as JSON.
type evaluation struct {
	Version       int                `json:"version"`
	Unit          score.Unit         `json:"unit"`
	Metric        string             `json:"metric"` // WER, CER or PER
	Rules         []string           `json:"rules"`  // of normalisation, in order
	Unmatched     int                `json:"unmatched"`
	Rate          *float64           `json:"rate"`
	Total         rated              `json:"total"`
	Interval      *score.Interval    `json:"interval,omitempty"`
	Baseline      *rated             `json:"baseline,omitempty"`
	Comparison    *score.Comparison  `json:"comparison,omitempty"` // HYP less the baseline
	Lengths       []rated            `json:"lengths"`
	Speakers      []rated            `json:"speakers,omitempty"`
	Substitutions []score.Confusion  `json:"substitutions,omitempty"`
	Deletions     []score.Confusion  `json:"deletions,omitempty"`
	Insertions    []score.Confusion  `json:"insertions,omitempty"`
	Worst         []aligned          `json:"worst,omitempty"`
	worst         []*score.Utterance // for printing
}

func (a *app) evaluate(f evalFlags, ref, hyp string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	report, unmatched, err := f.score(ref, hyp, o)
	if err != nil {
		return err
	}
	e := evaluation{Version: evalVersion, Unit: report.Unit, Metric: report.Unit.Rate(), Rules: report.Rules, Unmatched: unmatched, Lengths: rateRows(report.ByLength())}
	e.Total = rateRow(report.Total())
	e.Rate = e.Total.Rate
	speakers := report.BySpeaker()
	known := len(speakers) > 0 && speakers[0].Name != ""
	if known || len(speakers) > 1 {
		e.Speakers = rateRows(speakers)
	}
	b := score.Bootstrap{Resamples: f.resamples, Level: f.level, Seed: f.seed, Speakers: known && len(speakers) > 1}
	if f.resamples > 0 && e.Rate != nil {
		i, err := report.Interval(b)
		if err != nil {
			return err
		}
		e.Interval = &i
	}
	if f.baseline != "" {
		base, _, err := f.score(ref, f.baseline, o)
		if err != nil {
			return err
		}
		c, err := base.Compare(report, b)
		if err != nil {
			return fmt.Errorf("%s and %s: %w", f.baseline, hyp, err)
		}
		row := rateRow(base.Total())
		e.Baseline, e.Comparison = &row, &c
	}
	e.Substitutions = report.Confusions(score.Substitution, f.confusions)
	e.Deletions = report.Confusions(score.Deletion, f.confusions)
	e.Insertions = report.Confusions(score.Insertion, f.confusions)
	e.worst = report.Worst(f.alignments)
	if !f.json {
		return a.showEvaluation(e)
	}
	for _, u := range e.worst {
		w := aligned{ID: u.ID, Speaker: u.Speaker, Counts: u.Counts}
		for _, p := range u.Pairs {
			w.Steps = append(w.Steps, [3]string{string(rune(p.Kind)), p.Ref, p.Hyp})
		}
		e.Worst = append(e.Worst, w)
	}
	return writeJSON(a.out, e)
}

// score reads two files of transcripts and compares them.
func (f evalFlags) score(ref, hyp string, o score.Options) (r *score.Report, unmatched int, err error) {
	var sides [2][]score.Transcript
	for i, path := range []string{ref, hyp} {
		if sides[i], err = readFile(path, func(file *os.File) ([]score.Transcript, error) {
			return score.ReadTranscripts(file, score.Format(f.format))
		}); err != nil {
			return nil, 0, err
		}
	}
	items, unmatched, err := score.Match(sides[0], sides[1], score.Missing(f.missing))
	if err != nil {
		return nil, 0, fmt.Errorf("%s and %s: %w; --missing ignore or empty goes on", ref, hyp, err)
	}
	if len(items) == 0 {
		return nil, 0, fmt.Errorf("%s and %s have no utterance in common", ref, hyp)
	}
	if f.speakers != "" {
		speakers, err := readFile(f.speakers, func(file *os.File) (map[string]string, error) { return score.ReadSpeakers(file) })
		if err != nil {
			return nil, 0, err
		}
		for i := range items {
			s, ok := speakers[items[i].ID]
			if !ok {
				return nil, 0, fmt.Errorf("%s: utterance %q has no speaker there", f.speakers, items[i].ID)
			}
			items[i].Speaker = s
		}
	}
	r, err = score.Score(items, o)
	return r, unmatched, err
}

// readFile reads a file with a function, whose errors get its name.
func readFile[T any](path string, read func(*os.File) (T, error)) (v T, err error) {
	file, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer file.Close()
	if v, err = read(file); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}
