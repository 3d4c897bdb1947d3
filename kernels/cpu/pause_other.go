//go:build !amd64

package cpu

// pause passes some ten nanoseconds per count without touching memory.
func pause(n int64) {
	for range n * 8 {
	}
}
