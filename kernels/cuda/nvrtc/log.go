package nvrtc

import (
	"fmt"
	"strconv"
	"strings"
)

// Usage is what a kernel takes of a multiprocessor, as ptxas reports it.
type Usage struct {
	Kernel      string
	Registers   int // of each thread
	StackBytes  int
	SpillStores int // bytes of registers that did not fit and went to memory
	SpillLoads  int
	SharedBytes int // static; dynamic shared memory is asked for at launch
	Barriers    int
}

// ParseLog reads the report of --ptxas-options=-v: the kernels in the order of the log, and the warnings of the compiler and of ptxas, a line each.
func ParseLog(log string) (kernels []Usage, warnings []string, err error) {
	at := -1
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if warning(line) {
			warnings = append(warnings, line)
			continue
		}
		if rest, ok := after(line, "Compiling entry function '"); ok {
			name, _, ok := strings.Cut(rest, "'")
			if !ok {
				return nil, nil, fmt.Errorf("nvrtc: log line %q has no end of name", line)
			}
			kernels = append(kernels, Usage{Kernel: name})
			at = len(kernels) - 1
			continue
		}
		if _, ok := after(line, "Function properties for "); ok && !strings.HasSuffix(line, " "+nameOf(kernels, at)) {
			at = -1 // a function that was not inlined
		}
		if at < 0 {
			continue
		}
		k := &kernels[at]
		switch {
		case strings.Contains(line, "bytes stack frame"):
			line = strings.TrimLeft(line, "ptxas .") // what stands before it when there are spills
			err = numbers(line, map[string]*int{"bytes stack frame": &k.StackBytes, "bytes spill stores": &k.SpillStores, "bytes spill loads": &k.SpillLoads})
		case strings.Contains(line, "Used ") && strings.Contains(line, " registers"):
			_, line, _ = strings.Cut(line, "Used ")
			err = numbers(line, map[string]*int{"registers": &k.Registers, "barriers": &k.Barriers, "bytes smem": &k.SharedBytes})
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return kernels, warnings, nil
}

func nameOf(kernels []Usage, at int) string {
	if at < 0 {
		return ""
	}
	return kernels[at].Kernel
}

func warning(line string) bool {
	return strings.Contains(line, "warning") || strings.Contains(line, "(C75") // ptxas gives serialised wgmma as information
}

func after(line, mark string) (string, bool) {
	_, rest, ok := strings.Cut(line, mark)
	return rest, ok
}

// numbers reads "12 registers, used 1 barriers, 384 bytes cmem[0]": the whole number before each mark.
func numbers(line string, into map[string]*int) error {
	for part := range strings.SplitSeq(line, ",") {
		number, unit, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(part), "used "), " ")
		p, wanted := into[strings.TrimSpace(unit)]
		if !wanted {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return fmt.Errorf("nvrtc: log line %q: %q is no number", line, number)
		}
		*p = n
	}
	return nil
}
