package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// DataDir returns the folder of real recordings that tests may use: the one named by the environment variable
// AURAL_DATA, or shared/data beside the repository. Without either the test is skipped and says so; a value of AURAL_DATA
// that leads nowhere fails it, because whoever set it wants these tests to run.
func DataDir(t testing.TB) string {
	t.Helper()
	dir, err := dataDir(os.Getenv("AURAL_DATA"), ".")
	switch {
	case errors.Is(err, errNoData):
		t.Skipf("SKIPPED for want of real recordings: %v; set AURAL_DATA to the folder that holds MANIFEST.tsv", err)
	case err != nil:
		t.Fatal(err)
	}
	return dir
}

var errNoData = errors.New("testkit: no shared data")

// dataDir takes the value of AURAL_DATA and the folder from which to look for the repository.
func dataDir(env, from string) (string, error) {
	if env != "" {
		if _, err := os.Stat(filepath.Join(env, "MANIFEST.tsv")); err != nil {
			return "", fmt.Errorf("testkit: AURAL_DATA=%s is not the data folder: %w", env, err)
		}
		return env, nil
	}
	root, err := repoRoot(from)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(root), "shared", "data")
	if _, err := os.Stat(filepath.Join(dir, "MANIFEST.tsv")); err != nil {
		return "", fmt.Errorf("%w at %s", errNoData, dir)
	}
	return dir, nil
}

// RepoRoot returns the absolute path of the folder with go.mod above the running test.
func RepoRoot(t testing.TB) string {
	t.Helper()
	root, err := repoRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func repoRoot(from string) (string, error) {
	dir, err := filepath.Abs(from)
	if err != nil {
		return "", fmt.Errorf("testkit: repository root: %w", err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		_, err := os.Stat(filepath.Join(d, "go.mod"))
		switch {
		case err == nil:
			return d, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("testkit: repository root: %w", err)
		case d == filepath.Dir(d):
			return "", fmt.Errorf("testkit: no go.mod in %s or above it", dir)
		}
	}
}
