package tui

import (
	"slices"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// runView is a run as the screen knows it. Only Update changes it.
type runView struct {
	name    string
	dir     string
	source  source                 // nil in tests of the model alone
	dormant func() (source, error) // opens a run that is listed but not read yet; nil for others
	colour  int                    // of its curves where several runs are shown; it stays when others come and go
	hidden  bool
	pinned  bool
	data    map[string]*chart.Series
	names   []string // of data, sorted
	epochs  *chart.Series
	loading bool
	loaded  int     // lines read so far
	latest  pollMsg // without what is kept elsewhere
	shots   snapshots
	config  runConfig
	asked   []asked // of its trainer, without an answer
}

func newRunView(name, dir string, s source, colour int) *runView {
	return &runView{name: name, dir: dir, source: s, colour: colour, data: make(map[string]*chart.Series), loading: true}
}

// take brings the run up to date. smooth is the weight of the moving averages.
func (r *runView) take(msg pollMsg, smooth float64) {
	if msg.reset {
		r.data, r.names, r.epochs = make(map[string]*chart.Series), nil, nil
	}
	for _, c := range msg.changes {
		s := r.data[c.Name]
		if s == nil {
			s = &chart.Series{}
			s.Smoothen(smooth)
			r.data[c.Name] = s
			i, _ := slices.BinarySearch(r.names, c.Name)
			r.names = slices.Insert(r.names, i, c.Name)
		}
		s.Apply(c)
		if c.Name == epochSeries {
			r.epochs = beginnings(s)
		}
	}
	if msg.stateErr != nil {
		// The heartbeat is replaced in one step, so this is rare; what it said last stays on the screen.
		msg.state, msg.status = r.latest.state, r.latest.status
	}
	if msg.snapshots != nil {
		r.shots = *msg.snapshots
	}
	if msg.config != nil {
		r.config = *msg.config
	}
	if msg.report == nil {
		msg.report = r.latest.report
	}
	if msg.sessions == nil {
		msg.sessions = r.latest.sessions
	}
	r.loaded += msg.read
	r.loading = msg.more
	msg.changes, msg.snapshots, msg.config = nil, nil, nil
	r.latest = msg
}

// beginnings keeps the points of a series at which its value changes, so that what lies between can be interpolated.
func beginnings(s *chart.Series) *chart.Series {
	out := &chart.Series{}
	values := s.Raw.List()
	var c chart.Change
	for i, v := range values {
		if n := len(c.Values); n == 0 || v > c.Values[n-1] || i == len(values)-1 && s.Steps[i] > c.Steps[n-1] {
			c.Steps, c.Values = append(c.Steps, s.Steps[i]), append(c.Values, v)
		}
	}
	out.Apply(c)
	return out
}

// The series that the screen itself needs.
const (
	hoursSeries = "train/hours_seen"
	rateSeries  = "system/audio_rate"
	epochSeries = "train/epoch"
)

// axis returns the horizontal axis of a kind for this run.
func (r *runView) axis(kind chart.AxisKind) chart.Axis {
	a := chart.Axis{Kind: kind, Sessions: r.latest.sessions}
	switch kind {
	case chart.Hours:
		a.Along = r.data[hoursSeries]
	case chart.Epochs:
		a.Along = r.epochs
	}
	return a
}

// last returns the last value of a series.
func (r *runView) last(name string) (float64, bool) { return r.data[name].Last() }

// updates returns how many updates are done: the log may be some seconds ahead of the heartbeat.
func (r *runView) updates() int64 {
	n := r.latest.state.Step
	if s := r.data[hoursSeries]; s.Len() > 0 {
		n = max(n, s.Steps[s.Len()-1])
	}
	return n
}

// live reports whether the run is being trained.
func (r *runView) live() bool {
	return r.latest.status == runlog.Running || r.latest.status == runlog.Paused
}

// style is that of the run's curves among several runs.
func (r *runView) style() screen.Style { return screen.Line(r.colour) }

// now is the time of the last poll, by which ages are told.
func (r *runView) now() time.Time { return r.latest.at }

// fineTuning reports whether the run trains a recogniser.
func (r *runView) fineTuning() bool {
	if len(r.shots.transcripts)+len(r.shots.alignments) > 0 {
		return true
	}
	for _, name := range []string{"train/ctc_loss", "valid/wer", "valid/cer"} {
		if r.data[name].Len() > 0 {
			return true
		}
	}
	return false
}
