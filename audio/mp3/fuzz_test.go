package mp3

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

// FuzzDecode: any input decodes to finite samples of equal lengths in proportion to its size, or to one of the errors.
func FuzzDecode(f *testing.F) {
	for _, g := range loadGoldens(f) {
		data := readTestdata(f, g.Name)
		f.Add(data)
		at := positions(f, data)
		f.Add(bytes.Clone(data[at[1]:at[4]]))
		f.Add(slices.Concat(id3v2(64), data[at[2]:at[3]], apeTag(true), data[at[3]:at[5]+20]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Decode(data, Limits{MaxSamples: 1 << 22})
		if err != nil {
			if a != nil || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) &&
				!errors.Is(err, ErrEmpty) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("audio %v with error %v", a != nil, err)
			}
			return
		}
		length := len(a.Channels[0])
		if a.Rate < 8000 || length == 0 || len(a.Channels) > 2 || len(a.Channels)*length > 80*len(data) {
			t.Fatalf("%d Hz, %d channels, %d samples from %d bytes", a.Rate, len(a.Channels), length, len(data))
		}
		for _, x := range a.Channels {
			if len(x) != length {
				t.Fatalf("channels of %d and %d samples", length, len(x))
			}
			for i, v := range x {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.Fatalf("sample %d is %v", i, v)
				}
			}
		}
	})
}
