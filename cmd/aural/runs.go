package main

import (
	"fmt"
	"time"

	"aural/runlog"

	"github.com/spf13/cobra"
)

// runLine is a run in the list.
type runLine struct {
	Dir    string        `json:"dir"`
	Name   string        `json:"name"`
	Status runlog.Status `json:"status"`
	State  runlog.State  `json:"state"`
	Error  string        `json:"error,omitempty"`
}

func (a *app) runs() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "runs [FOLDER]",
		Short: "List runs and their condition",
		Long: `Runs lists the run directories in a folder (runs by default), newest first. A run whose process is
gone without having said so is shown as crashed; it can be resumed like one that was stopped.`,
		Example: "  aural runs\n  aural runs /scratch/runs --json | jq '.[] | select(.status == \"running\") | .dir'",
		Args:    cobra.MaximumNArgs(1),
	}, func(args []string) error {
		root := "runs"
		if len(args) > 0 {
			root = args[0]
		}
		list, err := runlog.Runs(root)
		if err != nil {
			return err
		}
		if asJSON {
			lines := []runLine{}
			for _, r := range list {
				l := runLine{Dir: r.Dir, Name: r.Name, Status: r.Status, State: r.State}
				if r.Err != nil {
					l.Error = r.Err.Error()
				}
				lines = append(lines, l)
			}
			return writeJSON(a.out, lines)
		}
		if len(list) == 0 {
			a.say("no runs in %s", root)
			return nil
		}
		a.listRuns(list)
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func (a *app) listRuns(list []runlog.RunInfo) {
	rows := [][]string{{"RUN", "STATUS", ">UPDATES", ">OF", "BEGUN", "REMARK"}}
	for _, r := range list {
		if r.Err != nil {
			rows = append(rows, []string{r.Dir, "unreadable", "", "", "", r.Err.Error()})
			continue
		}
		s, of, remark := r.State, "", r.State.Message
		if s.TotalSteps > 0 {
			of = grouped(s.TotalSteps)
		}
		if r.Status == runlog.Running || r.Status == runlog.Paused {
			remark = ""
			if s.ETASeconds > 0 {
				remark = clock(time.Duration(s.ETASeconds*float64(time.Second))) + " left"
			}
			if s.Silent(time.Now()) {
				remark = fmt.Sprintf("no sign of life for %s", clock(time.Since(s.Time)))
			}
		}
		rows = append(rows, []string{r.Dir, string(r.Status), grouped(s.Step), of, s.Created.Local().Format("2006-01-02 15:04"), remark})
	}
	table(a.out, rows, func(column int, cell, padded string) string {
		if column != 1 {
			return padded
		}
		const red, green, yellow = 31, 32, 33
		switch runlog.Status(cell) {
		case runlog.Running, runlog.Finished:
			return a.paint(green, padded)
		case runlog.Stopped, runlog.Paused:
			return a.paint(yellow, padded)
		}
		return a.paint(red, padded)
	})
}
