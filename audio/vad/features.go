package vad

import "math"

const (
	hop     = Rate / 100 // samples in a frame, 10 ms
	perDB   = 4          // steps of level in a dB
	levels  = 512        // number of levels: 0 is -100 dB or less, the last one 27.75 dB
	levelDB = -100       // what level 0 stands for, in dB of full scale

	box  = 49      // length of the moving average in the high-pass filter, 3 ms
	side = box / 2 // of which before and after the sample
)

// track is what the detector knows of a recording, per frame.
type track struct {
	level    []int16 // energy of the high-passed signal in steps of 1/4 dB from -100 dB of full scale
	crossing []int16 // zero crossings of the high-passed signal in the same window
}

// features holds the memory of one chunk.
type features struct {
	x  [chunk + 4*side]int32
	y  [chunk + 2*side]int32
	on [3]frameSums // of the previous, the current and the next frame
}

// chunk is a whole number of frames that fits the first-level cache with both buffers.
const chunk = 16 * hop

type frameSums struct {
	energy    int64 // sum of squares
	crossings int32
	n         int32 // samples
}

// extract fills track for samples. The window of a frame is the frame and its two neighbours, 30 ms.
//
// The high-pass filter subtracts from every sample the mean of the 49 around it, twice:
//
//	y = x - (x * box₄₉)/49,   |H(f)| = (1 - |sinc(49f/16000)|)²
//
// It has no phase, is exact in integers, and costs two running sums. An offset vanishes, 50 Hz falls by 56 dB, 100 Hz by
// 33 dB, the -3 dB point is near 280 Hz, and above 320 Hz it is flat to +3.4 dB. What speech has below is there above
// too.
func (t *track) extract(f *features, samples []int16) {
	frames := (len(samples) + hop - 1) / hop
	t.level, t.crossing = t.level[:0], t.crossing[:0]
	f.on = [3]frameSums{}
	sign := int32(0)
	for start := 0; start < len(samples); start += chunk {
		n := min(chunk, len(samples)-start)
		f.load(samples, start, n)
		highpass(f.y[:n+2*side], f.x[:n+4*side], 0)
		// The second result replaces the input. Its scale is 49²; without the 5 bits the sum of squares could overflow.
		highpass(f.x[:n], f.y[:n+2*side], 5)
		for at := 0; at < n; at += hop {
			f.on[0], f.on[1] = f.on[1], f.on[2]
			f.on[2], sign = sums(f.x[at:min(at+hop, n)], sign)
			if start+at > 0 {
				t.add(f.on)
			}
		}
	}
	if frames > 0 {
		f.on[0], f.on[1], f.on[2] = f.on[1], f.on[2], frameSums{}
		t.add(f.on)
	}
}

// load copies samples start-48 to start+n+48 to x. Before and after the recording its first and last sample go on: an
// offset is no step.
func (f *features) load(samples []int16, start, n int) {
	first, last := int32(samples[0]), int32(samples[len(samples)-1])
	from := start - 2*side
	for i := range f.x[:n+4*side] {
		switch at := from + i; {
		case at < 0:
			f.x[i] = first
		case at < len(samples):
			f.x[i] = int32(samples[at])
		default:
			f.x[i] = last
		}
	}
}

// highpass writes (49·x[i+24] - Σ x[i..i+48]) >> shift to y[i]. x is 48 longer than y.
func highpass(y, x []int32, shift uint) {
	if len(y) == 0 {
		return
	}
	x = x[:len(y)+box-1]
	var sum int32
	for _, v := range x[:box-1] {
		sum += v
	}
	middle, leading := x[side:][:len(y)], x[box-1:][:len(y)]
	for i := range y {
		sum += leading[i]
		y[i] = (box*middle[i] - sum) >> (shift & 31)
		sum -= x[i]
	}
}

// sums adds up a frame. sign is that of the last sample before it: 0 or -1; the sign of the frame's last sample comes back.
func sums(y []int32, sign int32) (frameSums, int32) {
	s := frameSums{n: int32(len(y))}
	for _, v := range y {
		s.energy += int64(v) * int64(v)
		now := v >> 31
		s.crossings += (now ^ sign) & 1
		sign = now
	}
	return s, sign
}

// add appends the frame in the middle of the three.
func (t *track) add(on [3]frameSums) {
	energy := on[0].energy + on[1].energy + on[2].energy
	n := on[0].n + on[1].n + on[2].n
	t.level = append(t.level, levelOf(energy, n))
	t.crossing = append(t.crossing, int16(on[0].crossings+on[1].crossings+on[2].crossings))
}

// levelOf returns the level of n samples with the given sum of squares.
func levelOf(energy int64, n int32) int16 {
	if energy <= 0 {
		return 0
	}
	const scale = box * box / 32.0 * 32768
	db := 10 * math.Log10(float64(energy)/(float64(n)*scale*scale))
	return int16(min(max(math.Round((db-levelDB)*perDB), 0), levels-1))
}
