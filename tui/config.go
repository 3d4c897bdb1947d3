package tui

import (
	"os"
	"path/filepath"
	"time"
)

// runConfig is the recipe of a run, as its config.yaml holds it: values by their paths.
type runConfig struct {
	settings map[string]string
	err      error
}

// configReader reads the recipe of a run when its file is new.
type configReader struct {
	dir   string
	parse func(data []byte) (map[string]string, error) // nil reads nothing
	size  int64
	time  time.Time
}

// read returns the recipe when it is new, else nil. A run without a file has no recipe, which is no error.
func (c *configReader) read() *runConfig {
	if c.parse == nil {
		return nil
	}
	path := filepath.Join(c.dir, "config.yaml")
	info, err := os.Stat(path)
	if err != nil || info.Size() == c.size && info.ModTime().Equal(c.time) {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return &runConfig{err: err}
	}
	c.size, c.time = info.Size(), info.ModTime()
	out := new(runConfig)
	out.settings, out.err = c.parse(data)
	return out
}

// difference is a setting that is not the same in all of some runs.
type difference struct {
	path   string
	values []string // by run; "" where the run does not have it
}

// differences returns the settings in which runs differ, by path. Runs whose recipe is not known are left out.
func differences(runs []*runView) (out []difference) {
	paths := make(map[string]bool)
	for _, r := range runs {
		for path := range r.config.settings {
			paths[path] = true
		}
	}
	for _, path := range sortedKeys(paths) {
		d := difference{path: path}
		same, known, first := true, 0, ""
		for _, r := range runs {
			v, ok := r.config.settings[path]
			if !ok {
				v = ""
			}
			d.values = append(d.values, v)
			if r.config.settings == nil {
				continue
			}
			if known++; known == 1 {
				first = v
			}
			same = same && v == first
		}
		if !same {
			out = append(out, d)
		}
	}
	return out
}
