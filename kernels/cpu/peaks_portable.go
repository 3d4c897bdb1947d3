//go:build !amd64 && !arm64

package cpu

func multiplyAdds(string) multiplier { return portableMultiplier() }

func reader(string) func(x []byte, sink *float32) { return portableRead }
