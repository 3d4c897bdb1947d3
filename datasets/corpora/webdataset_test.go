package corpora

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"aural/datasets"
)

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// describeItems gives a line an item: id|speaker|transcript|split|name|content, or kind of fault in place of the content.
func describeItems(t testing.TB, src datasets.Source) string {
	t.Helper()
	var out []string
	for item, err := range src.Items() {
		if err != nil {
			t.Fatal(err)
		}
		content := "fault "
		if item.Fault != nil {
			content += string(item.Fault.Kind)
		} else {
			content = string(encoded(t, item))
		}
		out = append(out, strings.Join([]string{item.ID, item.Speaker, item.Transcript, item.Split, item.Name, content}, "|"))
	}
	if total := src.Total(); total >= 0 && total != len(out) {
		t.Errorf("Total is %d, there are %d items", total, len(out))
	}
	return strings.Join(out, "\n")
}

// The two ways to read a shard, in place and streaming, give the same items, names and contents.
func TestWebDataset(t *testing.T) {
	shard := tarBytes(t,
		entry{name: "a.flac", content: "A"}, entry{name: "a.txt", content: " HELLO\n THERE \n"},
		entry{name: "d/b.x.WAV", content: "B"}, entry{name: "d/b.json", content: `{"transcription":"from json","speaker_id":14,"text":""}`},
		entry{name: "._a.flac", content: "mac"}, entry{name: "noext", content: "n"}, entry{name: "a.cls", content: "7"},
		entry{name: "c.left.mp3", content: "L"}, entry{name: "c.right.mp3", content: "R"}, entry{name: "c.txt", content: "both"},
		entry{name: "only.txt", content: "no audio"}, entry{name: "e.wav", content: "E"}, entry{name: "e.json", content: `[1]`},
		entry{name: "empty.wav"}, entry{name: "../up.wav", content: "u"}, entry{name: "/abs.md", content: "u"}, entry{name: "link.wav", link: "a.flac"},
		entry{name: "u.opus", content: "U"}, entry{name: "u.txt", content: "\xff"})
	items := func(tar string) string {
		return strings.ReplaceAll(`a||HELLO THERE|train|$/a.flac|A
d/b|14|from json|train|$/d/b.x.WAV|B
c.left||both|train|$/c.left.mp3|L
c.right||both|train|$/c.right.mp3|R
only|||train|$/only|fault missing
e|||train|$/e.wav|fault bad-entry
empty|||train|$/empty.wav|fault bad-audio
../up|||train|$/../up.wav|fault outside
/abs.md|||train|$//abs.md|fault outside
u|||train|$/u.opus|fault bad-entry`, "$", tar)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"train-0.tar": shard, "train-0.tar.gz": gzipped(t, shard), "train-0.tgz": gzipped(t, shard)} {
		file := filepath.Join(dir, name)
		writeFileAt(t, file, data)
		src, err := Open("auto", file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := describeItems(t, src); got != items(name) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, items(name))
		}
		if !strings.HasPrefix(src.Describe(), "WebDataset "+file) || (src.Total() == -1) != (name != "train-0.tar") {
			t.Errorf("%s: %s, %d", name, src.Describe(), src.Total())
		}
	}
}

func TestWebDatasetShards(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		writeFileAt(t, filepath.Join(dir, fmt.Sprintf("dev/s-%03d.tar", i)), tarBytes(t, entry{name: "0.wav", content: fmt.Sprint(i)}))
	}
	src, err := Open("auto", filepath.Join(dir, "dev", "s-{002..001}.tar"), Options{})
	want := "s-002/0||||s-002.tar/0.wav|2\ns-001/0||||s-001.tar/0.wav|1"
	if err != nil || describeItems(t, src) != want {
		t.Errorf("pattern: %v\n%s", err, describeItems(t, src))
	}
	writeFileAt(t, filepath.Join(dir, "z.tgz"), gzipped(t, tarBytes(t, entry{name: "0.wav", content: "z"})))
	src, err = Open("auto", dir, Options{})
	want = "dev/s-000/0|||dev|dev/s-000.tar/0.wav|0\ndev/s-001/0|||dev|dev/s-001.tar/0.wav|1\ndev/s-002/0|||dev|dev/s-002.tar/0.wav|2\nz/0||||z.tgz/0.wav|z"
	if err != nil || describeItems(t, src) != want {
		t.Errorf("folder: %v\n%s", err, describeItems(t, src))
	}
	for name, says := range map[string]string{"dev/s-{002..005}.tar": "s-003.tar: no such file", "gone.tar": "no such file", "s-{0..99999999}.tar": "range"} {
		if _, err := Open("auto", filepath.Join(dir, name), Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	// Audio beside the tars: these are the archives it was unpacked from.
	writeFileAt(t, filepath.Join(dir, "dev", "a.wav"), nil)
	if src, err := Open("auto", dir, Options{}); err != nil || !strings.HasPrefix(src.Describe(), "folder ") {
		t.Errorf("%v, %v", src, err)
	}
}

func TestWebDatasetBroken(t *testing.T) {
	whole := tarBytes(t, entry{name: "a.wav", content: "A"}, entry{name: "b.wav", content: strings.Repeat("B", 600)}, entry{name: "c.wav", content: "C"})
	streamed := gzipped(t, whole)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"x.tar", whole[:1600], "a||||x.tar/a.wav|A\nb||||x.tar/b.wav|fault truncated"},
		{"x.tgz", gzipped(t, whole[:1600]), "a||||x.tgz/a.wav|A\nx.tgz||||x.tgz|fault truncated"},
		{"x.tar.gz", streamed[:len(streamed)-9], "fault truncated"},
		{"x.tgz", gzipped(t, []byte(strings.Repeat("text ", 300))), "x.tgz||||x.tgz|fault truncated"},
	} {
		file := filepath.Join(t.TempDir(), c.name)
		writeFileAt(t, file, c.data)
		src, err := WebDataset(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := describeItems(t, src); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	file := filepath.Join(t.TempDir(), "x.tgz")
	writeFileAt(t, file, []byte("no gzip"))
	src, err := WebDataset(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range src.Items() {
	}
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("no gzip: %v", err)
	}
}

// What a streamed member may take is bounded by the sample, and the consumer may stop at any item.
func TestWebDatasetStreamBounds(t *testing.T) {
	data := gzipped(t, tarBytes(t, entry{name: "a.1.wav", content: strings.Repeat("x", 60)}, entry{name: "a.2.wav", content: strings.Repeat("y", 60)},
		entry{name: "b.wav", content: strings.Repeat("z", 100)}, entry{name: "c.wav", content: strings.Repeat("z", 101)}, entry{name: "d.wav", content: "d"}))
	for stop := range 5 {
		var got []string
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		samples := func(yield func(datasets.Item, error) bool) {
			if ended := (tarFile{name: "x.tgz"}).samples(r, 100, yield); ended != (stop == 0) {
				t.Errorf("stopped at %d, ended %v", stop, ended)
			}
		}
		for item, err := range samples {
			if err != nil {
				t.Fatal(err)
			}
			state := fmt.Sprint(len(item.Data))
			if item.Fault != nil {
				state = string(item.Fault.Kind)
			}
			if got = append(got, item.ID+" "+state); len(got) == stop {
				break
			}
		}
		want := []string{"a.1 60", "a.2 too-long", "b 100", "c too-long", "d 1"}
		if stop > 0 {
			want = want[:stop]
		}
		if strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("stopped at %d: %v, want %v", stop, got, want)
		}
	}
}

func TestSampleKey(t *testing.T) {
	for name, want := range map[string]string{"a.wav": "a wav true", "d.e/a.left.WAV": "d.e/a left.wav true", "a": "a  false", ".a.wav": " a.wav false", "d/.wav": "d/ wav false", "d/a.": "d/a  true"} {
		key, field, ok := sampleKey(name)
		if got := fmt.Sprintf("%s %s %v", key, field, ok); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzWebDataset(f *testing.F) {
	whole := tarBytes(f, entry{name: "a.wav", content: "A"}, entry{name: "a.txt", content: "text"}, entry{name: "a.json", content: `{"text":"x"}`}, entry{name: "../c.left.wav", content: "C"})
	f.Add(whole)
	f.Add(whole[:1300])
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.tar")
		writeFileAt(t, file, data)
		stream, whole := map[string]bool{}, true
		shard := tarFile{name: "x.tar", path: file}
		for item, err := range shard.stream() {
			if err != nil || item.ID == "" || item.Fault == nil && (len(item.Data) == 0 || len(item.Data) > len(data)) {
				t.Fatalf("%+v, %v", item, err)
			}
			stream[item.ID] = true
			whole = item.Fault == nil || item.Fault.Kind != datasets.FaultTruncated
		}
		src, err := WebDataset(file)
		if err != nil {
			return
		}
		for item := range src.Items() {
			if item.Fault == nil && (item.Path != file || item.Offset+item.Size > int64(len(data)) || whole && !stream[item.ID]) {
				t.Fatalf("%+v in %d bytes, streamed %v", item, len(data), stream)
			}
		}
	})
}
