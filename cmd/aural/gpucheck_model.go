package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"time"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
	"aural/pretrain"
	"aural/recipes"
	"aural/train"
)

// parityUpdates is how many updates both sides make.
const parityUpdates = 5

// model trains the same model on the CPU and on the GPU, with the same batches and noise.
func (c *gpuCheck) model() error {
	for _, p := range []struct {
		precision             kernels.Precision
		loss, gradient, after float64 // limits, relative
	}{
		{kernels.PrecisionFloat32, 1e-5, 1e-3, 1e-3},
		// The quantizer's logits are sums of 64 products of features and weights near 1, so that rounding features to 2^-9 moves them by some hundredths, which a
		// temperature of 0.5 doubles: the few frames of a small batch whose codes are nearly tied move its gradient by tens of percent. The curve is the stricter test.
		{kernels.PrecisionBF16, 1e-2, 5e-1, 1e-1},
	} {
		if c.over() {
			c.skip(string(p.precision), "the time of the phase is over")
			continue
		}
		r, err := c.compareModels(p.precision)
		if err != nil {
			return err
		}
		name := string(p.precision) + "/"
		c.limit(name+"weights_at_start", float64(r.differ), 0, "parameters that differ before the first update")
		c.limit(name+"loss", r.loss[0], p.loss, "relative, first update, against the CPU in float32")
		c.limit(name+"gradient", r.gradient, p.gradient, "norm of the difference over the norm")
		c.limit(name+"loss_after", slices.Max(r.loss), 10*p.loss, fmt.Sprintf("relative, largest of %d updates", parityUpdates))
		c.limit(name+"weights_after", r.weights, p.after, "norm of the difference over the norm, after the updates")
	}
	return c.curves()
}

// modelParity is how far two runs of training are apart.
type modelParity struct {
	differ            int       // weights that begin differently
	loss              []float64 // relative, of each update
	gradient, weights float64   // relative, of the first update and of the last
}

func (c *gpuCheck) compareModels(precision kernels.Precision) (r modelParity, err error) {
	var sides [2]*side
	for i, where := range []string{"cpu", fmt.Sprintf("cuda:%d", c.f.ordinal)} {
		sets := slices.Clone(c.f.sets)
		if i == 1 {
			sets = append(sets, "precision="+string(precision))
		}
		if precision != kernels.PrecisionFloat32 {
			sets = append(sets, "quantizer.soft=true") // a frame whose best codes are nearly equal may take another one, and its gradient changes altogether
		}
		if sides[i], err = c.newSide(where, sets); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, sides[i].close()) }()
	}
	value := func(w *train.Weights) kernels.Buffer { return w.Value }
	gradient := func(w *train.Weights) kernels.Buffer { return w.Grad }
	var apart []float64
	if apart, err = difference(sides, value); err != nil {
		return r, err
	}
	for _, d := range apart {
		if d != 0 {
			r.differ++
		}
	}
	for u := range parityUpdates {
		var loss [2]float64
		for i, s := range sides {
			if loss[i], err = s.gradient(); err != nil {
				return r, err
			}
		}
		r.loss = append(r.loss, math.Abs(loss[1]-loss[0])/math.Abs(loss[0]))
		if u == 0 {
			if r.gradient, err = relative(sides, gradient); err != nil {
				return r, err
			}
		}
		for _, s := range sides {
			if err := s.update(); err != nil {
				return r, err
			}
		}
	}
	r.weights, err = relative(sides, value)
	return r, err
}

// side is one of the two that train.
type side struct {
	*setup
	optimizer *train.AdamW
	at, next  train.Position
	work      *pretrain.Work
	measured  train.Measured
}

func (c *gpuCheck) newSide(where string, sets []string) (*side, error) {
	m := machineFlags{kernels: "auto", device: where}
	s, err := c.a.benchSetup(benchFlags{recipe: c.f.parity, sets: sets, json: true, machine: m})
	if err != nil {
		return nil, err
	}
	o, err := train.NewAdamW(s.backend, s.task.Weights(), s.recipe.Train.Resolved().Optimizer, 1)
	if err != nil {
		return nil, s.closeAfter(err)
	}
	return &side{setup: s, optimizer: o, work: s.task.NewWork()}, nil
}

func (s *side) close() error { return errors.Join(s.optimizer.Free(), s.setup.close()) }

// gradient computes that of the next batch, and returns the loss.
func (s *side) gradient() (float64, error) {
	ctx := context.Background()
	_, next, err := s.task.Prepare(ctx, s.at, s.work)
	if err != nil {
		return 0, err
	}
	s.next = next
	if err := s.task.Ready(s.work); err != nil {
		return 0, err
	}
	if err := s.task.Run(ctx, s.at, s.work, &s.measured); err != nil {
		return 0, err
	}
	if err := errors.Join(s.backend.Sync(), s.task.Collect(&s.measured)); err != nil {
		return 0, err
	}
	return s.task.Metrics().(*pretrain.Metrics).Loss, nil
}

// update applies it.
func (s *side) update() error {
	o := s.optimizer
	lr := s.recipe.Train.Resolved().Schedule.LR(s.at.Update)
	if err := errors.Join(o.Loss(0, s.measured.Loss), o.Decide(s.at.Update+1, lr, s.measured.SampleSize)); err != nil {
		return err
	}
	o.Apply()
	_, err := o.Wait()
	s.at = train.Position{Update: s.at.Update + 1, Epoch: s.next.Epoch, Index: s.next.Index}
	return err
}

// floatsOf copies a buffer of a back end to the host.
func (s *side) floatsOf(of func(*train.Weights) kernels.Buffer) ([]float32, error) {
	b := of(s.task.Weights())
	host := kernels.New(b.DType, b.Shape...)
	return host.F32(), s.backend.Download(host.HostBytes(), b)
}

// difference is the second side less the first, by element.
func difference(sides [2]*side, of func(*train.Weights) kernels.Buffer) ([]float64, error) {
	a, err := sides[0].floatsOf(of)
	if err != nil {
		return nil, err
	}
	b, err := sides[1].floatsOf(of)
	if err != nil {
		return nil, err
	}
	d := make([]float64, len(a))
	for i := range d {
		d[i] = float64(b[i]) - float64(a[i])
	}
	return d, nil
}

// relative is the norm of the difference over the norm of the first side.
func relative(sides [2]*side, of func(*train.Weights) kernels.Buffer) (float64, error) {
	d, err := difference(sides, of)
	if err != nil {
		return 0, err
	}
	a, err := sides[0].floatsOf(of)
	if err != nil {
		return 0, err
	}
	var apart, norm float64
	for i := range d {
		apart += d[i] * d[i]
		norm += float64(a[i]) * float64(a[i])
	}
	return math.Sqrt(apart / norm), nil
}

// fullSetup prepares updates of the large recipe with so many rows.
func (c *gpuCheck) fullSetup(rows int, precision kernels.Precision) (*setup, error) {
	r, err := recipes.Pretrain.Load(c.f.full, c.f.sets)
	if err != nil {
		return nil, err
	}
	sets := append(slices.Clone(c.f.sets), fmt.Sprintf("data.batch_samples=%d", rows*r.Data.MaxSamples), "precision="+string(precision))
	return c.a.benchSetup(benchFlags{recipe: c.f.full, sets: sets, json: true, machine: machineFlags{kernels: "auto", device: fmt.Sprintf("cuda:%d", c.f.ordinal)}})
}

// ops times each kind of call of an update of the large recipe.
func (c *gpuCheck) ops() (err error) {
	s, err := c.fullSetup(c.f.rows[0], kernels.PrecisionBF16)
	if err != nil {
		return err
	}
	defer func() { err = s.closeAfter(err) }()
	each := min(50*time.Millisecond, time.Until(c.until)/200)
	calls, update, err := s.timeCalls(max(each, time.Millisecond), func(string) bool { return !c.over() })
	if err != nil {
		return err
	}
	c.measured("update", update.Seconds()*1000, fmt.Sprintf("ms for an update of %d rows", c.f.rows[0]))
	slices.SortStableFunc(calls, func(a, b exec.Call) int { return cmp.Compare(total(b), total(a)) })
	for _, k := range calls {
		if len(k.Times) == 0 {
			continue
		}
		t := median(k.Times).Seconds()
		name := fmt.Sprintf("%s/%s", k.Op, largest(append(slices.Clone(k.In), k.Out...)))
		note := fmt.Sprintf("us, %d times an update, %s, %.4g TFLOP/s, %.4g TB/s", k.Count, k.Variant, perSecond(k.FLOPs, t)/1e12, perSecond(k.Bytes, t)/1e12)
		if roof := c.report.Ceilings.roof(kernels.PrecisionBF16, float64(k.FLOPs), float64(k.Bytes)); roof > 0 {
			note += fmt.Sprintf(", %.3g %% of what product and copy reach", 100*roof/t)
		}
		c.measured(name, t*1e6, note)
	}
	return nil
}

// total is what a kind of call takes of an update.
func total(k exec.Call) float64 {
	if len(k.Times) == 0 {
		return 0
	}
	return median(k.Times).Seconds() * float64(k.Count)
}

// steps times whole updates.
func (c *gpuCheck) steps() error {
	for _, precision := range []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionFloat32} {
		for _, rows := range c.f.rows {
			name := fmt.Sprintf("%s/%d_rows", precision, rows)
			if c.over() {
				c.skip(name, "the time of the phase is over")
				continue
			}
			err := c.step(name, rows, precision)
			if err == nil && rows == c.f.rows[0] {
				err = c.withoutGraphs(name, rows, precision)
			}
			var large noRoomError
			switch {
			case errors.As(err, &large), errors.Is(err, driver.ErrOutOfMemory):
				c.skip(name, err.Error())
			case err != nil:
				c.fail(name, err) // the others may work
			}
		}
	}
	return nil
}

// withoutGraphs times updates whose kernels are launched one by one.
func (c *gpuCheck) withoutGraphs(name string, rows int, precision kernels.Precision) error {
	was, set := os.LookupEnv(cuda.GraphVariable)
	if err := os.Setenv(cuda.GraphVariable, "0"); err != nil {
		return err
	}
	defer func() {
		if set {
			os.Setenv(cuda.GraphVariable, was)
		} else {
			os.Unsetenv(cuda.GraphVariable)
		}
	}()
	return c.step(name+"/without_graphs", rows, precision)
}

func (c *gpuCheck) step(name string, rows int, precision kernels.Precision) (err error) {
	s, err := c.fullSetup(rows, precision)
	if err != nil {
		return err
	}
	defer func() { err = s.closeAfter(err) }()
	times, audio, err := s.timeUpdates(5)
	if err != nil {
		return err
	}
	r := s.stepReport(times, audio)
	r.Batch = s.batch(c.f.full)
	c.report.Steps = append(c.report.Steps, r)
	c.pace[rows] = max(c.pace[rows], r.AudioPerSecond)
	c.measured(name, r.AudioPerSecond, fmt.Sprintf("s of audio a second, %.4g ms an update, %.4g TFLOP/s", 1000*r.Median.Total, r.GFLOPs/1000))
	return nil
}

// torchResult is a line of bench/torch_gpu.py.
type torchResult struct {
	Name           string  `json:"name"`
	AudioPerSecond float64 `json:"audio_seconds_per_second"`
	Milliseconds   float64 `json:"milliseconds"`
	Rows           int     `json:"rows"`
	Error          string  `json:"error,omitempty"`
	Note           string  `json:"note,omitempty"`
}

// torch measures PyTorch by a script that prints a line of JSON for each way to run it.
func (c *gpuCheck) torch() error {
	python, err := osexec.LookPath("python3")
	if err != nil {
		c.skip("python3", "not found")
		return nil
	}
	if _, err := os.Stat(c.f.torch); err != nil {
		c.skip("script", err.Error())
		return nil
	}
	if err := osexec.Command(python, "-c", "import torch, transformers").Run(); err != nil {
		c.skip("torch", "python3 has no torch and transformers")
		return nil
	}
	ctx, stop := context.WithDeadline(context.Background(), c.until)
	defer stop()
	cmd := osexec.CommandContext(ctx, python, c.f.torch, "--rows", strings.Trim(strings.ReplaceAll(fmt.Sprint(c.f.rows), " ", ","), "[]"), "--seconds", fmt.Sprintf("%.0f", time.Until(c.until).Seconds()))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var r torchResult
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Name == "" {
			continue
		}
		c.report.Torch = append(c.report.Torch, r)
		name := fmt.Sprintf("%s/%d_rows", r.Name, r.Rows)
		if r.Error != "" {
			c.skip(name, r.Error)
			continue
		}
		note := fmt.Sprintf("s of audio a second, %.4g ms an update", r.Milliseconds)
		if ours := c.pace[r.Rows]; ours > 0 {
			note += fmt.Sprintf("; ours %.4g times that", ours/r.AudioPerSecond)
		}
		c.measured(name, r.AudioPerSecond, note+". "+r.Note)
	}
	if err := cmd.Wait(); err != nil {
		said := strings.Split(strings.TrimSpace(complaints.String()), "\n")
		c.skip("rest", fmt.Sprintf("%v %s", err, said[len(said)-1]))
	}
	return nil
}
