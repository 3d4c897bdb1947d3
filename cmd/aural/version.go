package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what the program knows of itself.
type versionInfo struct {
	Version  string            `json:"version"`
	Revision string            `json:"revision,omitempty"`
	Time     string            `json:"time,omitempty"`
	Modified bool              `json:"modified"` // built from a source tree with changes
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Modules  map[string]string `json:"modules"`
}

func readVersion() versionInfo {
	v := versionInfo{Version: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Modules: map[string]string{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "devel"
	}
	for _, m := range info.Deps {
		v.Modules[m.Path] = m.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// versionText is the version in a few characters.
func versionText() string {
	v := readVersion()
	text := v.Version
	if v.Revision != "" {
		text += " " + v.Revision[:min(12, len(v.Revision))]
	}
	if v.Modified {
		text += " (modified)"
	}
	return text
}

func (a *app) version() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  aural version\n  aural version --json | jq .modules",
		Args:    cobra.NoArgs,
	}, func([]string) error {
		v := readVersion()
		if asJSON {
			return writeJSON(a.out, v)
		}
		a.print("aural %s, %s %s/%s", versionText(), v.Go, v.OS, v.Arch)
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON, with the modules it is built from")
	return c
}
