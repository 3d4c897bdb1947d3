package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"
)

// Plain writes runs, given as for Run, to w in words, for pipes and screen readers: sentences and lines of "name: value",
// without characters that draw. It begins with a report of each run and goes on with a line for every record, event and
// change until the runs have ended or ctx is done, whose error it then returns; with once it is the report alone.
func Plain(ctx context.Context, targets []string, w io.Writer, once bool, o Options) error {
	o.complete()
	m, closeRuns, err := openModel(ctx, screen.Terminal{}, targets, o)
	if err != nil {
		return err
	}
	defer closeRuns()
	return watch(ctx, m, o.Every, once, func(n news) error {
		text := ""
		if n.first {
			text = m.plainReport(n.run)
		} else {
			text = m.plainNews(n)
		}
		if len(m.shown()) > 1 && !n.first {
			text = prefixLines(text, n.run.name+", ")
		}
		if len(m.shown()) > 1 && n.first {
			text += "\n"
		}
		_, err := io.WriteString(w, text)
		return err
	})
}

// prefixLines puts a text before every line.
func prefixLines(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

// plainReport says all that is known of a run.
func (m *model) plainReport(r *runView) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	_, condition, _ := r.condition()
	say("Run: %s", r.name)
	say("Status: %s", condition)
	if total := r.latest.state.TotalSteps; total > 0 {
		done := r.updates()
		say("Progress: update %s of %s, %.1f percent", screen.Grouped(done), screen.Grouped(total), 100*float64(done)/float64(total))
	} else {
		say("Progress: update %s", screen.Grouped(r.updates()))
	}
	if left := r.timeLeft(); left != "" {
		say("Time left: %s", strings.TrimPrefix(left, "ETA "))
	}
	if v, ok := r.last(hoursSeries); ok {
		say("Audio seen: %s hours", screen.Number(v))
	}
	b.WriteString(plainVerdict(r))
	if rep := r.latest.report; rep != nil {
		for _, x := range rep.Findings {
			say("Finding, %s since update %s: %s. Evidence: %s. Advice: %s.", plainLevel(x.Level), screen.Grouped(x.Since), x.Title, sentence(x.Evidence), sentence(x.Advice))
		}
	}
	for _, g := range groups() {
		for _, metric := range g.metrics {
			s := r.data[g.kind+"/"+metric]
			match, err := runlog.Lookup(metric)
			if v, ok := s.Last(); ok && err == nil {
				value, unit := quantity(v, match.Metric, m.view.bits)
				say("%s %s: %s", g.kind, words(metric), strings.TrimSpace(value+" "+unit))
			}
		}
	}
	if n := len(r.latest.events); n > 0 {
		say("Last event: %s", r.describe(r.latest.events[n-1]))
	}
	if err := r.latest.err; err != nil {
		say("Trouble: cannot read on: %v", err)
	}
	if err := r.latest.stateErr; err != nil {
		say("Trouble: %v", err)
	}
	return b.String()
}

func sentence(text string) string { return strings.TrimRight(text, ". ") }

func plainLevel(l health.Level) string { return strings.ToLower(l.String()) }

func plainVerdict(r *runView) string {
	rep := r.latest.report
	if rep == nil {
		return "Verdict: none yet\n"
	}
	return fmt.Sprintf("Verdict: %s, %s\n", plainLevel(rep.Level), rep.Summary)
}

// plainNews says what is new: a line for each record, event and change.
func (m *model) plainNews(n news) string {
	var b strings.Builder
	r := n.run
	for _, line := range m.plainRecords(n.msg) {
		b.WriteString(line + "\n")
	}
	for _, e := range n.events {
		b.WriteString(r.describe(e) + "\n")
	}
	if n.msg.err != nil {
		fmt.Fprintf(&b, "Trouble: cannot read on, trying again: %v\n", n.msg.err)
	}
	if n.state {
		_, condition, _ := r.condition()
		b.WriteString("Status: " + condition + "\n" + plainVerdict(r))
	}
	return b.String()
}

// recordMetrics is how many numbers of each kind a line about a record has.
const recordMetrics = 7

// plainRecords writes the records of a poll, one line each, with the numbers that the screens show first.
func (m *model) plainRecords(msg pollMsg) (out []string) {
	values := make(map[string]map[int64]float64)
	var steps []int64
	for _, c := range msg.changes {
		if values[c.Name] == nil {
			values[c.Name] = make(map[int64]float64)
		}
		for i, s := range c.Steps {
			values[c.Name][s] = c.Values[i]
			steps = append(steps, s)
		}
	}
	slices.Sort(steps)
	for _, step := range slices.Compact(steps) {
		for _, kinds := range [][]string{{runlog.Train, runlog.System}, {runlog.Valid}} {
			var parts []string
			for _, g := range groups() {
				if !slices.Contains(kinds, g.kind) {
					continue
				}
				for _, metric := range g.metrics[:min(recordMetrics, len(g.metrics))] {
					v, ok := values[g.kind+"/"+metric][step]
					match, err := runlog.Lookup(metric)
					if !ok || err != nil {
						continue
					}
					value, unit := quantity(v, match.Metric, m.view.bits)
					parts = append(parts, strings.TrimSpace(words(metric)+" "+value+" "+unit))
				}
			}
			if len(parts) > 0 {
				held := either(kinds[0] == runlog.Valid, ", held out", "")
				out = append(out, fmt.Sprintf("update %s%s: %s", screen.Grouped(step), held, strings.Join(parts, ", ")))
			}
		}
	}
	return out
}
