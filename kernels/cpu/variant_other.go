//go:build !amd64

package cpu

func native() []candidate { return nil }
