package cpu

// pause executes n PAUSE instructions, which leave the core's resources to others while polling.
//
//go:noescape
func pause(n int64)
