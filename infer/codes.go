package infer

import (
	"context"
	"fmt"
)

// Codes are the entries of the codebooks that the quantizer of pretraining chooses.
type Codes struct {
	Rows, Groups int
	Data         []int32 // (Rows,Groups)
}

// Quantizer is the number of codebooks and of entries of each; 0 and 0 for a model without a quantizer.
func (m *Model) Quantizer() (groups, entries int) { return m.groups, m.entries }

// CodesBatch gives for every frame of some utterances the most probable entry of each codebook, the first of equals, without noise: the targets that pretraining has
// in validation. Models without the head of pretraining have none.
func (m *Model) CodesBatch(ctx context.Context, audio [][]float32) ([]Codes, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.groups == 0 {
		return nil, fmt.Errorf("infer: %s has no quantizer: take a checkpoint of pretraining", m.dir)
	}
	out, list := matrices(len(audio), 1), []int{quantizer}
	if err := m.run(ctx, audio, list, outputs(list), out); err != nil {
		return nil, err
	}
	codes := make([]Codes, len(audio))
	for i := range codes {
		x := out[i][0]
		c := &codes[i]
		c.Rows, c.Groups = x.Rows, m.groups
		for at := 0; at < len(x.Data); at += m.entries {
			best := 0
			for k, v := range x.Data[at:][:m.entries] {
				if v > x.Data[at+best] {
					best = k
				}
			}
			c.Data = append(c.Data, int32(best))
		}
	}
	return codes, nil
}
