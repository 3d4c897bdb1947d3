package cpu

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// machineCaches reads the sizes of the caches from sysfs (Documentation/ABI/testing/sysfs-devices-system-cpu); what it does not tell is typical.
func machineCaches() cacheSizes { return cachesIn("/sys/devices/system/cpu") }

func cachesIn(dir string) cacheSizes {
	s := cacheSizes{}
	caches, _ := filepath.Glob(filepath.Join(dir, "cpu[0-9]*", "cache", "index[0-9]*"))
	seen := map[string]bool{}
	for _, c := range caches {
		about := func(file string) string {
			text, _ := os.ReadFile(filepath.Join(c, file)) // a file that is missing describes nothing
			return strings.TrimSpace(string(text))
		}
		level, err := strconv.Atoi(about("level"))
		if err != nil || level < 1 || level > len(s) || about("type") == "Instruction" {
			continue
		}
		n, unit := 0, "K"
		if _, err := fmt.Sscanf(about("size"), "%d%s", &n, &unit); err != nil {
			continue
		}
		n <<= map[string]int{"K": 10, "M": 20}[unit]
		if level < 3 {
			s[level-1] = max(s[level-1], n)
		} else if sharers := about("shared_cpu_list"); !seen[sharers] { // the parts of L3 that groups of cores have
			seen[sharers] = true
			s[2] += n
		}
	}
	return s.orTypical()
}
