package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/internal/synth"
)

// placedRecord is what align writes as JSON.
type placedRecord struct {
	ID         string
	Seconds    float64
	Text       string
	Confidence float64
	Words      []struct {
		Word                   string
		Start, End, Confidence float64
	}
	Tokens []struct {
		Token      string
		Start, End float64
	}
	Segments []struct {
		Start, End, Confidence float64
		Text                   string
	}
}

// check fails unless words and tokens lie in order inside of the recording.
func (r *placedRecord) check(t *testing.T, words ...string) {
	t.Helper()
	if len(r.Words) != len(words) || len(r.Tokens) != len(strings.Join(words, "")) {
		t.Fatalf("%+v, want words %q", r, words)
	}
	end := 0.0
	for i, w := range r.Words {
		if w.Word != words[i] || w.Start < end || w.End <= w.Start || w.End > r.Seconds || !(w.Confidence > 0 && w.Confidence <= 1) {
			t.Errorf("word %d of %s: %+v after %v", i, r.ID, w, end)
		}
		end = w.End
	}
	end = 0
	for i, k := range r.Tokens {
		if k.Start < end || k.End <= k.Start || k.Token != strings.Join(words, "")[i:i+1] {
			t.Errorf("token %d of %s: %+v after %v", i, r.ID, k, end)
		}
		end = k.End
	}
}

func TestAlignStore(t *testing.T) {
	texts := []string{"at to", "NO AT NO", "", "TO", strings.Repeat("NEON ", 5000), "TOM"}
	store := smallStore(t, texts...)
	dir := t.TempDir()
	figure := filepath.Join(dir, "worst.svg")
	out, msg := call(t, exitRejects, "align", "--data", store, "--model", ctcModel, "--normalise", "upper", "--format", "json", "--figure", figure)
	var list []placedRecord
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 3 {
		t.Fatalf("%d alignments, %v", len(list), err)
	}
	for i, words := range [][]string{{"AT", "TO"}, {"NO", "AT", "NO"}, {"TO"}} {
		list[i].check(t, words...)
		if list[i].Text != strings.Join(words, " ") || !(list[i].Confidence > 0 && list[i].Confidence < 1) {
			t.Errorf("%+v", list[i])
		}
	}
	has(t, msg, "it has no word", "the transcript needs at least", `'M' (U+004D)`, "3 of 6 recordings could not be aligned", "doubtful: synth00-0000 at 0.00 s, confidence 0.",
		"3 utterances of 3 recordings aligned", "3 below confidence 0.22", figure+" shows synth00-000")
	has(t, read(t, figure), "&lt;pad&gt;", "probability", "doubtful word", "confidence 0.")

	// The same as CTM, and as a file each.
	out, _ = call(t, exitRejects, "align", "--data", store, "--model", ctcModel, "--normalise", "upper")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	w := list[1].Words[0]
	if want := fmt.Sprintf("%s 1 %.3f %.3f NO %.4f", list[1].ID, w.Start, w.End-w.Start, w.Confidence); len(lines) != 6 || lines[2] != want {
		t.Errorf("%q, want %q", lines, want)
	}
	grids := filepath.Join(dir, "grids")
	out, _ = call(t, exitRejects, "align", "--data", store, "--model", ctcModel, "--normalise", "upper", "--format", "textgrid", "--out", grids)
	if files, err := filepath.Glob(filepath.Join(grids, "*.TextGrid")); err != nil || len(files) != 3 || out != "" {
		t.Fatalf("%v, %v, prints %q", files, err, out)
	}
	has(t, read(t, grids, list[1].ID+".TextGrid"), "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\n", `name = "words"`, `name = "tokens"`, `text = "AT"`)

	out, msg = call(t, exitDone, "align", "--data", smallStore(t, "AT TO"), "--model", ctcModel, "--min-confidence", "0", "--format", "jsonl", "--figure", figure, "--show", "synth00-0000")
	has(t, out, `{"id":"synth00-0000","seconds":`)
	has(t, msg, "1 utterance of 1 recording aligned", "0 below")
	_, msg = call(t, exitError, "align", "--data", smallStore(t, "at to"), "--model", ctcModel)
	has(t, msg, "none of 1 recording could be aligned")
}

func TestAlignText(t *testing.T) {
	dir := t.TempDir()
	var x []int16
	for u := range synth.Corpus(synth.Options{Seed: 5, Utterances: 8, Speakers: 1, MinSeconds: 4, MaxSeconds: 5}) {
		x = append(x, u.Samples...)
	}
	long, talk, text := filepath.Join(dir, "long.wav"), filepath.Join(dir, "talk.wav"), filepath.Join(dir, "talk.txt")
	write(t, long, audio.AppendWAV16(nil, synth.Rate, x)) // more than 30 s
	write(t, talk, audio.AppendWAV16(nil, synth.Rate, x[:3*synth.Rate]))
	write(t, text, []byte("\ufeffAT TO\n\n  NO AT NO  \r\nTONE\n"))
	for _, c := range []struct {
		file, method string
		whole        bool
	}{{talk, "auto", true}, {long, "auto", false}, {talk, "whole", true}, {talk, "segment", false}} {
		out, msg := call(t, exitDone, "align", c.file, text, "--model", ctcModel, "--method", c.method, "--format", "jsonl", "--chunk", "1", "--overlap", "0.1")
		var r placedRecord
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		r.check(t, "AT", "TO", "NO", "AT", "NO", "TONE")
		if len(r.Segments) != 3 || r.Segments[1].Text != "NO AT NO" || r.Segments[1].Start < r.Segments[0].End || r.ID+".wav" != filepath.Base(c.file) || !(r.Segments[2].Confidence > 0) {
			t.Errorf("%+v: %+v", c, r)
		}
		if whole := r.Segments[2].End > r.Seconds-0.1 && r.Segments[0].Start == 0; whole != c.whole {
			t.Errorf("%+v: segments %+v of %v s", c, r.Segments, r.Seconds)
		}
		has(t, msg, "doubtful: line ", "3 utterances of 1 recording aligned")
	}
	for format, want := range map[string]string{"textgrid": `name = "utterances"`, "audacity": "\tAT TO\n", "srt": "NO AT NO\n", "vtt": "WEBVTT\n"} {
		out, _ := call(t, exitDone, "align", talk, text, "--model", ctcModel, "--format", format, "--method", "segment", "--chunk", "1", "--overlap", "0.1")
		has(t, out, want)
	}
	figure := filepath.Join(dir, "line.png")
	_, msg := call(t, exitDone, "align", talk, text, "--model", ctcModel, "--figure", figure, "--show", "2", "--chunk", "1", "--overlap", "0.1")
	has(t, msg, "line.png shows line 2")
	if _, err := os.Stat(figure); err != nil {
		t.Error(err)
	}
	_, msg = call(t, exitError, "align", talk, text, "--model", ctcModel, "--figure", figure, "--show", "9", "--chunk", "1", "--overlap", "0.1")
	has(t, msg, `--show: no utterance "9" was aligned`)

	empty, wrong := filepath.Join(dir, "empty"), filepath.Join(dir, "wrong")
	write(t, empty, []byte("\n \n"))
	write(t, wrong, []byte("AT\nTOM\n"))
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"align --model MODEL", exitUsage, "name a recording and the file of its text"},
		{"align TALK --model MODEL", exitUsage, "name a recording and the file of its text"},
		{"align TALK TEXT", exitUsage, `"model" not set`},
		{"align TALK TEXT --model MODEL --data STORE", exitUsage, "not both"},
		{"align TALK TEXT --model MODEL --format txt", exitUsage, "holds no times of words"},
		{"align TALK TEXT --model MODEL --method best", exitUsage, "--method is"},
		{"align TALK TEXT --model MODEL --min-confidence 2", exitUsage, "--min-confidence is 2"},
		{"align TALK TEXT --model MODEL --show 1", exitUsage, "--show chooses what --figure draws"},
		{"align TALK TEXT --model MODEL --figure a.gif", exitUsage, "must end in one of"},
		{"align TALK TEXT --model MODEL --normalise loud", exitUsage, "--normalise"},
		{"align TALK nowhere --model MODEL", exitError, "nowhere"},
		{"align TALK " + empty + " --model MODEL", exitError, "it has no line with text"},
		{"align TALK " + wrong + " --model MODEL", exitError, "text 2: vocab: 'M'"},
		{"align nowhere.wav TEXT --model MODEL", exitError, "nowhere.wav"},
		{"align TALK TEXT --model nowhere", exitError, "--model: "},
	} {
		args := strings.Fields(strings.NewReplacer("TALK", talk, "TEXT", text, "MODEL", ctcModel).Replace(c.args))
		_, msg := call(t, c.code, args...)
		has(t, msg, c.want)
	}
}
