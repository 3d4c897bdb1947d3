// Make compiles the CUDA kernels for every architecture that a program built with the tag cubins carries, into a folder of package cubin. It needs NVRTC
// (tools/cuda_tools.sh fetches it) and no GPU.
//
//	go run ./kernels/cuda/cubin/make                      # into kernels/cuda/cubin/images
//	go build -tags cubins -o bin/aural-cubins ./cmd/aural
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"aural/kernels/cuda"
	"aural/kernels/cuda/cubin"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/nvrtc"
)

// devices are what the machine code is for: A100, consumer Ampere, Ada, Hopper. Others get PTX.
var devices = []driver.Info{{Major: 8, Minor: 0}, {Major: 8, Minor: 6}, {Major: 8, Minor: 9}, {Major: 9, Minor: 0}}

func main() {
	out := flag.String("out", filepath.Join("kernels", "cuda", "cubin", "images"), "folder for the images")
	ptxas := flag.String("ptxas", "", "NVIDIA's assembler, to see whether the PTX keeps to its version; tools/cuda_tools.sh fetches it")
	flag.Parse()
	if err := run(*out, *ptxas); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

func run(out, ptxas string) error {
	c, err := nvrtc.Open(cubin.OldestDriver)
	if err != nil {
		return fmt.Errorf("%w (tools/cuda_tools.sh fetches it)", err)
	}
	c.UseCache(nvrtc.CacheFolder())
	m := cubin.Manifest{Text: cubin.Sum(cuda.Text()), Compiler: c.Name()}
	var images [][]byte
	type made struct {
		image []byte
		log   string
		err   error
	}
	results := make([]chan made, len(devices)+1) // NVRTC uses one thread for each
	for i := range results {
		results[i] = make(chan made, 1)
		go func() {
			var r made
			if i < len(devices) {
				r.image, r.log, r.err = c.Compile(cuda.Text(), nil, devices[i])
			} else {
				r.image, r.log, r.err = c.PTX(cuda.Text(), nil)
			}
			results[i] <- r
		}()
	}
	for i := range results {
		r := <-results[i]
		if r.err != nil {
			return fmt.Errorf("%w\n%s", r.err, r.log)
		}
		entry := cubin.Image{Target: driver.TargetPTX, Driver: cubin.OldestDriver}
		if i < len(devices) {
			entry.Target = driver.Target(devices[i].Major, devices[i].Minor)
		} else if r.image, err = lower(r.image, ptxas); err != nil {
			return err
		}
		m.Images, images = append(m.Images, entry), append(images, r.image)
	}
	if err := cubin.Write(out, m, images); err != nil {
		return err
	}
	for i, image := range images {
		fmt.Printf("%-10s %8d bytes\n", m.Images[i].Target, len(image))
	}
	return nil
}

// lower declares an old version of PTX, and lets the assembler look for what is younger.
func lower(ptx []byte, ptxas string) ([]byte, error) {
	ptx, err := cubin.LowerISA(ptx)
	if err != nil || ptxas == "" {
		return ptx, err
	}
	cmd := exec.Command(ptxas, "-O0", "--gpu-name=sm_80", "--output-file="+os.DevNull, "-")
	cmd.Stdin = bytes.NewReader(bytes.TrimRight(ptx, "\x00"))
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s refuses the PTX: %w\n%.2000s", ptxas, err, said)
	}
	return ptx, nil
}
