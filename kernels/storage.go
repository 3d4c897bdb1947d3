package kernels

import (
	"fmt"
	"slices"
)

// Storage says which tensors of a call may be BFloat16 instead of Float32: In[i] and Out[o] are 0 for a tensor that may not, or the number of a group. The
// tensors of a group are all BFloat16 or all Float32. The zero value allows none.
//
// A call with BFloat16 tensors computes what the same call computes in float32 on their values, and rounds to nearest, ties to even, where it stores.
type Storage struct{ In, Out []int }

// Narrower is a [Backend] that computes with activations in BFloat16. Op.Infer knows nothing of it: graphs are Float32, and who plans a graph for such a back end
// chooses what is stored how and passes those descriptors to Compile.
type Narrower interface {
	// Narrow says how the tensors of a call with these Float32 descriptors may be stored. Compile accepts all that it allows.
	Narrow(op Op, in, out []Desc) Storage
}

// Activations is the storage of an op whose activations, and gradients of activations, may be BFloat16. Weights and their gradients, statistics,
// losses and indices are never. Ops that are computed once for a batch, not for each frame, and those around losses have none.
func Activations(op Op) Storage {
	switch op.(type) {
	case Linear, Conv1D: // x, w, b → y: products may read one type and write another
		return Storage{[]int{1, 0, 0}, []int{2}}
	case LinearGradInput, Conv1DGradInput: // dy, w → dx
		return Storage{[]int{1, 0}, []int{2}}
	case LinearGradWeight, Conv1DGradWeight: // dy, x → dw, db
		return Storage{[]int{1, 2}, []int{0, 0}}
	case LayerNorm, GroupNorm: // x, gamma, beta → y, mean, rstd
		return Storage{[]int{1, 0, 0}, []int{1, 0, 0}}
	case LayerNormGrad, GroupNormGrad: // dy, x, gamma, mean, rstd → dx, dgamma, dbeta
		return Storage{[]int{1, 1, 0, 0, 0}, []int{1, 0, 0}}
	case Attention: // q, k, v, lengths → y, lse
		return Storage{[]int{1, 1, 1, 0}, []int{1, 0}}
	case AttentionGrad: // dy, q, k, v, y, lse, lengths → dq, dk, dv
		return Storage{[]int{1, 1, 1, 1, 1, 0, 0}, []int{1, 1, 1}}
	case GELU, Dropout, Scale:
		return Storage{[]int{1}, []int{1}}
	case GELUGrad:
		return Storage{[]int{1, 1}, []int{1}}
	case ScaleBy, MaskChannels, MaskPadding, GatherRows, ScatterRows: // x and a scalar, a mask, lengths or a list → y
		return Storage{[]int{1, 0}, []int{1}}
	case AddN: // all have the type of the first
		return Storage{[]int{1}, []int{1}}
	case MeanSquare: // x → mean
		return Storage{[]int{1}, []int{0}}
	case MeanSquareGrad: // dmean, x → dx
		return Storage{[]int{0, 1}, []int{1}}
	case MaskFrames: // x, mask, emb → y
		return Storage{[]int{1, 0, 0}, []int{1}}
	case MaskFramesGrad: // dy, mask → dx, demb
		return Storage{[]int{1, 0}, []int{1, 0}}
	case Select: // cond, a, b → y
		return Storage{[]int{0, 1, 1}, []int{1}}
	case SelectGrad: // cond, dy → da, db
		return Storage{[]int{0, 1}, []int{1, 1}}
	}
	return Storage{}
}

// Group is the group of input i, or of output -1-i. Inputs beyond the list are like the last.
func (s Storage) Group(i int) int {
	list := s.In
	if i < 0 {
		list, i = s.Out, -1-i
	}
	if len(list) == 0 {
		return 0
	}
	return list[min(i, len(list)-1)]
}

// Widen gives the descriptors of a call as if all were stored in Float32, which is what [Op.Infer] takes and gives. It is an error when one is BFloat16 that s does
// not allow, or when the types of a group differ. A Storage that allows nothing leaves descriptors as they are.
func (s Storage) Widen(op Op, in, out []Desc) (wideIn, wideOut []Desc, err error) {
	if len(s.In) == 0 {
		return in, out, nil
	}
	types := map[int]DType{}
	widen := func(list []Desc, number func(i int) int) []Desc {
		list = slices.Clone(list)
		for i, d := range list {
			group := s.Group(number(i))
			if was, some := types[group]; group != 0 && some && was != d.DType {
				err = fmt.Errorf("kernels: %s%v gives %v: %v and %v, which must be stored alike", op.Name(), in, out, was, d.DType)
			}
			types[group] = d.DType
			if d.DType != BFloat16 {
				continue
			}
			if group == 0 {
				err = fmt.Errorf("kernels: %s%v gives %v: %v cannot be stored in bfloat16", op.Name(), in, out, d)
			}
			list[i].DType = Float32
		}
		return list
	}
	wideIn = widen(in, func(i int) int { return i })
	wideOut = widen(out, func(o int) int { return -1 - o })
	return wideIn, wideOut, err
}
