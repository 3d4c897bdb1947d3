package bucket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// The tests run against a real S3 server, versitygw with files as its storage. Its version is pinned in tools/s3.
const (
	serverTool   = "github.com/versity/versitygw/cmd/versitygw"
	testKey      = "testkey"
	testSecret   = "test-secret-0123456789"
	testBucket   = "stores"
	serverBinary = "AURAL_S3_SERVER" // names the program, and then no test may be skipped for want of it
)

// findServer returns the program: the one that AURAL_S3_SERVER names, one in PATH, or one built once into the user's cache.
var findServer = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(serverBinary); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	pin, err := os.ReadFile("../../tools/s3/go.mod")
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "aural", "tools", "versitygw-"+fileName(string(pin)))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if testing.Short() {
		return "", fmt.Errorf("%s is not built yet, which takes more than a minute, and this is a short run", path)
	}
	part := fmt.Sprintf("%s.%d", path, os.Getpid())
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-C", "../../tools/s3", "-o", part, serverTool)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", serverTool, err, out)
	}
	return path, os.Rename(part, path)
})

// server is a running versitygw.
type server struct {
	address string
	dir     string
	cmd     *exec.Cmd
}

// startServer starts a server on a free port of this machine, which ends with the test, with an empty bucket.
func startServer(t testing.TB) *server {
	t.Helper()
	path, err := findServer()
	if err != nil {
		if os.Getenv(serverBinary) != "" {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED against an S3 server: %v\nset %s to a versitygw", err, serverBinary)
	}
	s := &server{dir: t.TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	l.Close()
	s.run(t, path)
	t.Cleanup(s.kill)
	b := openBucket(t, s.config(t))
	if err := b.core.MakeBucket(t.Context(), testBucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) run(t testing.TB, path string) {
	t.Helper()
	s.cmd = exec.Command(path, "--port", s.address, "--access", testKey, "--secret", testSecret, "--region", "us-east-1",
		"--keep-alive", "--quiet", "posix", s.dir)
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for looks := 0; ; looks++ {
		conn, err := net.DialTimeout("tcp", s.address, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		if looks == 12000 { // not a time: the machine may be slow
			s.kill()
			t.Fatalf("%s does not listen: %v\n%s", path, err, out.Bytes())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// restart starts a killed server again, on the same port with the same files.
func (s *server) restart(t testing.TB) { s.run(t, s.cmd.Path) }

// config is for tests: small blocks, no memory, a cache of its own, and little time between attempts. A machine under load may be slow to
// answer: only tests of what stalls set a short Stall.
func (s *server) config(t testing.TB) Config {
	return Config{Endpoint: s.address, Bucket: testBucket, Prefix: "some/store",
		Credentials: Credentials{AccessKey: testKey, SecretKey: testSecret},
		CacheDir:    t.TempDir(), CacheBytes: 64 << 20, MemoryBytes: -1, BlockBytes: 64 << 10, Stall: time.Minute,
		Backoff: 5 * time.Millisecond, MaxBackoff: 200 * time.Millisecond}
}

func openBucket(t testing.TB, cfg Config) *Bucket {
	t.Helper()
	b, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// put writes an object directly.
func (s *server) put(t testing.TB, name string, data []byte) {
	t.Helper()
	b := openBucket(t, s.config(t))
	key, err := b.key(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.core.PutObject(t.Context(), testBucket, key, bytes.NewReader(data), int64(len(data)), "", "", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func randomBytes(seed uint64, n int) []byte {
	data := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(key).Read(data)
	return data
}

func openObject(t testing.TB, b *Bucket, name string) *Object {
	t.Helper()
	o, err := b.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// checkRead reads n bytes at off and holds them against data, the whole content, as io.ReaderAt demands.
func checkRead(t testing.TB, o *Object, data []byte, off, n int) {
	t.Helper()
	p := make([]byte, n)
	got, err := o.ReadAt(p, int64(off))
	want := data[min(off, len(data)):min(off+n, len(data))]
	wantErr := error(nil)
	if len(want) < n {
		wantErr = io.EOF
	}
	if err != wantErr || !bytes.Equal(p[:got], want) {
		t.Fatalf("%d bytes at %d of %d: got %d, %v; want %d, %v; bytes equal: %v", n, off, len(data), got, err, len(want), wantErr,
			bytes.Equal(p[:got], want))
	}
}

// settled waits until every block that came is saved: readers do not wait for that. The bucket keeps none in memory.
func settled(t testing.TB, b *Bucket) {
	t.Helper()
	n := 0
	for range 200000 { // not a time: the machine may be slow
		b.blocks.mu.Lock()
		n = len(b.blocks.byKey)
		b.blocks.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	t.Fatalf("%d blocks are still on their way", n)
}
