package datasets

import (
	"encoding/json"
	"fmt"
)

// What Hugging Face datasets (5.x) wants to see: the features as JSON in the schema of every shard, state.json with the
// list of shards, and dataset_info.json with the features again. Key order follows what save_to_disk writes.

type hfValue struct {
	Dtype string `json:"dtype"`
	Type  string `json:"_type"`
}

type hfAudio struct {
	SamplingRate int    `json:"sampling_rate"`
	Type         string `json:"_type"`
}

type hfFeatures struct {
	ID         hfValue `json:"id"`
	Speaker    hfValue `json:"speaker"`
	Transcript hfValue `json:"transcript"`
	Split      hfValue `json:"split"`
	Samples    hfValue `json:"samples"`
	Start      hfValue `json:"start"`
	SHA256     hfValue `json:"sha256"`
	Audio      hfAudio `json:"audio"`
}

func features() hfFeatures {
	text := hfValue{"string", "Value"}
	return hfFeatures{ID: text, Speaker: text, Transcript: text, Split: text, Samples: hfValue{"int64", "Value"},
		Start: hfValue{"float64", "Value"}, SHA256: text, Audio: hfAudio{Rate, "Audio"}}
}

type hfDatasetInfo struct {
	Citation    string     `json:"citation"`
	Description string     `json:"description"`
	Features    hfFeatures `json:"features"`
	Homepage    string     `json:"homepage"`
	License     string     `json:"license"`
}

type hfDataFile struct {
	Filename string `json:"filename"`
}

type hfState struct {
	DataFiles        []hfDataFile   `json:"_data_files"`
	Fingerprint      string         `json:"_fingerprint"`
	FormatColumns    []string       `json:"_format_columns"`
	FormatKwargs     map[string]any `json:"_format_kwargs"`
	FormatType       *string        `json:"_format_type"`
	OutputAllColumns bool           `json:"_output_all_columns"`
	Split            *string        `json:"_split"`
}

// schemaMetadata is the value of the schema metadata key "huggingface".
func schemaMetadata() (string, error) {
	var meta struct {
		Info struct {
			Features hfFeatures `json:"features"`
		} `json:"info"`
	}
	meta.Info.Features = features()
	data, err := json.Marshal(meta)
	return string(data), err
}

// hfFiles returns the contents of state.json and dataset_info.json for shards. The fingerprint names the data in Hugging
// Face's cache; theirs has 16 hexadecimal digits.
func hfFiles(shards []FileSum, fingerprint, source string) (state, info []byte, err error) {
	s := hfState{Fingerprint: fingerprint[:16], FormatKwargs: map[string]any{}}
	for _, shard := range shards {
		s.DataFiles = append(s.DataFiles, hfDataFile{shard.Name})
	}
	if state, err = marshalJSON(s); err != nil {
		return nil, nil, fmt.Errorf("datasets: encode %s: %w", stateFile, err)
	}
	info, err = marshalJSON(hfDatasetInfo{Description: "16 kHz speech made by aural from " + source, Features: features()})
	if err != nil {
		return nil, nil, fmt.Errorf("datasets: encode %s: %w", datasetInfoFile, err)
	}
	return state, info, nil
}
