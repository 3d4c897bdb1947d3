package bucket

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultBlockBytes  = 1 << 20
	DefaultCacheBytes  = 20 << 30
	DefaultMemoryBytes = 64 << 20
	DefaultParallel    = 16
	DefaultAttempts    = 10
	DefaultStall       = 30 * time.Second
	DefaultBackoff     = 100 * time.Millisecond
	DefaultMaxBackoff  = 10 * time.Second
)

// amazonEndpoint is the endpoint where none is configured.
const amazonEndpoint = "s3.amazonaws.com"

// Config says where a store is and how it is read. Zero values take the defaults above.
type Config struct {
	Endpoint    string // host or host:port; "" is Amazon's
	Secure      bool   // https
	Region      string // "": us-east-1 for an endpoint of one's own; Amazon is asked
	Bucket      string
	Prefix      string // the folder of the store in the bucket, without slashes at its ends; "" for the whole bucket
	Credentials Credentials

	CacheDir    string // "": "aural/s3" in the user's cache directory (os.UserCacheDir)
	CacheBytes  int64  // bound of the sizes of all blocks in CacheDir, whoever wrote them; negative: no cache on disk
	MemoryBytes int64  // bound of the blocks kept in memory after they were fetched; negative: none
	BlockBytes  int    // unit of requests and of the cache

	Parallel   int           // requests for data in flight at once
	Attempts   int           // how often a request is made before it counts as failed
	Stall      time.Duration // a request that moves no byte for so long is given up and made again
	Backoff    time.Duration // the first wait before a request is made again; it doubles each time, with jitter
	MaxBackoff time.Duration
}

// Limits of Config that keep a slip of the pen from becoming a flood of requests or of memory.
const (
	minBlockBytes = 4 << 10
	maxBlockBytes = 64 << 20
	maxParallel   = 256
)

const scheme = "s3://"

// IsURL reports whether location names a bucket and not a directory.
func IsURL(location string) bool { return strings.HasPrefix(location, scheme) }

// ParseURL reads a location such as
//
//	s3://bucket/folder/of/store?endpoint=http://127.0.0.1:9000&region=eu-central-1&anonymous=true
//
// The bucket and the folder are taken as they stand, as other S3 programs do, without percent decoding. What the query leaves
// out comes from the environment: the endpoint from AURAL_S3_ENDPOINT, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, the region
// from AWS_REGION or AWS_DEFAULT_REGION, the cache from AURAL_S3_CACHE. A location that holds keys is refused, because locations
// end up in logs and shell histories.
func ParseURL(location string) (Config, error) {
	rest, ok := strings.CutPrefix(location, scheme)
	if !ok {
		return Config{}, errors.New("bucket: a location in a bucket begins with s3://")
	}
	place, query, _ := strings.Cut(rest, "?")
	name, prefix, _ := strings.Cut(place, "/")
	if strings.ContainsAny(name, "@:") { // not echoed: it may be key:secret@bucket
		return Config{}, errors.New("bucket: the location has '@' or ':' in the bucket's name; write s3://bucket/folder, give keys " +
			"by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the endpoint by ?endpoint=https://host:port")
	}
	cfg := Config{Bucket: name, Prefix: strings.Trim(prefix, "/"), CacheDir: os.Getenv("AURAL_S3_CACHE")}
	if name == "" {
		return Config{}, fmt.Errorf("bucket: %s%s has no bucket name", scheme, place)
	}
	if cfg.Prefix != "" && !validName(cfg.Prefix) {
		return Config{}, fmt.Errorf("bucket: folder %q has an empty, \".\" or \"..\" element", cfg.Prefix)
	}
	endpoint := firstEnv("AURAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	cfg.Region = firstEnv("AWS_REGION", "AWS_DEFAULT_REGION")
	values, err := url.ParseQuery(query)
	if err != nil {
		return Config{}, errors.New("bucket: the query of the location has a wrong escape; see ?endpoint=…&region=…")
	}
	for key, v := range values {
		switch value := v[len(v)-1]; {
		case key == "endpoint":
			endpoint = value
		case key == "region":
			cfg.Region = value
		case key == "anonymous" && (value == "true" || value == "false"):
			cfg.Credentials.Anonymous = value == "true"
		default: // the value is not echoed: it may be a signature
			return Config{}, fmt.Errorf("bucket: parameter %q of the location: known are endpoint, region and anonymous=true", key)
		}
	}
	cfg.Endpoint, cfg.Secure, err = parseEndpoint(endpoint)
	return cfg, err
}

// parseEndpoint splits the URL of an endpoint into what Config holds. "" is Amazon's endpoint.
func parseEndpoint(endpoint string) (host string, secure bool, err error) {
	if endpoint == "" {
		return amazonEndpoint, true, nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", false, errors.New("bucket: the endpoint is no URL like https://host:port")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return "", false, fmt.Errorf("bucket: the endpoint of host %s must be only http(s)://host:port, without keys and path", u.Host)
	}
	return u.Host, u.Scheme == "https", nil
}

func firstEnv(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// validName holds for slash-separated names without empty, "." and ".." elements: servers that keep objects as files give
// those a meaning of their own.
func validName(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, "\x00\\")
}

// complete fills in the defaults and checks the rest.
func (c Config) complete() (Config, error) {
	if c.Endpoint == "" {
		c.Endpoint, c.Secure = amazonEndpoint, true
	}
	if c.Region == "" && c.Endpoint != amazonEndpoint {
		c.Region = "us-east-1" // what servers of one's own answer to; the client would spend a request to hear it
	}
	c.BlockBytes = orDefault(c.BlockBytes, DefaultBlockBytes)
	c.CacheBytes = orDefault(c.CacheBytes, DefaultCacheBytes)
	c.MemoryBytes = orDefault(c.MemoryBytes, DefaultMemoryBytes)
	c.Parallel = orDefault(c.Parallel, DefaultParallel)
	c.Attempts = orDefault(c.Attempts, DefaultAttempts)
	c.Stall = orDefault(c.Stall, DefaultStall)
	c.Backoff = orDefault(c.Backoff, DefaultBackoff)
	c.MaxBackoff = orDefault(c.MaxBackoff, DefaultMaxBackoff)
	switch {
	case c.Bucket == "":
		return c, errors.New("bucket: no bucket name")
	case c.Prefix != "" && !validName(c.Prefix):
		return c, fmt.Errorf("bucket: folder %q has an empty, \".\" or \"..\" element", c.Prefix)
	case c.BlockBytes < minBlockBytes || c.BlockBytes > maxBlockBytes:
		return c, fmt.Errorf("bucket: blocks of %d bytes: take %d to %d", c.BlockBytes, minBlockBytes, maxBlockBytes)
	case c.Parallel < 1 || c.Parallel > maxParallel:
		return c, fmt.Errorf("bucket: %d requests at once: take 1 to %d", c.Parallel, maxParallel)
	case c.Attempts < 1 || c.Stall < 0 || c.Backoff < 0 || c.MaxBackoff < 0:
		return c, errors.New("bucket: the number of attempts and the times must not be negative")
	case c.CacheBytes > 0 && c.CacheBytes < 4*int64(c.BlockBytes):
		return c, fmt.Errorf("bucket: a cache of %d bytes holds not even 4 blocks of %d: give it more, or a negative size for none",
			c.CacheBytes, c.BlockBytes)
	}
	if c.CacheBytes > 0 && c.CacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return c, fmt.Errorf("bucket: no place for the cache, name a directory: %w", err)
		}
		c.CacheDir = filepath.Join(dir, "aural", "s3")
	}
	return c, nil
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
