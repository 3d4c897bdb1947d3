package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
)

// StateVersion is the version of trainer_state.json.
const StateVersion = 1

// State is what a run needs to go on besides the weights and the moments: trainer_state.json.
type State struct {
	Version  int      `json:"version"`
	Position Position `json:"position"` // at the beginning of an update
	Applied  uint64   `json:"applied"`  // updates that changed the weights: Adam's t
	Skipped  uint64   `json:"skipped"`  // updates that did not, because their loss or gradient was not finite
	// InRow is how many updates were skipped since the last applied one.
	InRow        int           `json:"skipped_in_row"`
	AudioSeconds float64       `json:"audio_seconds"`     // trained on, repetitions counted
	Minutes      float64       `json:"minutes"`           // of training, over all processes of the run
	Score        *Score        `json:"score,omitempty"`   // of a validation at this update
	Window       Window        `json:"window"`            // what the next record will be the mean of
	Settings     StateSettings `json:"settings"`          // what the run was trained with
	Program      string        `json:"program,omitempty"` // that wrote it, for people
}

// StateSettings are the settings that a continued run shares with its first part, or it would not be the same run.
type StateSettings struct {
	Seed       uint64         `json:"seed"`
	Accumulate int            `json:"accumulate"`
	Schedule   ScheduleConfig `json:"schedule"`
	Optimizer  AdamWConfig    `json:"optimizer"`
}

// Score is a validation score.
type Score struct {
	Value  Number `json:"value"`
	Better string `json:"better"` // "lower" or "higher"
}

// beats reports whether s is strictly better than t. A score that is not a number is worse than every other.
func (s Score) beats(t Score) bool {
	a, b := float64(s.Value), float64(t.Value)
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return !math.IsNaN(a) && math.IsNaN(b)
	case s.Better == Higher.String():
		return a > b
	}
	return a < b
}

// String is "lower" or "higher".
func (b Better) String() string {
	if b == Higher {
		return "higher"
	}
	return "lower"
}

// Window is the part of the next record that is known: sums over the updates since the last one.
type Window struct {
	Updates      int               `json:"updates"` // applied
	Clipped      int               `json:"clipped"`
	GradientNorm Number            `json:"gradient_norm"` // Σ over applied updates
	LearningRate Number            `json:"learning_rate"` // of the last applied update
	SampleSize   Number            `json:"sample_size"`
	AudioSeconds Number            `json:"audio_seconds"`
	Totals       map[string]Number `json:"totals,omitempty"` // of the task's metrics, weighted by sample size
	Codes        Counts            `json:"codes,omitempty"`  // times each entry of the codebooks was chosen, (groups, entries)
}

// Encode is the content of trainer_state.json.
func (s State) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("train: encode state: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeState reads trainer_state.json. It refuses other versions, unknown fields and values that no run can have.
func DecodeState(data []byte) (State, error) {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return State{}, fmt.Errorf("train: trainer state: %w", err)
	}
	if v.Version != StateVersion {
		return State{}, fmt.Errorf("train: trainer state has format version %d, this program reads %d: continue the run with the program that began it",
			v.Version, StateVersion)
	}
	var s State
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return State{}, fmt.Errorf("train: trainer state: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return State{}, fmt.Errorf("train: trainer state: there is something after the object")
	}
	if err := s.check(); err != nil {
		return State{}, fmt.Errorf("train: trainer state: %w", err)
	}
	return s, nil
}

func (s State) check() error {
	p, w := s.Position, s.Window
	switch {
	case p.Micro != 0 || p.Row != 0:
		return fmt.Errorf("position %+v is inside an update", p)
	case p.Update > math.MaxInt64 || p.Epoch < 0 || p.Index < 0:
		return fmt.Errorf("position %+v is out of range", p)
	case s.Applied > p.Update || s.Skipped != p.Update-s.Applied:
		return fmt.Errorf("%d updates applied and %d skipped are not the %d done", s.Applied, s.Skipped, p.Update)
	case s.InRow < 0 || uint64(s.InRow) > s.Skipped:
		return fmt.Errorf("%d updates skipped in a row of %d skipped", s.InRow, s.Skipped)
	case !(s.AudioSeconds >= 0) || !(s.Minutes >= 0):
		return fmt.Errorf("negative audio_seconds %v or minutes %v", s.AudioSeconds, s.Minutes)
	case w.Updates < 0 || uint64(w.Updates) > s.Applied || w.Clipped < 0 || w.Clipped > w.Updates:
		return fmt.Errorf("window of %d updates with %d clipped, in a run of %d", w.Updates, w.Clipped, s.Applied)
	case slices.ContainsFunc(w.Codes, func(n int64) bool { return n < 0 }):
		return fmt.Errorf("window with a negative number of codes")
	case s.Score != nil && s.Score.Better != Lower.String() && s.Score.Better != Higher.String():
		return fmt.Errorf("score.better is %q, want %q or %q", s.Score.Better, Lower, Higher)
	}
	return nil
}

// Differences lists the settings in which now differs from s, one text each, such as "seed was 1, is 2".
func (s StateSettings) Differences(now StateSettings) []string {
	return differences(nil, "", reflect.ValueOf(s), reflect.ValueOf(now))
}

func differences(out []string, name string, was, is reflect.Value) []string {
	if was.Kind() != reflect.Struct {
		if a, b := compact(was), compact(is); a != b {
			out = append(out, fmt.Sprintf("%s was %s, is %s", name, a, b))
		}
		return out
	}
	for i := range was.NumField() {
		field, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
		if name != "" {
			field = name + "." + field
		}
		out = differences(out, field, was.Field(i), is.Field(i))
	}
	return out
}

// compact shows a setting as JSON, which also follows pointers.
func compact(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return "[]" // nil or not
	}
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Sprint(v.Interface()) // a float that is not finite, which Config.Validate refuses
	}
	return string(data)
}
