package tui

// pane is a screen. It keeps what the user chose on it.
type pane interface {
	// title names the screen in a word or two.
	title(m *model) string
	// draw draws the screen into area, whatever its size.
	draw(f *frame, area rect)
	// bindings are the keys of the screen, besides and before those of all screens.
	bindings(m *model) []binding
	// about explains the screen in the help, a sentence or two.
	about(m *model) string
}

// screenKeys are the keys of the screens.
var screenKeys = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}

// The places of screens that others lead to.
const (
	overviewScreen = 0
	metricsScreen  = 1
	codebookScreen = 2
	logsScreen     = 7
	runsScreen     = 8
)

// newPanes makes the screens in the order of their keys.
func newPanes() []pane {
	look := &batchLook{}
	return []pane{
		&overviewPane{},
		&metricsPane{},
		&byTask{pretraining: &codebookPane{}, fineTuning: &transcriptsPane{}},
		&byTask{pretraining: &masksPane{look}, fineTuning: &hearingPane{padded: paddedPane{look}}},
		&audioPane{look: look},
		&dataPane{},
		&systemPane{},
		&logsPane{},
		&runsPane{},
	}
}

// show goes to a screen.
func (m *model) show(i int) {
	if i >= 0 && i < len(m.panes) {
		m.view.screen, m.view.full, m.view.help = i, false, false
	}
}

// byTask is one screen for runs that pretrain and another one for those that fine-tune.
type byTask struct{ pretraining, fineTuning pane }

func (p *byTask) of(m *model) pane {
	if m.run().fineTuning() {
		return p.fineTuning
	}
	return p.pretraining
}

func (p *byTask) title(m *model) string       { return p.of(m).title(m) }
func (p *byTask) draw(f *frame, area rect)    { p.of(f.m).draw(f, area) }
func (p *byTask) bindings(m *model) []binding { return p.of(m).bindings(m) }
func (p *byTask) about(m *model) string       { return p.of(m).about(m) }
