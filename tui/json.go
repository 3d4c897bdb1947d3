package tui

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"
)

// jsonVersion is raised when a member of a line of JSON changes its meaning or goes; new ones may come without.
const jsonVersion = 1

// jsonLine is a line of JSON about a run. docs/FORMATS.md describes it.
type jsonLine struct {
	Version    int                  `json:"version"`
	Time       time.Time            `json:"time"`
	Run        string               `json:"run"`
	Dir        string               `json:"dir"`
	Status     runlog.Status        `json:"status"`
	Message    string               `json:"message,omitempty"`
	Step       int64                `json:"step"`
	TotalSteps int64                `json:"total_steps"`
	ETASeconds float64              `json:"eta_seconds"`
	Heartbeat  time.Time            `json:"heartbeat,omitzero"`
	Last       bool                 `json:"last"`
	Metrics    map[string]jsonPoint `json:"metrics"`
	Verdict    *health.Report       `json:"verdict"`
	Events     []runlog.Event       `json:"events"`
	Damaged    int64                `json:"damaged_lines"`
	Error      string               `json:"error,omitempty"`
}

// jsonPoint is the last point of a series.
type jsonPoint struct {
	Step  int64      `json:"step"`
	Value jsonNumber `json:"value"`
}

// jsonNumber is a number that need not be finite: as in the run log, "NaN", "Inf" and "-Inf" are strings.
type jsonNumber float64

// MarshalJSON writes the shortest decimal that reads back to the same number.
func (n jsonNumber) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Inf"`), nil
	default:
		return json.Marshal(v)
	}
}

// JSON writes runs, given as for Run, to w as lines of JSON: an object of each run as it is, and another one whenever there
// is a record, an event, or another status or verdict, until the runs have ended or ctx is done, whose error it then returns;
// with once the first ones alone.
func JSON(ctx context.Context, targets []string, w io.Writer, once bool, o Options) error {
	o.complete()
	m, closeRuns, err := openModel(ctx, screen.Terminal{}, targets, o)
	if err != nil {
		return err
	}
	defer closeRuns()
	return watch(ctx, m, o.Every, once, func(n news) error {
		line, err := json.Marshal(newJSONLine(n))
		if err != nil {
			return err
		}
		_, err = w.Write(append(line, '\n'))
		return err
	})
}

func newJSONLine(n news) jsonLine {
	r := n.run
	latest := &r.latest
	line := jsonLine{Version: jsonVersion, Time: latest.at.UTC(), Run: r.name, Dir: r.dir, Status: latest.status, Message: latest.state.Message,
		Step: r.updates(), TotalSteps: latest.state.TotalSteps, Heartbeat: latest.state.Time, Last: n.last, Metrics: make(map[string]jsonPoint, len(r.names)),
		Verdict: latest.report, Events: n.events, Damaged: latest.damage.Lines + latest.damage.Records, Error: errorText(latest.err)}
	if line.Error == "" {
		line.Error = errorText(latest.stateErr)
	}
	if r.live() {
		line.ETASeconds = latest.state.ETASeconds
	}
	if n.first {
		line.Events = latest.events
	}
	if line.Events == nil {
		line.Events = []runlog.Event{}
	}
	for _, name := range r.names {
		if s := r.data[name]; s.Len() > 0 {
			i := s.Len() - 1
			line.Metrics[name] = jsonPoint{s.Steps[i], jsonNumber(s.Raw.List()[i])}
		}
	}
	return line
}
