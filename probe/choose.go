package probe

import (
	"fmt"
	"math"
	"slices"
)

// Grid is the weights of the L2 penalty that Choose tries.
func Grid() []float64 { return []float64{1, 1e-1, 1e-2, 1e-3, 1e-4} }

// Choose returns the weight of the grid with which a classifier of the vectors in train gives those in held the least mean loss. Fits go from the largest
// weight to the smallest, each from the optimum of the one before. Of equals the largest is taken.
func Choose(s *Set, train, held []int, grid []float64, m Minimiser) (float64, error) {
	if len(train) == 0 || len(held) == 0 || len(grid) == 0 {
		return 0, fmt.Errorf("probe: choosing among %d weights with %d vectors to train and %d to compare", len(grid), len(train), len(held))
	}
	part := s.Pick(train)
	if err := part.check(); err != nil {
		return 0, err
	}
	p := newProblem(part)
	theta := make([]float64, (s.Dim+1)*s.Classes)
	best, least := 0.0, math.Inf(1)
	for _, l2 := range slices.Backward(slices.Sorted(slices.Values(grid))) {
		model, err := p.fit(l2, m, theta)
		if err != nil {
			return 0, err
		}
		losses := make([]float64, len(held))
		Each(len(held), func(i int) {
			losses[i] = softmax(model.Logits(s.At(held[i])), s.Class[held[i]], 0)
		})
		loss := 0.0
		for _, v := range losses {
			loss += v
		}
		if loss < least {
			best, least = l2, loss
		}
	}
	if math.IsInf(least, 1) {
		return 0, fmt.Errorf("probe: no weight of the L2 penalty gives a finite loss")
	}
	return best, nil
}
