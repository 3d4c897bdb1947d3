package corpora

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestMLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mls_polish")
	recordings(t, dir, "train/audio/1/20/1_20_000000.wav", "train/audio/1/20/1_20_000001.wav", "dev/audio/7/8/7_8_000000.wav")
	tree(t, dir, "train/audio/1/20/1_21_000001.wav", "train/audio/2/20/1_20_000001.wav", "train/segments.txt:1_20_000000\thttp://x/y.mp3\t0\t1\n",
		"train/transcripts.txt:\ufeff1_20_000000\tpierwszy  \r\n\r\n1_20_000000\tdrugi\n1_20_000009\tnie ma\nbez tabulatora\n",
		"dev/transcripts.txt:7_8_000000\tostatni")
	src := open(t, dir, Options{})
	if !strings.HasPrefix(src.Describe(), "MLS tree "+dir+": 8 recordings") {
		t.Errorf("described as %q", src.Describe())
	}
	checkItems(t, src,
		`train/transcripts.txt line 3: bad-entry: train/transcripts.txt line 3: "1_20_000000" has a transcript in train/transcripts.txt line 1 already`,
		`train/transcripts.txt line 5: bad-entry: train/transcripts.txt line 5: "bez tabulatora": want an id, a tab and the text`,
		"7_8_000000|7|ostatni|dev|dev/audio/7/8/7_8_000000.wav",
		"1_20_000000|1|pierwszy|train|train/audio/1/20/1_20_000000.wav",
		"1_20_000001|1||train|train/audio/1/20/1_20_000001.wav",
		"train/audio/1/20/1_21_000001.wav: bad-entry: not called SPEAKER_BOOK_UTTERANCE…", "train/audio/2/20/1_20_000001.wav: bad-entry: not called…",
		`train/transcripts.txt line 4: missing: train/transcripts.txt line 4: there is a transcript for "1_20_000009" but no such recording`)
	checkImport(t, src, whole("7_8_000000", "7", "ostatni", 3), whole("1_20_000000", "1", "pierwszy", 1), whole("1_20_000001", "1", "", 2))
	// One split, and a part of the audio, are MLS too.
	checkItems(t, open(t, filepath.Join(dir, "dev"), Options{}), "7_8_000000|7|ostatni|dev|audio/7/8/7_8_000000.wav")
	checkItems(t, open(t, filepath.Join(dir, "dev", "audio", "7"), Options{}), "7_8_000000|7||dev|8/7_8_000000.wav")
}

func TestLibriLight(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "small/100/sea_fairies_64kb_mp3/01_baum_64kb.wav", "small/100/sky_64kb_mp3/01_baum_64kb.wav", "medium/7/b/x.wav")
	tree(t, dir, `small/100/sea_fairies_64kb_mp3/01_baum_64kb.json:{"speaker": "100"}`, "small/100/sky_64kb_mp3/01_baum_64kb.json:{", "medium/7/b/x.json:",
		"medium/abc/b/y.wav")
	src := open(t, dir, Options{})
	if !strings.HasPrefix(src.Describe(), "Libri-Light tree "+dir) {
		t.Errorf("described as %q", src.Describe())
	}
	checkItems(t, src, "7/b/x|7||medium|medium/7/b/x.wav", "medium/abc/b/y.wav: bad-entry: not in a folder SPEAKER/BOOK…",
		"100/sea_fairies_64kb_mp3/01_baum_64kb|100||small|small/100/sea_fairies_64kb_mp3/01_baum_64kb.wav",
		"100/sky_64kb_mp3/01_baum_64kb|100||small|small/100/sky_64kb_mp3/01_baum_64kb.wav")
	checkImport(t, src, whole("7/b/x", "7", "", 3), whole("100/sea_fairies_64kb_mp3/01_baum_64kb", "100", "", 1), whole("100/sky_64kb_mp3/01_baum_64kb", "100", "", 2))
	// A part of the tree gives the same ids.
	checkItems(t, open(t, filepath.Join(dir, "small", "100"), Options{}),
		"100/sea_fairies_64kb_mp3/01_baum_64kb|100|||sea_fairies_64kb_mp3/01_baum_64kb.wav", "100/sky_64kb_mp3/01_baum_64kb|100|||sky_64kb_mp3/01_baum_64kb.wav")
}
