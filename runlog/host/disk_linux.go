package host

import "syscall"

// Disk is the space of the file system of a folder, in bytes: what this user can still fill, and all.
func Disk(dir string) (free, total int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	unit := int64(s.Frsize) // the unit of the counts; on FUSE file systems it differs from Bsize
	if unit == 0 {
		unit = int64(s.Bsize)
	}
	return max(0, int64(s.Bavail)*unit), int64(s.Blocks) * unit, true
}
