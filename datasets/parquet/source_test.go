package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aural/audio"
	"aural/datasets"
)

// goldenPCM computes recording n of datasets/corpora/testdata/gen_hf.py.
func goldenPCM(n int) []int16 {
	pcm := make([]int16, 400+16*n)
	for i := range pcm {
		pcm[i] = int16((7919*n+31*i)%4001 - 2000)
	}
	return pcm
}

func goldenWAV(n int) []byte { return audio.AppendWAV16(nil, 16000, goldenPCM(n)) }

// goldenNumber returns the number of the recording in an item.
func goldenNumber(t testing.TB, item datasets.Item) string {
	t.Helper()
	if item.Fault != nil {
		return string(item.Fault.Kind)
	}
	data, err := item.Data, error(nil)
	if item.Path != "" {
		data, err = os.ReadFile(item.Path)
	}
	n := (len(data) - 44 - 800) / 32
	if err != nil || !bytes.Equal(data, goldenWAV(n)) {
		t.Fatalf("%s: %d bytes are not recording %d, %v", item.Name, len(data), n, err)
	}
	return strconv.Itoa(n)
}

// rows describes all items as expected.tsv does: id, speaker, transcript, split, number, with tabs.
func rows(t testing.TB, path string) (out []string) {
	t.Helper()
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range src.Items() {
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, strings.Join([]string{item.ID, item.Speaker, item.Transcript, item.Split, goldenNumber(t, item)}, "\t"))
	}
	if src.Total() != len(out) {
		t.Errorf("%s: Total is %d, there are %d items", path, src.Total(), len(out))
	}
	return out
}

func TestGoldens(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, row, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		want[name] = append(want[name], row)
	}
	if len(want) < 10 {
		t.Fatalf("only %d files", len(want))
	}
	for name, want := range want {
		path := filepath.Join("testdata", name)
		if !Recognises(path) {
			t.Errorf("%s is not recognised", name)
		}
		if got := rows(t, path); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestExternalAudio(t *testing.T) {
	want := "clips/a\t\tin\t\t0|../parquet.go\t\tup\t\toutside|passwd\t\troot\t\toutside|external-3\t\tnull\t\tmissing"
	if got := strings.Join(rows(t, filepath.Join("testdata", "external.parquet")), "|"); got != want {
		t.Errorf("got %q", got)
	}
}

func TestImported(t *testing.T) {
	src, err := Open(filepath.Join("testdata", "hub"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := datasets.Import(context.Background(), src, dir, datasets.ImportOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	store, err := datasets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i, want := range []string{"utt-3|15|ÜBER DIE BRÜCKE|test|3", "utt-0|14|HELLO THERE|train|0", "utt-1|14||train|1", "utt-2|15|LAST OF ALL|train|2"} {
		u, err := store.Utterance(i)
		if err != nil {
			t.Fatal(err)
		}
		n := (u.Samples - 400) / 16
		if got := fmt.Sprintf("%s|%s|%s|%s|%d", u.ID, u.Speaker, u.Transcript, u.Split, n); got != want {
			t.Errorf("row %d is %s, want %s", i, got, want)
		}
		pcm, err := store.PCM(i)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range goldenPCM(n) {
			if int16(binary.LittleEndian.Uint16(pcm[2*k:])) != v {
				t.Fatalf("row %d: sample %d changed", i, k)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "snappy.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	footer := len(golden) - 8
	claim := func(n uint32) []byte {
		return append(binary.LittleEndian.AppendUint32(bytes.Clone(golden[:footer]), n), magic...)
	}
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"cut off", golden[:len(golden)-100], "does not end in PAR1"},
		{"tiny", []byte(magic), "no Parquet file"},
		{"footer too large", claim(1 << 20), "footer of 1048576 bytes in a file of"},
		{"footer too small", claim(20), "footer"},
		{"encrypted", append(bytes.Clone(golden[:len(golden)-1]), 'E'), "is encrypted"},
		{"schema of 2^28 elements", append([]byte(magic+"\x15\x02\x19\xfc\x80\x80\x80\x80\x01"), "\x09\x00\x00\x00"+magic...), "a schema of 268435456 elements"},
	} {
		file := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(file, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	empty := t.TempDir()
	if _, err := Open(empty); err == nil || Recognises(empty) || Recognises(filepath.Join("testdata", "expected.tsv")) || Recognises(filepath.Join(empty, "gone")) {
		t.Errorf("an empty folder: %v", err)
	}
}
