package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aural/internal/atomicfile"
)

// Trained says how the run of a cell went.
type Trained struct {
	Checkpoint string   `json:"checkpoint"` // its folder in the run, that is measured
	Chosen     string   `json:"chosen"`     // ByValidation or Last
	Updates    uint64   `json:"updates"`
	Utterances int      `json:"utterances"`      // with labels
	Seconds    float64  `json:"seconds"`         // of labelled audio
	LeftOut    int      `json:"left_out"`        // utterances of the subset that were not used
	Heard      float64  `json:"heard_seconds"`   // audio trained on, repetitions counted
	Took       float64  `json:"trained_seconds"` // of training, over all processes
	Valid      *float64 `json:"valid_wer"`       // of the checkpoint, if there is validation
}

// How a checkpoint was chosen.
const (
	ByValidation = "best by validation"
	Last         = "last"
)

// Tested are error rates of a cell on the test store.
type Tested struct {
	Decoder    string  `json:"decoder"` // Greedy, or what it was told
	Checkpoint string  `json:"checkpoint"`
	WER        float64 `json:"wer"`
	CER        float64 `json:"cer"`
	Utterances int     `json:"utterances"`
	Took       float64 `json:"seconds"`
}

// Greedy is the decoder that takes the most probable label of each frame.
const Greedy = "greedy"

// Record is a line of the results: one of Trained, Tested and Failed. A later line takes the place of an earlier one about the same.
type Record struct {
	Cell
	Time    time.Time `json:"time"`
	Trained *Trained  `json:"trained,omitempty"`
	Tested  *Tested   `json:"tested,omitempty"`
	Failed  string    `json:"failed,omitempty"` // why
}

// Outcome is what is known of a cell.
type Outcome struct {
	Cell
	Trained *Trained
	Tested  []Tested // one a decoder, in the order in which they came
	Failed  string
}

// By finds the error rates with a decoder.
func (o Outcome) By(decoder string) (Tested, bool) {
	for _, t := range o.Tested {
		if t.Decoder == decoder {
			return t, true
		}
	}
	return Tested{}, false
}

// Results are the lines of a results file.
type Results struct {
	path  string
	lines []byte
	cells map[Cell]*Outcome
}

// maxBytes is the largest file of a sweep that is read. A line has about 300 bytes.
const maxBytes = 64 << 20

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("%s is larger than %d bytes: it is no file of a sweep", path, maxBytes)
	}
	return text, err
}

// ReadResults reads what a folder knows; a folder without results has none.
func ReadResults(dir string) (*Results, error) {
	r := &Results{path: filepath.Join(dir, ResultsFile), cells: map[Cell]*Outcome{}}
	var err error
	if r.lines, err = readLimited(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	return r, r.parse()
}

// parse makes the lines known.
func (r *Results) parse() error {
	n := 0
	for line := range bytes.SplitSeq(r.lines, []byte("\n")) {
		if n++; len(line) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("sweep: %s line %d: %w", r.path, n, err)
		}
		r.take(rec)
	}
	return nil
}

// take makes a record known.
func (r *Results) take(rec Record) {
	o := r.cells[rec.Cell]
	if o == nil {
		o = &Outcome{Cell: rec.Cell}
		r.cells[rec.Cell] = o
	}
	switch {
	case rec.Trained != nil:
		if o.Trained == nil || o.Trained.Checkpoint != rec.Trained.Checkpoint {
			o.Tested = nil // of another checkpoint
		}
		o.Trained, o.Failed = rec.Trained, ""
	case rec.Tested != nil:
		for i := range o.Tested {
			if o.Tested[i].Decoder == rec.Tested.Decoder {
				o.Tested[i] = *rec.Tested
				return
			}
		}
		o.Tested = append(o.Tested, *rec.Tested)
	default:
		o.Failed = rec.Failed
	}
}

// Of is what is known of a cell.
func (r *Results) Of(c Cell) Outcome {
	if o := r.cells[c]; o != nil {
		return *o
	}
	return Outcome{Cell: c}
}

// Add appends a record. The file is replaced as a whole, so that no reader and no crash sees a part of it.
func (r *Results) Add(rec Record) error {
	rec.Time = time.Now().UTC().Truncate(time.Second)
	line, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	lines := append(bytes.Clone(r.lines), append(line, '\n')...)
	if err := atomicfile.Write(r.path, lines, 0o644); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	r.lines = lines
	r.take(rec)
	return nil
}
