package host

import (
	"errors"
	"slices"
	"testing"

	"aural/nvml"
	"aural/runlog"
)

// What a GPU does not tell has no value.
func TestAccelerators(t *testing.T) {
	a := accelerators{devices: []nvml.Device{{Index: 0}, {Index: 2}}, status: func(d nvml.Device) (nvml.Status, error) {
		if d.Index == 0 {
			return nvml.Status{Utilization: 0.5, MemoryUsed: 10, MemoryTotal: 20, Watts: 300, Celsius: 70}, nil
		}
		return nvml.Status{Utilization: 0, MemoryUsed: -1, MemoryTotal: -1, Watts: -1, Celsius: -1}, errors.New("lost")
	}}
	want := []runlog.Value{{Name: "gpu/0/utilization", Value: 0.5}, {Name: "gpu/0/memory_used", Value: 10}, {Name: "gpu/0/memory_total", Value: 20},
		{Name: "gpu/0/power", Value: 300}, {Name: "gpu/0/temperature", Value: 70}, {Name: "gpu/2/utilization", Value: 0}}
	if got := a.appendTo(nil); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := (accelerators{}).appendTo(nil); got != nil {
		t.Errorf("without GPUs: %v", got)
	}
}
