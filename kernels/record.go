package kernels

import "time"

// Recorder is a Backend that can keep what calls of kernels give its device to do, and start all of it again with one call.
type Recorder interface {
	// Record calls run, and keeps the work of the kernels that run calls with the step it is given, instead of doing it. What others do with the back end meanwhile is not
	// kept; run itself may only call kernels. The name is for errors. It wraps ErrUnsupported when the back end does not record.
	Record(name string, run func(s *Step)) (Replay, error)
}

// Replay is work that was recorded: the same kernels with the same buffers.
type Replay interface {
	// Run does the work again, with the noise of s, in order with all that was started before and after. It does not wait and does not allocate; an error comes
	// out of Sync. It reports false, and does nothing, when memory of the back end's own has moved since: then the work must be recorded anew.
	Run(s *Step) bool
	// Free gives back what the back end keeps. Work that was started is not disturbed.
	Free() error
}

// Timer is a Backend whose kernels run later than they are called, and that can tell how long they took.
type Timer interface {
	// NewMarks makes room for n moments.
	NewMarks(n int) (Marks, error)
}

// Marks are moments in the work of a device.
type Marks interface {
	// Set marks the moment when all that was started so far is done. It does not wait and does not allocate; beyond the number of marks it does nothing.
	Set()
	// Take stores how long it was from each mark set since the last Take to the next one, as many as there are, and forgets these marks. Where some are not reached yet it
	// reports false and forgets nothing: somebody must wait for the device first.
	Take(times []time.Duration) (ok bool, err error)
	Free() error
}
