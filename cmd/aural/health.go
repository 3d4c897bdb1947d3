package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/runlog/tensorboard"

	"github.com/spf13/cobra"
)

// healthVersion is the version of what --json prints.
const healthVersion = 1

// runHealth is the verdict on a run, as JSON. docs/HEALTH.md describes it.
type runHealth struct {
	Dir    string        `json:"dir"`
	Name   string        `json:"name"`
	Status runlog.Status `json:"status,omitempty"` // none for the log of another program
	Report health.Report `json:"report"`
}

type healthFlags struct {
	json, rules bool
	root        string
}

func (a *app) health() *cobra.Command {
	var f healthFlags
	c := a.command(&cobra.Command{
		Use:   "health RUN...",
		Short: "Say whether runs are well, and why not",
		Long: `Health applies rules to what a run has logged and prints HEALTHY, WATCH or BROKEN, with what it
found: the rule, since which update it holds, the numbers, and what to do. A run is a directory, or
the name of one in --runs; or a TensorBoard event file, or a folder of them, of another program.
Health only reads; the run may be live or over.

Exit codes, of the worst run:
  0    healthy
  1    error: a run could not be read
  4    watch: something to look at
  5    broken: the run will not come to anything as it is`,
		Example: `  aural health runs/20260101-1200-tiny
  aural health runs/* --json | jq '.runs[] | select(.report.level == "broken") | .dir'
  aural health tiny || mail -s "look at tiny" me@example.org < /dev/null
  aural health --rules`,
		Args: func(c *cobra.Command, args []string) error {
			if f.rules {
				return cobra.NoArgs(c, args)
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
	}, func(args []string) error {
		if f.rules {
			return a.listRules(f.json)
		}
		return a.judge(f, args)
	})
	c.Flags().BoolVar(&f.json, "json", false, "print as JSON")
	c.Flags().BoolVar(&f.rules, "rules", false, "list the rules with their thresholds")
	c.Flags().StringVar(&f.root, "runs", "runs", "`FOLDER` in which runs are looked up by name")
	return c
}

// judge prints the verdicts on runs. The worst one becomes the exit code.
func (a *app) judge(f healthFlags, args []string) error {
	var list []runHealth
	worst, counts := health.Healthy, map[health.Level]int{}
	for _, arg := range args {
		dir, err := findRun(arg, f.root)
		if err != nil {
			return err
		}
		h, err := judgeRun(dir, time.Now())
		if err != nil {
			return err
		}
		list = append(list, h)
		worst = max(worst, h.Report.Level)
		counts[h.Report.Level]++
	}
	if f.json {
		err := writeJSON(a.out, struct {
			Version int          `json:"version"`
			Level   health.Level `json:"level"`
			Runs    []runHealth  `json:"runs"`
		}{healthVersion, worst, list})
		if err != nil {
			return err
		}
	} else {
		for i, h := range list {
			if i > 0 {
				a.print("")
			}
			a.showHealth(h)
		}
	}
	verdict := fmt.Errorf("%d broken, %d to watch, %d healthy", counts[health.Broken], counts[health.Watch], counts[health.Healthy])
	switch worst {
	case health.Watch:
		return coded{exitWatch, verdict}
	case health.Broken:
		return coded{exitBroken, verdict}
	}
	return nil
}

// judgeRun examines a run, or the event files that another program wrote for TensorBoard.
func judgeRun(dir string, now time.Time) (runHealth, error) {
	state, err := runlog.ReadState(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if h, errEvents := judgeEvents(dir, now); !errors.Is(errEvents, tensorboard.ErrNoEvents) {
			return h, errEvents
		}
	}
	r, err := readRun(dir)
	if err != nil {
		return runHealth{}, err
	}
	defer r.Close()
	report, err := health.FromReader(r, now)
	if err != nil {
		return runHealth{}, err
	}
	return runHealth{dir, runlog.RunName(dir), state.At(now), report}, nil
}

func judgeEvents(path string, now time.Time) (runHealth, error) {
	if runs, err := runlog.Runs(path); err == nil && len(runs) > 0 {
		return runHealth{}, fmt.Errorf("%s is a folder with %s, such as %s: name the runs", path, plural(len(runs), "run"), runs[0].Dir)
	}
	e, err := tensorboard.OpenEvents(path)
	if err != nil {
		return runHealth{}, err
	}
	for more := true; more; {
		if _, more, err = e.Poll(runlog.Budget{}); err != nil {
			return runHealth{}, err
		}
	}
	return runHealth{Dir: path, Name: filepath.Base(path), Report: health.Examine(health.Input{Curves: e, Damage: e.Damage(), Now: now})}, nil
}

func (a *app) showHealth(h runHealth) {
	run := h.Dir
	if h.Status != "" {
		run += ", " + string(h.Status)
	}
	a.print("%s  %s, update %s: %s", a.paintLevel(h.Report.Level, h.Report.Level.String()), run, grouped(h.Report.Step), h.Report.Summary)
	for _, f := range h.Report.Findings {
		word := "note"
		if f.Level > health.Healthy {
			word = strings.ToLower(f.Level.String())
		}
		a.print("\n  %s  %s, since update %s: %s", a.paintLevel(f.Level, word), f.Rule, grouped(f.Since), f.Title)
		a.print("%s", folded("evidence  "+f.Evidence, 4, 14))
		a.print("%s", folded("advice    "+f.Advice, 4, 14))
	}
}

func (a *app) paintLevel(l health.Level, text string) string {
	const red, green, yellow = 31, 32, 33
	switch l {
	case health.Broken:
		return a.paint(red, text)
	case health.Watch:
		return a.paint(yellow, text)
	}
	return a.paint(green, text)
}

func (a *app) listRules(asJSON bool) error {
	list := health.Rules()
	if asJSON {
		return writeJSON(a.out, list)
	}
	recent := health.Recent()
	a.print("Recent records are those of the last %g updates, and at least %g of them.", recent[0].Value, recent[1].Value)
	for _, r := range list {
		word := "note"
		if r.Level > health.Healthy {
			word = "up to " + strings.ToLower(r.Level.String())
		}
		a.print("\n%s (%s): %s", r.Name, word, r.Title)
		a.print("%s", folded(r.Description, 2, 2))
		for _, l := range r.Limits {
			a.print("%s", folded(strings.TrimSpace(fmt.Sprintf("%s: %g %s", l.Name, l.Value, l.Unit))+": "+l.Reason, 4, 6))
		}
	}
	return nil
}

// folded breaks text into lines of at most 100 columns: the first one is indented by first, the others by rest.
func folded(text string, first, rest int) string {
	var b strings.Builder
	column := first
	b.WriteString(strings.Repeat(" ", first))
	for i, word := range strings.Split(text, " ") {
		n := len([]rune(word))
		switch {
		case i == 0:
		case word != "" && column+1+n > 100:
			b.WriteString("\n" + strings.Repeat(" ", rest))
			column = rest
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
