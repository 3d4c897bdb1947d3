package driver

import "fmt"

// TargetPTX is the name of the virtual architecture that every device from compute capability 8.0 on can run, after its driver has compiled it.
const TargetPTX = "compute_80"

// Target is NVIDIA's name of the machine code of a compute capability. Devices of 9.0 get the instructions that exist only there.
func Target(major, minor int) string {
	if major == 9 && minor == 0 {
		return "sm_90a"
	}
	return fmt.Sprintf("sm_%d", 10*major+minor)
}
