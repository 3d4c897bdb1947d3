package cpu

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What the loops load is exactly the block: the page after it is forbidden.
func TestReadersStayInside(t *testing.T) {
	page := os.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := unix.Mprotect(mem[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	var sink float32
	for _, name := range Variants() {
		for n := probeUnit; n <= page; n += probeUnit {
			reader(name)(mem[page-n:page], &sink)
		}
	}
}

// A machine of two groups of cores with an L3 each, one that tells nothing, and one that tells nonsense.
func TestCachesInSysfs(t *testing.T) {
	dir := t.TempDir()
	if got, want := cachesIn(dir), (cacheSizes{}.orTypical()); got != want {
		t.Errorf("nothing told: %v, want %v", got, want)
	}
	for cpu, sharers := range map[string]string{"cpu0": "0-1", "cpu1": "0-1", "cpu2": "2-3"} {
		for index, c := range [][3]string{{"1", "Data", "48K"}, {"1", "Instruction", "64K"}, {"2", "Unified", "2M"}, {"3", "Unified", "16384K"}, {"4", "Unified", "1K"}, {"x", "", ""}} {
			at := filepath.Join(dir, cpu, "cache", "index"+string(rune('0'+index)))
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"level": c[0], "type": c[1], "size": c[2], "shared_cpu_list": sharers} {
				if err := os.WriteFile(filepath.Join(at, file), []byte(text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if got, want := cachesIn(dir), (cacheSizes{48 << 10, 2 << 20, 32 << 20}); got != want {
		t.Errorf("caches %v, want %v", got, want)
	}
}
