package bucket

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// cleanEnv takes away what the machine of the test may have set.
func cleanEnv(t *testing.T) {
	for _, name := range []string{"AURAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AURAL_S3_CACHE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
}

func TestParseURL(t *testing.T) {
	for _, c := range []struct {
		location string
		env      map[string]string
		want     Config
		says     string // of the error
	}{
		{location: "s3://b", want: Config{Bucket: "b", Endpoint: amazonEndpoint, Secure: true}},
		{location: "s3://b/", want: Config{Bucket: "b", Endpoint: amazonEndpoint, Secure: true}},
		{location: "s3://b/a/c d%20/", want: Config{Bucket: "b", Prefix: "a/c d%20", Endpoint: amazonEndpoint, Secure: true}},
		{location: "s3://b/p?endpoint=http://127.0.0.1:9000&region=eu", want: Config{Bucket: "b", Prefix: "p", Endpoint: "127.0.0.1:9000",
			Region: "eu"}},
		{location: "s3://b?endpoint=https://minio.example/&anonymous=true", want: Config{Bucket: "b", Endpoint: "minio.example", Secure: true,
			Credentials: Credentials{Anonymous: true}}},
		{location: "s3://b", env: map[string]string{"AWS_ENDPOINT_URL": "http://c:1", "AWS_REGION": "r", "AURAL_S3_CACHE": "/c"},
			want: Config{Bucket: "b", Endpoint: "c:1", Region: "r", CacheDir: "/c"}},
		{location: "s3://b", env: map[string]string{"AWS_ENDPOINT_URL": "http://c:1", "AWS_ENDPOINT_URL_S3": "http://b:1", "AWS_DEFAULT_REGION": "d"},
			want: Config{Bucket: "b", Endpoint: "b:1", Region: "d"}},
		{location: "s3://b?region=q", env: map[string]string{"AWS_ENDPOINT_URL_S3": "http://b:1", "AURAL_S3_ENDPOINT": "http://a:1", "AWS_REGION": "r"},
			want: Config{Bucket: "b", Endpoint: "a:1", Region: "q"}},
		{location: "/data/store", says: "begins with s3://"},
		{location: "S3://b", says: "begins with s3://"},
		{location: "s3://", says: "no bucket name"},
		{location: "s3:///p", says: "no bucket name"},
		{location: "s3://AKIA:topsecret@b/p", says: "give keys by"},
		{location: "s3://b:9000/p", says: "?endpoint="},
		{location: "s3://b/p/../q", says: "element"},
		{location: "s3://b/p//q", says: "element"},
		{location: "s3://b?endpoint=127.0.0.1:9000", says: "no URL"},
		{location: "s3://b?endpoint=ftp://h", says: "no URL"},
		{location: "s3://b?endpoint=http://AKIA:topsecret@h", says: "without keys"},
		{location: "s3://b?endpoint=http://h/path", says: "without keys and path"},
		{location: "s3://b?endpoint=http://AKIA:topsecret%zz@h", says: "wrong escape"},
		{location: "s3://b?secret=topsecret", says: `"secret"`},
		{location: "s3://b?anonymous=topsecret", says: `"anonymous"`},
	} {
		t.Run(c.location, func(t *testing.T) {
			cleanEnv(t)
			for name, v := range c.env {
				t.Setenv(name, v)
			}
			got, err := ParseURL(c.location)
			switch {
			case c.says == "" && (err != nil || got != c.want):
				t.Errorf("%#v, %v; want %#v", got, err, c.want)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "topsecret")):
				t.Errorf("%v; want %q and no secret", err, c.says)
			}
			if IsURL(c.location) != strings.HasPrefix(c.location, "s3://") {
				t.Error("IsURL")
			}
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	cleanEnv(t)
	good := Config{Bucket: "bucket", CacheBytes: -1, Credentials: Credentials{AccessKey: "a", SecretKey: "b"}}
	for says, change := range map[string]func(*Config){
		"no bucket name":              func(c *Config) { c.Bucket = "" },
		"folder":                      func(c *Config) { c.Prefix = "/p" },
		"blocks of 1 bytes":           func(c *Config) { c.BlockBytes = 1 },
		"blocks of -1 bytes":          func(c *Config) { c.BlockBytes = -1 },
		"requests at once":            func(c *Config) { c.Parallel = 1000 },
		"number of attempts":          func(c *Config) { c.Attempts = -1 },
		"must not be negative":        func(c *Config) { c.Stall = -1 },
		"not even 4 blocks":           func(c *Config) { c.CacheBytes = 100 },
		"endpoint http://h":           func(c *Config) { c.Endpoint = "http://h" },
		"AWS_ACCESS_KEY_ID and AWS_S": func(c *Config) { c.Credentials = Credentials{} },
		"only one half":               func(c *Config) { c.Credentials.SecretKey = "" },
	} {
		cfg := good
		change(&cfg)
		if b, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
			if b != nil {
				b.Close()
			}
		}
	}
	b, err := Open(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if b.cfg.Region != "" || b.cfg.BlockBytes != DefaultBlockBytes || b.cfg.Stall != 30*time.Second || b.cfg.Attempts != DefaultAttempts {
		t.Errorf("defaults: %+v", b.cfg)
	}
}

// However a Config or a Bucket is printed, the keys are not.
func TestNothingPrintsKeys(t *testing.T) {
	cfg := Config{Bucket: "bucket", CacheBytes: -1, Credentials: Credentials{AccessKey: "AKIA1", SecretKey: "topsecret", SessionToken: "sesame"}}
	b := openBucket(t, cfg)
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), fmt.Sprintf("%+v", &cfg), string(asJSON),
		fmt.Sprint(b), fmt.Sprintf("%+v", b), fmt.Sprintf("%#v", b)} {
		for _, secret := range []string{"AKIA1", "topsecret", "sesame"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", text, secret)
			}
		}
	}
}

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	content := "# comment\n[default]\naws_access_key_id = fk\naws_secret_access_key=fs=with=equals\n\n[ other ]\n" +
		"AWS_ACCESS_KEY_ID=ok\naws_secret_access_key = os\naws_session_token = ot\nregion = x\n[process]\ncredential_process = touch /tmp/pwned\n" +
		"[half]\naws_access_key_id = hk\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		given Credentials
		env   map[string]string
		want  Credentials
		says  string
	}{
		{name: "static", given: Credentials{AccessKey: "a", SecretKey: "s"}, env: map[string]string{"AWS_ACCESS_KEY_ID": "e",
			"AWS_SECRET_ACCESS_KEY": "es", "AWS_SESSION_TOKEN": "et"}, want: Credentials{AccessKey: "a", SecretKey: "s"}},
		{name: "anonymous", given: Credentials{Anonymous: true, AccessKey: "a"}, want: Credentials{Anonymous: true}},
		{name: "environment", env: map[string]string{"AWS_ACCESS_KEY_ID": "e", "AWS_SECRET_ACCESS_KEY": "es", "AWS_SESSION_TOKEN": "et",
			"AWS_SHARED_CREDENTIALS_FILE": file}, want: Credentials{AccessKey: "e", SecretKey: "es", SessionToken: "et"}},
		{name: "file", env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file}, want: Credentials{AccessKey: "fk", SecretKey: "fs=with=equals"}},
		{name: "profile", env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "other"},
			want: Credentials{AccessKey: "ok", SecretKey: "os", SessionToken: "ot"}},
		{name: "no profile", env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "nobody"}, says: "no such profile"},
		{name: "half", env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "half"}, says: "is missing"},
		{name: "program", env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "process"}, says: "is not run here"},
		{name: "half an environment", env: map[string]string{"AWS_ACCESS_KEY_ID": "e"}, says: "only one half"},
		{name: "nothing", says: "?anonymous=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cleanEnv(t)
			for name, v := range c.env {
				t.Setenv(name, v)
			}
			got, err := c.given.resolve()
			if c.says == "" && (err != nil || got != c.want) {
				t.Errorf("%+v, %v", [3]string{got.AccessKey, got.SecretKey, got.SessionToken}, err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
}

// FuzzParseShared: whatever the file holds, there are both keys or an error, and the error repeats nothing of it.
func FuzzParseShared(f *testing.F) {
	f.Add("[default]\naws_access_key_id = QQQQ\naws_secret_access_key = ZZZZ\n")
	f.Add("[default\naws_access_key_id")
	f.Add("[default]\nQQQQQQ\n")
	f.Add(strings.Repeat("[default]\n", 20))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseShared(strings.NewReader(text), "default")
		if err == nil && (c.AccessKey == "" || c.SecretKey == "" || !strings.Contains(text, c.SecretKey)) {
			t.Errorf("%q: keys %q %q", text, c.AccessKey, c.SecretKey)
		}
		if err != nil && (c != Credentials{} || strings.Contains(err.Error(), "QQQ")) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzParseURL: a location gives a Config that passes its own checks, or an error.
func FuzzParseURL(f *testing.F) {
	f.Add("s3://b/p?endpoint=http://h:1&region=r")
	f.Add("s3://k:s@b")
	f.Add("s3://b/%2e%2e/..?endpoint=//")
	f.Fuzz(func(t *testing.T, location string) {
		cfg, err := ParseURL(location)
		if err != nil {
			return
		}
		if _, err := cfg.complete(); err != nil || cfg.Endpoint == "" || strings.ContainsAny(cfg.Endpoint, "@/") || strings.Contains(cfg.Bucket, "/") {
			t.Errorf("%q: %+v: %v", location, cfg, err)
		}
	})
}
