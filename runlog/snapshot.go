package runlog

import "time"

// SnapshotKind says what a [Snapshot] holds.
type SnapshotKind string

// The kinds of snapshot.
const (
	CodebookSnapshot   SnapshotKind = "codebook"
	BatchSnapshot      SnapshotKind = "batch"
	TranscriptSnapshot SnapshotKind = "transcripts"
	AlignmentSnapshot  SnapshotKind = "alignment"
)

// Snapshot is a look inside the model that is more than a few numbers, a line of snapshots.jsonl. Exactly one of
// Codebook, Batch, Transcripts and Alignment is set.
type Snapshot struct {
	Step int64     // updates done when it was taken
	Time time.Time // kept to the millisecond; the zero time is replaced by the time of writing

	Codebook    *Codebook
	Batch       *Batch
	Transcripts []Transcript
	Alignment   *Alignment
}

// Kind returns what the snapshot holds, "" when nothing.
func (s *Snapshot) Kind() SnapshotKind {
	switch {
	case s.Codebook != nil:
		return CodebookSnapshot
	case s.Batch != nil:
		return BatchSnapshot
	case s.Transcripts != nil:
		return TranscriptSnapshot
	case s.Alignment != nil:
		return AlignmentSnapshot
	}
	return ""
}

// Codebook tells how often each entry of the quantizer was chosen since the codebook snapshot before.
type Codebook struct {
	Groups, Entries int
	Counts          []int64 // (Groups, Entries)
	Updates         int64   // updates counted
}

// Batch is one row of the micro-batch of update Step.
type Batch struct {
	ID, Speaker, Text string
	Sample            string // path of a WAV file in the run directory with the audio of the row; "" for none, also when it was removed
	Samples, Rate     int    // audio of the row: samples, and their number in a second
	Frames            int    // steps of the encoder
	Rows              int    // of the micro-batch
	Epoch             int
	Spans             [][2]int      // masked runs as first frame and length; rising, apart
	Masked            []MaskedFrame // one for each masked frame, rising
	Logits            []FrameLogits // for some of them, rising
	Width             int           // channels that a mask may cover; of padded batches
	Padded            []PaddedRow   // all rows of a padded batch, this one first; none where rows are cut to one length
}

// PaddedRow is what was masked in a row of a padded batch.
type PaddedRow struct {
	Frames   int      // that are not padding
	Spans    [][2]int // masked frames, as in Batch
	Channels [][2]int // masked channels: first one and how many; rising, apart
}

// MaskedFrame is what the model made of a masked frame.
type MaskedFrame struct {
	Frame        int
	Codes        []int   // chosen for the target, one a group; all frames of a batch have the same number
	Correct      bool    // the target scored above all distractors
	Positive     float32 // cosine between context vector and target; NaN when not known
	BestNegative float32 // largest cosine between context vector and a distractor; NaN when not known
	Duplicates   int     // distractors that equal the target
}

// FrameLogits are the scores of the contrastive task at a masked frame: cosines divided by the temperature.
type FrameLogits struct {
	Frame     int
	Positive  float32
	Negatives []float32 // one a distractor; NaN where it equals the target and is left out
	At        []int     // frames that the distractors were taken from, -1 for another row's, as long as Negatives; or empty when not known
}

// Transcript is a decoded utterance of a validation.
type Transcript struct {
	ID, Reference, Hypothesis string
	Loss                      float64 // CTC, nats; NaN or infinite when there is none
	WordErrors, Words         int     // edits, and words of the reference
	CharErrors, Chars         int
	Seconds                   float64 // of audio
	BlankShare                float64 // share of frames whose best label is the blank
}

// Alignment says which frames of an utterance carry which label.
type Alignment struct {
	ID, Text     string
	Forced       bool   // Text is the reference, placed where the model finds it; otherwise the most probable path is shown, and Text is what it says
	Sample       string // as in Batch
	Rate         int    // samples in a second of the WAV file
	Frames       int
	FrameSeconds float64 // time between two frames
	Tokens       []AlignedToken
	Blank        []float32 // probability of the blank at each frame; or empty
}

// AlignedToken is a label at its place.
type AlignedToken struct {
	Label         string
	Frame, Frames int     // first frame, and how many
	Score         float32 // mean probability of the label over its frames; NaN when not known
}
