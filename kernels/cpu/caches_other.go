//go:build !linux

package cpu

// machineCaches are typical sizes: systems differ in how they tell theirs.
func machineCaches() cacheSizes { return cacheSizes{}.orTypical() }
