package main

import (
	"errors"
	"fmt"
	"time"

	"aural/sweep"
	"aural/train"
)

// price is what a cell takes.
type price struct {
	flops      float64 // at most: as if all batches were those with the most work
	updates    uint64
	seconds    float64 // of labelled audio
	utterances int
	leftOut    int
}

// efficiency is which share of the peak of matrix products the time of a cell is guessed with, before one was trained.
const efficiency = 0.5

// appraise plans every subset and mode that has cells to train, and so finds what cannot be trained before anything is.
func (w *sweeping) appraise() error {
	w.prices = map[sweep.Cell]price{}
	for _, c := range w.plan.Cells() {
		if w.results.Of(c).Trained != nil {
			continue
		}
		first := sweep.Cell{Subset: c.Subset, Mode: c.Mode}
		p, known := w.prices[first]
		if !known {
			var err error
			if p, err = w.appraiseCell(c); err != nil {
				return fmt.Errorf("cell %s: %w", c.Name(), err)
			}
			w.prices[first] = p
		}
		w.prices[c] = p
	}
	return nil
}

func (w *sweeping) appraiseCell(c sweep.Cell) (p price, err error) {
	r, err := w.recipe(c)
	if err != nil {
		return p, err
	}
	s, err := openFinetune(r, true, w.flags.data, w.flags.machine) // without the weights
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if w.peak == 0 {
		if w.peak, err = train.PeakGFLOPS(s.backend); err != nil {
			return p, err
		}
	}
	p = price{updates: s.loop.MaxUpdates, seconds: s.held.Train.Seconds(), utterances: s.held.Train.Len(), leftOut: s.plan.LeftOut}
	p.flops = 1e9 * s.plan.GFLOPs * float64(s.loop.Accumulate) * float64(p.updates)
	return p, s.checkMemory()
}

// rate is how many FLOPs a second the cells do.
func (w *sweeping) rate() float64 {
	if w.spent > 0 {
		return w.spent / w.busy.Seconds()
	}
	return efficiency * 1e9 * w.peak
}

// left guesses how long cells will take, the first of which is under way.
func (w *sweeping) left(cells []sweep.Cell, done float64, since time.Duration) time.Duration {
	rate := w.rate()
	if now := done * w.prices[cells[0]].flops; now > 0 && since > 0 {
		rate = (w.spent + now) / (w.busy + since).Seconds()
	}
	flops := -done * w.prices[cells[0]].flops
	for _, c := range cells {
		flops += w.prices[c].flops
	}
	return time.Duration(flops / rate * float64(time.Second))
}

// list prints the cells and what they take.
func (w *sweeping) list() error {
	if err := w.appraise(); err != nil {
		return err
	}
	rows := [][]string{{"cell", ">labels", ">utterances", ">left out", ">updates", ">work", ">about", "state"}}
	total, open := 0.0, 0
	for _, c := range w.plan.Cells() {
		o := w.results.Of(c)
		p, ok := w.prices[c]
		if !ok {
			rows = append(rows, []string{c.Name(), audioText(o.Trained.Seconds), grouped(o.Trained.Utterances), grouped(o.Trained.LeftOut), grouped(o.Trained.Updates), "-", "-", "trained"})
			continue
		}
		state := "open"
		if o.Failed != "" {
			state = "failed: " + o.Failed
		}
		total, open = total+p.flops, open+1
		rows = append(rows, []string{c.Name(), audioText(p.seconds), grouped(p.utterances), grouped(p.leftOut), grouped(p.updates), flopsText(p.flops), clock(w.guess(p.flops)), state})
	}
	table(w.out, rows, nil)
	w.print("\n%s to train: %s, about %s at %.0f %% of this machine's %.0f GFLOP/s", plural(open, "cell"), flopsText(total), clock(w.guess(total)), 100*efficiency, w.peak)
	return nil
}

func (w *sweeping) guess(flops float64) time.Duration {
	return time.Duration(flops / w.rate() * float64(time.Second))
}
