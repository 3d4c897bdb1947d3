package corpora

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAudioFolder(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "train/a.wav", "train/b/c.flac", "train/unlisted.wav", "test/d.mp3", "secret.txt",
		"train/metadata.csv:\ufefffile_name,id,transcription,speaker_id\r\na.wav,A,\"quoted, \"\"text\"\"\",12\nb/c.flac,,,\nx.wav,X,gone,1\n../../up.wav,,,\na.wav,short\n"+
			"a\"b,B,quote,1\n,,,\n\"/etc/passwd\",,,\n",
		"test/metadata.jsonl:{\"file_name\":\"d.mp3\",\"text\":\"json\",\"speaker\":7,\"list\":[1]}\n\nnot json\n{\"name\":\"no file\"}\n")
	src, err := Open("auto", dir, Options{})
	checkListed(t, src, err, "AudioFolder "+dir+": 11 recordings, 1 audio files that the metadata does not list ignored",
		"test/d|7|json|test|test/d.mp3", "test/metadata.jsonl line 3 bad-entry", "test/metadata.jsonl line 4 bad-entry",
		`A|12|quoted, "text"|train|train/a.wav`, "train/b/c|||train|train/b/c.flac", "train/x.wav missing", "../up.wav outside",
		"train/metadata.csv line 6 bad-entry", "train/metadata.csv line 7 bad-entry", "train/metadata.csv line 8 bad-entry", "/etc/passwd outside")
	// An absolute path inside is taken as the relative one.
	tree(t, dir, "all/metadata.jsonl:{\"file_name\":\""+filepath.Join(dir, "all", "y.wav")+"\"}\n", "all/y.wav")
	src, err = Open("audiofolder", filepath.Join(dir, "all"), Options{})
	checkListed(t, src, err, "AudioFolder", "y||||y.wav")
}

func TestAudioFolderWithoutMetadata(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "train/cat/1.wav", "train/2.wav", "test/dog/3.ogg", "4.wav", "readme.md")
	src, err := AudioFolder(dir)
	checkListed(t, src, err, "AudioFolder "+dir+" without metadata", "4||||4.wav", "test/dog/3|dog||test|test/dog/3.ogg", "train/2|||train|train/2.wav",
		"train/cat/1|cat||train|train/cat/1.wav")
}

func TestAudioFolderRefuses(t *testing.T) {
	for text, says := range map[string]string{"metadata.csv:": "header", "metadata.csv:name,text\nx,y\n": "no column file_name", "metadata.jsonl:[]\n": "no line is a JSON object"} {
		dir := t.TempDir()
		tree(t, dir, "a.wav", text)
		if _, err := AudioFolder(dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
		if src, err := Open("auto", dir, Options{}); err != nil || !strings.HasPrefix(src.Describe(), "folder") {
			t.Errorf("%s: taken for %v, %v", text, src, err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add("file_name,text\na.wav,\"x, y\"\nb,\n", true)
	f.Add("{\"file_name\":\"a.wav\",\"text\":\"x\",\"speaker\":1}\n[]\n", false)
	f.Fuzz(func(t *testing.T, text string, isCSV bool) {
		parse := parseMetadataJSONL
		if isCSV {
			parse = parseMetadataCSV
		}
		rows, err := parse(text)
		if err != nil {
			return
		}
		for _, row := range rows {
			if row.line < 1 || (row.Path == "") != (row.fault != nil) || row.line > 1+strings.Count(text, "\n") {
				t.Fatalf("%+v of %q", row, text)
			}
		}
	})
}
