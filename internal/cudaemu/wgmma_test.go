package cudaemu

import (
	"math"
	"strings"
	"testing"
)

// warpgroupShared is room for two operands of 8 KiB from a multiple of 1024 on, whatever the start, and for what a wrong descriptor reads.
const warpgroupShared = 18 << 10

// operands of a warpgroup's product: small integers, exact in bfloat16.
func operands() []float32 {
	x := make([]float32, 2048)
	for i := range x {
		x[i] = float32(i*i%23 - 11)
	}
	return x
}

func TestWarpgroupProduct(t *testing.T) {
	x := operands()
	for _, reverse := range []bool{false, true} {
		d := open(t, Options{Reverse: reverse})
		for _, name := range []string{"rows_128", "rows_64", "rows_32", "rows_0", "columns_128", "columns_64", "columns_32", "columns_0"} {
			y, err := d.run("warpgroup_"+name, 1, 128, warpgroupShared, 0, x, 64*64)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for i, got := range y {
				want := float32(0)
				for k := range 16 {
					want += x[i/64*16+k] * x[1024+k*64+i%64]
				}
				if got != want {
					t.Fatalf("%s: [%d,%d] is %v, want %v", name, i/64, i%64, got, want)
				}
			}
		}
		if y, err := d.run("warpgroup_too_early", 1, 128, warpgroupShared, 0, x, 64*64); err != nil || !math.IsNaN(float64(y[77])) {
			t.Errorf("the sums of a product under way are %v, %v", y[77], err)
		}
	}
}

func TestWarpgroupMistakes(t *testing.T) {
	for kernel, want := range map[string]string{
		"without_fence":    "without a fence",
		"overwritten":      "was written before it was done",
		"touched":          "sums of a wgmma were written",
		"unpublished":      "has not published",
		"without_wait":     "no wgmma_wait",
		"between_patterns": "between its patterns",
		"of_two_minds":     "other descriptors than lane 0",
	} {
		d := open(t, Options{Workers: 1})
		if _, err := d.run("warpgroup_"+kernel, 1, 128, warpgroupShared, 0, operands(), 64*64); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kernel, err, want)
		}
	}
}
