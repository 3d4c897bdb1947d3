package ref

import (
	"math"

	"aural/kernels"
)

// attentionShape names the sizes of an attention over q, k, v (B,T,D) with H heads of width W = D/H.
type attentionShape struct {
	kernels.Attention
	batch, frames, channels, width int
	scale                          float64 // 1/√W
}

func newAttentionShape(op kernels.Attention, q []int) attentionShape {
	width := q[2] / op.Heads
	return attentionShape{Attention: op, batch: q[0], frames: q[1], channels: q[2], width: width, scale: 1 / math.Sqrt(float64(width))}
}

// at is the place of the first channel of head h in frame t of batch row b.
func (a attentionShape) at(b, t, h int) int { return (b*a.frames+t)*a.channels + h*a.width }

// keys is the number of keys that queries of batch row b may see.
func (a attentionShape) keys(b int, lengths []int32) int {
	if lengths == nil {
		return a.frames
	}
	return min(int(lengths[b]), a.frames)
}

// drop is the factor of dropout on the probability of query i and key j: 0, or 1/(1-p).
func (a attentionShape) drop(s *kernels.Step, b, h, i, j int) float64 {
	element := (((s.Row+b)*a.Heads+h)*a.frames+i)*a.frames + j
	if !kept(s, a.Site, element, a.DropP) {
		return 0
	}
	return 1 / (1 - a.DropP)
}

// dot is Σ_w x[w]·y[w].
func dot[T float](x, y []T) float64 {
	sum := 0.0
	for w := range x {
		sum += float64(x[w]) * float64(y[w])
	}
	return sum
}

// attention is, per batch row, head and query i: s_j = q_i·k_j/√W, lse_i = log Σ_j exp(s_j), p_j = exp(s_j - lse_i), y_i = Σ_j drop(p_j)·v_j.
func attention[T float](op kernels.Attention, in []kernels.Desc) kernels.Kernel {
	a := newAttentionShape(op, in[0].Shape)
	return kernelWithScratch(a.frames, func(s *kernels.Step, in, out []kernels.Buffer, p []float64) {
		q, k, v := vec[T](in[0]), vec[T](in[1]), vec[T](in[2])
		var lengths []int32
		if len(in) == 4 {
			lengths = in[3].I32()
		}
		y, lse := vec[T](out[0]), vec[T](out[1])
		for b := range a.batch {
			keys := a.keys(b, lengths)
			for h := range a.Heads {
				for i := range a.frames {
					qi := q[a.at(b, i, h):][:a.width]
					for j := range keys {
						p[j] = a.scale * dot(qi, k[a.at(b, j, h):][:a.width])
					}
					norm := logSumExp(p[:keys])
					for j := range keys {
						p[j] = math.Exp(p[j]-norm) * a.drop(s, b, h, i, j)
					}
					for w := range a.width {
						sum := 0.0
						for j := range keys {
							sum += p[j] * float64(v[a.at(b, j, h)+w])
						}
						y[a.at(b, i, h)+w] = T(sum)
					}
					lse[(b*a.Heads+h)*a.frames+i] = T(norm)
				}
			}
		}
	})
}

// attentionGrad is, with m the dropout factor of each probability p of attention:
//
//	dv_j = Σ_i m·p·dy_i;  dp = m·(dy_i·v_j);  ds = p·(dp - dy_i·y_i);  dq_i = Σ_j ds·k_j/√W;  dk_j = Σ_i ds·q_i/√W
//
// It writes out the two T x T matrices m·p and ds of each head.
func attentionGrad[T float](op kernels.Attention, in []kernels.Desc) kernels.Kernel {
	a := newAttentionShape(op, in[1].Shape)
	n := a.frames
	return kernelWithScratch(2*n*n, func(s *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		dy, q, k, v, y, lse := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3]), vec[T](in[4]), vec[T](in[5])
		var lengths []int32
		if len(in) == 7 {
			lengths = in[6].I32()
		}
		dq, dk, dv := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		mp, ds := scratch[:n*n], scratch[n*n:]
		for b := range a.batch {
			keys := a.keys(b, lengths)
			for h := range a.Heads {
				clear(scratch)
				for i := range n {
					dyi, qi := dy[a.at(b, i, h):][:a.width], q[a.at(b, i, h):][:a.width]
					delta := dot(dyi, y[a.at(b, i, h):][:a.width]) // = Σ_j p·dp
					for j := range keys {
						score := a.scale * dot(qi, k[a.at(b, j, h):][:a.width])
						p, m := math.Exp(score-float64(lse[(b*a.Heads+h)*n+i])), a.drop(s, b, h, i, j)
						mp[i*n+j] = m * p
						ds[i*n+j] = p * (m*dot(dyi, v[a.at(b, j, h):][:a.width]) - delta)
					}
				}
				for t := range n {
					for w := range a.width {
						sumQ, sumK, sumV := 0.0, 0.0, 0.0
						for u := range n {
							sumQ += ds[t*n+u] * float64(k[a.at(b, u, h)+w])
							sumK += ds[u*n+t] * float64(q[a.at(b, u, h)+w])
							sumV += mp[u*n+t] * float64(dy[a.at(b, u, h)+w])
						}
						to := a.at(b, t, h) + w
						dq[to], dk[to], dv[to] = T(a.scale*sumQ), T(a.scale*sumK), T(sumV)
					}
				}
			}
		}
	})
}

// logSumExp is log Σ exp(x), -Inf for an empty x.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
