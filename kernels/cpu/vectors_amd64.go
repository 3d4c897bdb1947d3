package cpu

import "unsafe"

// first points to x[0]. It panics when x is shorter than like.
func first[L, T any](like []L, x []T) *T { return unsafe.SliceData(x[:len(like)]) }
