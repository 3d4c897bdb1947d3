package corpora

import (
	"path/filepath"
	"testing"
)

func TestTableCSV(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "a.wav", "b.wav", "c.wav", "d.wav")
	tree(t, dir, "x.csv:\ufeffwav_filename,wav_filesize,Transcript,spk_id\r\na.wav,1,\"one, \"\"two\"\"\nthree\",s1\r\n\r\nb.wav,1,bare\"quote,s2\nc.wav,1\nc.wav,1,plain,s3\nd.wav,1,\"open\n")
	src := open(t, filepath.Join(dir, "x.csv"), Options{})
	checkItems(t, src, `a|s1|one, "two" three||a.wav`, `x.csv line 5: bad-entry: x.csv line 5: bare " in non-quoted-field`, "c.wav: bad-entry: x.csv line 6: it has 2 columns, the header has 4",
		"c|s3|plain||c.wav", `x.csv line 8: bad-entry: x.csv line 8: …`)
	checkImport(t, src, whole("a", "s1", `one, "two" three`, 1), whole("c", "s3", "plain", 3))
	writeFileAt(t, filepath.Join(dir, "y.tsv.gz"), gzipText(t, "path\tid\nb.wav\tzwei\n"))
	checkItems(t, open(t, filepath.Join(dir, "y.tsv.gz"), Options{}), "zwei||||b.wav")
}

func TestLJSpeech(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "LJSpeech-1.1")
	recordings(t, dir, "wavs/LJ001-0001.wav", "wavs/LJ001-0002.wav")
	tree(t, dir, "metadata.csv:LJ001-0001|Printing, in \"1455\"|Printing, in \"fourteen fifty-five\"\r\n\nLJ001-0002|two columns\nLJ001-0003|gone|gone\nnone\n../../x|a|b\nLJ001-0001|again|again\n", "README:x")
	src := open(t, dir, Options{})
	m := "metadata.csv line "
	checkItems(t, src, `LJ001-0001|LJSpeech-1.1|Printing, in "fourteen fifty-five"||wavs/LJ001-0001.wav`, "LJ001-0002|LJSpeech-1.1|two columns||wavs/LJ001-0002.wav",
		"wavs/LJ001-0003.wav: missing: "+m+"4: …", m+"5: bad-entry: "+m+`5: "none": want…`, "wavs/../../x.wav: outside: "+m+"6: …", "wavs/LJ001-0001.wav: duplicate: "+m+"7: …")
	checkImport(t, src, whole("LJ001-0001", "LJSpeech-1.1", `Printing, in "fourteen fifty-five"`, 1), whole("LJ001-0002", "LJSpeech-1.1", "two columns", 2))
}

func TestVCTK(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "wav48_silence_trimmed/p225/p225_001_mic1.wav", "wav48_silence_trimmed/p225/p225_001_mic2.wav", "wav48_silence_trimmed/s5/s5_002_mic1.wav")
	tree(t, dir, "txt/p225/p225_001.txt:Please call Stella.\n", "speaker-info.txt:ID AGE\n", "odd/x.wav:")
	src := open(t, dir, Options{})
	checkItems(t, src, "odd/x.wav: bad-entry: not in a folder wav48/SPEAKER…", "p225_001_mic1|p225|||wav48_silence_trimmed/p225/p225_001_mic1.wav",
		"p225_001_mic2|p225|||wav48_silence_trimmed/p225/p225_001_mic2.wav", "s5_002_mic1|s5|||wav48_silence_trimmed/s5/s5_002_mic1.wav")
	checkImport(t, src, whole("p225_001_mic1", "p225", "Please call Stella.", 1), whole("p225_001_mic2", "p225", "Please call Stella.", 2), whole("s5_002_mic1", "s5", "", 3))
}
