package main

import (
	"fmt"
	"os"
	"path/filepath"

	"aural/datasets"
	"aural/plots"
)

// rejectList is what a store has left out, as JSON.
type rejectList struct {
	Kinds   []kindCount       `json:"kinds"`
	Rejects []datasets.Reject `json:"rejects"`
}

// listRejects prints what was rejected: a summary of each kind, then its recordings.
func (a *app) listRejects(s *datasets.Store, asJSON bool) error {
	rejects, err := s.Rejects()
	if err != nil {
		return err
	}
	kinds := countKinds(rejects)
	if asJSON {
		return writeJSON(a.out, rejectList{kinds, append([]datasets.Reject{}, rejects...)})
	}
	if len(rejects) == 0 {
		a.print("nothing was rejected")
		return nil
	}
	for _, k := range kinds {
		a.print("%s: %s", k.Kind, grouped(k.Count))
		for _, r := range rejects {
			if r.Kind == k.Kind {
				a.print("  %s: %s", printable(r.Path), printable(r.Reason))
			}
		}
	}
	return nil
}

// drawStore draws the figures of a store into a folder and prints their names.
func (a *app) drawStore(s *datasets.Store, dir string) error {
	view, err := s.View()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	hours := map[int]float64{}
	for e := range view.All() {
		hours[e.Speaker] += float64(e.Samples) / datasets.Rate / 3600
	}
	var bars []plots.Bar
	for speaker, h := range hours {
		name := view.Name(speaker)
		if name == "" {
			name = "unknown"
		}
		bars = append(bars, plots.Bar{Name: name, Value: h})
	}
	unit, most := "hours", 0.0
	for _, b := range bars {
		most = max(most, b.Value)
	}
	if most < 1 {
		unit = "minutes"
		for i := range bars {
			bars[i].Value *= 60
		}
	}
	path := filepath.Join(dir, "lengths.svg")
	if err := drawHistogram(path, s, plots.Options{}); err != nil {
		return err
	}
	a.print("%s", path)
	path = filepath.Join(dir, "speakers.svg")
	err = plots.Bars(path, bars, plots.Labels{Title: "Audio of each speaker", X: "speakers, most audio first", Y: unit,
		Note: fmt.Sprintf("%s: %s, %s", filepath.Base(s.Where()), plural(len(bars), "speaker"), audioText(view.Seconds()))}, plots.Options{})
	if err != nil {
		return err
	}
	a.print("%s", path)
	return nil
}

// drawHistogram draws how long the utterances of a store are.
func drawHistogram(path string, s *datasets.Store, o plots.Options) error {
	view, err := s.View()
	if err != nil {
		return err
	}
	lengths := make([]float64, 0, view.Len())
	for e := range view.All() {
		lengths = append(lengths, float64(e.Samples)/datasets.Rate)
	}
	return plots.Histogram(path, lengths, plots.Labels{Title: "Lengths of utterances", X: "seconds", Y: "utterances",
		Note: fmt.Sprintf("%s: %s, %s", filepath.Base(s.Where()), plural(len(lengths), "utterance"), audioText(view.Seconds()))}, o)
}
