package audio

// dotRows is dotRowsPortable with the four-lane instructions that every amd64 processor has (SSE). It checks no bounds.
//
//go:noescape
func dotRows(y, x, kernel []float32, advance []int32, taps, phase, at int)
