package corpora

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/datasets"
)

// lhotseRecording is a line of recordings.jsonl (lhotse/audio/recording.py).
type lhotseRecording struct {
	ID         string            `json:"id"`
	Sources    []lhotseSource    `json:"sources"`
	Samples    float64           `json:"num_samples"`
	Duration   float64           `json:"duration"`
	Transforms []lhotseTransform `json:"transforms"`
}

// lhotseSource is a file of a recording, or something in place of one.
type lhotseSource struct {
	Type     string `json:"type"`
	Channels []int  `json:"channels"`
	Source   label  `json:"source"`
}

type lhotseTransform struct {
	Name string `json:"name"`
}

// lhotseSupervision is a line of supervisions.jsonl: who says what in a part of a recording, in seconds. In a cut the times
// count from the beginning of the cut.
type lhotseSupervision struct {
	ID          string   `json:"id"`
	RecordingID string   `json:"recording_id"`
	Start       float64  `json:"start"`
	Duration    float64  `json:"duration"`
	Channel     channels `json:"channel"`
	Text        string   `json:"text"`
	Speaker     label    `json:"speaker"`
}

// lhotseCut is a line of cuts.jsonl.
type lhotseCut struct {
	ID           string              `json:"id"`
	Type         string              `json:"type"`
	Start        float64             `json:"start"`
	Duration     float64             `json:"duration"`
	Channel      channels            `json:"channel"`
	Supervisions []lhotseSupervision `json:"supervisions"`
	Recording    *lhotseRecording    `json:"recording"`
}

// channels is a number or a list of numbers.
type channels []int

func (c *channels) UnmarshalJSON(data []byte) error {
	var one *int
	if err := json.Unmarshal(data, &one); err == nil {
		if *c = nil; one != nil {
			*c = channels{*one}
		}
		return nil
	}
	var several []int
	if err := json.Unmarshal(data, &several); err != nil {
		return fmt.Errorf("want a channel or a list of channels, not %s", clip(string(data)))
	}
	*c = several
	return nil
}

// lhotseKind says what the first line of a manifest is: "cuts", "recordings" or "supervisions", or "".
func lhotseKind(head string) string {
	for _, line := range textLines(head) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &fields) != nil {
			return ""
		}
		has := func(name string) bool { _, ok := fields[name]; return ok }
		switch {
		case !has("id"):
			return ""
		case has("supervisions"), has("tracks"), strings.HasSuffix(string(fields["type"]), `Cut"`):
			return "cuts"
		case has("sources"):
			return "recordings"
		case has("recording_id") && has("start"):
			return "supervisions"
		}
		return ""
	}
	return ""
}

func looksLikeLhotse(head string) bool { return lhotseKind(head) != "" }

func parseRecording(line string) (lhotseRecording, *datasets.Fault) {
	var r lhotseRecording
	if fault := parseJSON(line, &r); fault != nil {
		return lhotseRecording{}, fault
	}
	return r, r.check()
}

func (r *lhotseRecording) check() *datasets.Fault {
	switch {
	case r.ID == "":
		return badEntry("the recording has no id")
	case len(r.Sources) == 0:
		return badEntry("the recording %q has no sources", r.ID)
	}
	return nil
}

func parseSupervision(line string) (lhotseSupervision, *datasets.Fault) {
	var s lhotseSupervision
	if fault := parseJSON(line, &s); fault != nil {
		return lhotseSupervision{}, fault
	}
	if s.ID == "" || s.RecordingID == "" {
		return s, badEntry("the supervision has no id or no recording_id")
	}
	return s, checkDuration(s.Start, s.Duration)
}

// parseCut refuses what is not a part of one recording. A cut without fault has a recording.
func parseCut(line string) (lhotseCut, *datasets.Fault) {
	var c lhotseCut
	if fault := parseJSON(line, &c); fault != nil {
		return lhotseCut{}, fault
	}
	switch c.Type {
	case "MonoCut", "MultiCut", "Cut": // Cut is what the first releases called MonoCut
	case "MixedCut", "PaddingCut":
		return c, badEntry("%q is a %s, which is made of several recordings or of none: %s", c.ID, c.Type, saveAudio)
	default:
		return c, badEntry("%q is of the unknown type %q", c.ID, clip(c.Type))
	}
	if c.ID == "" {
		return c, badEntry("the cut has no id")
	}
	if c.Recording == nil {
		return c, badEntry("the cut %q has no recording: features alone are not audio", c.ID)
	}
	if fault := c.Recording.check(); fault != nil {
		return c, fault
	}
	return c, checkDuration(c.Start, c.Duration)
}

func checkDuration(start, duration float64) *datasets.Fault {
	if !(duration > 0) {
		return badEntry("the part is %g s long", duration)
	}
	return checkPart(start, start+duration)
}

// words returns the speaker and the text of a cut.
func (c *lhotseCut) words() (speaker, text string) {
	inTime := slices.Clone(c.Supervisions)
	slices.SortStableFunc(inTime, func(a, b lhotseSupervision) int { return cmp.Compare(a.Start, b.Start) })
	var texts []string
	for i, s := range inTime {
		if t := strings.TrimSpace(s.Text); t != "" {
			texts = append(texts, t)
		}
		if i == 0 {
			speaker = string(s.Speaker)
		}
		if string(s.Speaker) != speaker {
			speaker = ""
		}
	}
	return speaker, strings.Join(texts, " ")
}

// saveAudio is what to do about audio that is not in files.
const saveAudio = "write the audio with CutSet.save_audios and list that"

// usable says why a source is not a file with the samples that the manifest describes, or returns nil.
func (r *lhotseRecording) usable(s lhotseSource) *datasets.Fault {
	for _, t := range r.Transforms {
		if t.Name != "Resample" { // which leaves the times as they are
			return badEntry("the recording %q is transformed (%q), which is not done here: %s", r.ID, clip(t.Name), saveAudio)
		}
	}
	switch s.Type {
	case "file":
		return notAFile(string(s.Source))
	case "command":
		return badEntry("the recording %q comes from a command, and commands of a corpus are never run: %s", r.ID, saveAudio)
	case "url":
		return badEntry("the recording %q is at %q: download it and list the file", r.ID, clip(string(s.Source)))
	}
	return badEntry("the recording %q is of the type %q, and only files are read: %s", r.ID, clip(s.Type), saveAudio)
}

// take makes item the part of the recording; the whole when it is that.
func (r *lhotseRecording) take(item *datasets.Item, start, duration float64) {
	if start == 0 && r.Duration > 0 && duration >= r.Duration {
		item.Frames = r.frames()
		return
	}
	item.Start, item.End = start, start+duration
}

// frames returns the number of samples of the file, 0 when the manifest counts those of another rate.
func (r *lhotseRecording) frames() int {
	if len(r.Transforms) > 0 || !(r.Samples > 0 && r.Samples < math.MaxInt32) {
		return 0
	}
	return int(r.Samples)
}
