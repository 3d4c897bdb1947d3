//go:build darwin || freebsd

package host

import "syscall"

// Disk is the space of the file system of a folder, in bytes: what this user can still fill, and all.
func Disk(dir string) (free, total int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return max(0, int64(s.Bavail)*int64(s.Bsize)), int64(s.Blocks) * int64(s.Bsize), true
}
