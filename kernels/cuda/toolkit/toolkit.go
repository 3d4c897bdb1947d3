// Package toolkit knows where NVIDIA's libraries for CUDA are beside its driver: in toolkits, in conda, and in the wheels of pip.
package toolkit

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Folders are patterns of folders that may hold the libraries.
func Folders() []string {
	list := []string{"/usr/local/cuda/lib64", "/usr/local/cuda-*/lib64", "/opt/cuda/lib64", "/opt/cuda/targets/*/lib"}
	if conda := os.Getenv("CONDA_PREFIX"); conda != "" {
		list = append(list, filepath.Join(conda, "lib"))
	}
	var prefixes []string
	if venv := os.Getenv("VIRTUAL_ENV"); venv != "" {
		prefixes = append(prefixes, venv)
	}
	if python, err := exec.LookPath("python3"); err == nil {
		if real, err := filepath.EvalSymlinks(python); err == nil {
			python = real
		}
		prefixes = append(prefixes, filepath.Dir(filepath.Dir(python)))
	}
	if home, err := os.UserHomeDir(); err == nil {
		prefixes = append(prefixes, filepath.Join(home, ".local"))
	}
	prefixes = append(prefixes, "/usr/local", "/usr", "/opt/conda", "/opt/venv")
	for _, p := range prefixes {
		for _, packages := range []string{"site-packages", "dist-packages"} {
			list = append(list, filepath.Join(p, "lib", "python3*", packages, "nvidia", "*", "lib"))
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(cache, "aural", "cuda-tools", "nvidia", "*", "lib")) // tools/cuda_tools.sh
	}
	return list
}
