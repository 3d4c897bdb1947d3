package corpora

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
	"aural/datasets"
	"aural/internal/testkit"
)

func TestRealLibriSpeech(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "librispeech", "dev-other")
	src, err := Open("auto", dir, Options{})
	if err != nil || !strings.HasPrefix(src.Describe(), "LibriSpeech tree") {
		t.Fatal(src, err)
	}
	target := filepath.Join(t.TempDir(), "store")
	summary, err := datasets.Import(context.Background(), src, target, datasets.ImportOptions{KeepDuplicates: true}, nil)
	if err != nil || len(summary.Rejects) != 0 || summary.Info.Speakers != 5 || summary.Info.Transcribed != summary.Accepted {
		t.Fatalf("%+v, %v", summary.Info, err)
	}
	s, err := datasets.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	row := 0
	for item, err := range src.Items() {
		if err != nil {
			t.Fatal(err)
		}
		clip, err := audio.DecodeFile(item.Path, audio.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := s.PCM(row)
		u, lookErr := s.Utterance(row)
		if lookErr != nil {
			t.Fatal(lookErr)
		}
		if err != nil || u != (datasets.Utterance{ID: item.ID, Speaker: item.Speaker, Transcript: item.Transcript, Split: item.Split, Path: item.Name, Samples: clip.Frames()}) || u.Transcript == "" {
			t.Fatalf("row %d is %+v of %+v; %v", row, u, item, err)
		}
		for i, v := range clip.Channels[0] { // 16-bit files come through bit for bit
			if int16(binary.LittleEndian.Uint16(pcm[2*i:])) != int16(v*32768) {
				t.Fatalf("%s: sample %d changed", u.ID, i)
			}
		}
		row++
	}
	if row != s.Len() {
		t.Errorf("%d items, %d rows", row, s.Len())
	}
	view, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	if held, err := datasets.Split(view, datasets.SplitConfig{Mode: datasets.SplitSpeakers, Fraction: 0.2}); err != nil || held.Valid.Speakers() != 1 {
		t.Errorf("%d speakers held out, %v", held.Valid.Speakers(), err)
	}
	sampler, err := datasets.NewSampler(view, datasets.DefaultSamplerConfig())
	if err != nil || sampler.Len() < 3 {
		t.Fatal(sampler, err)
	}
}

func TestRealTable(t *testing.T) {
	src, err := Open("auto", filepath.Join(testkit.DataDir(t), "MANIFEST.tsv"), Options{})
	if err != nil || !strings.HasPrefix(src.Describe(), "table") || src.Total() < 6000 {
		t.Fatal(src, err)
	}
	splits := map[string]int{}
	for item := range src.Items() {
		if item.Fault != nil {
			t.Fatalf("%s: %s", item.Name, item.Fault.Reason)
		}
		splits[item.Split]++
	}
	if splits["train"] == 0 || splits["dev"] == 0 || splits["pool"] == 0 {
		t.Errorf("splits %v", splits)
	}
}

// The odd files come with a list of what each is. Whatever must be refused is refused, and everything refused is listed.
func TestRealOddFiles(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "odd")
	table, err := os.ReadFile(filepath.Join(dir, "EXPECT.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "store")
	summary, err := datasets.Import(context.Background(), mustFolder(t, dir), target, datasets.ImportOptions{KeepDuplicates: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rejected := map[string]string{}
	for _, r := range summary.Rejects {
		rejected[r.Path] = string(r.Kind) + ": " + r.Reason
	}
	checked := 0
	for number, line := range textLines(string(table)) {
		cells := strings.Split(line, "\t")
		if number == 1 || len(cells) < 3 || !isAudioName(cells[0]) {
			continue
		}
		checked++
		reason, refused := rejected[cells[0]]
		if slices.Contains([]string{"refuse", "refuse for training"}, cells[2]) && !refused {
			t.Errorf("%s (%s) was accepted", cells[0], cells[1])
		}
		// Two names that differ only in the extension are one id here.
		if cells[2] == "ok" && refused && !strings.HasPrefix(reason, string(datasets.FaultDuplicate)) {
			t.Errorf("%s (%s) was refused: %s", cells[0], cells[1], reason)
		}
	}
	if checked < 50 {
		t.Errorf("only %d files were checked", checked)
	}
	r, err := datasets.Verify(context.Background(), target)
	if err != nil || len(r.Problems) > 0 || r.Rows != summary.Accepted {
		t.Errorf("%+v, %v", r, err)
	}
}

func mustFolder(t testing.TB, dir string) *datasets.Listing {
	t.Helper()
	src, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
