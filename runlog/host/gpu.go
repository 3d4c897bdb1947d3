package host

import (
	"fmt"

	"aural/nvml"
	"aural/runlog"
)

// accelerators are what NVML tells of the GPUs of the machine. Without NVML there are none.
type accelerators struct {
	status  func(nvml.Device) (nvml.Status, error)
	devices []nvml.Device
}

// findAccelerators asks once: GPUs are not added while a program runs.
func findAccelerators() accelerators {
	lib, err := nvml.Open()
	if err != nil {
		return accelerators{}
	}
	devices, err := lib.Devices()
	if err != nil {
		return accelerators{}
	}
	return accelerators{lib.Status, devices}
}

// appendTo appends gpu/utilization/N (a share), memory_used and memory_total (bytes), power (watts) and temperature (degrees Celsius), as far as they are known.
func (a accelerators) appendTo(list []runlog.Value) []runlog.Value {
	for _, d := range a.devices {
		s, _ := a.status(d) // what could not be measured is negative
		for _, v := range []runlog.Value{
			{Name: "utilization", Value: s.Utilization}, {Name: "memory_used", Value: float64(s.MemoryUsed)},
			{Name: "memory_total", Value: float64(s.MemoryTotal)}, {Name: "power", Value: s.Watts}, {Name: "temperature", Value: s.Celsius},
		} {
			if v.Value >= 0 {
				list = append(list, runlog.Value{Name: fmt.Sprintf("gpu/%s/%d", v.Name, d.Index), Value: v.Value})
			}
		}
	}
	return list
}
