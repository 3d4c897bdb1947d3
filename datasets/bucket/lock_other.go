//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package bucket

import "os"

// tryLock does nothing here: processes that share a cache may together exceed its bound by what they write during one
// scan of each other, and are held to it again by the next. What they read is checked all the same.
func tryLock(*os.File) error { return nil }

func unlock(*os.File) error { return nil }
