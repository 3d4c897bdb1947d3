//go:build !unix

package atomicfile

// SyncDir has nothing to do: this system writes directories by itself and cannot be told to.
func SyncDir(string) error { return nil }
