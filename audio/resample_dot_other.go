//go:build !amd64

package audio

func dotRows(y, x, kernel []float32, advance []int32, taps, phase, at int) {
	dotRowsPortable(y, x, kernel, advance, taps, phase, at)
}
