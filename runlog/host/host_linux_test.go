package host

import (
	"testing"
	"testing/fstest"
	"time"
)

const (
	stat = "cpu  90 8 15 600 3 1 2 4 0 0\ncpu0 45 4 7 300 1 0 1 2 0 0\nintr 12\n"
	net  = "Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
		"    lo: 455 19876    0    0    0     0          0         0 455 19876    0    0    0     0       0          0\n" +
		"  eth0:716815433   31560    0    0    0     0          0         0  2255054   23617    0    0    0     0       0          0\n" +
		"  eth1: 7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n"
)

func TestParse(t *testing.T) {
	if busy, all := parseStat([]byte(stat)); busy != 120 || all != 723 {
		t.Errorf("busy %d of %d, want 120 of 723", busy, all)
	}
	for _, bad := range []string{"", "cpu", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7\n", "cpu 1 2 3 x 5 6 7 8\n", "cpu 1 -2 3 4 5 6 7 8\n", "cpu 4611686018427387903 2 3 4 5 6 7 8\n"} {
		if busy, all := parseStat([]byte(bad)); busy != 0 || all != 0 {
			t.Errorf("%q: busy %d of %d", bad, busy, all)
		}
	}
	if in, out, ok := parseNetwork([]byte(net)); in != 716815440 || out != 2255063 || !ok {
		t.Errorf("received %d, sent %d, %v", in, out, ok)
	}
	if _, _, ok := parseNetwork([]byte("  lo: 1 2 3 4 5 6 7 8 9 10\n eth0: 1 2 3\n")); ok {
		t.Error("there is no interface to count")
	}
}

// A machine that tells some of the files gets records of just those.
func TestSystemIn(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	root := fstest.MapFS{
		"proc/stat": file(stat), "proc/net/dev": file(net), "proc/loadavg": file("2.46 2.40 1.82 4/98 27549\n"),
		"proc/meminfo": file("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 70 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n"),
	}
	var s Sampler
	s.systemIn(root)
	want := map[string]float64{"load": 2.46, "memory_used": 30 * 1024, "memory_total": 102400, "swap_used": 6 * 1024, "swap_total": 10240}
	for _, v := range s.list {
		if want[v.Name] != v.Value {
			t.Errorf("%s is %v, want %v", v.Name, v.Value, want[v.Name])
		}
		delete(want, v.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	var c counters
	c.systemIn(root)
	if c.all != 723 || !c.networkMeasured {
		t.Errorf("counters %+v", c)
	}
	delete(root, "proc/meminfo")
	root["proc/loadavg"] = file("-")
	s, c = Sampler{}, counters{}
	s.systemIn(root)
	if c.systemIn(fstest.MapFS{}); len(s.list) > 0 || c != (counters{}) {
		t.Errorf("without files: %v, %+v", s.list, c)
	}
}

// This machine runs Linux, so all is known; the process used the CPU that it used.
func TestSampleHasAll(t *testing.T) {
	s := NewSampler(t.TempDir())
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); {
	}
	seen := map[string]bool{}
	for _, v := range s.Sample() {
		seen[v.Name] = true
	}
	for _, name := range []string{"process_cpu", "cpus", "load", "memory_used", "memory_total", "memory_available", "memory_limit", "swap_used", "swap_total", "disk_free", "disk_total"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(stat))
	f.Fuzz(func(t *testing.T, text []byte) {
		if busy, all := parseStat(text); busy > all {
			t.Errorf("busy %d of %d", busy, all)
		}
	})
}

func FuzzParseNetwork(f *testing.F) {
	f.Add([]byte(net))
	f.Fuzz(func(t *testing.T, text []byte) {
		if in, out, ok := parseNetwork(text); !ok && in+out > 0 {
			t.Errorf("received %d and sent %d over no interface", in, out)
		}
	})
}
