package corpora

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestKaldi(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	recordings(t, dir, "train/wav/a.wav", "train/with space.wav", "shared.wav")
	recordings(t, parent, "recipe/downloads/r.wav")
	marker := filepath.Join(parent, "executed")
	ark := append([]byte("utt5 "), wav(5)...)
	second := len(ark) + len("utt6 ")
	ark = append(append(ark, "utt6 "...), wav(6)...)
	writeFileAt(t, filepath.Join(dir, "train", "wavs.ark"), append(ark, wav(7)[:500]...))
	tree(t, dir, "train/wav.scp:\ufeffu1 wav/a.wav\r\nu2\twith space.wav \n\nu3 touch "+marker+" |\nu4 | touch "+marker+"\nu5 wavs.ark:5\nu6 wavs.ark:"+fmt.Sprint(second)+
		"\nu7 wavs.ark:"+fmt.Sprint(len(ark))+"\nu8 wavs.ark:7\nu9 wavs.ark:999999999999999999\nu10 shared.wav\nu11 downloads/r.wav\nu12 /etc/passwd\nu13 ../../out.wav\nu1 wav/b.wav\nu14\nu15 -\nu16 "+filepath.Join(dir, "shared.wav")+"\n",
		"train/text:u1 EIN  WORT\nu2\nu99 NIEMAND\n", "train/utt2spk:u1 anna\nu5 bert\nu2 \n", "train/spk2gender:anna f\n", "dev/wav.scp:d1 shared.wav\n", "lang/words.txt:x 1\n")
	place := "train/wav.scp line "
	size := len(wav(5))
	src := open(t, dir, Options{Root: filepath.Join(parent, "recipe")})
	checkItems(t, src, "d1|||dev|shared.wav", "u10|||train|shared.wav", "u16|||train|shared.wav",
		place+`15: bad-entry: `+place+`15: "u1" is in `+place+`1 already`, place+`16: bad-entry: `+place+`16: "u14" has nothing behind it`,
		`train/utt2spk line 3: bad-entry: train/utt2spk line 3: "u2" has nothing behind it`,
		"u1|anna|EIN WORT|train|wav/a.wav", "u2|||train|with space.wav",
		place+"4: bad-entry: "+place+`4: "touch `+marker+` |" is a command, and commands of a corpus are never run…`, place+"5: bad-entry: "+place+`5: "| touch …`,
		fmt.Sprintf("u5|bert||train|wavs.ark:5 bytes 5+%d", size), fmt.Sprintf("u6|||train|wavs.ark:%d bytes %d+%d", second, second, size),
		fmt.Sprintf("wavs.ark:%d: truncated: %s8: …", len(ark), place), "wavs.ark:7: bad-entry: "+place+"9: there is no WAV file (RIFF … WAVE) at byte 7 of…", "wavs.ark:999999999999999999: bad-entry: "+place+"10: …",
		"u11|||train|downloads/r.wav",
		"/etc/passwd: outside: "+place+`13: "/etc/passwd" is, or links to, a file outside …`, "../../out.wav: outside: "+place+"14: …",
		place+"17: bad-entry: "+place+"17: it reads the standard input: name a file",
		`train/text line 3: missing: train/text line 3: there is a text for "u99" but no such utterance`)
	checkImport(t, src, whole("d1", "", "", 3), whole("u10", "", "", 3), whole("u16", "", "", 3), whole("u1", "anna", "EIN WORT", 1), whole("u2", "", "", 2),
		whole("u5", "bert", "", 5), whole("u6", "", "", 6), whole("u11", "", "", 1))
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command of wav.scp was run")
	}
	tree(t, dir, "dev/text:d1 SEIN\n", "dev/utt2spk:d1 carl\n")
	checkImport(t, open(t, filepath.Join(dir, "dev"), Options{Root: dir}), whole("d1", "carl", "SEIN", 3))
	checkItems(t, open(t, filepath.Join(dir, "dev", "wav.scp"), Options{}),
		`shared.wav: missing: wav.scp line 1: there is no file "shared.wav" in `+filepath.Join(dir, "dev")+`: if the recordings are in another folder, name it as the root`,
	)
}

func TestKaldiSegments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "train")
	recordings(t, dir, "one.wav")
	writeFileAt(t, filepath.Join(dir, "two.wav"), stereo(2, 3))
	writeFileAt(t, filepath.Join(dir, "stereo.wav"), stereo(4, 5))
	tree(t, dir, "wav.scp:r1 one.wav\nr2 two.wav\nsA stereo.wav\nsB stereo.wav\npipe cat x |\nalone stereo2.wav\nunused gone.wav\n",
		"reco2file_and_channel:sA stereo A\nsB stereo B\nr1 one B\n",
		"segments:u1 r1 0.1 0.2\nu2 r2 0 0.25 0\nu3 r1 0.2 -1\nu4 r2 0.3 0.4 1\nu5 sB 0.0 0.1\nu6 sA 0.1 0.2\nu7 pipe 0 1\nu8 nowhere 0 1\nu9 r1 2 1\nu10 r1 0 NaN\nu11 r1 0\nu1 r1 0 1\nu12 r1 0 0\nu13 r1 -1 2\nu14 alone 0 1\n",
		"text:u2 ZWEI\nu7 BEFEHL\nr1 KEINE\n", "utt2spk:u1 anna\n")
	place := "segments line "
	src := open(t, dir, Options{})
	checkItems(t, src,
		place+`12: bad-entry: `+place+`12: "u1" is in `+place+`1 already`,
		"u1|anna||train|one.wav seconds 0.1-0.2", "u3|||train|one.wav seconds 0.2-0", "u2||ZWEI|train|two.wav seconds 0-0.25 channel 1", "u4|||train|two.wav seconds 0.3-0.4 channel 2",
		"u5|||train|stereo.wav seconds 0-0.1 channel 2", "u6|||train|stereo.wav seconds 0.1-0.2 channel 1",
		place+`7: bad-entry: `+place+`7: recording "pipe", wav.scp line 5: "cat x |" is a command…`, place+`8: missing: `+place+`8: wav.scp has no recording "nowhere"`,
		place+`9: bad-entry: `+place+`9: the part is from 2 to 1 s, which is empty`, place+`10: bad-entry: `+place+`10: …`, place+`11: bad-entry: `+place+`11: "r1 0": want…`,
		place+`13: bad-entry: `+place+`13: …`, place+`14: bad-entry: `+place+`14: …`,
		`stereo2.wav: missing: `+place+`15: recording "alone", wav.scp line 6: there is no file "stereo2.wav"…`,
		`text line 3: missing: text line 3: there is a text for "r1" but no such utterance`)
	checkImport(t, src, row{"u1", "anna", "", 1, 1600, 3200}, row{"u3", "", "", 1, 3200, 0}, row{"u2", "", "ZWEI", 2, 0, 4000}, row{"u4", "", "", 3, 4800, 6400},
		row{"u5", "", "", 5, 0, 1600}, row{"u6", "", "", 4, 1600, 3200})
}

// The parts of one channel stay together when the channels take turns, so that the file is decoded once for each.
func TestKaldiChannelsTakeTurns(t *testing.T) {
	dir := t.TempDir()
	writeFileAt(t, filepath.Join(dir, "call.wav"), stereo(4, 5))
	tree(t, dir, "wav.scp:cA call.wav\ncB call.wav\n", "reco2file_and_channel:cA call A\ncB call B\n",
		"segments:a1 cA 0 0.1\nb1 cB 0.1 0.2\na2 cA 0.2 0.3\nb2 cB 0.3 0.4\n")
	checkImport(t, open(t, dir, Options{}), row{"a1", "", "", 4, 0, 1600}, row{"a2", "", "", 4, 3200, 4800}, row{"b1", "", "", 5, 1600, 3200},
		row{"b2", "", "", 5, 4800, 6400})
}
