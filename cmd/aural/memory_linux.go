package main

import (
	"bufio"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// availableMemory is the least of what the machine has free and what the control groups of this process still allow.
func availableMemory() available { return availableIn(os.DirFS("/")) }

func availableIn(root fs.FS) available {
	var best available
	consider := func(bytes int64, source string) {
		if !best.known || bytes < best.bytes {
			best = available{max(bytes, 0), source, true}
		}
	}
	if kb, ok := fieldOf(root, "proc/meminfo", "MemAvailable:"); ok {
		consider(kb*1024, "MemAvailable")
	}
	for _, g := range controlGroups(root) {
		for _, v := range []struct{ limit, used, cache string }{
			{"memory.max", "memory.current", "inactive_file"},                         // version 2
			{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}, // version 1
		} {
			limit, ok := numberIn(root, path.Join(g, v.limit))
			if !ok {
				continue // no such file, or "max"
			}
			used, ok := numberIn(root, path.Join(g, v.used))
			if !ok {
				continue
			}
			cache, _ := fieldOf(root, path.Join(g, "memory.stat"), v.cache) // pages of files that can be dropped
			consider(limit-used+cache, "limit of the control group")
		}
	}
	return best
}

// controlGroups lists the folders of this process's control groups and of those above them.
func controlGroups(root fs.FS) []string {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount := "sys/fs/cgroup"
		if parts[1] != "" { // version 1
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			mount = "sys/fs/cgroup/memory"
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			out = append(out, path.Join(mount, group))
			if group == "/" {
				break
			}
		}
	}
	return out
}

func numberIn(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// fieldOf reads the number after a word at the beginning of a line.
func fieldOf(root fs.FS, name, word string) (int64, bool) {
	f, err := root.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if fields := strings.Fields(in.Text()); len(fields) >= 2 && fields[0] == word {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
