package host

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
)

// system adds the counters of proc_stat(5) and proc_pid_net(5).
func (c *counters) system() { c.systemIn(os.DirFS("/")) }

func (c *counters) systemIn(root fs.FS) {
	if text, err := fs.ReadFile(root, "proc/stat"); err == nil {
		c.busy, c.all = parseStat(text)
	}
	if text, err := fs.ReadFile(root, "proc/net/dev"); err == nil {
		c.received, c.sent, c.networkMeasured = parseNetwork(text)
	}
}

// system adds what is known of the machine as a whole.
func (s *Sampler) system() { s.systemIn(os.DirFS("/")) }

func (s *Sampler) systemIn(root fs.FS) {
	if text, err := fs.ReadFile(root, "proc/loadavg"); err == nil {
		word, _, _ := bytes.Cut(text, []byte(" "))
		if load, err := strconv.ParseFloat(string(word), 64); err == nil && load >= 0 {
			s.put("load", load)
		}
	}
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return
	}
	for _, m := range []struct{ total, free, name string }{{"MemTotal:", "MemAvailable:", "memory"}, {"SwapTotal:", "SwapFree:", "swap"}} {
		total, ok := fieldIn(text, m.total)
		if free, known := fieldIn(text, m.free); ok && known {
			s.put(m.name+"_used", float64(total-free)*1024)
			s.put(m.name+"_total", float64(total)*1024)
		}
	}
}

// parseStat reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq and steal time of all processors. (The time of guests, behind
// them, is part of user and nice.) Both results are 0 when the text is not as it should be.
func parseStat(text []byte) (busy, all uint64) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) < 9 || string(words[0]) != "cpu" {
		return 0, 0
	}
	for i, word := range words[1:9] {
		n, err := strconv.ParseUint(string(word), 10, 62)
		if err != nil || n > 1<<58 {
			return 0, 0
		}
		all += n
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy, all
}

// parseNetwork adds up what all interfaces but the loopback have received and sent. ok is false when there is none.
func parseNetwork(text []byte) (received, sent uint64, ok bool) {
	for line := range bytes.Lines(text) {
		name, numbers, found := bytes.Cut(line, []byte(":"))
		words := bytes.Fields(numbers)
		if !found || len(words) < 9 || string(bytes.TrimSpace(name)) == "lo" {
			continue
		}
		in, err := strconv.ParseUint(string(words[0]), 10, 64)
		out, err2 := strconv.ParseUint(string(words[8]), 10, 64)
		if err == nil && err2 == nil {
			received, sent, ok = received+in, sent+out, true
		}
	}
	return received, sent, ok
}
