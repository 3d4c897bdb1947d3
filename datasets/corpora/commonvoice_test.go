package corpora

import (
	"path/filepath"
	"testing"
)

func TestCommonVoice(t *testing.T) {
	release := filepath.Join(t.TempDir(), "cv-corpus")
	dir := filepath.Join(release, "de")
	header := "client_id\tpath\tsentence\tup_votes\tlocale\r\n"
	recordings(t, dir, "clips/a.mp3", "clips/b.mp3", "clips/c.mp3", "clips/d.mp3", "clips/bad.mp3", "clips/o.mp3", "../../out.mp3")
	symlink(t, filepath.Join("..", "..", "..", "out.mp3"), filepath.Join(dir, "clips", "link.mp3"))
	tree(t, dir, "validated.tsv:\ufeff"+header+"s1\ta.mp3\tEr sagte: \"Ja\".\t2\tde\r\ns2\tb\tohne Endung\t2\tde\r\n\r\ns2\tgone.mp3\tx\t2\tde\r\ns2\tkurz\r\n"+
		"s9\t../out.mp3\tx\t2\tde\r\ns9\tlink.mp3\tx\t2\tde\r\ns9\t/etc/passwd\tx\t2\tde\ns1\ta.mp3\tnoch einmal\t2\tde\r\ns1\td.mp3\t\"\t2\tde\n",
		"train.tsv:path\tclient_id\tsentence\na.mp3\ts1\tx\n", "dev.tsv:"+header+"s3\tc.mp3\tnur dev\t0\tde\n", "test.tsv:"+header+"s2\tb\tx\t0\tde\n",
		"invalidated.tsv:"+header+"s4\tbad.mp3\tfalsch\t0\tde\n", "other.tsv:"+header+"s5\to.mp3\tneu\t0\tde\n", "clip_durations.tsv:clip\tduration[ms]\na.mp3\t5\n")
	tree(t, release, "notes/x.txt:")
	v := "de/validated.tsv line "
	src := open(t, release, Options{})
	if want := "Common Voice folder " + release + ": 10 recordings, de/other.tsv and de/invalidated.tsv left out"; src.Describe() != want {
		t.Errorf("described as %q, want %q", src.Describe(), want)
	}
	checkItems(t, src, `a|s1|Er sagte: "Ja".|train|de/clips/a.mp3`, "b|s2|ohne Endung|test|de/clips/b.mp3",
		"de/clips/gone.mp3: missing: "+v+"5: …", "s2: bad-entry: "+v+"6: it has 2 columns, the header has 5", "../out.mp3: outside: "+v+`7: "../out.mp3" leads out of the folder clips`,
		"de/clips/link.mp3: outside: "+v+"8: …", "/etc/passwd: outside: "+v+"9: …", `de/clips/a.mp3: duplicate: `+v+`10: the id "a" is also that of `+v+"2",
		`d|s1|"|validated|de/clips/d.mp3`, "c|s3|nur dev|dev|de/clips/c.mp3")
	// The clips of this test are WAV files whatever they are called.
	checkImport(t, open(t, dir, Options{}), whole("a", "s1", `Er sagte: "Ja".`, 1), whole("b", "s2", "ohne Endung", 2), whole("d", "s1", `"`, 4), whole("c", "s3", "nur dev", 3))
	checkItems(t, open(t, filepath.Join(dir, "other.tsv"), Options{}), "o|s5|neu|other|clips/o.mp3")
	checkItems(t, open(t, filepath.Join(dir, "train.tsv"), Options{}), "a|s1|x|train|clips/a.mp3")
}
