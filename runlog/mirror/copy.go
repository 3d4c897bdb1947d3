package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"aural/internal/atomicfile"
)

// The files of a run that are copied, in the order in which a view wants them. The first is always there locally, so that
// the copy is a run for all readers.
const metricsFile = "metrics.jsonl"

var copied = []string{"config.yaml", "overrides.txt", "cmdline.txt", "env.json", "events.jsonl", metricsFile, "snapshots.jsonl", "log.jsonl"}

// sampleName are the audio files that a run writes.
var sampleName = regexp.MustCompile(`^samples/(update|alignment)-[0-9]{8,19}(-[0-9]{1,6})?\.wav$`)

const (
	block     = 4096
	chunk     = 256 * block // of one file in one round
	overlap   = 64          // bytes read again to see that the file goes on as it was
	maxSample = 8 << 20     // longer audio files are left out
	maxState  = 64 << 10
	maxList   = 256 << 10
)

// remote is a file on the other host.
type remote struct {
	size  int64
	inode string // with the size, tells another file from one that grew
}

// local is what the copy has of a file.
type local struct {
	size  int64
	inode string // of the file that it is a copy of; empty when that is not known
}

// listCommand prints the files of the run, a line each, and its heartbeat.
var listCommand = func() string {
	return `if [ -n "$d" ] && cd "$d" 2>/dev/null; then echo run; ls -Lind ` + strings.Join(copied, " ") +
		` lock state.json samples/*.wav </dev/null 2>/dev/null; echo state; cat state.json </dev/null 2>/dev/null; else echo gone; fi`
}()

// errGone is returned when the directory is not there.
var errGone = errors.New("no such directory on the other host")

// parseList reads the answer to listCommand. POSIX says how ls -n begins its lines: the inode, because of -i, then mode,
// links, owner, group, size; the name ends them, and ours have no blanks.
func parseList(out []byte) (files map[string]remote, state []byte, err error) {
	head, rest, _ := bytes.Cut(out, []byte("\n"))
	if string(head) != "run" {
		return nil, nil, errGone
	}
	files = make(map[string]remote)
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if string(line) == "state" {
			return files, rest, nil
		}
		fields := strings.Fields(string(line))
		if len(fields) < 7 || !strings.HasPrefix(fields[1], "-") { // regular files only
			continue
		}
		size, err := strconv.ParseInt(fields[5], 10, 64)
		if err != nil || size < 0 {
			continue
		}
		files[fields[len(fields)-1]] = remote{size, fields[0]}
	}
	return nil, nil, fmt.Errorf("the other host lists the run in an unknown way: %.100q", out)
}

// localFiles returns what an earlier copy in dir has. That it is a copy of the same files is seen when it goes on.
func localFiles(dir string) (map[string]local, error) {
	have := make(map[string]local)
	for _, name := range copied {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		have[name] = local{size: info.Size()}
	}
	return have, nil
}

// fetch copies up to a chunk of a file that is appended to. more is true when there is more of it.
func (c *connection) fetch(name string, r remote) (more bool, err error) {
	have := c.have[name]
	if have.inode == r.inode && have.size == r.size {
		return false, nil
	}
	path := filepath.Join(c.dir, name)
	begin := max(0, have.size-overlap) / block * block
	out, err := c.session.run(fmt.Sprintf("dd if=%s bs=%d skip=%d count=%d </dev/null 2>/dev/null", name, block, begin/block, chunk/block), chunk)
	if err != nil {
		return false, err
	}
	again := have.size - begin // bytes that are there already
	if again > 0 {
		same, err := hasAt(path, begin, out, again)
		if err != nil {
			return false, err
		}
		if !same {
			c.have[name] = local{}
			return true, nil // it is copied from its beginning in the next round
		}
		out = out[again:]
	}
	if have.size == 0 {
		// Renamed into place, so that a reader of the old copy sees another file.
		err = atomicfile.Write(path, out, 0o644)
	} else if len(out) > 0 {
		err = appendTo(path, have.size, out)
	}
	if err != nil {
		return false, err
	}
	c.have[name] = local{have.size + int64(len(out)), r.inode}
	return have.size+int64(len(out)) < r.size && len(out) > 0, nil
}

// hasAt reports whether the file has, at offset, the first n bytes of data.
func hasAt(path string, offset int64, data []byte, n int64) (bool, error) {
	if int64(len(data)) < n {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	have := make([]byte, n)
	if _, err := f.ReadAt(have, offset); err != nil {
		return false, err
	}
	return bytes.Equal(have, data[:n]), nil
}

// appendTo writes data at the end of the file, which is at size.
func appendTo(path string, size int64, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, size); err != nil {
		f.Truncate(size) // a part of a line would be taken for a damaged one
	}
	return errors.Join(err, f.Close())
}

// saveState replaces the heartbeat when it has changed. One that is not there, or being replaced, leaves the last one.
func (c *connection) saveState(state []byte) error {
	if len(bytes.TrimSpace(state)) == 0 || len(state) > maxState || bytes.Equal(state, c.state) {
		return nil
	}
	if err := atomicfile.Write(filepath.Join(c.dir, "state.json"), state, 0o644); err != nil {
		return err
	}
	c.state = append(c.state[:0], state...)
	return nil
}

// removeSamples removes audio that the run has no more.
func (c *connection) removeSamples(files map[string]remote) error {
	for name := range c.samples {
		if _, ok := files[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(c.dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		delete(c.samples, name)
	}
	return nil
}

// fetchSample copies the newest audio file that is missing. more is true when others are.
func (c *connection) fetchSample(files map[string]remote) (more bool, err error) {
	newest, missing := "", 0
	for name, r := range files {
		if !sampleName.MatchString(name) || r.size > maxSample || c.samples[name] == r {
			continue
		}
		missing++
		if newest == "" || step(name) > step(newest) || step(name) == step(newest) && name > newest {
			newest = name
		}
	}
	if missing == 0 {
		return false, nil
	}
	out, err := c.session.run(fmt.Sprintf("dd if=%s bs=%d count=%d </dev/null 2>/dev/null", newest, block, maxSample/block), maxSample)
	if err != nil {
		return false, err
	}
	if int64(len(out)) == files[newest].size { // or else it was removed meanwhile
		if err := atomicfile.Write(filepath.Join(c.dir, filepath.FromSlash(newest)), out, 0o644); err != nil {
			return false, err
		}
	}
	c.samples[newest] = files[newest]
	return missing > 1, nil
}

// step returns the step in the name of an audio file.
func step(name string) int64 {
	_, digits, _ := strings.Cut(name, "-")
	digits, _, _ = strings.Cut(strings.TrimSuffix(digits, ".wav"), "-")
	n, _ := strconv.ParseInt(digits, 10, 64) // it matches sampleName
	return n
}
