//go:build !linux

package main

// peakMemory is not known here, and reports leave it out.
func peakMemory() (bytes int64, ok bool) { return 0, false }
