package mirror

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// hosts are what may be given to ssh as a host: nothing that it could take for an option.
var hosts = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*@)?([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9a-fA-F:.]+(%[A-Za-z0-9]+)?\])$`)

// IsRemote reports whether arg names a run on another host, as scp would take it: it has a colon before the first slash,
// and no local file is called so.
func IsRemote(arg string) bool {
	host, _, ok := cut(arg)
	if !ok || strings.Contains(host, "/") {
		return false
	}
	_, err := os.Lstat(arg)
	return err != nil
}

// cut splits "user@host:path"; an address of IPv6 stands in brackets.
func cut(spec string) (host, dir string, ok bool) {
	colon := strings.IndexByte(spec, ':')
	if open := strings.IndexByte(spec, '['); open >= 0 && open < colon {
		end := strings.Index(spec, "]:")
		if end < 0 {
			return "", "", false
		}
		colon = end + 1
	}
	if colon < 1 {
		return "", "", false
	}
	return spec[:colon], spec[colon+1:], true
}

// parse checks the parts of "user@host:path".
func parse(spec string) (host, dir string, err error) {
	host, dir, ok := cut(spec)
	switch {
	case !ok:
		return "", "", fmt.Errorf("mirror: %q does not name a run on another host: write user@host:path", spec)
	case !hosts.MatchString(host):
		return "", "", fmt.Errorf("mirror: bad host %q: write host or user@host", host)
	case dir == "":
		return "", "", fmt.Errorf("mirror: %q names no run directory: write %s:path", spec, host)
	case strings.ContainsFunc(dir, unicode.IsControl):
		return "", "", fmt.Errorf("mirror: the path %q holds control characters", dir)
	case strings.HasPrefix(dir, "~") && dir != "~" && !strings.HasPrefix(dir, "~/"):
		return "", "", fmt.Errorf("mirror: the path %q begins in the home of another user: write it out", dir)
	}
	return host, dir, nil
}

// sshHost is how ssh wants the host.
func sshHost(host string) string { return strings.NewReplacer("[", "", "]", "").Replace(host) }

// quote makes one word of s for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteDir quotes a directory, which begins in the home directory when it is relative or begins with "~".
func quoteDir(dir string) string {
	switch {
	case dir == "~":
		return `"$HOME"`
	case strings.HasPrefix(dir, "~/"):
		return `"$HOME"/` + quote(dir[2:])
	case strings.HasPrefix(dir, "/"):
		return quote(dir)
	}
	return quote("./" + dir) // never an option of cd
}
