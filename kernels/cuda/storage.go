package cuda

import "aural/kernels"

// stored is the name of a kernel for tensors stored as d is: src/storage.cuh.
func stored(kernel string, d kernels.Desc) string {
	if d.DType == kernels.BFloat16 {
		return kernel + "_b16"
	}
	return kernel
}
