package corpora

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
)

// imported imports src and describes the rows of the store: id|speaker|transcript|split|number of the recording. Each row
// must hold the samples of a golden recording.
func imported(t *testing.T, src datasets.Source) (rows []string, summary datasets.Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	summary, err := datasets.Import(context.Background(), src, dir, datasets.ImportOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := datasets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i := range store.Len() {
		u, err := store.Utterance(i)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := store.PCM(i)
		if err != nil {
			t.Fatal(err)
		}
		n := (u.Samples - 400) / 16
		for k, v := range goldenPCM(n) {
			if int16(binary.LittleEndian.Uint16(pcm[2*k:])) != v {
				t.Fatalf("%s: sample %d is not that of recording %d", u.ID, k, n)
			}
		}
		rows = append(rows, strings.Join([]string{u.ID, u.Speaker, u.Transcript, u.Split, fmt.Sprint(n)}, "|"))
	}
	return rows, summary
}

func TestImportedStores(t *testing.T) {
	shard := tarBytes(t, entry{name: "a/0.wav", content: string(goldenWAV(5))}, entry{name: "a/0.txt", content: "FIRST"}, entry{name: "a/1.wav", content: "no audio"},
		entry{name: "b/2.json", content: `{"text":"SECOND","speaker":"s"}`}, entry{name: "b/2.wav", content: string(goldenWAV(6))})
	tars := t.TempDir()
	writeFileAt(t, filepath.Join(tars, "dev.tar"), shard)
	writeFileAt(t, filepath.Join(tars, "dev.tar.gz"), gzipped(t, shard))
	folder := t.TempDir()
	writeFileAt(t, filepath.Join(folder, "test", "x.wav"), goldenWAV(7))
	writeFileAt(t, filepath.Join(folder, "test", "metadata.csv"), []byte("file_name,transcription\nx.wav,\"one, two\"\n"))
	fromTar := []string{"a/0||FIRST|dev|5", "b/2|s|SECOND|dev|6"}
	for path, c := range map[string]struct {
		rows     []string
		rejected int
	}{
		filepath.Join("testdata", "hf", "dict"):            {[]string{"utt-0|14|HELLO THERE|train|0", "utt-1|14||train|1", "utt-2|15|LAST OF ALL|test|2"}, 0},
		filepath.Join("testdata", "hf", "file-zstd.arrow"): {[]string{"utt-0|14|HELLO THERE||0", "utt-1|14|||1", "utt-2|15|LAST OF ALL||2"}, 0},
		filepath.Join("testdata", "hf", "external.arrow"):  {[]string{"clips/a||in||0"}, 4},
		filepath.Join(tars, "dev.tar"):                     {fromTar, 1},
		filepath.Join(tars, "dev.tar.gz"):                  {fromTar, 1},
		folder:                                             {[]string{"test/x||one, two|test|7"}, 0},
	} {
		src, err := Open("auto", path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows, summary := imported(t, src)
		if !slices.Equal(rows, c.rows) || len(summary.Rejects) != c.rejected {
			t.Errorf("%s: rows %q, want %q; rejects %v, want %d", path, rows, c.rows, summary.Rejects, c.rejected)
		}
	}
}
