package kernels

// Waveform turns 16-bit samples into numbers, row by row: y = (x - zero)·scale + bias before the row's length, and 0 from there on. The product is rounded before the
// sum, so that results have the bits of package datasets. In: x int16 (B,S), affine (B,3) = {zero, scale, bias} with a whole number as zero, lengths int32 (B). Out: y
// (B,S,1) of affine's type. It has no gradient: samples are data.
type Waveform struct{}

func (Waveform) Name() string { return "waveform" }
func (Waveform) sealed()      {}

func (o Waveform) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) || !c.rank(0, 2) {
		return c.done()
	}
	b, s := in[0].Shape[0], in[0].Shape[1]
	c.dtype(0, Int16)
	t := c.float(1)
	c.shape(1, b, 3)
	c.dtype(2, Int32)
	c.shape(2, b)
	return c.done(Of(t, b, s, 1))
}

func (Waveform) FLOPs(in, out []Desc) int64 { return 3 * int64(out[0].Size()) }
