package runlog

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Env is what a run needs to be understood and repeated elsewhere, env.json.
type Env struct {
	Version   int               `json:"version"` // FormatVersion
	Go        string            `json:"go"`      // version of the compiler
	OS        string            `json:"os"`
	Arch      string            `json:"arch"`
	CPUs      int               `json:"cpus"` // logical processors the process may use
	Host      string            `json:"host"`
	PID       int               `json:"pid"`
	Dir       string            `json:"dir"`                // working directory
	Revision  string            `json:"revision,omitempty"` // of the source the program was built from
	Modified  bool              `json:"modified,omitempty"` // the source had changes that were not committed
	Variables map[string]string `json:"variables,omitempty"`

	// Set by the caller.
	Devices []string          `json:"devices,omitempty"` // what computes: GPU names, or the instruction sets in use
	Seeds   map[string]uint64 `json:"seeds,omitempty"`   // by purpose
	Dataset string            `json:"dataset,omitempty"` // fingerprint of the store that is trained on
}

// CollectEnv describes this process. Of the environment variables only those that steer a job are kept: the values of
// others may be secret.
func CollectEnv() Env {
	e := Env{Version: FormatVersion, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		PID: os.Getpid(), Variables: map[string]string{}}
	// What cannot be found out stays empty; a run is not refused for it.
	e.Host, _ = os.Hostname()
	e.Dir, _ = os.Getwd()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				e.Revision = s.Value
			case "vcs.modified":
				e.Modified = s.Value == "true"
			}
		}
	}
	for _, kv := range os.Environ() {
		if name, value, _ := strings.Cut(kv, "="); steersJob(name) {
			e.Variables[name] = value
		}
	}
	return e
}

func steersJob(name string) bool {
	switch name {
	case "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT",
		"OMP_NUM_THREADS", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG", "GOGC":
		return true
	}
	// Slurm sets some variables with credentials of its own; none of them has to do with where and how the job runs.
	return strings.HasPrefix(name, "SLURM_") && !strings.Contains(name, "KEY") && !strings.Contains(name, "TOKEN")
}

func (e Env) encode() ([]byte, error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("runlog: encode environment: %w", err)
	}
	return append(data, '\n'), nil
}
