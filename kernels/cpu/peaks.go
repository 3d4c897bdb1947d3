package cpu

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"aural/kernels"
)

// Peaks are what this machine does at most, as this process measures it: the roofs of a roofline (Williams, Waterman and Patterson 2009).
type Peaks struct {
	Compute   Rate          `json:"compute"`   // FLOP/s with the instructions of the back end's variant
	Variants  []VariantPeak `json:"variants"`  // the same with those of every variant that the machine can run, best first
	Bandwidth []Bandwidth   `json:"bandwidth"` // growing working sets
	// The median time of a phase in which all workers do nothing but meet, when they still poll for work, as within a step, and when they sleep.
	ForkPolling time.Duration `json:"fork_polling_ns"`
	ForkParked  time.Duration `json:"fork_parked_ns"`
}

// Rate is an amount per second.
type Rate struct {
	One float64 `json:"one"` // on one thread
	All float64 `json:"all"` // on all threads of the back end
}

// VariantPeak is the rate in FLOP/s of independent float32 multiply-adds (two operations each) on registers.
type VariantPeak struct {
	Variant string `json:"variant"`
	Rate    Rate   `json:"flops"`
}

// Bandwidth is how fast threads go through blocks of memory of their own, again and again, in bytes per second. A copy counts what it reads and what
// it writes; what the processor moves besides (reading a line before it is written) is not counted.
type Bandwidth struct {
	Level string `json:"level"` // "L1", "L2", "L3" or "memory": the first that holds the blocks, by the sizes that the system tells
	Bytes int    `json:"bytes"` // of the blocks of all threads together
	Read  Rate   `json:"read"`
	Copy  Rate   `json:"copy"`
}

// Peaks measures what the machine does at most, each number for about the given time, the best of several tries. It allocates and frees up to 1 GiB.
// Kernels wait meanwhile.
func (b *Backend) Peaks(each time.Duration) (Peaks, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return Peaks{}, errors.New("cpu: peaks of a back end that is closed")
	}
	p := Peaks{Compute: b.computePeak(b.variant.name, each)}
	for _, name := range Variants() {
		rate := p.Compute
		if name != b.variant.name {
			rate = b.computePeak(name, each)
		}
		p.Variants = append(p.Variants, VariantPeak{name, rate})
	}
	p.ForkPolling, p.ForkParked = b.forkTime(each, 0), b.forkTime(each, 10*spinTime)
	return p, b.bandwidths(&p, each)
}

// ComputePeak measures Peaks.Compute alone, which needs no memory.
func (b *Backend) ComputePeak(each time.Duration) (Rate, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return Rate{}, errors.New("cpu: peak of a back end that is closed")
	}
	return b.computePeak(b.variant.name, each), nil
}

// Roof is the rate in bytes per second, on all threads, that no op which moves so many bytes can pass: the better of reading and copying the largest
// block measured that is not larger.
func (p *Peaks) Roof(bytes int64) float64 {
	best := p.Bandwidth[0]
	for _, w := range p.Bandwidth[1:] {
		if int64(w.Bytes) <= bytes {
			best = w
		}
	}
	return max(best.Read.All, best.Copy.All)
}

// partsOfOne is how many parts of a measurement one thread runs, so that all threads finish together.
const partsOfOne = 8

// everywhere runs f for all parts on all workers, or for the first of them on one worker, and returns for how many.
func (b *Backend) everywhere(all bool, f func(w *worker, part int)) int {
	parts := partsOfOne * b.threads
	if !all {
		for i := range partsOfOne {
			f(b.pool.workers[0], i)
		}
		return partsOfOne
	}
	b.pool.parallel(parts, func(_ *call, w *worker, i int) { f(w, i) }, nil)
	return parts
}

// rate is the highest rate at which parts of some units get done.
func (b *Backend) rate(each time.Duration, units float64, f func(w *worker, part int)) Rate {
	best := func(all bool) float64 {
		top := 0.0
		for begin, tries := time.Now(), 0; tries < 3 || time.Since(begin) < each; tries++ {
			start := time.Now()
			n := b.everywhere(all, f)
			top = max(top, units*float64(n)/time.Since(start).Seconds())
		}
		return top
	}
	r := Rate{One: best(false)}
	r.All = r.One
	if b.threads > 1 {
		r.All = best(true)
	}
	return r
}

func (b *Backend) computePeak(variant string, each time.Duration) Rate {
	const rounds = 30000 // some 100 µs, so that the start of a phase does not count
	p := multiplyAdds(variant)
	return b.rate(each, rounds*float64(p.flops), func(w *worker, _ int) { p.run(rounds, &w.corner[0]) })
}

// forkTime is the median time of a phase in which each worker meets all others.
func (b *Backend) forkTime(each, idle time.Duration) time.Duration {
	var arrived atomic.Int64
	meet := func(*call, *worker, int) {
		arrived.Add(1)
		for n := 1; arrived.Load() < int64(b.threads); n++ {
			if pause(1); n%256 == 0 {
				runtime.Gosched() // more workers than processors
			}
		}
	}
	var times []time.Duration
	for begin := time.Now(); len(times) < 20 || time.Since(begin) < each; {
		if idle > 0 {
			time.Sleep(idle)
		}
		arrived.Store(0)
		start := time.Now()
		b.pool.parallel(b.threads, meet, nil)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// cacheSizes are bytes that hold data: L1 and L2 of one core, L3 of the machine.
type cacheSizes [3]int

// orTypical fills in what is not known.
func (s cacheSizes) orTypical() cacheSizes {
	for i, n := range [...]int{32 << 10, 1 << 20, 32 << 20} {
		if s[i] == 0 {
			s[i] = n
		}
	}
	return s
}

// mostProbed bounds the memory of the largest block.
const mostProbed = 1 << 30

// blocks lists the working sets to measure, in bytes of all threads. Between half of L3 and many times L3 the rate falls slowly.
func (s cacheSizes) blocks(threads int) []Bandwidth {
	private := [2]int{threads * s[0], threads * s[1]}
	var list []Bandwidth
	unit := threads * partsOfOne * probeUnit
	for _, n := range []int{private[0] / 2, private[1] / 2, s[2] / 2, 2 * s[2], 8 * s[2]} {
		n = min(n, mostProbed) / unit * unit
		level := "memory"
		switch {
		case n <= private[0]:
			level = "L1"
		case n <= private[1]:
			level = "L2"
		case n <= s[2]:
			level = "L3"
		}
		if n > 0 && (len(list) == 0 || n > list[len(list)-1].Bytes) {
			list = append(list, Bandwidth{Level: level, Bytes: n})
		}
	}
	if len(list) == 0 {
		list = []Bandwidth{{Level: "memory", Bytes: unit}}
	}
	return list
}

// probeUnit divides what a part reads or copies: half of it is a multiple of what one round of the loops that read takes.
const probeUnit = 2048

// bandwidths measures all working sets. Where they fit the caches that each core has for itself, each worker keeps to its own block and goes through
// it for every part; larger sets are cut into parts.
func (b *Backend) bandwidths(p *Peaks, each time.Duration) (err error) {
	list := machineCaches().blocks(b.threads)
	mem, err := allocate(list[len(list)-1].Bytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mem.Free()) }()
	for i := 0; i < len(mem.Host); i += 4096 { // a page that was never written is a page of zeros that all share
		mem.Host[i] = 1
	}
	read := reader(b.variant.name)
	for _, set := range list {
		n, again := set.Bytes/(partsOfOne*b.threads), 1
		block := func(_ *worker, part int) []byte { return mem.Host[part*n:][:n] }
		if set.Level == "L1" || set.Level == "L2" {
			n = set.Bytes / b.threads
			again = max(1, (256<<10)/n) // so that a part is long beside its start
			block = func(w *worker, _ int) []byte { return mem.Host[w.index*n:][:n] }
		}
		bytes := float64(again * n)
		set.Read = b.rate(each, bytes, func(w *worker, part int) {
			for range again {
				read(block(w, part), &w.corner[0])
			}
		})
		set.Copy = b.rate(each, bytes, func(w *worker, part int) {
			x := block(w, part)
			for range again {
				copy(x[n/2:], x[:n/2])
			}
		})
		p.Bandwidth = append(p.Bandwidth, set)
	}
	return nil
}

// multiplier is a loop of independent multiply-adds on registers.
type multiplier struct {
	flops int // of a round
	run   func(rounds int64, sink *float32)
}

// portableMultiplyAdds is what the compiler makes of them. The sink keeps it from leaving them out.
func portableMultiplyAdds(rounds int64, sink *float32) {
	var a, b, c, d, e, f, g, h float32
	for range rounds {
		a, b, c, d = a*0.5+1, b*0.5+1, c*0.5+1, d*0.5+1
		e, f, g, h = e*0.5+1, f*0.5+1, g*0.5+1, h*0.5+1
	}
	*sink = a + b + c + d + e + f + g + h
}

func portableMultiplier() multiplier { return multiplier{16, portableMultiplyAdds} }

// portableRead combines the words of x.
func portableRead(x []byte, sink *float32) {
	words := kernels.Data[int32](kernels.Host(kernels.Of(kernels.Int32, len(x)/4), x))
	var a, b, c, d int32
	for len(words) >= 8 {
		a, b, c, d = a+words[0]^words[4], b+words[1]^words[5], c+words[2]^words[6], d+words[3]^words[7]
		words = words[8:]
	}
	*sink = float32(a ^ b ^ c ^ d)
}
