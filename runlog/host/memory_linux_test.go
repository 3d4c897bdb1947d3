package host

import (
	"testing"
	"testing/fstest"
)

func TestMemoryIn(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	meminfo := file("MemTotal:       100 kB\nMemFree:  1 kB\nMemAvailable:   50 kB\n")
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want Memory
	}{
		{"nothing", fstest.MapFS{}, Memory{}},
		{"no groups", fstest.MapFS{"proc/meminfo": meminfo}, Memory{51200, 102400, "MemAvailable"}},
		{"no limit", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("max\n")},
			Memory{51200, 102400, "MemAvailable"}},
		{"limit of a parent", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("40000\n"), "sys/fs/cgroup/a/b/memory.current": file("1000\n"),
			"sys/fs/cgroup/a/memory.max": file("30000\n"), "sys/fs/cgroup/a/memory.current": file("9000\n"),
			"sys/fs/cgroup/a/memory.stat": file("anon 5\ninactive_file 2000\n"),
		}, Memory{23000, 30000, "limit of the control group"}},
		{"version 1", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("5:cpu,memory:/x\n4:pids:/y\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("20000\n"), "sys/fs/cgroup/memory/x/memory.usage_in_bytes": file("15000\n"),
		}, Memory{5000, 20000, "limit of the control group"}},
		{"over the limit", fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("10"), "sys/fs/cgroup/memory.current": file("20")},
			Memory{0, 10, "limit of the control group"}},
	} {
		if got, ok := memoryIn(c.root); got != c.want || ok != (c.want.Source != "") {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if has, ok := MachineMemory(); !ok || has.Available < 1<<20 || has.Limit < has.Available {
		t.Errorf("this machine has %+v (known: %v)", has, ok)
	}
}
