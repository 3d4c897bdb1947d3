package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"aural/plots"
	"aural/probe"
)

// probeReport is what --json prints.
type probeReport struct {
	Version    int           `json:"version"`
	Task       probe.Task    `json:"task"`
	Metric     string        `json:"metric"` // accuracy, CER or PER: of the table; "error" in layers is 1 - accuracy
	Model      string        `json:"model"`
	Data       string        `json:"data"`
	Utterances int           `json:"utterances"`
	LeftOut    int           `json:"left_out"`
	Classes    []string      `json:"classes,omitempty"`
	Layers     []layerResult `json:"layers"`
}

func (p *prober) report(list []layerResult) probeReport {
	return probeReport{Version: probeVersion, Task: probe.Task(p.flags.task), Metric: p.metric(), Model: p.flags.model, Data: p.store.Where(),
		Utterances: len(p.utterances), LeftOut: p.leftOut, Classes: p.names, Layers: list}
}

// metric is what tables and figures show.
func (p *prober) metric() string {
	switch probe.Task(p.flags.task) {
	case probe.Characters:
		return "CER"
	case probe.Phones:
		return "PER"
	}
	return "accuracy"
}

// value is an error as the metric has it.
func (p *prober) value(err float64) float64 {
	if p.flags.transcribes {
		return err
	}
	return 1 - err
}

// span is an interval of the error as the metric has it.
func (p *prober) span(r probe.Result) (low, high float64) {
	if p.flags.transcribes {
		return r.Error.Low, r.Error.High
	}
	return 1 - r.Error.High, 1 - r.Error.Low
}

// best is the place of the layer with the least error.
func best(list []layerResult) int {
	at := 0
	for i, r := range list {
		if r.Error.Estimate < list[at].Error.Estimate {
			at = i
		}
	}
	return at
}

func (p *prober) print(list []layerResult) error {
	rows := [][]string{{">layer", ">" + p.metric(), ">95 % interval", ">chance", ">training", ">L2", ">iterations"}}
	top := best(list)
	for _, r := range list {
		low, high := p.span(r.Result)
		iterations := grouped(r.Iterations)
		if !r.Converged {
			iterations += "+"
		}
		rows = append(rows, []string{r.Layer, percent(p.value(r.Error.Estimate)), fmt.Sprintf("%.1f to %s", 100*low, percent(high)), percent(p.value(r.Chance)),
			percent(p.value(r.Train)), fmt.Sprintf("%g", r.L2), iterations})
	}
	table(p.app.out, rows, func(_ int, cell, padded string) string { return padded })
	r := list[top]
	what := plural(len(p.utterances), "utterance")
	if p.labels != nil {
		what = fmt.Sprintf("%s of %s", plural(r.Trained+r.Held, "frame"), what)
	}
	classes := ""
	if p.names != nil {
		classes = fmt.Sprintf(", %s", classesText(len(p.names)))
	}
	left := ""
	if p.leftOut > 0 {
		left = fmt.Sprintf(", %s left out", grouped(p.leftOut))
	}
	p.app.print("\n%s: %s%s%s; held out by %s, intervals over %s", p.flags.task, what, classes, left, r.SplitBy, plural(r.Error.Drawn, r.Error.Over))
	p.app.print("best layer %s: %s %s", r.Layer, p.metric(), percent(p.value(r.Error.Estimate)))
	if p.flags.figure != "" {
		p.app.print("figure     %s", p.flags.figure)
	}
	return nil
}

func classesText(n int) string {
	if n == 1 {
		return "1 class"
	}
	return grouped(n) + " classes"
}

// draw shows the metric by layer with its interval. The convolutional features are at -1.
func (p *prober) draw(list []layerResult) error {
	c := plots.ViewCurve{Label: p.metric(), Points: true}
	band := plots.ViewBand{Label: "95 % interval"}
	for i, r := range list {
		low, high := p.span(r.Result)
		x := float64(p.layers[i])
		if r.Layer == convLayer {
			x = -1
		}
		at := len(c.X)
		if r.Layer == convLayer {
			at = 0 // before the others
		}
		insert := func(list *[]float64, v float64) {
			*list = append((*list)[:at:at], append([]float64{v}, (*list)[at:]...)...)
		}
		insert(&c.X, x)
		insert(&c.Y, 100*p.value(r.Error.Estimate))
		insert(&band.X, x)
		insert(&band.Low, 100*low)
		insert(&band.High, 100*high)
	}
	label := "layer"
	if c.X[0] == -1 {
		label = "layer (-1: convolutional features)"
	}
	chance := 100 * p.value(list[0].Chance)
	titles := map[probe.Task]string{probe.Speaker: "Speakers", probe.Label: "Labels", probe.Frames: "Frames", probe.Characters: "Characters", probe.Phones: "Phones"}
	v := plots.View{Note: fmt.Sprintf("%s, %s", filepath.Base(p.store.Where()), plural(len(p.utterances), "utterance")), Panels: []plots.ViewPanel{{
		Title: titles[probe.Task(p.flags.task)] + " by a linear probe", X: plots.Axis{Label: label}, Y: plots.Axis{Label: p.metric() + " (%)"},
		Curves: []plots.ViewCurve{c}, Bands: []plots.ViewBand{band}, Lines: []plots.ViewLine{{Label: "chance", Value: chance}},
	}}}
	v.Panels[0].Y.Max = 100 // from 0, so that chance is seen
	if p.flags.transcribes {
		v.Panels[0].Lines = nil // to say nothing is an error of 100 %
		v.Panels[0].Y.Max = math.Max(10, 10*math.Ceil(slices.Max(band.High)/10))
	}
	return plots.RenderView(p.flags.figure, v, plots.Options{})
}
