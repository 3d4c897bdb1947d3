package corpora

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// FieldKind classes the columns of a table by what they can hold for a recording.
type FieldKind int

// The kinds of Field.
const (
	FieldOther   FieldKind = iota // nothing that is used here
	FieldText                     // strings
	FieldInteger                  // whole numbers, as some corpora number their speakers
	FieldBytes                    // encoded audio files
	FieldAudio                    // Hugging Face's Audio: a struct of bytes, an encoded file, and path
)

// Field is a column of a table.
type Field struct {
	Name string
	Kind FieldKind
}

// Columns says which fields of a table hold the parts of a recording, by their numbers; -1 is for none.
type Columns struct {
	Audio, ID, Speaker, Transcript int
}

// The names that corpora give to their columns, the most telling first. Upper and lower case are the same.
var (
	audioNames      = []string{"audio", "speech", "recording", "wav", "flac", "mp3", "opus", "ogg", "bytes", "audio_bytes"}
	audioPathNames  = []string{"audio", "file", "path", "file_name", "audio_path", "audio_filepath", "audio_file", "wav", "speech"}
	idNames         = []string{"id", "utt_id", "utterance_id", "segment_id", "audio_id", "__key__", "key"}
	speakerNames    = []string{"speaker", "speaker_id", "client_id", "spk_id", "spk"}
	transcriptNames = []string{"text", "sentence", "transcription", "transcript", "normalized_text", "raw_text"}
)

// ChooseColumns finds the columns of a recording. huggingface is the value of the schema's metadata key of that name, which
// says what Hugging Face datasets takes each column for; "" or damaged, the kinds and names of the columns decide.
//
// The audio is a column that the metadata calls Audio, else one of kind FieldAudio, else bytes or paths of a usual name. The
// other parts go by name; the path of the audio also serves as id. A table without audio is an error that lists its columns.
func ChooseColumns(fields []Field, huggingface string) (Columns, error) {
	c := Columns{Audio: chooseAudio(fields, featureTypes(huggingface))}
	if c.Audio < 0 {
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f.Name
		}
		return c, fmt.Errorf("no column holds audio files or their paths; there are %q", names)
	}
	text := func(f Field) bool { return f.Kind == FieldText && f != fields[c.Audio] }
	textOrNumber := func(f Field) bool { return f.Kind == FieldInteger || text(f) }
	c.Speaker = fieldNamed(fields, speakerNames, textOrNumber)
	c.Transcript = fieldNamed(fields, transcriptNames, text)
	if c.ID = fieldNamed(fields, idNames, textOrNumber); c.ID < 0 {
		c.ID = fieldNamed(fields, audioPathNames, text)
	}
	return c, nil
}

func chooseAudio(fields []Field, features map[string]string) int {
	declared := func(f Field) bool {
		return features[f.Name] == "Audio" && (f.Kind == FieldAudio || f.Kind == FieldBytes || f.Kind == FieldText)
	}
	// An Image has the shape of an Audio, so a column that the metadata gives another meaning is out.
	kind := func(kind FieldKind) func(Field) bool {
		return func(f Field) bool { return f.Kind == kind && slices.Contains([]string{"", "Value"}, features[f.Name]) }
	}
	for _, at := range []int{
		fieldNamed(fields, audioNames, declared), slices.IndexFunc(fields, declared),
		fieldNamed(fields, audioNames, kind(FieldAudio)), slices.IndexFunc(fields, kind(FieldAudio)),
		fieldNamed(fields, audioNames, kind(FieldBytes)),
		fieldNamed(fields, audioPathNames, kind(FieldText)),
	} {
		if at >= 0 {
			return at
		}
	}
	return -1
}

// fieldNamed returns the field that has the earliest of the names and is fit, or -1.
func fieldNamed(fields []Field, names []string, fit func(Field) bool) int {
	for _, name := range names {
		if at := slices.IndexFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, name) && fit(f) }); at >= 0 {
			return at
		}
	}
	return -1
}

// featureTypes returns the "_type" of each feature: "Audio", "Image", "Value", "ClassLabel" …
func featureTypes(huggingface string) map[string]string {
	var meta struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	types := map[string]string{}
	if json.Unmarshal([]byte(huggingface), &meta) != nil {
		return types
	}
	for name, feature := range meta.Info.Features {
		var f struct {
			Type string `json:"_type"`
		}
		if json.Unmarshal(feature, &f) == nil { // a list of features is none of ours
			types[name] = f.Type
		}
	}
	return types
}
