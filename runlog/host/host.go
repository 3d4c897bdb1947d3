// Package host measures the machine that a run trains on: processors, memory, disk, network and NVIDIA's GPUs. It knows most on Linux; elsewhere it gives what
// Go's standard library tells, and leaves out the rest.
package host

import (
	"runtime"
	"time"

	"aural/runlog"
)

// Sampler makes the values of records of the kind [runlog.Host]. Rates are those since the sample before.
type Sampler struct {
	dir  string
	last counters
	gpus accelerators
	list []runlog.Value
}

// counters are numbers that only grow, of which a sample gives the rate.
type counters struct {
	at              time.Time
	process         time.Duration // CPU time of this process
	processKnown    bool
	busy, all       uint64 // time of all processors, in ticks; all is 0 when not known
	received, sent  uint64 // bytes
	networkMeasured bool
}

// NewSampler prepares to measure this machine, and the file system of the run directory dir.
func NewSampler(dir string) *Sampler {
	s := &Sampler{dir: dir, gpus: findAccelerators()}
	s.last = s.count()
	return s
}

// Sample measures. The values are valid until the next call.
func (s *Sampler) Sample() []runlog.Value {
	now := s.count()
	s.list = appendRates(s.list[:0], s.last, now)
	s.last = now
	s.put("cpus", float64(runtime.GOMAXPROCS(0)))
	s.system()
	if m, ok := MachineMemory(); ok {
		s.put("memory_available", float64(m.Available))
		s.put("memory_limit", float64(m.Limit))
	}
	if free, total, ok := Disk(s.dir); ok {
		s.put("disk_free", float64(free))
		s.put("disk_total", float64(total))
	}
	s.list = s.gpus.appendTo(s.list)
	return s.list
}

func (s *Sampler) put(name string, value float64) {
	s.list = append(s.list, runlog.Value{Name: name, Value: value})
}

func (s *Sampler) count() counters {
	c := counters{at: time.Now()}
	c.process, c.processKnown = processTime()
	c.system()
	return c
}

// appendRates appends what the growth of the counters tells. A counter that fell, because a network interface is gone, tells nothing.
func appendRates(list []runlog.Value, was, is counters) []runlog.Value {
	seconds := is.at.Sub(was.at).Seconds()
	if !(seconds > 0) {
		return list
	}
	put := func(known bool, name string, value float64) {
		if known && value >= 0 {
			list = append(list, runlog.Value{Name: name, Value: value})
		}
	}
	growth := func(was, is uint64) float64 { return float64(is) - float64(was) }
	put(is.all > was.all && was.all > 0, "cpu", growth(was.busy, is.busy)/growth(was.all, is.all))
	put(was.processKnown && is.processKnown, "process_cpu", (is.process-was.process).Seconds()/seconds)
	network := was.networkMeasured && is.networkMeasured
	put(network, "network_received", growth(was.received, is.received)/seconds)
	put(network, "network_sent", growth(was.sent, is.sent)/seconds)
	return list
}

// Memory is what programs can use of the machine, in bytes.
type Memory struct {
	Available int64  // that this process can still get
	Limit     int64  // that it could have at most, if nothing else ran
	Source    string // of Available, for people
}
