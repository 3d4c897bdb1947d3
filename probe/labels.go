package probe

import (
	"fmt"
	"slices"
	"strings"

	"aural/datasets"
)

// Task is what is read from the features.
type Task string

// The tasks.
const (
	// Speaker is who speaks, from the mean of an utterance (speaker identification, as in SUPERB, Yang et al. 2021).
	Speaker Task = "speaker"
	// Label is which of few things is said, from the mean of an utterance: the class is the whole transcript.
	Label Task = "label"
	// Frames is what is said in a frame, by an alignment that somebody else made (as in van den Oord et al. 2018, section 3.1).
	Frames Task = "frames"
	// Characters is the transcript, by a linear layer to characters that is trained with the CTC loss: no alignment is needed.
	Characters Task = "characters"
	// Phones is the same with transcripts that are phones with blanks between.
	Phones Task = "phones"
)

// Tasks are all tasks.
func Tasks() []Task { return []Task{Speaker, Label, Frames, Characters, Phones} }

// MostLabels is up to how many different transcripts are classes. A corpus of sentences has more and is no such corpus.
const MostLabels = 200

// Utterance is one example, or the source of many.
type Utterance struct {
	Row       int    // in the store
	ID        string // unique
	Speaker   string // "" when unknown
	Recording string // that it was cut from
	Class     int    // 0 where the task has no class of utterances
}

// Classes are utterances with their classes.
type Classes struct {
	Names      []string // of the classes, sorted
	Utterances []Utterance
	LeftOut    int // utterances without class, or alone in theirs
}

// Classify gives the rows of a view their classes for the task Speaker or Label. Utterances without a class are left out, and those alone in theirs, which cannot
// be both learnt and tested.
func Classify(store *datasets.Store, view datasets.View, task Task) (Classes, error) {
	type found struct {
		Utterance
		name string
	}
	var all []found
	count := map[string]int{}
	var out Classes
	for e := range view.All() {
		u, err := store.Utterance(e.Row)
		if err != nil {
			return out, err
		}
		var name string
		switch task {
		case Speaker:
			name = u.Speaker
		case Label:
			name = strings.ToLower(strings.Join(strings.Fields(u.Transcript), " "))
		default:
			return out, fmt.Errorf("probe: task %q has no classes of utterances; %s and %s have", task, Speaker, Label)
		}
		all = append(all, found{Of(e.Row, u), name})
		count[name]++
	}
	for name, n := range count {
		if name != "" && n > 1 {
			out.Names = append(out.Names, name)
		}
	}
	slices.Sort(out.Names)
	for _, f := range all {
		class, ok := slices.BinarySearch(out.Names, f.name)
		if !ok {
			out.LeftOut++
			continue
		}
		f.Class = class
		out.Utterances = append(out.Utterances, f.Utterance)
	}
	return out, out.check(task, len(all), len(count))
}

// Of describes a row of a store, of class 0.
func Of(row int, u datasets.Utterance) Utterance {
	recording := u.Path
	if recording == "" {
		recording = ownRecording(row)
	}
	return Utterance{Row: row, ID: u.ID, Speaker: u.Speaker, Recording: recording}
}

func (c Classes) check(task Task, utterances, different int) error {
	switch {
	case task == Speaker && len(c.Names) < 2:
		return fmt.Errorf("probe: %d of the %d utterances' speakers spoke more than one of them; a probe of speakers needs 2: take more rows, or another task", len(c.Names), utterances)
	case task == Label && different > MostLabels:
		return fmt.Errorf("probe: the %d utterances have %d different transcripts, more than %d: they are sentences and no labels; take the task %s",
			utterances, different, MostLabels, Characters)
	case task == Label && c.LeftOut > utterances/2:
		return fmt.Errorf("probe: %d of the %d utterances have no transcript or one of their own: they are sentences and no labels; take the task %s", c.LeftOut, utterances, Characters)
	case task == Label && len(c.Names) < 2:
		return fmt.Errorf("probe: %d transcripts are those of more than one of the %d utterances; a probe of labels needs 2", len(c.Names), utterances)
	}
	return nil
}

// HoldOut resolves Auto for a task: speakers are told apart by other recordings of the same people; everything else by other people, if there are enough.
func (t Task) HoldOut(h HoldOut) HoldOut {
	if t == Speaker && h.By == Auto {
		h.By = Recordings
	}
	return h
}
