package flac

import "fmt"

// subframe is the channel of a frame that is being decoded.
type subframe struct {
	predictor
	width  int     // bits of a stored sample
	wasted uint    // zero bits below each, not stored
	out    []int32 // pad samples and the channel's; its residuals where wide is used
	wide   []int64 // the same for samples of 33 bits, otherwise nil
}

// read reads one channel of a frame (section 9.2): samples of depth bits, into s.out[pad:] or s.wide[pad:].
func (s *subframe) read(r *bitReader, depth int) error {
	kind, err := s.readHeader(r, depth)
	if err != nil {
		return err
	}
	n := len(s.out) - pad
	switch {
	case kind == 0: // constant
		v := r.readSigned(s.width)
		for i := range n {
			s.store(i, v)
		}
	case kind == 1: // verbatim
		s.readSamples(r, n)
	case kind>>3 == 1 && kind&7 <= 4:
		s.predictor = predictor{order: int(kind & 7)}
		err = s.readPredicted(r, n)
	case kind>>5 == 1:
		s.predictor = predictor{order: int(kind&31) + 1, lpc: true}
		err = s.readPredicted(r, n)
	default:
		err = fmt.Errorf("reserved subframe type %d: %w", kind, ErrCorrupt)
	}
	switch {
	case r.over():
		return ErrTruncated
	case err != nil:
		return err
	case s.wasted == 0:
	case s.wide != nil:
		for i := range n {
			s.wide[pad+i] <<= s.wasted
		}
	default:
		for i := range n {
			s.out[pad+i] <<= s.wasted
		}
	}
	return nil
}

// readHeader returns the six bits of the subframe's type, and sets width and wasted.
func (s *subframe) readHeader(r *bitReader, depth int) (uint, error) {
	zero, kind := r.read(1), uint(r.read(6))
	s.wasted = 0
	if r.read(1) == 1 {
		s.wasted = r.unary() + 1
	}
	switch {
	case r.over():
		return 0, ErrTruncated
	case zero != 0:
		return 0, fmt.Errorf("subframe does not begin with a zero bit: %w", ErrCorrupt)
	case s.wasted >= uint(depth):
		return 0, fmt.Errorf("%d wasted bits of %d: %w", s.wasted, depth, ErrCorrupt)
	}
	s.width = depth - int(s.wasted)
	return kind, nil
}

func (s *subframe) store(i int, v int64) {
	if s.wide != nil {
		s.wide[pad+i] = v
	} else {
		s.out[pad+i] = int32(v)
	}
}

// readSamples reads the first n samples as they are.
func (s *subframe) readSamples(r *bitReader, n int) {
	for i := range n {
		s.store(i, r.readSigned(s.width))
	}
}

// readPredicted reads the first samples, the predictor and the residuals, and computes the rest of the n samples.
func (s *subframe) readPredicted(r *bitReader, n int) error {
	if s.order > n {
		return fmt.Errorf("predictor of order %d for %d samples: %w", s.order, n, ErrCorrupt)
	}
	s.readSamples(r, s.order)
	if s.lpc {
		if err := s.readCoefficients(r); err != nil {
			return err
		}
	}
	if err := s.readResidual(r, n); err != nil {
		return err
	}
	if s.wide != nil {
		s.restoreWide(s.wide, s.out)
	} else {
		s.restore(s.out)
	}
	return nil
}

// readCoefficients reads precision, shift and coefficients of a linear predictor (section 9.2.6).
func (s *subframe) readCoefficients(r *bitReader) error {
	precision, shift := int(r.read(4))+1, r.readSigned(5)
	switch {
	case precision == 16:
		return fmt.Errorf("reserved precision of predictor coefficients: %w", ErrCorrupt)
	case shift < 0:
		return fmt.Errorf("predictor shift of %d bits: %w", shift, ErrCorrupt)
	}
	s.shift = uint(shift)
	sum := int64(0)
	for j := range s.order {
		c := r.readSigned(precision)
		s.coef[j] = c
		sum += max(c, -c)
	}
	s.long = sum<<(s.width-1) > 1<<31-1
	return nil
}

// readResidual reads the partitions of section 9.2.7 into s.out.
func (s *subframe) readResidual(r *bitReader, n int) error {
	method, order := r.read(2), r.read(4)
	size := n >> order
	switch {
	case method > 1:
		return fmt.Errorf("reserved residual coding %d: %w", method, ErrCorrupt)
	case size<<order != n, size < s.order:
		return fmt.Errorf("2^%d partitions in %d samples with a predictor of order %d: %w", order, n, s.order, ErrCorrupt)
	}
	paramBits := 4 + int(method)
	escape := uint(1)<<paramBits - 1
	lo := pad + s.order
	for hi := pad + size; hi <= pad+n; hi += size {
		k := uint(r.read(paramBits))
		if k == escape {
			r.raw(s.out[lo:hi], int(r.read(5)))
		} else if !r.rice(s.out[lo:hi], k) {
			return fmt.Errorf("residual of more than 32 bits: %w", ErrCorrupt)
		}
		if r.over() {
			return ErrTruncated
		}
		lo = hi
	}
	return nil
}
