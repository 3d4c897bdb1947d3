package corpora

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzTable(f *testing.F) {
	f.Add("path\tid\ttranscript\na.wav\tx\tHELLO\n")
	f.Add("\ufeffpath\r\na.wav\r\n\r\n\tb\n")
	f.Add("file_name\tsplit\n\n")
	f.Add("id,path,text\n1,a.wav,\"x, \"\"y\"\"\nz\"\n2,b.wav,\"c\"d\n3\n4,\"")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for row, err := range parseTable(text) {
			if err != nil {
				if looksLikeTable(text) {
					t.Fatalf("%q looks like a table: %v", text, err)
				}
				return
			}
			if !looksLikeTable(text) {
				t.Fatalf("%q has rows but does not look like a table", text)
			}
			if row.Fault == nil && (row.Name == "" || row.ID == "" && row.Name != stemless(row.Name)) || strings.ContainsAny(row.Transcript, "\n") {
				t.Fatalf("%+v", row)
			}
			if row.line <= last {
				t.Fatalf("line %d comes after line %d", row.line, last)
			}
			last = row.line
		}
	})
}

// stemless is name unless its stem is empty, as that of ".wav" is.
func stemless(name string) string {
	if stem(name) == "" {
		return name
	}
	return ""
}

func FuzzFairseq(f *testing.F) {
	for _, line := range []string{"a.flac\t16000", "", "a\tb\tc", "-\t-1", "x.zip:1:2\t7", "x.zip:-1:2\t7", "a:b:3:4\t5", ":1:2\t3"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e := parseFairseq(line)
		if e.frames < 0 || e.fault == nil && e.name == "" || strings.Contains(e.name, "\t") {
			t.Fatalf("%+v", e)
		}
		if e.archive != "" && (e.offset < 0 || e.size < 1 || !strings.HasPrefix(e.name, e.archive+":")) {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzTrans(f *testing.F) {
	f.Add("19-198-0000 NORTHANGER ABBEY\r\n\n19-198-0001\n  x  y \n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range parseTrans(text) {
			if line.id == "" || strings.ContainsAny(line.id, " \n") || strings.Contains(line.text, "\n") || line.text != strings.TrimSpace(line.text) {
				t.Fatalf("%+v", line)
			}
		}
	})
}

// FuzzResolve: whatever a manifest says, the file lies in the root.
func FuzzResolve(f *testing.F) {
	parent := f.TempDir()
	dir := filepath.Join(parent, "root")
	writeFileAt(f, filepath.Join(dir, "a", "x.wav"), nil)
	writeFileAt(f, filepath.Join(parent, "secret.wav"), nil)
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		f.Skipf("SKIPPED, no symbolic links here: %v", err)
	}
	r, err := openRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"a/x.wav", "up/secret.wav", "../secret.wav", "/etc/passwd", "a/../../secret.wav", "", ".", "up/../a/x.wav", "\x00"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		file, fault := r.resolve(name)
		if (file == "") != (fault != nil) {
			t.Fatalf("%q: file %q, fault %v", name, file, fault)
		}
		if fault == nil && file != r.real && !strings.HasPrefix(file, r.real+string(filepath.Separator)) {
			t.Fatalf("%q leads to %s", name, file)
		}
	})
}

func FuzzMLS(f *testing.F) {
	for _, line := range []string{"1_2_3\ttext", "\t", "x", "1_2_3\t", " a \t b\tc "} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		id, text, fault := parseTabbed(line)
		if (id == "") != (fault != nil || strings.TrimSpace(line) == "") || id != strings.TrimSpace(id) || text != strings.TrimSpace(text) || strings.Contains(id, "\t") {
			t.Fatalf("%q: %q, %q, %v", line, id, text, fault)
		}
	})
}

func FuzzNeMo(f *testing.F) {
	for _, line := range []string{`{"audio_filepath": "a/b.wav", "duration": 1.5, "text": "x", "offset": 0.1, "speaker": 3, "shard_id": 2}`, `{"audio_file": "x", "offset": -1}`,
		`{"audio_filepath": "x", "offset": 1e308, "duration": 1e308}`, `{"audio_filepath": "x", "offset": 0, "duration": 0}`, "null", "[]", `{"audio_filepath": "\ud800"}`, "{\"text\": \"\xff\"}"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, fault := parseNeMo(line)
		item := e.item()
		if fault == nil && (item.Name == "" || !goodPart(item.Start, item.End)) {
			t.Fatalf("%q: %+v", line, item)
		}
		if (e.part() == "") != (e.Offset == nil) || strings.ContainsAny(e.part(), "eINx") {
			t.Fatalf("%q: the part is called %q", line, e.part())
		}
	})
}

// goodPart reports whether start and end are seconds in a recording.
func goodPart(start, end float64) bool {
	return start >= 0 && start < 1e7 && (end == 0 || end > start && end < 1e7)
}

func FuzzBraces(f *testing.F) {
	for _, pattern := range []string{"a_{0..3}.tar", "{a,{b,c{1..2}}}", "_OP_0..5_CL_", "{{{}}}", "{0..999999999999}", "{,}{,}{,}", "}{", "{1..}", "{+1..2}"} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if len(pattern) > 200 { // the work grows with the number of names times the length
			return
		}
		names, err := expandBraces(pattern)
		if err == nil && (len(names) == 0 || len(names) > maxExpanded) {
			t.Fatalf("%q stands for %d names", pattern, len(names))
		}
		if !strings.ContainsAny(pattern, "{_") && (err != nil || names[0] != pattern) {
			t.Fatalf("%q: %q, %v", pattern, names, err)
		}
	})
}

func FuzzKaldi(f *testing.F) {
	for _, line := range []string{"utt rec 0.1 2.5", "utt rec 0 -1 1", "rec sph2pipe -f wav x |", "rec |tee x", "rec a.ark:12", "rec a.ark:", "rec :5", "rec -", " \t", "u r NaN Inf", "u r 1e999 2", "rec a:99999999999999999999"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, value := cutKaldi(line)
		if strings.ContainsAny(key, kaldiSpace) || value != strings.Trim(value, kaldiSpace) || key == "" && value != "" {
			t.Fatalf("%q: key %q, value %q", line, key, value)
		}
		if s, fault := parseSegment(value); fault == nil && (s.recording == "" || !goodPart(s.start, s.end) || s.channel < 0) {
			t.Fatalf("%q: %+v", line, s)
		}
		file, offset, fault := parseScp(value)
		if fault == nil && (file == "" || offset < -1 || strings.HasSuffix(value, "|") || strings.HasPrefix(value, "|") || !strings.HasPrefix(value, file)) {
			t.Fatalf("%q: file %q, offset %d", line, file, offset)
		}
	})
}

func FuzzLhotse(f *testing.F) {
	recording := recordingJSON("a", `, "transforms": [{"name": "Resample"}]`, "file 0,1 a.wav", "command 2 rm x")
	for _, line := range []string{recording, supervisionJSON("s", "a", "[0, 1]", 0.5, 1, "x", "y"), cutJSON("c", "MonoCut", recording, 0, 1, supervisionJSON("s", "a", "0", 0.5, 1, "x", "y")),
		cutJSON("c", "MixedCut", "null", -1, 1e308), "null", `{"id": "a", "channel": {}}`, `{"sources": [null]}`, `{"id":"a","type":"MonoCut","recording":{"id":"b","sources":[{}]},"duration":1}`} {
		f.Add(line)
	}
	r, err := openRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	l := lhotse{dir: r, roots: roots{r}}
	f.Fuzz(func(t *testing.T, line string) {
		_ = lhotseKind(line)
		if s, fault := parseSupervision(line); fault == nil && (s.ID == "" || s.RecordingID == "" || !goodPart(s.Start, s.Start+s.Duration)) {
			t.Fatalf("%q: %+v", line, s)
		}
		if rec, fault := parseRecording(line); fault == nil {
			for _, item := range l.whole(&rec) {
				if item.Fault == nil || item.Frames < 0 { // there is no file in the folder
					t.Fatalf("%q: %+v", line, item)
				}
			}
		}
		c, fault := parseCut(line)
		if fault != nil {
			return
		}
		item := l.audio(c.Recording, c.Channel)
		c.Recording.take(&item, c.Start, c.Duration)
		if c.ID == "" || !goodPart(item.Start, item.End) || item.Fault == nil || item.Channel < 0 {
			t.Fatalf("%q: %+v", line, item)
		}
		c.words()
	})
}

func FuzzLJSpeech(f *testing.F) {
	for _, line := range []string{"LJ001|a|b", "LJ001|a", "|", "||||", " x | y "} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if id, text, fault := parseLJSpeech(line); fault == nil && (strings.TrimSpace(id) == "" || strings.Contains(id+text, "|")) {
			t.Fatalf("%q: %q, %q", line, id, text)
		}
	})
}

// FuzzZip: whatever the directory of a zip says, its members lie in the file.
func FuzzZip(f *testing.F) {
	archive, _ := zipFile(f, []zip.FileHeader{{Name: "a.wav", Method: zip.Store}, {Name: "b.wav", Method: zip.Deflate}}, [][]byte{[]byte("hello hello hello"), []byte("world world world")})
	f.Add(archive)
	f.Add(archive[:len(archive)-5])
	f.Add([]byte("PK\x05\x06"))
	file := filepath.Join(f.TempDir(), "a.zip")
	f.Fuzz(func(t *testing.T, data []byte) {
		writeFileAt(t, file, data)
		members, err := zipMembers(file, int64(len(data)))
		if err != nil {
			return
		}
		for offset, m := range members {
			if offset < 0 || m.size < 0 || offset+m.size > int64(len(data)) {
				t.Fatalf("%d bytes at %d of %d", m.size, offset, len(data))
			}
		}
	})
}

// FuzzRIFF: whatever an archive of Kaldi holds, a WAV file found in it lies in the file.
func FuzzRIFF(f *testing.F) {
	f.Add(wav(1)[:200], int64(0))
	f.Add([]byte("xRIFF\x10\x00\x00\x00WAVE1234567890123456"), int64(1))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVE"), int64(0))
	file := filepath.Join(f.TempDir(), "a.ark")
	f.Fuzz(func(t *testing.T, data []byte, offset int64) {
		if offset < 0 { // parseScp gives none
			return
		}
		writeFileAt(t, file, data)
		if size, fault := riffSize(file, offset); fault == nil && (size < 12 || size > int64(len(data))-offset) {
			t.Fatalf("%d bytes at %d of %d", size, offset, len(data))
		}
	})
}
