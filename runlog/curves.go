package runlog

// Curves is a log seen as curves: the log of a run (*[Reader]), or what another program logged, such as an event file of
// TensorBoard. Figures, health rules and the terminal views take it.
type Curves interface {
	// Dir returns the run directory or event file, which names the run.
	Dir() string
	// Names returns the series that have data, sorted.
	Names() []string
	// Series returns the points of a series in the order of their steps; values may be NaN or infinite. Both are nil when
	// there is no such series. They must not be changed and are valid until the log is read on.
	Series(name string) (steps []int64, values []float64)
	// Elapsed returns, for each point of a series, the seconds of training until it was recorded.
	Elapsed(name string) []float64
	// Last returns the last point of a series. ok is false when there is none.
	Last(name string) (step int64, value float64, ok bool)
}

var _ Curves = (*Reader)(nil)
