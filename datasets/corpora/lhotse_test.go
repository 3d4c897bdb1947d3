package corpora

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordingJSON is a line of recordings.jsonl as Lhotse writes it. Sources are "TYPE CHANNELS SOURCE".
func recordingJSON(id, extra string, sources ...string) string {
	var list []string
	for _, s := range sources {
		part := strings.SplitN(s, " ", 3)
		list = append(list, fmt.Sprintf(`{"type": %q, "channels": [%s], "source": %q}`, part[0], part[1], part[2]))
	}
	return fmt.Sprintf(`{"id": %q, "sources": [%s], "sampling_rate": 16000, "num_samples": 8000, "duration": 0.5, "channel_ids": [0]%s}`, id, strings.Join(list, ", "), extra)
}

func supervisionJSON(id, recording, channel string, start, duration float64, text, speaker string) string {
	return fmt.Sprintf(`{"id": %q, "recording_id": %q, "start": %g, "duration": %g, "channel": %s, "text": %q, "language": "English", "speaker": %q}`, id, recording, start, duration, channel, text, speaker)
}

func TestLhotseRecordings(t *testing.T) {
	dir := t.TempDir()
	marker := filepath.Join(dir, "executed")
	recordings(t, dir, "a.wav", "b.wav", "c.wav", "s/1.wav", "s/2.wav", "../out.wav")
	writeFileAt(t, filepath.Join(dir, "stereo.wav"), stereo(5, 7)) // the mean of both is 6
	writeFileAt(t, filepath.Join(dir, "m", "mini_recordings_train.jsonl.gz"), gzipText(t, "\ufeff"+strings.Join([]string{
		recordingJSON("a", "", "file 0 a.wav"), recordingJSON("b", "", "file 0 b.wav"), "", recordingJSON("st", "", "file 0,1 stereo.wav"),
		recordingJSON("two", "", "file 0 s/1.wav", "file 1 s/2.wav"), recordingJSON("cmd", "", "command 0 touch "+marker), recordingJSON("mem", "", "memory 0 UklGRg=="),
		recordingJSON("net", "", "url 0 https://x/y.wav"), recordingJSON("fast", `, "transforms": [{"name": "Speed", "kwargs": {"factor": 1.1}}]`, "file 0 a.wav"),
		recordingJSON("out", "", "file 0 ../out.wav"), recordingJSON("empty", ""), `{"id": 5}`, "no json", recordingJSON("two2", "", "file 0 s/1.wav", "file 1 s/2.wav")}, "\r\n")))
	tree(t, dir, "m/mini_supervisions_train.jsonl:"+strings.Join([]string{
		supervisionJSON("b-2", "b", "0", 0.3, 0.1, "zwei", "s1"), supervisionJSON("a-1", "a", "0", 0, 0.5, " eins ", "s2"), supervisionJSON("b-1", "b", "0", 0, 0.3, "eins", "s1"),
		supervisionJSON("st-1", "st", "1", 0, 0.5, "rechts", "s3"), supervisionJSON("st-2", "st", "[0, 1]", 0.1, 0.1, "beide", ""), supervisionJSON("st-3", "st", "7", 0, 0.1, "x", ""),
		supervisionJSON("two-1", "two", "1", 0, 0.5, "y", "s4"), supervisionJSON("two-2", "two", "[0, 1]", 0, 0.5, "y", "s4"), supervisionJSON("cmd-1", "cmd", "0", 0, 0.5, "y", "s4"),
		supervisionJSON("lost", "nowhere", "0", 0, 0.5, "y", "s4"), supervisionJSON("bad", "a", "0", 0, 0, "y", "s4"), supervisionJSON("a-1", "a", "0", 0, 0.5, "y", "s4")}, "\n"))
	r, s := "mini_recordings_train.jsonl.gz line ", "mini_supervisions_train.jsonl line "
	want := []string{
		s + "11: bad-entry: " + s + "11: the part is 0 s long",
		"a-1|s2|eins|train|a.wav", "a.wav: duplicate: " + s + `12: the id "a-1" is also that of ` + s + "2",
		"b-2|s1|zwei|train|b.wav seconds 0.3-0.4", "b-1|s1|eins|train|b.wav seconds 0-0.3",
		"st-1|s3|rechts|train|stereo.wav channel 2", "st-2||beide|train|stereo.wav seconds 0.1-0.2", s + "6: bad-entry: " + s + `6: recording "st", ` + r + `4: the recording "st" has no channel 7`,
		"two-1|s4|y|train|s/2.wav", "two2-1|||train|s/2.wav", s + "8: bad-entry: " + s + `8: recording "two", ` + r + "5: it is channels [0 1], of [0] or…",
		s + "9: bad-entry: " + s + `9: recording "cmd", ` + r + `6: the recording "cmd" comes from a command, and commands of a corpus are never run…`,
		r + "7: bad-entry: " + r + `7: the recording "mem" is of the type "memory"…`, r + "8: bad-entry: " + r + `8: the recording "net" is at "https://x/y.wav": download it and list the file`,
		r + "9: bad-entry: " + r + `9: the recording "fast" is transformed ("Speed")…`, "../out.wav: outside: " + r + "10: …", r + "11: bad-entry: " + r + `11: the recording "empty" has no sources`,
		r + "12: bad-entry: " + r + "12: …", r + "13: bad-entry: " + r + "13: …", "two2-0|||train|s/1.wav",
		s + "10: missing: " + s + `10: there is no recording "nowhere"`,
	}
	src := open(t, filepath.Join(dir, "m"), Options{Root: dir})
	checkItems(t, src, want...)
	checkImport(t, src, whole("a-1", "s2", "eins", 1), row{"b-2", "s1", "zwei", 2, 4800, 6400}, row{"b-1", "s1", "eins", 2, 0, 4800}, whole("st-1", "s3", "rechts", 7),
		row{"st-2", "", "beide", 6, 1600, 3200}, whole("two-1", "s4", "y", 5), whole("two2-1", "", "", 5), whole("two2-0", "", "", 4))
	for _, name := range []string{"mini_recordings_train.jsonl.gz", "mini_supervisions_train.jsonl"} {
		if other := open(t, filepath.Join(dir, "m", name), Options{Root: dir}); other.Total() != src.Total() {
			t.Errorf("%s lists %d items, the folder %d", name, other.Total(), src.Total())
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command was run")
	}
	tree(t, dir, "whole/recordings.jsonl:"+recordingJSON("x", "", "file 0 "+filepath.Join(dir, "a.wav"))+"\n"+recordingJSON("y", "", "file 0 b.wav"),
		"whole/supervisions.jsonl:"+supervisionJSON("x", "x", "0", 0, 0.5, "eins", "s"))
	checkImport(t, open(t, filepath.Join(dir, "whole"), Options{Root: dir}), whole("x", "s", "eins", 1), whole("y", "", "", 2))
}

func cutJSON(id, kind, recording string, start, duration float64, supervisions ...string) string {
	return fmt.Sprintf(`{"id": %q, "start": %g, "duration": %g, "channel": 0, "supervisions": [%s], "recording": %s, "type": %q}`, id, start, duration, strings.Join(supervisions, ", "), recording, kind)
}

func TestLhotseCuts(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "a.wav", "b.wav")
	a, b := recordingJSON("a", "", "file 0 a.wav"), recordingJSON("b", "", "file 0 b.wav")
	writeFileAt(t, filepath.Join(dir, "cuts_dev.jsonl.gz"), gzipText(t, strings.Join([]string{
		cutJSON("c1", "MonoCut", a, 0.1, 0.2, supervisionJSON("s2", "a", "0", 0.1, 0.1, "welt", "anna"), supervisionJSON("s1", "a", "0", 0, 0.1, "hallo", "anna")),
		cutJSON("c2", "MonoCut", b, 0, 0.5, supervisionJSON("s3", "b", "0", 0, 0.2, "eins", "anna"), supervisionJSON("s4", "b", "0", 0.2, 0.2, "zwei", "bert")),
		cutJSON("c3", "MonoCut", a, 0, 0.1), cutJSON("c4", "PaddingCut", "null", 0, 1), `{"id": "c5", "tracks": [], "type": "MixedCut"}`, cutJSON("c6", "MonoCut", "null", 0, 1),
		cutJSON("c7", "MonoCut", a, -1, 0.5), cutJSON("c8", "DataCut", a, 0, 0.5), cutJSON("c3", "MonoCut", b, 0, 0.1), `{"id": "c9", "start": "0"}`}, "\n")))
	// Recordings beside cuts are what the cuts were made of.
	tree(t, dir, "recordings.jsonl:"+a)
	c := "cuts_dev.jsonl.gz line "
	src := open(t, dir, Options{})
	checkItems(t, src, "c1|anna|hallo welt|dev|a.wav seconds 0.1-0.30000000000000004", "c3|||dev|a.wav seconds 0-0.1", "c2||eins zwei|dev|b.wav", "b.wav: duplicate: "+c+"9: …",
		c+"4: bad-entry: "+c+`4: "c4" is a PaddingCut…`, c+"5: bad-entry: "+c+`5: "c5" is a MixedCut…`, c+"6: bad-entry: "+c+`6: the cut "c6" has no recording…`,
		c+"7: bad-entry: "+c+"7: the part is from -1 to -0.5 s…", c+"8: bad-entry: "+c+`8: "c8" is of the unknown type "DataCut"`, c+"10: bad-entry: "+c+"10: …")
	checkImport(t, src, row{"c1", "anna", "hallo welt", 1, 1600, 4800}, row{"c3", "", "", 1, 0, 1600}, whole("c2", "", "eins zwei", 2))
	for item := range src.Items() {
		if item.ID == "c2" && item.Frames != 8000 || item.ID == "c1" && item.Frames != 0 {
			t.Errorf("%s has %d frames", item.ID, item.Frames)
		}
	}
	tree(t, dir, "one/train_cuts.jsonl:"+cutJSON("c", "MonoCut", b, 0, 0.5, supervisionJSON("s3", "b", "0", 0, 0.5, "eins", "anna")))
	checkImport(t, open(t, filepath.Join(dir, "one", "train_cuts.jsonl"), Options{Root: dir}), whole("c", "anna", "eins", 2))
	checkItems(t, open(t, filepath.Join(dir, "one"), Options{Root: dir}), "c|anna|eins|train|b.wav")
}
