package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aural/internal/atomicfile"
)

// The files of a run directory that this package writes. Checkpoints and the links "last" and "best" belong to the
// trainer.
const (
	configFile    = "config.yaml"
	overridesFile = "overrides.txt"
	commandFile   = "cmdline.txt"
	envFile       = "env.json"
	stateFile     = "state.json"
	lockFile      = "lock"
	metricsFile   = "metrics.jsonl"
	eventsFile    = "events.jsonl"
	logFile       = "log.jsonl"
	snapshotsFile = "snapshots.jsonl"
	boardDir      = "tb"
	samplesDir    = "samples" // audio of snapshots
	controlDir    = "control" // requests to the run, one file each

	// PlotsDir is where figures of a run go, inside its directory.
	PlotsDir = "plots"
)

// ErrNotRun is returned for a directory that is not a run directory.
var ErrNotRun = errors.New("not a run directory")

// NewDir makes the directory root/<stamp>-<name> for a new run, with the stamp in local time (20261122-1412), and
// returns its path. When the minute has a run of this name already, "-2", "-3" … is appended. The name may hold
// letters, digits, '_', '-' and '.', and does not begin with '.' or '-'.
func NewDir(root, name string, now time.Time) (string, error) {
	if !validName(name, true) || strings.ContainsAny(name, "/%") || name[0] == '.' || name[0] == '-' {
		return "", fmt.Errorf("runlog: bad run name %q: use letters, digits, '_', '-' and '.'", name)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("runlog: make run directory: %w", err)
	}
	base := filepath.Join(root, now.Format(stampLayout)+"-"+name)
	for i := 1; ; i++ {
		dir := base
		if i > 1 {
			dir = fmt.Sprintf("%s-%d", base, i)
		}
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) || i == 1000 {
			return "", fmt.Errorf("runlog: make run directory: %w", err)
		}
	}
}

const stampLayout = "20060102-1504"

// RunName returns the name of the run in dir: the last part of the path, without the stamp that NewDir put before it.
func RunName(dir string) string {
	base := filepath.Base(filepath.Clean(dir))
	if len(base) > len(stampLayout)+1 && base[len(stampLayout)] == '-' {
		if _, err := time.Parse(stampLayout, base[:len(stampLayout)]); err == nil {
			return base[len(stampLayout)+1:]
		}
	}
	return base
}

// Meta describes a new run. Everything in it is written once, when the run is created.
type Meta struct {
	Config     []byte   // the resolved recipe, as it should stand in config.yaml
	Overrides  []string // what the user changed on the command line, such as "optim.lr=3e-4"
	Args       []string // the command line, with the program
	Env        Env      // see CollectEnv
	TotalSteps int64    // updates planned; 0 when not known
}

// writeMeta fills a new run directory.
func writeMeta(dir string, m Meta) error {
	overrides := ""
	for _, o := range m.Overrides {
		if strings.ContainsAny(o, "\r\n") {
			return fmt.Errorf("runlog: override %q holds a line break", o)
		}
		overrides += o + "\n"
	}
	env, err := m.Env.encode()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{configFile, m.Config},
		{overridesFile, []byte(overrides)},
		{commandFile, []byte(shellQuote(m.Args) + "\n")},
		{envFile, env},
	} {
		if err := atomicfile.Write(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	for _, sub := range []string{boardDir, PlotsDir} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("runlog: make run directory: %w", err)
		}
	}
	return nil
}

// shellQuote joins args so that a POSIX shell reads them back.
func shellQuote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		plain := a != ""
		for _, c := range a {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_-./=:,+@%", c)) {
				plain = false
			}
		}
		if !plain {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}

// emptyDir makes dir, or accepts it when it is there and empty.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runlog: make run directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("runlog: make run directory: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("runlog: %s is not empty (it holds %s): choose another directory, or resume the run: %w",
			dir, entries[0].Name(), fs.ErrExist)
	}
	return nil
}
