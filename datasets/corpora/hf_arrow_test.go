package corpora

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aural/audio"
	"aural/datasets"
)

// goldenPCM computes recording n of testdata/gen_hf.py.
func goldenPCM(n int) []int16 {
	pcm := make([]int16, 400+16*n)
	for i := range pcm {
		pcm[i] = int16((7919*n+31*i)%4001 - 2000)
	}
	return pcm
}

func goldenWAV(n int) []byte { return audio.AppendWAV16(nil, 16000, goldenPCM(n)) }

// encoded returns the encoded audio that an item stands for.
func encoded(t testing.TB, item datasets.Item) []byte {
	t.Helper()
	if item.Data != nil {
		return item.Data
	}
	data, err := os.ReadFile(item.Path)
	if err != nil {
		t.Fatal(err)
	}
	if data = data[item.Offset:]; item.Size > 0 {
		data = data[:item.Size]
	}
	return data
}

// goldenNumber returns the number of the recording that an item holds.
func goldenNumber(t testing.TB, item datasets.Item) int {
	t.Helper()
	clip, err := audio.Decode(encoded(t, item), audio.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", item.Name, err)
	}
	n := (clip.Frames() - 400) / 16
	for i, v := range goldenPCM(n) {
		if clip.Channels[0][i] != float32(v)/32768 {
			t.Fatalf("%s: sample %d is %g, recording %d has %g", item.Name, i, clip.Channels[0][i], n, float32(v)/32768)
		}
	}
	return n
}

// expected reads expected.tsv: the rows of each file, as "id speaker transcript split n" with tabs.
func expected(t *testing.T, dir string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, line := range textLines(string(text)) {
		name, row, _ := strings.Cut(line, "\t")
		rows[name] = append(rows[name], row)
	}
	return rows
}

func TestHuggingFaceGoldens(t *testing.T) {
	dir := filepath.Join("testdata", "hf")
	rows := expected(t, dir)
	if len(rows) < 10 {
		t.Fatalf("only %d files", len(rows))
	}
	for name, want := range rows {
		t.Run(name, func(t *testing.T) {
			src, err := Open("auto", filepath.Join(dir, name), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(src.Describe(), "Hugging Face dataset testdata/hf/"+name) || src.Total() != len(want) {
				t.Errorf("%s, %d items, want %d", src.Describe(), src.Total(), len(want))
			}
			var got []string
			for item, err := range src.Items() {
				if err != nil || item.Fault != nil {
					t.Fatal(err, item.Fault)
				}
				got = append(got, strings.Join([]string{item.ID, item.Speaker, item.Transcript, item.Split, strconv.Itoa(goldenNumber(t, item))}, "\t"))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// Audio that is not in the table lies below the folder of the dataset, or below the root, and nowhere else.
func TestHuggingFaceExternalAudio(t *testing.T) {
	file := filepath.Join("testdata", "hf", "external.arrow")
	src, err := HuggingFace(file, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item, err := range src.Items() {
		if err != nil {
			t.Fatal(err)
		}
		state := "ok"
		if item.Fault != nil {
			state = string(item.Fault.Kind)
		} else if n := goldenNumber(t, item); n != 0 {
			t.Errorf("recording %d", n)
		}
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", item.ID, item.Name, item.Transcript, state))
	}
	want := []string{"clips/a|external.arrow/a.wav|in|ok", "../gen_hf.py|external.arrow/gen_hf.py|up|outside", "passwd|external.arrow/passwd|root|outside",
		"clips/none|external.arrow/none.wav|none|missing", "external-4|external.arrow/4|null|missing"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	// The column may be a path itself, and the root another folder.
	src, err = HuggingFace(filepath.Join("testdata", "hf", "paths.arrow"), filepath.Join("testdata", "hf"))
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range src.Items() {
		if err != nil || item.ID != "clips/a" || item.Speaker != "c1" || item.Transcript != "by path" || goldenNumber(t, item) != 0 {
			t.Errorf("%+v, %v", item, err)
		}
	}
	src, err = HuggingFace(file, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range src.Items() {
		if err != nil || item.Fault == nil {
			t.Errorf("in an empty root: %+v, %v", item, err)
		}
	}
}

func TestHuggingFaceRefuses(t *testing.T) {
	golden := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "hf", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	stream, file := golden("stream.arrow"), golden("file-zstd.arrow")
	long := append([]byte(nil), stream...)
	binary.LittleEndian.PutUint32(long[4:], 0x7FFFFFF0)
	for _, c := range []struct {
		name  string
		files map[string]string
		says  string
	}{
		{"cut stream", map[string]string{"x.arrow": string(stream[:len(stream)/2])}, "cut off or damaged"},
		{"cut file", map[string]string{"x.arrow": string(file[:len(file)/2])}, "no footer: it is cut off"},
		{"metadata of 2 GiB", map[string]string{"x.arrow": string(long)}, "metadata of 2147483632 bytes"},
		{"text", map[string]string{"x.arrow": "this is a text and no Arrow at all"}, "metadata of"},
		{"empty", map[string]string{"x.arrow": ""}, "x.arrow"},
		{"no audio", map[string]string{"x.arrow": string(golden("dict/train/data-00000-of-00001.arrow")), "state.json": `{"_data_files":[{"filename":"y.arrow"}]}`}, "no file"},
		{"files outside", map[string]string{"state.json": `{"_data_files":[{"filename":"../../x.arrow"}]}`}, "leads out of"},
		{"splits outside", map[string]string{"dataset_dict.json": `{"splits":["../.."]}`}, "leads out of"},
		{"a selection", map[string]string{"state.json": `{"_data_files":[{"filename":"x.arrow"}],"_indices_data_files":[{"filename":"i.arrow"}]}`}, "flatten_indices"},
		{"no files", map[string]string{"state.json": `{"_data_files":[]}`}, "no Arrow files"},
		{"no splits", map[string]string{"dataset_dict.json": `{}`}, "lists no splits"},
		{"damaged state", map[string]string{"state.json": `{"_data_files":`}, "state.json"},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			writeFileAt(t, filepath.Join(dir, name), []byte(text))
		}
		if _, err := Open("auto", dir, Options{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	if _, err := HuggingFace(filepath.Join(t.TempDir(), "gone"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
}

func TestChooseColumns(t *testing.T) {
	for _, c := range []struct {
		fields []Field
		meta   string
		want   Columns
	}{
		{[]Field{{"file", FieldText}, {"audio", FieldAudio}, {"text", FieldText}, {"speaker_id", FieldInteger}, {"chapter_id", FieldInteger}, {"id", FieldText}}, "",
			Columns{Audio: 1, ID: 5, Speaker: 3, Transcript: 2}}, // librispeech_asr
		{[]Field{{"client_id", FieldText}, {"path", FieldText}, {"audio", FieldAudio}, {"sentence", FieldText}}, "", Columns{2, 1, 0, 3}}, // common_voice
		{[]Field{{"transcript", FieldText}, {"Text", FieldText}, {"x", FieldAudio}}, "", Columns{2, -1, -1, 1}},
		{[]Field{{"bytes", FieldBytes}, {"key", FieldInteger}}, "{", Columns{0, 1, -1, -1}},
		{[]Field{{"audio", FieldAudio}, {"noisy", FieldAudio}}, `{"info":{"features":{"audio":{"_type":"Image"},"noisy":{"_type":"Audio"}}}}`, Columns{1, -1, -1, -1}},
		{[]Field{{"audio", FieldText}, {"text", FieldOther}, {"speaker", FieldText}}, `{"info":{"features":[1]}}`, Columns{0, -1, 2, -1}},
	} {
		if got, err := ChooseColumns(c.fields, c.meta); err != nil || got != c.want {
			t.Errorf("%v %s: %+v, %v, want %+v", c.fields, c.meta, got, err, c.want)
		}
	}
	if _, err := ChooseColumns([]Field{{"image", FieldAudio}, {"n", FieldInteger}}, `{"info":{"features":{"image":{"_type":"Image"}}}}`); err == nil || !strings.Contains(err.Error(), `["image" "n"]`) {
		t.Errorf("no audio: %v", err)
	}
}

func TestSplitOf(t *testing.T) {
	for name, want := range map[string]string{
		"data/train-00000-of-00002.parquet": "train", "data/train.clean.100-00000-of-00014.parquet": "train.clean.100", "librispeech_asr-validation.other-00001-of-00002.arrow": "validation.other",
		"test-00000-of-00001-0123456789abcdef.parquet": "test", "data-00000-of-00001.arrow": "", "train/data-00000-of-00001.arrow": "train", "en/dev/x-01.tar": "dev", "train/x.dev.wav": "dev",
		"restrain.parquet": "", "my_train_set.csv": "train", "": "", "x.train": "", "latest.tar": "",
	} {
		if got := SplitOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
