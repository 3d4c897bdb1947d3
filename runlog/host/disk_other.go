//go:build !linux && !darwin && !freebsd

package host

// Disk: the standard library does not tell.
func Disk(dir string) (free, total int64, ok bool) { return 0, 0, false }
