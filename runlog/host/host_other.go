//go:build !linux

package host

// system: the standard library does not tell.
func (c *counters) system() {}

func (s *Sampler) system() {}

// MachineMemory: the standard library does not tell.
func MachineMemory() (m Memory, ok bool) { return m, false }
