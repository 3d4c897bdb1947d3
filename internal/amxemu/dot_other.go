//go:build !amd64

package amxemu

func dotFast(_, _, _ *tile, _, _, _ int) bool { return false }
