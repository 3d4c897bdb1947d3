package datasets

// Entry is what is known of a row without its audio.
type Entry struct {
	Row     int // in the store
	Samples int // at Rate
	Speaker string
}

// View is a choice of rows of one store: metadata only, so everything that works on a View is free of I/O.
type View []Entry

// Samples returns the total length.
func (v View) Samples() int64 {
	var n int64
	for _, e := range v {
		n += int64(e.Samples)
	}
	return n
}

// Seconds returns the total length in seconds.
func (v View) Seconds() float64 { return float64(v.Samples()) / Rate }

// Speakers returns the number of different speaker names; rows without one count as one speaker.
func (v View) Speakers() int {
	names := map[string]struct{}{}
	for _, e := range v {
		names[e.Speaker] = struct{}{}
	}
	return len(names)
}
