package plots

import (
	"fmt"
	"math"
)

// XAxis is what the horizontal axis counts.
type XAxis int

// The horizontal axes.
const (
	Updates XAxis = iota // optimiser updates
	Hours                // hours of audio trained on; compares runs of different batch sizes
	Time                 // time spent in training, without the time between two processes of a run
	Epochs               // passes over the training set
	Clock                // date and time, UTC
)

// Units are the units of losses.
type Units int

// The units of losses. fairseq reports bits, most others nats.
const (
	Nats Units = iota
	Bits
)

// Theme is the background that a figure is made for.
type Theme int

// The themes.
const (
	Light Theme = iota
	Dark
)

// Band is what is drawn around the mean of a group of runs.
type Band int

// The bands.
const (
	MinMax    Band = iota // from the lowest to the highest run
	Deviation             // one standard deviation of the runs to each side
	NoBand
)

// Legend is where the legend of a panel stands. It never stands on the data.
type Legend int

// The places of a legend.
const (
	Above Legend = iota
	Below
	Right
	NoLegend
)

// Limits are the ends of an axis. The zero value takes the range of the data; an end that is NaN is that of the data.
type Limits [2]float64

func (l Limits) set() bool { return l != Limits{} }

// Options are the choices of Render. The zero value draws unsmoothed curves in nats over updates.
type Options struct {
	Width, Height float64 // in millimetres; 0 takes the size of the figure
	DPI           float64 // of PNG; 0 is 200

	// Smoothing is the weight of the past in a debiased exponential moving average, 0 (none) to below 1, as in
	// TensorBoard. It applies to training curves, whose raw values stay visible as a faint line; validation curves have
	// few points and are drawn as measured.
	Smoothing float64

	X     XAxis
	Units Units
	Theme Theme

	Metrics []string // of the figure "metric": names with or without a kind, as runlog.Lookup takes them
	Update  int64    // of the figure "spectrogram": the newest batch up to this update; 0 the newest of all
	ByIndex bool     // the figure "codebook" keeps the order of the entries instead of sorting them by use

	// Groups names the group of each run, or is nil. Runs of a group (one recipe, several seeds) are drawn as their mean
	// with a band around it, over the updates that all of them have. "" is no group.
	Groups []string
	Band   Band

	Reference bool // draw published trajectories behind the curves, where there are any

	LogX, LogY   bool
	XLimits      Limits  // in the unit of the axis
	YLimits      Limits  // of every panel with curves
	FontSize     float64 // of the labels of axes, in points; other text is in proportion; 0 is 9
	LineWidth    float64 // in points; 0 is 1.3
	Legend       Legend
	WithoutTitle bool

	CSV  bool // also write every point of the figure to a .csv file of the same name
	JSON bool // also write what is drawn to a .json file of the same name
}

func (o Options) check() error {
	switch {
	case !(o.Smoothing >= 0 && o.Smoothing < 1):
		return fmt.Errorf("plots: smoothing %v: it must be at least 0 and below 1", o.Smoothing)
	case o.X < Updates || o.X > Clock:
		return fmt.Errorf("plots: unknown x axis %d", o.X)
	case o.Units < Nats || o.Units > Bits:
		return fmt.Errorf("plots: unknown units %d", o.Units)
	case o.Theme < Light || o.Theme > Dark:
		return fmt.Errorf("plots: unknown theme %d", o.Theme)
	case o.Band < MinMax || o.Band > NoBand:
		return fmt.Errorf("plots: unknown band %d", o.Band)
	case o.Legend < Above || o.Legend > NoLegend:
		return fmt.Errorf("plots: unknown place %d of the legend", o.Legend)
	case o.DPI != 0 && !(o.DPI >= 30 && o.DPI <= 1200):
		return fmt.Errorf("plots: %v dots per inch: it must be 30 to 1200", o.DPI)
	case o.FontSize != 0 && !(o.FontSize >= 4 && o.FontSize <= 40):
		return fmt.Errorf("plots: a font of %v points: it must be 4 to 40", o.FontSize)
	case o.LineWidth != 0 && !(o.LineWidth >= 0.1 && o.LineWidth <= 10):
		return fmt.Errorf("plots: lines of %v points: it must be 0.1 to 10", o.LineWidth)
	}
	for _, side := range []float64{o.Width, o.Height} {
		if side != 0 && !(side >= 40 && side <= 1000) {
			return fmt.Errorf("plots: a side of %v mm: it must be 40 to 1000", side)
		}
	}
	for _, l := range []Limits{o.XLimits, o.YLimits} {
		if l.set() && (l[0] >= l[1] || math.IsInf(l[0], 0) || math.IsInf(l[1], 0) || math.Abs(l[0]) > 1e300 || math.Abs(l[1]) > 1e300) {
			return fmt.Errorf("plots: an axis from %v to %v: the first must be lower, and both finite", l[0], l[1])
		}
	}
	return nil
}
