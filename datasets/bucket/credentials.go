package bucket

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Credentials are the keys that requests are signed with. The zero value takes them from the environment
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) and, where that has none, from the shared credentials file of the
// AWS tools. They print as a placeholder.
type Credentials struct {
	AccessKey, SecretKey string
	SessionToken         string // only with temporary keys
	Anonymous            bool   // sign nothing: for public buckets
}

// String says nothing about the keys, so that a printed Config gives none away.
func (c Credentials) String() string {
	switch {
	case c.Anonymous:
		return "anonymous"
	case c.AccessKey == "":
		return "from the environment"
	}
	return "static keys"
}

// GoString is String: %#v must not show keys either.
func (c Credentials) GoString() string { return c.String() }

// MarshalText is String: a Config written as JSON must not show keys either.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// resolve finds the keys, or says where it looked.
func (c Credentials) resolve() (Credentials, error) {
	if c.Anonymous {
		return Credentials{Anonymous: true}, nil
	}
	if c.AccessKey == "" && c.SecretKey == "" {
		c = Credentials{AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
	}
	switch {
	case c.AccessKey != "" && c.SecretKey != "":
		return c, nil
	case c.AccessKey != "" || c.SecretKey != "":
		return Credentials{}, errors.New("bucket: only one half of the credentials is set: AWS_ACCESS_KEY_ID and " +
			"AWS_SECRET_ACCESS_KEY belong together")
	}
	return fromSharedFile()
}

// fromSharedFile reads the file that AWS_SHARED_CREDENTIALS_FILE names, else ~/.aws/credentials, and there the profile
// AWS_PROFILE, else "default".
func fromSharedFile() (Credentials, error) {
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return Credentials{}, fmt.Errorf("bucket: no AWS_ACCESS_KEY_ID in the environment, and no home directory: %w", err)
		}
		path = filepath.Join(home, ".aws", "credentials")
	}
	profile := firstEnv("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	f, err := os.Open(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("bucket: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add "+
			"?anonymous=true to the location of a public bucket: %w", err)
	}
	defer f.Close()
	c, err := parseShared(f, profile)
	if err != nil {
		return Credentials{}, fmt.Errorf("bucket: credentials file %s, profile %s: %w", path, profile, err)
	}
	return c, nil
}

// maxSharedFile bounds the file of credentials, which has some hundred bytes a profile.
const maxSharedFile = 1 << 20

// parseShared reads one profile of a shared credentials file, an INI file: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html.
// A credential_process is refused, since reading data must not run programs. No error repeats a line of the file.
func parseShared(r io.Reader, profile string) (Credentials, error) {
	var c Credentials
	found, inside := false, false
	lines := bufio.NewScanner(io.LimitReader(r, maxSharedFile))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if section, ok := strings.CutPrefix(line, "["); ok {
			section, _, ok = strings.Cut(section, "]")
			if !ok {
				return Credentials{}, fmt.Errorf("line %d: [ without ]", number)
			}
			inside = strings.TrimSpace(section) == profile
			found = found || inside
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return Credentials{}, fmt.Errorf("line %d is neither [profile] nor key = value", number)
		}
		if !inside {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "aws_access_key_id":
			c.AccessKey = value
		case "aws_secret_access_key":
			c.SecretKey = value
		case "aws_session_token":
			c.SessionToken = value
		case "credential_process":
			return Credentials{}, errors.New("credential_process is not run here: run it yourself and set AWS_ACCESS_KEY_ID, " +
				"AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return Credentials{}, err
	case !found:
		return Credentials{}, errors.New("there is no such profile; AWS_PROFILE chooses one")
	case c.AccessKey == "" || c.SecretKey == "":
		return Credentials{}, errors.New("aws_access_key_id or aws_secret_access_key is missing")
	}
	return c, nil
}
