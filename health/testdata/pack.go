// Pack makes a small log of a run directory, for the tests of package health: the text of its logs and of its heartbeat in one gzip file.
// Numbers are cut to five digits, and what names the machine is left out.
//
//	go run health/testdata/pack.go RUN FILE.gz
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: pack RUN FILE.gz")
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func pack(run, out string) error {
	var text bytes.Buffer
	for _, file := range []struct {
		name string
		line func(body string) (string, error)
	}{{"state.json", nil}, {"events.jsonl", event}, {"metrics.jsonl", record}, {"snapshots.jsonl", snapshot}} {
		data, err := os.ReadFile(filepath.Join(run, file.name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "== %s\n", file.name)
		if file.line == nil {
			if data, err = state(data); err != nil {
				return err
			}
			text.Write(data)
			continue
		}
		for line := range strings.Lines(string(data)) {
			body, sum, ok := strings.Cut(strings.TrimSuffix(line, "\n"), `,"crc":"`)
			if !ok || sum != fmt.Sprintf(`%08x"}`, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))) {
				text.WriteString(line) // damaged in the run: damaged here
				continue
			}
			if body, err = file.line(body); err != nil {
				return fmt.Errorf("%s: %w", file.name, err)
			}
			if body != "" {
				fmt.Fprintf(&text, "%s,\"crc\":\"%08x\"}\n", body, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli)))
			}
		}
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, packed.Bytes(), 0o644)
}

// state keeps the heartbeat but for the machine.
func state(data []byte) ([]byte, error) {
	var s map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		return nil, err
	}
	s["host"], s["pid"], s["pid_start"] = "trainer", 1234, 5678
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}

// event keeps an event but for the machine and the command line.
func event(body string) (string, error) {
	var e struct {
		Step     json.Number       `json:"step"`
		Time     string            `json:"time"`
		Kind     string            `json:"kind"`
		Severity string            `json:"severity"`
		Message  string            `json:"message,omitempty"`
		Data     map[string]string `json:"data,omitempty"`
	}
	if err := json.Unmarshal([]byte(body+"}"), &e); err != nil {
		return "", err
	}
	for _, name := range []string{"host", "pid", "command"} {
		delete(e.Data, name)
	}
	out, err := json.Marshal(e)
	return strings.TrimSuffix(string(out), "}"), err
}

var decimal = regexp.MustCompile(`:-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?`)

// record cuts the numbers of a record to five digits.
func record(body string) (string, error) {
	head, values, ok := strings.Cut(body, `"values":`)
	if !ok {
		return body, nil
	}
	return head + `"values":` + decimal.ReplaceAllStringFunc(values, func(s string) string {
		x, err := strconv.ParseFloat(s[1:], 64)
		if err != nil {
			return s
		}
		if x == float64(int64(x)) && x > -1e9 && x < 1e15 {
			return ":" + strconv.FormatInt(int64(x), 10)
		}
		return ":" + strconv.FormatFloat(x, 'g', 5, 64)
	}), nil
}

// snapshot keeps the codebooks alone: batches are large, and no rule looks at them.
func snapshot(body string) (string, error) {
	if strings.Contains(body, `"codebook"`) || !strings.Contains(body, `"batch"`) {
		return body, nil
	}
	return "", nil
}
