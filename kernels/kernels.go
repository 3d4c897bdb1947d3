// Package kernels is the vocabulary of numerical operations that aural computes with. It computes nothing itself.
//
// An [Op] is a small comparable struct (LayerNorm{Eps}, Conv1D{Stride, …}, Attention{Heads, …}). It infers the shapes of its
// outputs and counts its work. A [Backend] compiles an op for given [Desc]s once into a [Kernel], a closure that then
// runs many times without allocating. Three back ends speak the vocabulary:
//
//	kernels/ref   plain loops over float32 or float64: the judge
//	kernels/cpu   blocked, vectorised, parallel
//	kernels/cuda  NVIDIA GPUs, found at run time
//
// There is no registry: each back end has one visible type switch over the op structs in its compile.go. What it cannot do it
// refuses with [ErrUnsupported] at compile time, before the first training step.
//
// # Conventions
//
// Sequences are channels-last, (B,T,C). Weights keep the layout that PyTorch checkpoints have: linear (Out,In),
// convolution (Out,In/Groups,K). Shapes in comments use B batch rows, T frames, C or D channels, H heads, N masked frames
// of the whole micro-batch, K distractors, G codebook groups, V entries per group.
//
// A padded list of N rows marks unused rows with index -1; ops that read such a list give zero rows and zero gradients
// there, and leave those rows out of every sum and mean.
//
// Every reduction has a fixed order that does not depend on the number of threads.
package kernels

import (
	"errors"
	"fmt"
)

// ErrUnsupported is wrapped by Backend.Compile when the back end has no kernel for the op with these types and shapes.
var ErrUnsupported = errors.New("not supported")

// Op is one operation of the vocabulary. Ops are comparable values without state.
type Op interface {
	// Name is the op's name as reports and error texts show it, for example "layer_norm".
	Name() string
	// Infer returns the descriptors of the outputs. An error names the op and the offending shapes.
	Infer(in []Desc) ([]Desc, error)
	// FLOPs counts floating point operations (a multiply-add is two) of a call with these descriptors.
	FLOPs(in, out []Desc) int64

	sealed() // the vocabulary is closed: back ends can enumerate it
}

// Bytes counts the bytes that a call must move at least: every input read once and every output written once.
func Bytes(in, out []Desc) int64 {
	var n int64
	for _, d := range in {
		n += int64(d.Bytes())
	}
	for _, d := range out {
		n += int64(d.Bytes())
	}
	return n
}

// Step identifies one run of a program. In-kernel noise (dropout, Gumbel) is drawn from the counter-based stream
// (Seed, Update, site of the op, element), never from a generator with state.
type Step struct {
	Seed   uint64
	Update uint64
	// Row is the number of batch rows of this update that earlier micro-batches held. Noise elements are counted from
	// there, so that micro-batches accumulated draw the same noise as one large batch.
	Row int
}

// Kernel is an op compiled for fixed descriptors.
type Kernel struct {
	// Variant names the implementation that was chosen, for reports and for tests that must know which code ran.
	Variant string
	// Scratch is the number of bytes of working memory that Run needs, in host memory aligned to Alignment. Its content need not be kept between calls.
	// (A device back end plans its own device scratch.)
	Scratch int
	// Run computes out from in. Outputs may hold anything before the call and are overwritten whole. Run does not
	// allocate and does not keep its arguments. Inputs and outputs do not overlap unless the op says they may.
	Run func(s *Step, in, out []Buffer, scratch []byte)
}

// Backend computes ops on one device.
type Backend interface {
	// Name identifies the back end and its variant, for example "cpu/avx512".
	Name() string
	// Compile chooses an implementation of op for these descriptors; it wraps ErrUnsupported when there is none.
	Compile(op Op, in, out []Desc) (Kernel, error)
	// Alloc returns zeroed memory that the back end's kernels can use. It stays valid until Free.
	Alloc(bytes int) (Memory, error)
	// Upload copies host bytes into a buffer, Download copies a buffer to the host. Both return when the data has arrived.
	Upload(dst Buffer, src []byte) error
	Download(dst []byte, src Buffer) error
	// Sync waits until all kernels started so far have finished, and returns their error if one failed.
	Sync() error
	// Close frees what the back end holds. Kernels and memory of a closed back end must not be used.
	Close() error
}

// Freezer is a Backend that computes faster with weights that never change again, as in inference. The weight of a [Linear] or [Conv1D], input 1, must not be written to
// after Freeze, and calls of that op with that buffer give the same results as before. Freeing its memory ends it.
type Freezer interface {
	Freeze(op Op, weight Buffer) error
}

// Clearer is what a device back end can besides: zero a buffer, in order with the kernels started before and after, without waiting.
type Clearer interface {
	Clear(dst Buffer) error
}

// Memory is a block of a back end's memory. Host back ends fill Host, device back ends Dev.
type Memory struct {
	Host []byte
	Dev  uintptr
	Size int
	Free func() error
}

// Slice returns a buffer of type d at byte offset off of the block.
func (m Memory) Slice(d Desc, off int) (Buffer, error) {
	if off < 0 || off%Alignment != 0 || off+d.Bytes() > m.Size {
		return Buffer{}, fmt.Errorf("kernels: buffer %v at offset %d does not fit or is misaligned in %d bytes", d, off, m.Size)
	}
	b := Buffer{Desc: d}
	if m.Host != nil {
		b.host = m.Host[off : off+d.Bytes() : off+d.Bytes()]
	} else {
		b.Dev = m.Dev + uintptr(off)
	}
	return b, nil
}
