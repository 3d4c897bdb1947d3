package main

import (
	"aural/datasets"
	"aural/internal/synth"
)

// syntheticCorpus is a source of artificial speech.
func syntheticCorpus(o synth.Options) datasets.Source {
	return &datasets.Generated{
		Name:  "synthetic speech of " + plural(o.Speakers, "talker") + ": " + plural(o.Utterances, "utterance"),
		Count: o.Utterances,
		Seq: func(yield func(datasets.Item) bool) {
			for u := range synth.Corpus(o) {
				if !yield(datasets.Item{ID: u.ID, Speaker: u.Speaker, Transcript: u.Transcript, Name: u.ID + ".wav", PCM: u.Samples}) {
					return
				}
			}
		},
	}
}
