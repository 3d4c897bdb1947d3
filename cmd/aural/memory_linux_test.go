package main

import (
	"testing"
	"testing/fstest"
)

func TestAvailableIn(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	meminfo := file("MemTotal:       100 kB\nMemFree:  1 kB\nMemAvailable:   50 kB\n")
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want available
	}{
		{"nothing", fstest.MapFS{}, available{}},
		{"no groups", fstest.MapFS{"proc/meminfo": meminfo}, available{51200, "MemAvailable", true}},
		{"no limit", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("max\n")},
			available{51200, "MemAvailable", true}},
		{"limit of a parent", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("40000\n"), "sys/fs/cgroup/a/b/memory.current": file("1000\n"),
			"sys/fs/cgroup/a/memory.max": file("30000\n"), "sys/fs/cgroup/a/memory.current": file("9000\n"),
			"sys/fs/cgroup/a/memory.stat": file("anon 5\ninactive_file 2000\n"),
		}, available{23000, "limit of the control group", true}},
		{"version 1", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("5:cpu,memory:/x\n4:pids:/y\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("20000\n"), "sys/fs/cgroup/memory/x/memory.usage_in_bytes": file("15000\n"),
		}, available{5000, "limit of the control group", true}},
		{"over the limit", fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("10"), "sys/fs/cgroup/memory.current": file("20")},
			available{0, "limit of the control group", true}},
	} {
		if got := availableIn(c.root); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if has := availableMemory(); !has.known || has.bytes < 1<<20 {
		t.Errorf("this machine has %+v", has)
	}
}
