package tui

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

func TestMaskedSpans(t *testing.T) {
	b := &runlog.Batch{Frames: 20, Spans: [][2]int{{15, 10}, {2, 3}, {4, 2}, {-3, 4}, {9, 0}, {30, 2}, {math.MaxInt, math.MaxInt}}}
	got := maskedSpans(b)
	want := []chart.Span{{From: 0, To: 1}, {From: 2, To: 6}, {From: 15, To: 20}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	s := statsOf(b)
	if s.spans != 3 || s.share != 0.5 || math.Abs(s.run-10.0/3) > 1e-12 || s.longest != 5 {
		t.Errorf("%+v", s)
	}
}

// The target is behind distractors with the same score, and those that equal it are not counted.
func TestScores(t *testing.T) {
	nan := float32(math.NaN())
	list, rank, duplicates := scoresOf(&runlog.FrameLogits{Positive: 2, Negatives: []float32{1, 2, nan, 3}, At: []int{7, 8, 9, -1}})
	if rank != 3 || duplicates != 1 || len(list) != 4 || list[0] != (score{3, false, -1}) || list[1] != (score{2, false, 8}) || !list[2].target {
		t.Errorf("rank %d, %d equal, %v", rank, duplicates, list)
	}
	if _, rank, _ := scoresOf(&runlog.FrameLogits{Positive: nan, Negatives: []float32{-5}}); rank != 2 {
		t.Errorf("a target that is not a number has rank %d", rank)
	}
}

// Both screens look at the same snapshot and frame.
func TestBatchLook(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, pretraining())
	m.width, m.height = 100, 30
	press(m, "4", ",", "right")
	b := batches(m)[6].Batch
	second := b.Masked[1].Frame
	if p := m.panes[4].(*audioPane); p.look.batch(m) != b || !p.look.picked || p.look.frame != second {
		t.Errorf("the screen of audio looks at frame %d", p.look.frame)
	}
	press(m, "5")
	if frame := m.View(); !strings.Contains(frame, b.ID) {
		t.Errorf("no %s in\n%s", b.ID, frame)
	}
	look := m.panes[4].(*audioPane).look
	for range 3 { // every other frame has logits
		m.press(keyMsg("right"))
	}
	look.move(m, "shift+right")
	if logitsOf(b, look.frame) == nil {
		t.Errorf("frame %d has no logits", look.frame)
	}
	for range 200 {
		look.move(m, "right")
	}
	if last := b.Masked[len(b.Masked)-1].Frame; look.frame != last {
		t.Errorf("frame %d, want the last one, %d", look.frame, last)
	}
	for range 200 {
		look.move(m, "left")
	}
	if look.frame != b.Masked[0].Frame {
		t.Errorf("frame %d, want the first one, %d", look.frame, b.Masked[0].Frame)
	}
	look.pick(b.Masked[9].Frame)
	// A click on the ruler chooses the masked frame nearest to it.
	press(m, "4")
	click(m, chart.LabelWidth, 6, false)
	if i := look.masked(b); i != 0 {
		t.Errorf("masked frame %d", i)
	}
	m.panes[4].(*audioPane).look.pick(10000)
	if i := look.masked(b); i != len(b.Masked)-1 {
		t.Errorf("masked frame %d", i)
	}
}

func TestTimeZoom(t *testing.T) {
	var z timeZoom
	nan := math.NaN()
	if v := z.visible(10, nan); v != (chart.Span{From: 0, To: 10}) {
		t.Errorf("%v", v)
	}
	z.zoom(2, nan)
	if v := z.visible(10, nan); v != (chart.Span{From: 2.5, To: 7.5}) {
		t.Errorf("%v", v)
	}
	if v := z.visible(10, 0.95); v != (chart.Span{From: 5, To: 10}) {
		t.Errorf("a chosen place is not seen: %v", v)
	}
	z.zoom(4, 0.1)
	if v := z.visible(8, nan); math.Abs(v.From-0.3) > 1e-12 || math.Abs(v.To-1.3) > 1e-12 {
		t.Errorf("%v", v)
	}
	z.zoom(0.01, nan)
	if v := z.visible(10, nan); v != (chart.Span{From: 0, To: 10}) {
		t.Errorf("%v", v)
	}
}

func TestScrub(t *testing.T) {
	list := []runlog.Snapshot{{Step: 10}, {Step: 20}, {Step: 20}, {Step: 20}, {Step: 30}}
	var s scrub
	for i, want := range []int{4, 3, 2, 1, 0, 0} {
		if got := s.index(list); got != want {
			t.Errorf("after %d steps back at %d, want %d", i, got, want)
		}
		s.move(list, -1)
	}
	s.move(list, 2)
	if got := s.index(list[:2]); got != 1 {
		t.Errorf("the snapshot is gone: at %d", got)
	}
	if got := s.index([]runlog.Snapshot{{Step: 5}, {Step: 25}}); got != 0 {
		t.Errorf("the step is gone: at %d", got)
	}
	s.toStep(list, 11)
	if got := s.index(list); got != 1 {
		t.Errorf("at %d", got)
	}
	if s.move(list, 9); s.held {
		t.Error("at the newest snapshot it does not follow")
	}
	if (scrub{}).index(nil) != -1 || (scrub{held: true}).index(nil) != -1 {
		t.Error("an empty list has no place")
	}
}

// A figure of the cosines has a piece of curve for each masked span, as the screen.
func TestMasksExport(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, pretraining())
	m.width, m.height = 80, 24
	press(m, "4")
	v, err := m.visible()
	if err != nil {
		t.Fatal(err)
	}
	spans := len(batches(m)[7].Batch.Spans)
	p := v.Panels[0]
	if len(p.Curves) != 2*spans || p.Curves[0].Label != "target" || p.Curves[1].Label != "" || p.Curves[spans].Label != "distractor" {
		t.Errorf("%d curves in %q for %d spans", len(p.Curves), p.Title, spans)
	}
	points := 0
	for _, c := range p.Curves {
		points += len(c.X)
	}
	if want := 2 * len(batches(m)[7].Batch.Masked); points != want {
		t.Errorf("%d points, want %d", points, want)
	}
}
