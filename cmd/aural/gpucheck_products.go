package main

import (
	"errors"
	"fmt"
	"math"

	"aural/kernels"
	"aural/kernels/cuda"
	"aural/rng"
)

// product is an op of the base model, as training calls it.
type product struct {
	name string
	call cuda.Call
}

// baseProducts are the products of the base model whose times matter most, for 5.6 crops of 781 frames (the feature encoder: one of 250,000 samples).
func (c *gpuCheck) baseProducts() (list []product) {
	f := func(shape ...int) kernels.Desc { return kernels.Of(kernels.Float32, shape...) }
	rows := c.scaled(4374)
	for _, s := range []struct {
		name    string
		in, out int
	}{{"qkv", 768, 2304}, {"out", 768, 768}, {"up", 768, 3072}, {"down", 3072, 768}} {
		in, out := c.scaled(s.in), c.scaled(s.out)
		list = append(list,
			product{s.name, cuda.Call{Op: kernels.Linear{}, In: []kernels.Desc{f(rows, in), f(out, in), f(out)}}},
			product{s.name + "_grad_input", cuda.Call{Op: kernels.LinearGradInput{}, In: []kernels.Desc{f(rows, out), f(out, in)}}},
			product{s.name + "_grad_weight", cuda.Call{Op: kernels.LinearGradWeight{}, In: []kernels.Desc{f(rows, out), f(rows, in)}}})
	}
	conv, channels, frames := kernels.Conv1D{Stride: 2, Groups: 1}, c.scaled(512), c.scaled(49984)
	x, dy, w := f(1, frames, channels), f(1, (frames-3)/2+1, channels), f(channels, channels, 3)
	return append(list,
		product{"conv1", cuda.Call{Op: conv, In: []kernels.Desc{x, w}}},
		product{"conv1_grad_input", cuda.Call{Op: kernels.Conv1DGradInput{Conv: conv, Len: frames}, In: []kernels.Desc{dy, w}}},
		product{"conv1_grad_weight", cuda.Call{Op: kernels.Conv1DGradWeight{Conv: conv, Kernel: 3}, In: []kernels.Desc{dy, x}}})
}

// products holds Hopper's warpgroup products against those of mma.sync, which other devices use: both add the same products of bfloat16 numbers in float32, in another order.
func (c *gpuCheck) products() error {
	if c.report.Device.Major != 9 {
		c.skip("wgmma", "only GPUs of compute capability 9.0 have it")
		return nil
	}
	list := c.baseProducts()
	results, times := [2][][]float32{}, [2][]float64{}
	for i, twin := range []bool{false, true} {
		err := c.withBackend(cuda.Options{Precision: kernels.PrecisionBF16, MMASync: twin}, func(be *cuda.Backend) error {
			for _, p := range list {
				y, err := resultOf(be, p.call)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				results[i] = append(results[i], y)
				if err := timed(be, cuda.Lanes{{p.call}}, func(t *cuda.Timing) error {
					ms, err := t.Run(probeRuns)
					times[i] = append(times[i], ms)
					return err
				}); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i, p := range list {
		c.limit(p.name+"/apart", apart(results[0][i], results[1][i]), 1e-5, "wgmma and mma.sync: norm of the difference over the norm")
		out, err := p.call.Op.Infer(p.call.In)
		if err != nil {
			return err
		}
		flops := float64(p.call.Op.FLOPs(p.call.In, out))
		for j, name := range []string{"/wgmma", "/mma_sync"} {
			c.measured(p.name+name, flops/times[j][i]/1e9, fmt.Sprintf("TFLOP/s, %.4g ms, with the copies in bfloat16 that its weights need", times[j][i]))
		}
	}
	return nil
}

// apart is the norm of the difference over the norm.
func apart(a, b []float32) float64 {
	var d, n float64
	for i := range a {
		d += (float64(a[i]) - float64(b[i])) * (float64(a[i]) - float64(b[i]))
		n += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(d / max(n, 1e-300))
}

// resultOf runs a call on float32 tensors of a normal distribution and returns its first output.
func resultOf(be kernels.Backend, call cuda.Call) (y []float32, err error) {
	out, err := call.Op.Infer(call.In)
	if err != nil {
		return nil, err
	}
	k, err := be.Compile(call.Op, call.In, out)
	if err != nil {
		return nil, err
	}
	var tensors []kernels.Buffer
	for i, d := range append(append([]kernels.Desc(nil), call.In...), out...) {
		m, err := be.Alloc(d.Bytes())
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, m.Free()) }()
		b, err := m.Slice(d, 0)
		if err != nil {
			return nil, err
		}
		if i < len(call.In) {
			host, r := kernels.New(d.DType, d.Shape...), rng.At(5, uint64(i), rng.Site("gpucheck.products"))
			for j := range host.F32() {
				host.F32()[j] = float32(r.NormFloat64())
			}
			if err := be.Upload(b, host.HostBytes()); err != nil {
				return nil, err
			}
		}
		tensors = append(tensors, b)
	}
	n := len(call.In)
	k.Run(&kernels.Step{}, tensors[:n], tensors[n:], nil)
	host := kernels.New(out[0].DType, out[0].Shape...)
	if err := be.Download(host.HostBytes(), tensors[n]); err != nil {
		return nil, err
	}
	return host.F32(), nil
}
