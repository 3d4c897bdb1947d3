package host

import (
	"testing"
	"time"

	"aural/runlog"
)

// Rates are the growth of counters; what is not known in both samples, or fell, is left out.
func TestAppendRates(t *testing.T) {
	at := time.Now()
	was := counters{at: at, process: time.Second, processKnown: true, busy: 100, all: 1000, received: 5000, sent: 70, networkMeasured: true}
	is := counters{at: at.Add(4 * time.Second), process: 7 * time.Second, processKnown: true, busy: 150, all: 1200, received: 6000, sent: 70, networkMeasured: true}
	check := func(what string, got []runlog.Value, want map[string]float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
		for _, v := range got {
			if x, ok := want[v.Name]; !ok || x != v.Value {
				t.Errorf("%s: %s is %v, want %v", what, v.Name, v.Value, want)
			}
		}
	}
	all := map[string]float64{"cpu": 0.25, "process_cpu": 1.5, "network_received": 250, "network_sent": 0}
	check("all", appendRates(nil, was, is), all)
	check("no time", appendRates(nil, was, was), nil)
	fell := is
	fell.received, fell.busy = 10, 50
	check("fell", appendRates(nil, was, fell), map[string]float64{"process_cpu": 1.5, "network_sent": 0})
	check("nothing known", appendRates(nil, counters{at: at}, counters{at: is.at}), nil)
	check("known late", appendRates(nil, counters{at: at}, is), nil)
}

// This machine gives numbers that it can have, under names that the table of metrics describes.
func TestSampleOfThisMachine(t *testing.T) {
	s := NewSampler(t.TempDir())
	for range 2 {
		for range 2000000 { // some CPU time
			_ = time.Duration(0)
		}
		time.Sleep(20 * time.Millisecond)
		values := s.Sample()
		seen := map[string]float64{}
		for _, v := range values {
			if _, twice := seen[v.Name]; twice || !(v.Value >= 0) {
				t.Errorf("%s is %v (twice: %v)", v.Name, v.Value, twice)
			}
			seen[v.Name] = v.Value
			if m, err := runlog.Lookup("host/" + v.Name); err != nil || m.Metric.Name != v.Name {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
		for _, pair := range [][2]string{{"memory_used", "memory_total"}, {"memory_available", "memory_limit"}, {"swap_used", "swap_total"}, {"disk_free", "disk_total"}} {
			if seen[pair[0]] > seen[pair[1]] {
				t.Errorf("%s %v is more than %s %v", pair[0], seen[pair[0]], pair[1], seen[pair[1]])
			}
		}
		if seen["cpu"] > 1 || seen["cpus"] < 1 {
			t.Errorf("cpu is %v of %v", seen["cpu"], seen["cpus"])
		}
	}
}

func BenchmarkSample(b *testing.B) {
	s := NewSampler(b.TempDir())
	for b.Loop() {
		s.Sample()
	}
}
