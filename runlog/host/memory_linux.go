package host

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// MachineMemory is the least of what the machine has and what the control groups of this process allow.
func MachineMemory() (m Memory, ok bool) { return memoryIn(os.DirFS("/")) }

func memoryIn(root fs.FS) (m Memory, ok bool) {
	consider := func(available, limit int64, source string) {
		if !ok || available < m.Available {
			m.Available, m.Source = max(available, 0), source
		}
		if !ok || limit < m.Limit {
			m.Limit = limit
		}
		ok = true
	}
	if text, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		available, found := fieldIn(text, "MemAvailable:")
		if total, known := fieldIn(text, "MemTotal:"); found && known {
			consider(available*1024, total*1024, "MemAvailable")
		}
	}
	for _, g := range controlGroups(root) {
		for _, v := range []struct{ limit, used, cache string }{
			{"memory.max", "memory.current", "inactive_file"},                         // version 2
			{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}, // version 1
		} {
			limit, found := numberIn(root, path.Join(g, v.limit))
			if !found {
				continue // no such file, or "max"
			}
			used, found := numberIn(root, path.Join(g, v.used))
			if !found {
				continue
			}
			cache, _ := fieldOf(root, path.Join(g, "memory.stat"), v.cache) // pages of files that can be dropped
			consider(limit-used+cache, limit, "limit of the control group")
		}
	}
	return m, ok
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

// fieldOf reads the number after a word at the beginning of a line of a file.
func fieldOf(root fs.FS, name, word string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	return fieldIn(text, word)
}

// fieldIn reads the number after a word at the beginning of a line.
func fieldIn(text []byte, word string) (int64, bool) {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(word)); ok {
			if fields := bytes.Fields(rest); len(fields) >= 1 && len(fields[0]) < len(rest) && rest[0] == ' ' {
				n, err := strconv.ParseInt(string(fields[0]), 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}
