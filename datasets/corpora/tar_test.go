package corpora

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is one entry of a tar under test: content, or a link when link is set.
type entry struct{ name, content, link string }

func tarBytes(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if e.link != "" {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, e.link, 0
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// describeMembers checks that each member without a fault has the content that its place promises.
func describeMembers(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.tar")
	writeFileAt(t, file, data)
	members, err := tarMembers(file)
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), file, "x.tar")
	}
	var out []string
	for _, m := range members {
		if m.fault != nil {
			out = append(out, m.name+" "+string(m.fault.Kind))
			continue
		}
		out = append(out, fmt.Sprintf("%s %q", m.name, data[m.offset:m.offset+m.size]))
	}
	return strings.Join(out, "\n")
}

func TestTarMembers(t *testing.T) {
	long := strings.Repeat("d/", 120) + "x.wav" // needs a header of its own
	whole := tarBytes(t, entry{name: "a.wav", content: "AAA"}, entry{name: "dir/"}, entry{name: "./b/c.txt", content: strings.Repeat("b", 513)},
		entry{name: long, content: "L"}, entry{name: "empty.wav"})
	b := strings.Repeat("b", 513)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"whole", whole, fmt.Sprintf("a.wav %q\nb/c.txt %q\n%s %q\nempty.wav \"\"", "AAA", b, long, "L")},
		{"hostile names", tarBytes(t, entry{name: "../up.wav", content: "u"}, entry{name: "/etc/passwd", content: "p"}, entry{name: "a/../../x", content: "x"},
			entry{name: "l.wav", link: "/etc/passwd"}, entry{name: "ok.wav", content: "k"}, entry{name: strings.Repeat("n", 5000), content: "n"}),
			"../up.wav outside\n/etc/passwd outside\n../x outside\nok.wav \"k\"\n" + strings.Repeat("n", 64) + "… bad-entry"},
		{"cut in a header", whole[:1600], "a.wav \"AAA\"\nmember 3 truncated"},
		{"cut in the second member", whole[:2048+100], "a.wav \"AAA\"\nb/c.txt truncated"},
		{"cut in the first member", whole[:514], "a.wav truncated"},
		{"not a tar", []byte(strings.Repeat("text ", 300)), "error: corpora: tar x.tar: header 1, before byte 512: archive/tar: invalid tar header: nothing after it can be found"},
		{"empty", nil, ""},
		{"zeros", make([]byte, 1024), ""},
	} {
		if got := describeMembers(t, c.data); got != c.want {
			t.Errorf("%s: got\n%.400s\nwant\n%.400s", c.name, got, c.want)
		}
	}
	if _, err := tarMembers(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// A member may claim any size: 2^62 bytes in this one. Sparse members are not contiguous, so they have no place.
func TestTarHugeAndSparse(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: "huge.wav", Size: 1 << 62, Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
		t.Fatal(err)
	}
	if got := describeMembers(t, out.Bytes()); got != "huge.wav truncated" {
		t.Errorf("huge: %s", got)
	}
	for _, name := range []string{"gnu-sparse.tar", "pax-sparse.tar"} { // made by tar --sparse, see testdata/README.md
		members, err := tarMembers(filepath.Join("testdata", name))
		if err != nil || len(members) != 2 || members[0].fault == nil || !strings.Contains(members[0].fault.Reason, "sparse") || members[1].fault != nil {
			t.Errorf("%s: %+v, %v", name, members, err)
		}
	}
}

func FuzzTarMembers(f *testing.F) {
	f.Add(tarBytes(f, entry{name: "a.wav", content: "AAA"}, entry{name: "b/c.txt", content: "text"}, entry{name: "l", link: "a.wav"}))
	f.Add(tarBytes(f, entry{name: strings.Repeat("d/", 120) + "x.wav", content: "L"})[:1024])
	for _, name := range []string{"gnu-sparse.tar", "pax-sparse.tar"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		end := int64(0)
		for m, err := range walkTar(bytes.NewReader(data), int64(len(data))) {
			if err != nil || m.fault != nil {
				continue
			}
			if m.offset < end || m.size < 0 || m.offset+m.size > int64(len(data)) || !filepath.IsLocal(m.name) {
				t.Fatalf("%+v in %d bytes, after byte %d", m, len(data), end)
			}
			end = m.offset + m.size
		}
	})
}
