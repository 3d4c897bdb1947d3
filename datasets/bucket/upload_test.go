package bucket

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// makeStore writes files as a store has them, one of which needs several parts.
func makeStore(t testing.TB) (dir string, names []string, files map[string][]byte) {
	t.Helper()
	dir = t.TempDir()
	names = []string{"data-00000.arrow", "data-00001.arrow", "index.bin", "empty.jsonl", "aural.json"}
	files = map[string][]byte{names[0]: randomBytes(20, 2*uploadPartBytes+5), names[1]: randomBytes(21, 100), names[2]: randomBytes(22, 70000),
		names[3]: {}, names[4]: []byte(`{"rows": 3}`)}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, names, files
}

// uploadConfig has few and large blocks, since the stores here are larger than what the tests of reading need.
func (s *server) uploadConfig(t testing.TB) Config {
	cfg := s.config(t)
	cfg.BlockBytes, cfg.CacheBytes = 8<<20, -1
	return cfg
}

func checkStore(t testing.TB, b *Bucket, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		if got, err := b.ReadFile(name); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(data))
		}
	}
}

func TestUpload(t *testing.T) {
	s := startServer(t)
	dir, names, files := makeStore(t)
	b := openBucket(t, s.uploadConfig(t))
	var total int64
	for _, data := range files {
		total += int64(len(data))
	}
	var got []Progress
	report := func(p Progress) { got = append(got, p) }
	if err := b.Upload(t.Context(), dir, names, report); err != nil {
		t.Fatal(err)
	}
	checkStore(t, b, files)
	if last := got[len(got)-1]; len(got) != 7 || last != (Progress{"aural.json", total, total, false}) {
		t.Errorf("%d reports, the last %+v; want 3 parts and 4 files, %d bytes", len(got), last, total)
	}

	got = nil
	if err := b.Upload(t.Context(), dir, names, report); err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		if !p.Skipped {
			t.Errorf("%s was sent again", p.Name)
		}
	}
	if len(got) != 5 || got[4].Sent != total {
		t.Errorf("reports %+v", got)
	}

	// Another store at the same place is refused before anything is touched.
	if err := os.WriteFile(filepath.Join(dir, "aural.json"), []byte(`{"rows": 4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, names[1]), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Upload(t.Context(), dir, names, nil); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "another store") {
		t.Errorf("another store: %v", err)
	}
	checkStore(t, b, files)
}

// An upload that is interrupted is not a store; the next one sends only what is missing or different.
func TestUploadResumes(t *testing.T) {
	s := startServer(t)
	dir, names, files := makeStore(t)
	b := openBucket(t, s.uploadConfig(t))
	s.put(t, names[1], files[names[1]][1:])                   // of another size
	s.put(t, names[3], nil)                                   // the same, but without a sum
	s.put(t, names[2], randomBytes(99, len(files[names[2]]))) // of the same size with other bytes
	ctx, cancel := context.WithCancel(t.Context())
	err := b.Upload(ctx, dir, names, func(p Progress) {
		if p.Name == names[1] {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled upload: %v", err)
	}
	if _, err := b.ReadFile("aural.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a store is a store: %v", err)
	}
	skipped := ""
	err = b.Upload(t.Context(), dir, names, func(p Progress) {
		if p.Skipped {
			skipped += p.Name + " "
		}
	})
	if err != nil || skipped != names[0]+" "+names[1]+" " {
		t.Errorf("resumed: %v, skipped %s", err, skipped)
	}
	checkStore(t, b, files)
}

// Uploads survive what reads survive, and leave no parts behind when they do not.
func TestUploadFaults(t *testing.T) {
	s := startServer(t)
	dir, names, files := makeStore(t)
	var puts, posts int
	broken := false
	p := newProxy(t, s, func(int64, *http.Request) fault { return fault{} })
	p.write = func(r *http.Request) fault {
		if broken && strings.Contains(r.URL.RawQuery, "partNumber=2") {
			return fault{status: 403, code: "AccessDenied"}
		}
		n := &puts
		if r.Method == http.MethodPost {
			n = &posts
		}
		*n++
		switch *n % 4 {
		case 1:
			return fault{status: 503, code: "SlowDown"}
		case 3:
			return fault{drop: true}
		}
		return fault{}
	}
	cfg := s.uploadConfig(t)
	cfg.Endpoint, cfg.Parallel = p.address, 1 // one after the other: plan counts
	b := openBucket(t, cfg)
	if err := b.Upload(t.Context(), dir, names, nil); err != nil {
		t.Fatal(err)
	}
	checkStore(t, b, files)
	if b.Stats().Retries < 5 {
		t.Errorf("%+v", b.Stats())
	}

	broken = true
	cfg.Prefix = "broken/store"
	b = openBucket(t, cfg)
	if err := b.Upload(t.Context(), dir, names, nil); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("upload that may not: %v", err)
	}
	left, err := b.core.ListMultipartUploads(t.Context(), testBucket, "", "", "", "", 100)
	if err != nil || len(left.Uploads) != 0 {
		t.Errorf("%d unfinished uploads, %v", len(left.Uploads), err)
	}
}

// A file that changes while it goes up is refused by the server: what arrives is what was summed up, or nothing.
func TestUploadOfAFileThatChanges(t *testing.T) {
	s := startServer(t)
	b := openBucket(t, s.uploadConfig(t))
	for size, name := range map[int]string{1000: "small", uploadPartBytes + 1000: "large"} {
		path := filepath.Join(t.TempDir(), name)
		data := randomBytes(30, size)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		u := &uploader{b: b, dir: filepath.Dir(path)}
		d, err := u.digest(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		data[10]++
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := u.file(t.Context(), d); err == nil || !strings.Contains(err.Error(), "SHA256") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := b.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s arrived: %v", name, err)
		}
	}
}

func TestUploadArguments(t *testing.T) {
	s := startServer(t)
	b := openBucket(t, s.uploadConfig(t))
	dir, _, _ := makeStore(t)
	if err := b.Upload(t.Context(), dir, nil, nil); err == nil {
		t.Error("no files")
	}
	for name, want := range map[string]error{"missing": fs.ErrNotExist, "../x": fs.ErrNotExist, ".": fs.ErrInvalid} {
		if err := b.Upload(t.Context(), dir, []string{name}, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stopped, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := b.Upload(stopped, dir, []string{"aural.json"}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended context: %v", err)
	}
}
