package corpora

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// tarOf returns a tar of files and where the data of each begins.
func tarOf(t testing.TB, names []string, data [][]byte) ([]byte, []int) {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	offsets := make([]int, len(names))
	for i, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data[i])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		offsets[i] = out.Len()
		if _, err := w.Write(data[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), offsets
}

func gzipText(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNeMo(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "a/1.wav", "a/2.wav", "long.wav", "../out.wav")
	symlink(t, filepath.Join("..", "out.wav"), filepath.Join(dir, "link.wav"))
	manifest := "\ufeff" + `{"audio_filepath": "a/1.wav", "duration": 0.5, "text": " hallo welt ", "speaker": 17, "lang": "de"}` + "\r\n\r\n" +
		`{"audio_filepath": "long.wav", "offset": 0.25, "duration": 0.1, "text": "b"}` + "\n" +
		`{"audio_filepath": "` + filepath.Join(dir, "a", "2.wav") + `", "text": null, "speaker": "anna"}` + "\n" +
		`{"audio_filepath": "long.wav", "offset": 0, "duration": 0.2, "text": "a"}` + "\n" +
		`{"audio_filepath": "long.wav", "offset": 0.3}` + "\n" +
		`{"audio_filepath": "a/1.wav"}` + "\n" +
		`{"audio_filepath": "../out.wav"}` + "\n" + `{"audio_filepath": "link.wav"}` + "\n" + `{"audio_filepath": "/etc/passwd"}` + "\n" +
		`{"audio_filepath": "gone.wav"}` + "\n" + `{"audio_filepath": "s3://bucket/a.wav"}` + "\n" +
		`{"audio_filepath": "long.wav", "offset": -1}` + "\n" + `{"audio_filepath": "long.wav", "offset": 1, "duration": 0}` + "\n" +
		`{"audio_filepath": "long.wav", "offset": 1e300, "duration": 1e300}` + "\n" + `{"text": "no audio"}` + "\n" + "not json\n" + `{"audio_filepath": 3}` + "\n" +
		`{"audio_filepath": "a/1.wav", "_skipme": true}` + "\n" + "{\"audio_filepath\": \"\xff.wav\"}\n"
	tree(t, dir, "train_manifest.json:"+manifest)
	src := open(t, filepath.Join(dir, "train_manifest.json"), Options{})
	if want := "NeMo manifest " + filepath.Join(dir, "train_manifest.json") + ": 18 recordings, 1 marked _skipme left out"; src.Describe() != want {
		t.Errorf("described as %q, want %q", src.Describe(), want)
	}
	place := "train_manifest.json line "
	checkItems(t, src, "a/1|17|hallo welt|train|a/1.wav", `a/1.wav: duplicate: `+place+`7: the id "a/1" is also that of `+place+`1`,
		"long-0.25-0.1||b|train|long.wav seconds 0.25-0.35", "long-0-0.2||a|train|long.wav seconds 0-0.2", "long-0.3|||train|long.wav seconds 0.3-0",
		"a/2|anna||train|a/2.wav",
		`../out.wav: outside: `+place+`8: "../out.wav" is, or links to, a file outside …`, `link.wav: outside: `+place+`9: …`, `/etc/passwd: outside: `+place+`10: …`,
		`gone.wav: missing: `+place+`11: there is no file "gone.wav" in `+dir+`: if the recordings are in another folder, name it as the root`,
		`s3://bucket/a.wav: bad-entry: `+place+`12: "s3://bucket/a.wav" is a URL: download it and list the file`,
		`long.wav: bad-entry: `+place+`13: the part is from -1 to 0 s…`, `long.wav: bad-entry: `+place+`14: the part is 0 s long`, `long.wav: bad-entry: `+place+`15: …`,
		place+`16: bad-entry: `+place+`16: it has no path`, place+`17: bad-entry: `+place+`17: "not json" is not the JSON…`, place+`18: bad-entry: `+place+`18: …`,
		place+`20: bad-entry: `+place+`20: it is not UTF-8`)
	checkImport(t, src, whole("a/1", "17", "hallo welt", 1), row{"long-0.25-0.1", "", "b", 3, 4000, 5600}, row{"long-0-0.2", "", "a", 3, 0, 3200},
		row{"long-0.3", "", "", 3, 4800, 0}, whole("a/2", "anna", "", 2))
	tree(t, dir, `whole/dev.jsonl:{"audio_filepath": "a/2.wav", "text": "zwei"}`)
	writeFileAt(t, filepath.Join(dir, "whole", "train.json.gz"), gzipText(t, `{"audio_filepath":"a/1.wav"}`+"\n"))
	tree(t, dir, "whole/notes.json:[]", `whole/x.txt:{"audio_filepath":"a/1.wav"}`)
	src = open(t, filepath.Join(dir, "whole"), Options{Root: dir})
	checkItems(t, src, "a/2||zwei|dev|a/2.wav", "a/1|||train|a/1.wav")
	checkImport(t, src, whole("a/2", "", "zwei", 2), whole("a/1", "", "", 1))
	checkItems(t, open(t, filepath.Join(dir, "whole", "{dev.jsonl,train.json.gz}"), Options{Root: dir}), "a/2||zwei|dev|a/2.wav", "a/1|||train|a/1.wav")
	if _, err := Open("nemo", filepath.Join(dir, "whole", "{dev,gone}.jsonl"), Options{}); err == nil || !strings.Contains(err.Error(), "no manifest gone.jsonl") {
		t.Errorf("a missing manifest of a pattern: %v", err)
	}
}

func TestNeMoTarred(t *testing.T) {
	dir := t.TempDir()
	data := [][]byte{wav(1), wav(2), wav(3)}
	n := len(data[0])
	first, at := tarOf(t, []string{"data_a_b.wav", "c.flac", "d.wav"}, data)
	second, at2 := tarOf(t, []string{"data_a_b.wav", "cut.wav"}, [][]byte{wav(4), wav(5)})
	writeFileAt(t, filepath.Join(dir, "audio_0.tar"), first)
	writeFileAt(t, filepath.Join(dir, "audio_1.tar"), second[:at2[1]+100])
	writeFileAt(t, filepath.Join(dir, "audio_2.tar"), []byte(strings.Repeat("junk", 1000)))
	manifest := func(shard string, names ...string) string {
		var b strings.Builder
		for _, name := range names {
			fmt.Fprintf(&b, "{\"audio_filepath\": %q%s}\n", name, shard)
		}
		return b.String()
	}
	tree(t, dir, "tarred_audio_manifest.json:"+manifest(`, "shard_id": 0`, "data_a_b.wav", "c.wav", "data/a.b.wav")+
		manifest(`, "shard_id": 0, "offset": 0.1, "duration": 0.2`, "d.wav", "d-sub1.wav")+
		manifest(`, "shard_id": 1`, "data_a_b.wav", "cut.wav", "gone.wav")+manifest(`, "shard_id": 2`, "x.wav")+manifest(`, "shard_id": 3`, "x.wav"))
	name := "tarred_audio_manifest.json line "
	src := open(t, dir, Options{})
	checkItems(t, src,
		fmt.Sprintf("data_a_b||||data_a_b.wav bytes %d+%d", at[0], n), fmt.Sprintf("data/a.b||||data/a.b.wav bytes %d+%d", at[0], n), fmt.Sprintf("c||||c.wav bytes %d+%d", at[1], n),
		fmt.Sprintf("d-0.1-0.2||||d.wav bytes %d+%d seconds 0.1-0.30000000000000004", at[2], n), fmt.Sprintf("d-sub1-0.1-0.2||||d-sub1.wav bytes %d+%d seconds 0.1-0.30000000000000004", at[2], n),
		`data_a_b.wav: duplicate: `+name+`6: …`, "cut.wav: truncated: "+name+"7: the tar ends…", `gone.wav: missing: `+name+`8: audio_1.tar has no member "gone.wav"`,
		"x.wav: bad-audio: "+name+"9: corpora: tar …", "x.wav: missing: "+name+"10: there is no tar of shard 3…")
	checkImport(t, src, whole("data_a_b", "", "", 1), whole("data/a.b", "", "", 1), whole("c", "", "", 2), row{"d-0.1-0.2", "", "", 3, 1600, 4800},
		row{"d-sub1-0.1-0.2", "", "", 3, 1600, 4800})
	// The manifests of single shards, in their own folder, name the shard by their number.
	tree(t, dir, "sharded_manifests/manifest_0.json:"+manifest("", "c.wav"), "sharded_manifests/manifest_1.json:"+manifest("", "data_a_b.wav"))
	checkItems(t, open(t, filepath.Join(dir, "sharded_manifests", "manifest__OP_0..1_CL_.json"), Options{}),
		fmt.Sprintf("c||||c.wav bytes %d+%d", at[1], n), fmt.Sprintf("data_a_b||||data_a_b.wav bytes %d+%d", at2[0], n))
}

func TestExpandBraces(t *testing.T) {
	for pattern, want := range map[string]string{
		"a.json": "a.json", "a_{0..2}.tar": "a_0.tar a_1.tar a_2.tar", "a_{08..10}": "a_08 a_09 a_10", "{2..0}": "2 1 0", "a__OP_0..1_CL_.tar": "a_0.tar a_1.tar",
		"{a,b}{0..1}": "a0 a1 b0 b1", "{a,{b,c}}x": "ax bx cx", "{a}": "{a}", "{a..b}": "{a..b}", "}{": "}{", "{": "{", "{,x}": " x", "{-1..2}": "{-1..2}",
		"{{0..1}}": "{0} {1}", "{0..0}": "0",
	} {
		got, err := expandBraces(pattern)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v, want %q", pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"{0..99999999}", "{0..999}{0..999}"} {
		if got, err := expandBraces(pattern); err == nil {
			t.Errorf("%s gave %d names", pattern, len(got))
		}
	}
}
