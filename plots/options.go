package plots

import "fmt"

// XAxis is what the horizontal axis counts.
type XAxis int

// The horizontal axes.
const (
	Updates XAxis = iota // optimiser updates
	Hours                // hours of audio trained on; compares runs of different batch sizes
	Time                 // time spent in training, without the time between two processes of a run
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
	CSV   bool // also write every point of the figure to a .csv file of the same name
}

func (o Options) check() error {
	switch {
	case !(o.Smoothing >= 0 && o.Smoothing < 1):
		return fmt.Errorf("plots: smoothing %v: it must be at least 0 and below 1", o.Smoothing)
	case o.X < Updates || o.X > Time:
		return fmt.Errorf("plots: unknown x axis %d", o.X)
	case o.Units < Nats || o.Units > Bits:
		return fmt.Errorf("plots: unknown units %d", o.Units)
	case o.Theme < Light || o.Theme > Dark:
		return fmt.Errorf("plots: unknown theme %d", o.Theme)
	case o.DPI != 0 && !(o.DPI >= 30 && o.DPI <= 1200):
		return fmt.Errorf("plots: %v dots per inch: it must be 30 to 1200", o.DPI)
	}
	for _, side := range []float64{o.Width, o.Height} {
		if side != 0 && !(side >= 40 && side <= 1000) {
			return fmt.Errorf("plots: a side of %v mm: it must be 40 to 1000", side)
		}
	}
	return nil
}
