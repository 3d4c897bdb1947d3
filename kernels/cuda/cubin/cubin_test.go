package cubin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"aural/internal/cudafake"
	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
)

// write makes images that say what they are, for the kernels of this program.
func write(t testing.TB, folder, text string) *Set {
	t.Helper()
	m := Manifest{Text: Sum(text), Compiler: "NVRTC of the test", Images: []Image{{Target: "sm_80", Driver: 12000}, {Target: "sm_90a", Driver: 12000}, {Target: driver.TargetPTX, Driver: 12000}}}
	if err := Write(folder, m, [][]byte{[]byte("code 8.0"), []byte("code 9.0"), []byte("ptx\x00")}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compiler is a compiler of the machine.
type compiler struct{}

func (compiler) Name() string { return "the machine's" }
func (compiler) Compile(string, []string, driver.Info) ([]byte, string, error) {
	return []byte("compiled"), "log", nil
}

var errNone = errors.New("no compiler here")

// What the driver is given, on devices and machines of all kinds: machine code of the very architecture, the machine's compiler, PTX.
func TestWay(t *testing.T) {
	good, old := write(t, t.TempDir(), cuda.Text()), write(t, t.TempDir(), "another text")
	for _, c := range []struct {
		set          *Set
		major, minor int
		version      int
		has          bool   // a compiler
		want         string // image, or part of the error
		name         string
	}{
		{good, 8, 0, 12040, true, "code 8.0", "machine code for sm_80"},
		{good, 9, 0, 12040, false, "code 9.0", "machine code for sm_90a"},
		{good, 9, 0, 13000, false, "code 9.0", "machine code for sm_90a"},
		{good, 9, 0, 11080, false, "no kernels for sm_90a with a driver of CUDA 11.8; no compiler here", ""},
		{good, 9, 0, 11080, true, "compiled", "the machine's"},
		{good, 8, 6, 12040, true, "compiled", "the machine's"},
		{good, 8, 6, 12040, false, "ptx\x00", "PTX in this program"},
		{good, 12, 0, 12080, false, "ptx\x00", "which the driver compiles"},
		{good, 7, 5, 12080, false, "no kernels for sm_75", ""},
		{old, 8, 0, 12040, true, "compiled", "the machine's"},
		{old, 8, 0, 12040, false, "of another text", ""},
		{nil, 8, 0, 12040, true, "compiled", "the machine's"},
		{nil, 8, 0, 12040, false, "no compiler here", ""},
	} {
		name := fmt.Sprintf("%d.%d/%d/%v", c.major, c.minor, c.version, c.has)
		fake := cudafake.New(cudafake.Options{Info: driver.Info{Name: "fake", Major: c.major, Minor: c.minor, SMs: 1, SharedBytes: 99 << 10, DriverVersion: c.version}})
		x := New(c.set, func() (driver.Compiler, error) {
			if !c.has {
				return nil, errNone
			}
			return compiler{}, nil
		})
		b, err := cuda.New(fake, x, cuda.Options{})
		if err != nil {
			if c.name != "" || !strings.Contains(err.Error(), c.want) || !errors.Is(err, errNone) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if got := fake.Recording.Images; len(got) != 1 || string(got[0]) != c.want {
			t.Errorf("%s: the driver was given %q, want %q", name, got, c.want)
		}
		if !strings.Contains(x.Name(), c.name) || c.name == "" {
			t.Errorf("%s: %q, want %q", name, x.Name(), c.name)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An image that is damaged is never loaded: the machine's compiler replaces it, or the error says what to do.
func TestDamage(t *testing.T) {
	folder := t.TempDir()
	s := write(t, folder, "text")
	file := filepath.Join(folder, "sm_80.gz")
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	device, has := driver.Info{Major: 8, DriverVersion: 12040}, true
	c := New(s, func() (driver.Compiler, error) {
		if has {
			return compiler{}, nil
		}
		return nil, errNone
	})
	for i := 10; i < len(packed); i++ { // behind the header, most of which means nothing
		broken := append([]byte(nil), packed...)
		broken[i] ^= 1
		if err := os.WriteFile(file, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		has = true
		if image, _, err := c.Compile("text", nil, device); err != nil || string(image) != "compiled" && string(image) != "code 8.0" {
			t.Fatalf("byte %d: %q, %v", i, image, err)
		}
		has = false
		if image, _, err := c.Compile("text", nil, device); err == nil && string(image) != "code 8.0" || err != nil && !strings.Contains(err.Error(), "sm_80.gz") {
			t.Fatalf("byte %d without a compiler: %q, %v", i, image, err)
		}
	}
	i := s.Images[0]
	for _, i.Bytes = range []int{-1, maxBytes + 1, i.Bytes - 1} {
		if _, err := s.Read(i); err == nil {
			t.Errorf("%d bytes: no error", i.Bytes)
		}
	}
	for _, manifest := range []string{"", "{}", `{"version": 2}`, "[]"} {
		if _, err := Open(fstest.MapFS{manifestFile: {Data: []byte(manifest)}}); err == nil || !strings.Contains(err.Error(), manifestFile) {
			t.Errorf("manifest %q: %v", manifest, err)
		}
	}
	if _, err := Open(fstest.MapFS{}); err == nil {
		t.Error("no manifest")
	}
}

func TestLowerISA(t *testing.T) {
	const body = "\n.target sm_80\n\t.pragma \"nounroll\";\n"
	got, err := LowerISA([]byte("//\n.version 8.8" + body + "\t.pragma \"used_bytes_mask 240\";\n\tld.param.v2.u32 {%r1, %r2}, [%rd1];\n\x00"))
	if want := "//\n.version 8.0" + body + "\tld.param.v2.u32 {%r1, %r2}, [%rd1];\n\x00"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", ".version 7.8\n", ".version 8.8\n.version 8.8\n", ".version 8\n"} {
		if _, err := LowerISA([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// embeddedVariable holds the manifest that a build with the tag has to carry, in the test that TestBuild starts.
const embeddedVariable = "AURAL_TEST_CUBINS"

// A build with the tag carries the images; the images of this build are put beside the package by an overlay.
func TestBuild(t *testing.T) {
	folder := t.TempDir()
	s := write(t, folder, cuda.Text())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	if entries, err := os.ReadDir(filepath.Join(here, "images")); err == nil {
		for _, e := range entries { // what task release left
			replace[filepath.Join(here, "images", e.Name())] = ""
		}
	}
	for _, name := range []string{manifestFile, "sm_80.gz", "sm_90a.gz", "compute_80.gz"} {
		replace[filepath.Join(here, "images", name)] = filepath.Join(folder, name)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-tags", "cubins", "-overlay", file, "-run", "^TestEmbedded$", "-v", ".")
	cmd.Env = append(os.Environ(), embeddedVariable+"="+s.Text)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestEmbedded") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEmbedded(t *testing.T) {
	s, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	want := os.Getenv(embeddedVariable)
	switch {
	case s == nil && want != "":
		t.Fatal("the build with the tag carries nothing")
	case s != nil && !s.Of(cuda.Text(), nil):
		t.Errorf("images of %s, the kernels are %s: task kernels:cubin makes them again", s.Text, Sum(cuda.Text()))
	case want == "":
		return
	}
	i, ok := s.Find("sm_90a", 12040)
	if image, err := s.Read(i); s.Text != want || !ok || err != nil || string(image) != "code 9.0" {
		t.Errorf("%q, %v, %v of %s, want what %s has", image, ok, err, s.Text, want)
	}
}

// Whatever the manifest says, nothing is read beyond what it says, and what is returned has its checksum.
func FuzzSet(f *testing.F) {
	folder := f.TempDir()
	write(f, folder, "text")
	manifest, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if err != nil {
		f.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join(folder, "sm_80.gz"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(manifest, packed)
	f.Fuzz(func(t *testing.T, manifest, packed []byte) {
		s, err := Open(fstest.MapFS{manifestFile: {Data: manifest}, "sm_80.gz": {Data: packed}})
		if err != nil {
			return
		}
		for _, i := range s.Images {
			if image, err := s.Read(i); err == nil && (len(image) != i.Bytes || sum(image) != i.Sum) {
				t.Errorf("%+v gives %q", i, image)
			}
		}
	})
}
