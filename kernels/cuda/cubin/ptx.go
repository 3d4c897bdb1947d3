package cubin

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// OldestDriver is the oldest version of CUDA whose driver loads what a compiler of CUDA 12 makes: 12.0.
const OldestDriver = 12000

// oldestISA is the version of PTX that came with it. A compiler declares its own, newest version, which older drivers refuse, although kernels for compute
// capability 8.0 have nothing younger than PTX 7.0. The assembler holds instructions against the declared version, so make lets it read the result.
const oldestISA = "8.0"

var (
	isaLine = regexp.MustCompile(`(?m)^\.version (\d+)\.(\d+)$`)
	// usedBytes says which bytes of the load behind it are used. It is a hint of PTX 8.3.
	usedBytes = regexp.MustCompile(`(?m)^\s*\.pragma "used_bytes_mask \d+";\n`)
)

// LowerISA declares the oldest version of PTX that a driver of CUDA 12 knows, and takes out hints that came later.
func LowerISA(ptx []byte) ([]byte, error) {
	at := isaLine.FindSubmatchIndex(ptx)
	if at == nil || len(isaLine.FindAllIndex(ptx, 2)) != 1 {
		return nil, errors.New("cubin: the PTX does not have one line .version")
	}
	version := ptx[at[2]:at[5]]
	if major, err := strconv.Atoi(string(ptx[at[2]:at[3]])); err != nil || major < 8 {
		return nil, fmt.Errorf("cubin: PTX of version %s, want 8.0 or later", version)
	}
	lowered := bytes.Join([][]byte{ptx[:at[2]], ptx[at[5]:]}, []byte(oldestISA))
	return usedBytes.ReplaceAll(lowered, nil), nil
}
