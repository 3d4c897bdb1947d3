package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// skipVariable switches off by name what tests need beside Go.
const skipVariable = "AURAL_SKIP"

// Tool returns the path of a program that a test needs, such as "g++". A test without its tool fails, because a check that does not run proves
// nothing; AURAL_SKIP, a list of names with commas between them, skips the tests of a tool that cannot be had, and says so.
func Tool(t testing.TB, name string) string {
	t.Helper()
	Need(t, name)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(missing(name, err))
	}
	return path
}

// Need skips the test if AURAL_SKIP names what it needs: for things that are no programs, such as a library. A test that then finds the thing
// missing calls [Lacks].
func Need(t testing.TB, name string) {
	t.Helper()
	if skipped(os.Getenv(skipVariable), name) {
		t.Skipf("SKIPPED: %s names %s", skipVariable, name)
	}
}

// Lacks fails the test because something that it needs is not there.
func Lacks(t testing.TB, name string, err error) {
	t.Helper()
	t.Fatal(missing(name, err))
}

func skipped(list, name string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(s string) bool { return strings.TrimSpace(s) == name })
}

func missing(name string, err error) string {
	return fmt.Sprintf("this test needs %s: %v; bring it, or leave its tests out with %s=%s", name, err, skipVariable, name)
}

// CUDATools returns the path of a file or folder that tools/cuda_tools.sh fetched, "nvidia/cuda_runtime/include" for instance. A test without it fails
// unless AURAL_SKIP names cuda-tools.
func CUDATools(t testing.TB, name string) string {
	t.Helper()
	Need(t, "cuda-tools")
	cache, err := os.UserCacheDir()
	if err != nil {
		Lacks(t, "cuda-tools", err)
	}
	path := filepath.Join(cache, "aural", "cuda-tools", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		Lacks(t, "cuda-tools", fmt.Errorf("%w; tools/cuda_tools.sh fetches it", err))
	}
	return path
}
