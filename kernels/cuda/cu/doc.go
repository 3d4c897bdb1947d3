// Package cu is the CUDA driver through gorgonia's binding, gorgonia.org/cu, for those who build with cgo against a CUDA 12 toolkit: go build -tags cu. Without
// the tag the package is empty, and the driver is that of package libcuda, which needs neither.
//
// What the binding lacks (page-locked memory, attributes of functions, capture of streams) is called here through cgo. Its Launch copies 8 bytes of each
// parameter; see [context.Launch] for how a struct goes through that.
package cu
