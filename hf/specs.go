package hf

import (
	"slices"
	"strings"

	"aural/encoder"
	"aural/kernels"
	"aural/nn"
	"aural/train"
)

// Specs lists the tensors, with canonical names and shapes, of an encoder with some heads: in the order in which the network declares them, then
// head after head. The mask vector is among them when [Config.MaskVector] says so. c must be valid.
func Specs(c Config, heads ...Head) []train.Spec {
	e := c.Encoder()
	field, err := receptiveField(c)
	if err != nil {
		panic(err) // not valid
	}
	n := nn.New(kernels.Float32, false)
	_, x := encoder.Project(n, e, encoder.Features(n, e, n.Input("wave", kernels.Float32, 1, field, 1)))
	if c.MaskVector() {
		x = encoder.Mask(n, x, n.Input("mask", kernels.Uint8, 1, 1))
	}
	encoder.Context(n, e, x, nil)
	if n.Err() != nil {
		panic(n.Err())
	}
	specs := n.Specs()
	for _, h := range heads {
		specs = append(specs, headSpecs(c, h)...)
	}
	return specs
}

// headSpecs lists the tensors of a head alone.
func headSpecs(c Config, h Head) []train.Spec {
	linear := func(name string, out, in int) []train.Spec {
		return []train.Spec{{Name: name + ".weight", Shape: []int{out, in}}, {Name: name + ".bias", Shape: []int{out}}}
	}
	codes := c.CodebookGroups * c.CodebookEntries
	switch h {
	case Pretraining:
		return slices.Concat(
			[]train.Spec{{Name: "quantizer.codevectors", Shape: []int{1, codes, c.CodevectorDim / c.CodebookGroups}}},
			linear("quantizer.weight_proj", codes, c.ConvDim[len(c.ConvDim)-1]),
			linear("project_hid", c.ProjectDim, c.HiddenSize), linear("project_q", c.ProjectDim, c.CodevectorDim))
	case CTC:
		return linear("lm_head", c.VocabSize, c.HiddenSize)
	}
	return nil
}

// isHead says whether a canonical name belongs to a head and not to the encoder.
func isHead(name string) bool { return headOf(name) != NoHead }

// headOf is the head to which a canonical name belongs.
func headOf(name string) Head {
	for _, start := range []string{"quantizer.", "project_hid.", "project_q."} {
		if strings.HasPrefix(name, start) {
			return Pretraining
		}
	}
	if strings.HasPrefix(name, "lm_head.") {
		return CTC
	}
	return NoHead
}
