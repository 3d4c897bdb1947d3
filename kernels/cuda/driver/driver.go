// Package driver is the part of the CUDA driver API that aural uses, as interfaces, so that one back end runs on several things: a driver that was found at run
// time, and stand-ins for machines without one.
//
// All methods of a [Context] and of what comes from it are called by the one thread that opened it. Errors name the call and CUDA's name for what went wrong.
package driver

// SyncVariable is the environment variable that makes every launch wait for its end when it is 1, so that an error names the kernel that failed. It is slow.
const SyncVariable = "AURAL_CUDA_SYNC"

// Ptr is an address in device memory; 0 is none.
type Ptr uintptr

// Handles of the driver. The zero [Stream] is no stream: everything is queued in one that NewStream gave.
type (
	Stream   uintptr
	Event    uintptr
	Module   uintptr
	Function uintptr
	Graph    uintptr
)

// Dim is a number of blocks in a grid, or of threads in a block.
type Dim struct{ X, Y, Z uint32 }

// Info describes a device.
type Info struct {
	Ordinal       int
	Name          string
	UUID          string // GPU-xxxxxxxx-...
	Major, Minor  int    // compute capability
	SMs           int    // streaming multiprocessors
	SharedBytes   int    // most shared memory a block can have when it asks for it
	L2Bytes       int
	TotalBytes    int64
	DriverVersion int // 12040 is CUDA 12.4
}

// API is a driver.
type API interface {
	// Name says which one, for reports: "libcuda", "cu", "fake", "emulated".
	Name() string
	// Devices lists what there is. An error says what is missing and what brings it.
	Devices() ([]Info, error)
	// Open makes the primary context of a device current on the calling thread, which must be locked to its goroutine.
	Open(ordinal int) (Context, error)
}

// Context is a device in use.
type Context interface {
	Info() Info
	// Memory is what is free and what there is, in bytes.
	Memory() (free, total int64, err error)

	Alloc(bytes int) (Ptr, error)
	Free(Ptr) error
	// HostAlloc gives page-locked host memory that copies run from without a stop.
	HostAlloc(bytes int) ([]byte, error)
	HostFree([]byte) error

	NewStream() (Stream, error)
	FreeStream(Stream) error
	NewEvent() (Event, error)
	FreeEvent(Event) error
	Record(Event, Stream) error
	// Wait makes what is queued in the stream from now on wait for the event.
	Wait(Stream, Event) error
	// Elapsed is the time between two recorded events that have happened, in milliseconds.
	Elapsed(from, to Event) (float32, error)
	// Sync blocks until everything in the stream is done, and returns its error.
	Sync(Stream) error

	// The copies and Fill are queued in the stream; host memory must stay until they are done. From memory of HostAlloc they do not block.
	CopyToDevice(s Stream, to Ptr, from []byte) error
	CopyToHost(s Stream, to []byte, from Ptr) error
	CopyDevice(s Stream, to, from Ptr, bytes int) error
	Fill(s Stream, to Ptr, bytes int, value byte) error

	// Load takes what the compiler that belongs to the driver made.
	Load(image []byte) (Module, error)
	Unload(Module) error
	Function(m Module, name string) (Function, error)
	// AllowShared lets launches of a function ask for so much dynamic shared memory.
	AllowShared(f Function, bytes int) error
	Launch(s Stream, f Function, l *Launch) error

	// BeginCapture records what is queued in the stream from now on, instead of running it, until EndCapture.
	BeginCapture(Stream) error
	EndCapture(Stream) (Graph, error)
	LaunchGraph(Stream, Graph) error
	FreeGraph(Graph) error

	Close() error
}

// Launch is one launch of a kernel. Every kernel has one parameter, a struct; Args is its bytes, laid out as C does. They are copied during the call.
type Launch struct {
	Grid, Block Dim
	Shared      int // bytes of dynamic shared memory
	Args        []byte
}

// Compiler makes images of kernel text.
type Compiler interface {
	// Name and version, for reports and for the key of caches.
	Name() string
	// Compile makes an image for a device. The log holds what the compiler had to say, registers and spills of each kernel among it, also when it failed.
	Compile(text string, options []string, device Info) (image []byte, log string, err error)
}
