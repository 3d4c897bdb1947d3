package cpu

// packer holds the fast paths that copy a full panel of a matrix to its packed form dst[k*r+i], i < r. The plain loops of packPanel
// do what these do not.
type packer struct {
	// transpose serves rows that are contiguous along k: element (i,k) is src[i*stride+k]. It packs as many steps as it can and returns
	// how many.
	transpose func(dst, src []float32, stride, kc int) int
	// copy serves rows that are contiguous along i: element (i,k) is src[k*stride+i].
	copy func(dst, src []float32, stride, kc int)
	// copyPart is copy for the last panel, of a width that may be smaller and with only some rows there.
	copyPart func(dst []float32, width int, src []float32, rows, stride, kc int)
}

// packPanels packs n rows in panels of r, where element (i,k) is src[i*is+k*ks]. The last panel is filled up with zeros.
func (w *worker) packPanels(dst []float32, r int, fast packer, src []float32, n, kc, is, ks int) {
	half := 0
	if w.v.gemm.half != nil && r == w.v.gemm.nr {
		half = r / 2
	}
	i := 0
	if is == 1 && fast.copy != nil {
		i = packByRows(dst, r, fast, src, n/r, kc, ks)
	}
	for ; i < n; i += r {
		panel, rows, width := dst[i*kc:][:r*kc], min(r, n-i), r
		if rows <= half {
			width = half
		}
		from := src[i*is:]
		switch {
		case rows == width && width == r && ks == 1 && fast.transpose != nil:
			done := fast.transpose(panel, from, is, kc)
			if done < kc {
				packPanel(panel[done*r:], r, from[done:], rows, kc-done, is, ks)
			}
		case is == 1 && fast.copyPart != nil:
			fast.copyPart(panel[:width*kc], width, from, rows, ks, kc)
		default:
			packPanel(panel[:width*kc], width, from, rows, kc, is, ks)
		}
	}
}

// stepsAtOnce is how many rows packByRows goes through at once: so many runs of addresses processors follow.
const stepsAtOnce = 16

// packByRows packs full panels of a matrix that is contiguous along i, some steps of all panels at a time, and returns how many values i. Memory is
// read in long runs, which processors fetch ahead.
func packByRows(dst []float32, r int, fast packer, src []float32, panels, kc, ks int) int {
	for k := 0; k < kc; k += stepsAtOnce {
		steps := min(stepsAtOnce, kc-k)
		for p := range panels {
			fast.copy(dst[p*r*kc+k*r:], src[k*ks+p*r:], ks, steps)
		}
	}
	return panels * r
}

// packPanel packs one panel of width r, of which rows are there and the others become zero.
func packPanel(dst []float32, r int, src []float32, rows, kc, is, ks int) {
	if rows < r {
		clear(dst) // what is computed from it is thrown away, but leftovers may be subnormal, and those are slow
	}
	if is == 1 {
		for k := range kc {
			copy(dst[k*r:][:rows], src[k*ks:][:rows])
		}
		return
	}
	for i := range rows {
		from := src[i*is:]
		for k := range kc {
			dst[k*r+i] = from[k*ks]
		}
	}
}
