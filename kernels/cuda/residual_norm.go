package cuda

import (
	"fmt"
	"slices"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type residualNormArgs struct {
	X                        [4]driver.Ptr
	Gamma, Beta, Sum, Y, Act driver.Ptr
	Mean, Rstd               driver.Ptr
	Noise                    noise
	Rows, Row                int64
	Width, Terms, Drop       int32
	Eps                      float32
}

type residualNormGradArgs struct {
	Dy                         [4]driver.Ptr
	X, Z, Gamma, Mean, Rstd    driver.Ptr
	More                       [4]driver.Ptr
	Total, Dx, Sum, Dropped    driver.Ptr
	Parts                      driver.Ptr
	Noise                      noise
	Rows, Row                  int64
	Width, Chunk, Terms, Mores int32
}

// maxTerms is how many tensors src/residual_norm.cu adds.
const maxTerms = 4

// residualWidth is the number in the name of the kernel for rows of a width: the most that it can hold; 0 where there is none.
func residualWidth(width int) int {
	for _, most := range []int{128, 512, 768, 1024} {
		if width%4 == 0 && width <= most {
			return most
		}
	}
	return 0
}

// rowElements is the number of elements of a batch row, for dropout.
func rowElements(d kernels.Desc) int { return d.Size() / max(1, d.Shape[0]) }

// normGELU is the chain layer_norm, gelu.
func (b *Backend) normGELU(c *chain) *plan {
	d := c.Links[0].In[0]
	a := &residualNormArgs{Rows: int64(d.Rows()), Width: int32(d.Last()), Drop: -1, Terms: 1, Eps: float32(c.Links[0].Op.(kernels.LayerNorm).Eps)}
	x, gamma, beta := c.in(0, 0), c.in(0, 1), c.in(0, 2)
	y, mean, rstd, act := c.out(0, 0), c.out(0, 1), c.out(0, 2), c.out(1, 0)
	p := b.plan("norm_gelu")
	grid, block := eachWarp(int(a.Rows))
	add(p, stored(fmt.Sprintf("residual_norm_%d", residualWidth(d.Last())), d), grid, block, 0, a, func(c *call) {
		a.X[0], a.Gamma, a.Beta, a.Y, a.Mean, a.Rstd, a.Act = x(c), gamma(c), beta(c), y(c), mean(c), rstd(c), act(c)
	})
	return p
}

// residualNorm is the chain (dropout,) add_n, layer_norm.
func (b *Backend) residualNorm(c *chain) *plan {
	add2, norm := len(c.Links)-2, len(c.Links)-1
	d := c.Links[norm].In[0]
	a := &residualNormArgs{
		Rows: int64(d.Rows()), Row: int64(rowElements(d)), Width: int32(d.Last()), Drop: -1, Terms: int32(len(c.Links[add2].In)),
		Eps: float32(c.Links[norm].Op.(kernels.LayerNorm).Eps),
	}
	var terms [maxTerms]place
	for i := range c.Links[add2].In {
		if add2 == 1 && c.reads(add2, i, 0, 0) {
			a.Drop, terms[i] = int32(i), c.in(0, 0)
			o := c.Links[0].Op.(kernels.Dropout)
			a.Noise, _ = dropout(o.P, o.Site)
		} else {
			terms[i] = c.in(add2, i)
		}
	}
	gamma, beta := c.in(norm, 1), c.in(norm, 2)
	sum, y, mean, rstd := c.out(add2, 0), c.out(norm, 0), c.out(norm, 1), c.out(norm, 2)
	p := b.plan("residual_norm")
	grid, block := eachWarp(int(a.Rows))
	add(p, stored(fmt.Sprintf("residual_norm_%d", residualWidth(d.Last())), d), grid, block, 0, a, func(c *call) {
		for i, x := range terms[:a.Terms] {
			a.X[i] = x(c)
		}
		a.Gamma, a.Beta, a.Sum, a.Y, a.Mean, a.Rstd = gamma(c), beta(c), sum(c), y(c), mean(c), rstd(c)
		if a.Drop >= 0 {
			a.Noise.at(c)
		}
	})
	return p
}

// residualNormGrad is the chain (add_n or gelu_grad,) layer_norm_grad (, add_n) (, dropout).
func (b *Backend) residualNormGrad(c *chain) *plan {
	norm := slices.IndexFunc(c.Links, func(l kernels.Link) bool { return l.Op == kernels.LayerNormGrad{} })
	d := c.Links[norm].In[1]
	rows, width := d.Rows(), d.Last()
	chunk := normGradChunk(rows)
	chunks := ceilDiv(rows, chunk)
	a := &residualNormGradArgs{Rows: int64(rows), Row: int64(rowElements(d)), Width: int32(width), Chunk: int32(chunk), Terms: 1}
	p := b.plan("residual_norm_grad")
	parts := p.floats(chunks * 2 * width)
	terms, more := [maxTerms]place{input(c.Links[norm].From[0])}, [maxTerms]place{}
	z, total, sum, dropped := none, none, none, none
	if norm == 1 {
		total = c.out(0, 0)
		if _, gelu := c.Links[0].Op.(kernels.GELUGrad); gelu {
			terms[0], z = c.in(0, 0), c.in(0, 1)
		} else {
			a.Terms = int32(len(c.Links[0].In))
			for i := range c.Links[0].In {
				terms[i] = c.in(0, i)
			}
		}
	}
	for i := norm + 1; i < len(c.Links); i++ {
		switch o := c.Links[i].Op.(type) {
		case kernels.AddN:
			sum = c.out(i, 0)
			for j := range c.Links[i].In {
				if !c.reads(i, j, norm, 0) {
					more[a.Mores] = c.in(i, j)
					a.Mores++
				}
			}
		case kernels.Dropout:
			dropped = c.out(i, 0)
			a.Noise, _ = dropout(o.P, o.Site)
		}
	}
	x, gamma, mean, rstd, dx := c.in(norm, 1), c.in(norm, 2), c.in(norm, 3), c.in(norm, 4), c.out(norm, 0)
	dgamma, dbeta := c.out(norm, 1), c.out(norm, 2)
	grid, block := blocks(chunks, threads)
	add(p, stored(fmt.Sprintf("residual_norm_grad_%d", residualWidth(width)), d), grid, block, 8*width, a, func(c *call) {
		for i, t := range terms[:a.Terms] {
			a.Dy[i] = t(c)
		}
		for i, t := range more[:a.Mores] {
			a.More[i] = t(c)
		}
		a.X, a.Z, a.Gamma, a.Mean, a.Rstd = x(c), z(c), gamma(c), mean(c), rstd(c)
		a.Total, a.Dx, a.Sum, a.Dropped, a.Parts = total(c), dx(c), sum(c), dropped(c), parts.at(c)
		if a.Dropped != 0 {
			a.Noise.at(c)
		}
	})
	p.addChunks(parts, chunks, 2, width, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{dgamma(c), dbeta(c)} })
	return p
}
