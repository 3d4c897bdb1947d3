//go:build !amd64 && !arm64

package cpu

func native() []candidate { return nil }
