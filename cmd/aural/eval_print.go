package main

import (
	"fmt"
	"strings"

	"aural/score"
)

// showEvaluation prints what eval found.
func (a *app) showEvaluation(e evaluation) error {
	c := e.Total.Counts
	head := e.Metric + "  " + shareText(e.Rate)
	if i := e.Interval; i != nil {
		head += fmt.Sprintf("  [%s, %s] at %.3g %%, %s resamples of %s", percent2(i.Low), percent2(i.High), 100*i.Level, grouped(i.Resamples), plural(i.Drawn, i.Over))
	}
	a.print("%s", head)
	a.print("%s: %s correct, %s substituted, %s deleted, %s inserted", plural(c.Reference(), e.Unit.Noun()), grouped(c.Correct), grouped(c.Substitutions), grouped(c.Deletions), grouped(c.Insertions))
	a.print("%s, of which %s with errors (%s)", plural(e.Total.Utterances, "utterance"), grouped(e.Total.Wrong), shareText(e.Total.SentenceRate))
	a.print("normalised by: %s", strings.Join(e.Rules, ", "))
	if e.Unmatched > 0 {
		a.print("%s in one file only", plural(e.Unmatched, "utterance"))
	}
	if b := e.Comparison; b != nil {
		a.print("\nbaseline %s; difference %+.2f points [%+.2f, %+.2f] at %.3g %%; better in %s of the resamples", shareText(e.Baseline.Rate),
			100*b.Difference.Estimate, 100*b.Difference.Low, 100*b.Difference.High, 100*b.Difference.Level, percent(b.Improvement))
	}
	a.rateTable("speaker", e.Metric, e.Speakers)
	a.rateTable(e.Unit.Noun()+"s", e.Metric, e.Lengths)
	for _, k := range []struct {
		title string
		list  []score.Confusion
	}{{"substitutions", e.Substitutions}, {"deletions", e.Deletions}, {"insertions", e.Insertions}} {
		if len(k.list) == 0 {
			continue
		}
		rows := [][]string{{">times", "most frequent " + k.title}}
		for _, f := range k.list {
			text := quoted(f.Ref + f.Hyp)
			if f.Ref != "" && f.Hyp != "" {
				text = quoted(f.Ref) + " -> " + quoted(f.Hyp)
			}
			rows = append(rows, []string{grouped(f.Count), text})
		}
		a.print("")
		table(a.out, rows, nil)
	}
	for _, u := range e.worst {
		n := u.Counts
		a.print("\nid: (%s)", printable(u.ID))
		a.print("Scores: (#C #S #D #I) %d %d %d %d", n.Correct, n.Substitutions, n.Deletions, n.Insertions)
		if err := score.WriteAlignment(a.out, u.Pairs); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) rateTable(what, metric string, rows []rated) {
	if len(rows) == 0 {
		return
	}
	cells := [][]string{{what, ">utterances", ">tokens", ">correct", ">sub", ">del", ">ins", ">" + metric, ">with errors"}}
	for _, r := range rows {
		name := printable(r.Name)
		if name == "" {
			name = "(unknown)"
		}
		c := r.Counts
		cells = append(cells, []string{name, grouped(r.Utterances), grouped(c.Reference()), grouped(c.Correct), grouped(c.Substitutions),
			grouped(c.Deletions), grouped(c.Insertions), shareText(r.Rate), shareText(r.SentenceRate)})
	}
	a.print("")
	table(a.out, cells, nil)
}

// percent2 writes an error rate: of these the second decimal is read.
func percent2(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

func shareText(x *float64) string {
	if x == nil {
		return "-"
	}
	return percent2(*x)
}

// quoted shows a token of white space.
func quoted(token string) string {
	if strings.TrimSpace(token) == "" {
		return fmt.Sprintf("%q", token)
	}
	return printable(token)
}
