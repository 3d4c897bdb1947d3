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
	want := []runlog.Value{{Name: "gpu/utilization/0", Value: 0.5}, {Name: "gpu/memory_used/0", Value: 10}, {Name: "gpu/memory_total/0", Value: 20},
		{Name: "gpu/power/0", Value: 300}, {Name: "gpu/temperature/0", Value: 70}, {Name: "gpu/utilization/2", Value: 0}}
	if got := a.appendTo(nil); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := (accelerators{}).appendTo(nil); got != nil {
		t.Errorf("without GPUs: %v", got)
	}
}
