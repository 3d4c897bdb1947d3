package corpora

import (
	"archive/zip"
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// zipFile returns a zip of files and where the data of each begins.
func zipFile(t testing.TB, files []zip.FileHeader, data [][]byte) ([]byte, []int64) {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range files {
		f, err := w.CreateHeader(&files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	offsets := make([]int64, len(files))
	for i, f := range r.File {
		if offsets[i], err = f.DataOffset(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes(), offsets
}

func TestFairseqFolder(t *testing.T) {
	dir := t.TempDir()
	recordings(t, dir, "audio/a.wav", "audio/b.wav")
	tree(t, dir, "man/train.tsv:../audio\na.wav\t8000\nb.wav\tmany\n", "man/train.wrd:EIN WORT\n\n", "man/valid.tsv:../audio\r\nb.wav\t8000\r\na.wav\t8000\r\n",
		"man/valid.ltr:Z W E I |\nA |\n", "man/dict.ltr.txt:E 3\n", "man/other.tsv:path\tid\nx\ty\n")
	src := open(t, filepath.Join(dir, "man"), Options{})
	if want := "fairseq manifests in " + filepath.Join(dir, "man") + ": 4 recordings, 2 splits"; src.Describe() != want {
		t.Errorf("described as %q, want %q", src.Describe(), want)
	}
	checkItems(t, src, "a||EIN WORT|train|a.wav", `b.wav: bad-entry: train.tsv line 3: "b.wav\tmany": want a path, a tab and a number of samples`,
		"b||ZWEI|valid|b.wav", `a.wav: duplicate: valid.tsv line 3: the id "a" is also that of train.tsv line 2`)
	checkImport(t, src, whole("a", "", "EIN WORT", 1), whole("b", "", "ZWEI", 2))
}

func TestFairseqArchive(t *testing.T) {
	dir := t.TempDir()
	data := [][]byte{wav(1), wav(2), wav(3)}
	archive, at := zipFile(t, []zip.FileHeader{{Name: "s/one.wav", Method: zip.Store}, {Name: "two.wav", Method: zip.Deflate}, {Name: "../three.wav", Method: zip.Store}}, data)
	writeFileAt(t, filepath.Join(dir, "a.zip"), archive)
	writeFileAt(t, filepath.Join(dir, "cut.zip"), archive[:len(archive)-30])
	writeFileAt(t, filepath.Join(dir, "raw.bin"), data[0])
	writeFileAt(t, filepath.Join(dir, "../outside.bin"), data[0])
	size := len(data[0])
	tree(t, dir, fmt.Sprintf("train.tsv:.\na.zip:%d:%d\t8000\na.zip:%d:%d\t8000\na.zip:%d:%d\t8000\na.zip:%d:%d\t8000\na.zip:%d:%d\t1\ncut.zip:%d:%d\t1\n"+
		"raw.bin:0:%d\t8000\nraw.bin:9:%d\t1\n../outside.bin:0:9\t1\nraw.bin:9223372036854775807:9223372036854775807\t1\nraw.bin:-1:5\t1\n",
		at[0], size, at[2], size, at[1], len(archive)/2, at[0], size-1, len(archive), size, at[0], size, size, size))
	src := open(t, filepath.Join(dir, "train.tsv"), Options{})
	a := "a.zip:" + fmt.Sprint(at[0])
	items := []string{
		fmt.Sprintf("a/s/one|||train|%s:%d bytes %d+%d", a, size, at[0], size),
		fmt.Sprintf("a/../three|||train|a.zip:%d:%d bytes %d+%d", at[2], size, at[2], size),
		fmt.Sprintf("a.zip:%d:%d: bad-entry: train.tsv line 4: …", at[1], len(archive)/2),
		fmt.Sprintf("%s:%d: bad-entry: train.tsv line 5: no member of a.zip is %d bytes at offset %d…", a, size-1, size-1, at[0]),
		fmt.Sprintf("a.zip:%d:%d: bad-entry: train.tsv line 6: bytes…", len(archive), size),
		fmt.Sprintf("cut.zip:%d:%d: bad-audio: train.tsv line 7: the archive cannot be read: zip…", at[0], size),
		fmt.Sprintf("raw/0|||train|raw.bin:0:%d bytes 0+%d", size, size),
		fmt.Sprintf("raw.bin:9:%d: bad-entry: train.tsv line 9: bytes 9 to %d lie behind the end of raw.bin, which has %d", size, size+9, size),
		"../outside.bin:0:9: outside: train.tsv line 10: …",
		"raw.bin:9223372036854775807:9223372036854775807: bad-entry: train.tsv line 11: …",
		`raw.bin:-1:5: missing: train.tsv line 12: …`,
	}
	checkItems(t, src, items...)

	checkImport(t, src, whole("a/s/one", "", "", 1), whole("a/../three", "", "", 3), whole("raw/0", "", "", 1))

	compressed := openArchive(filepath.Join(dir, "a.zip")).members[at[1]]
	tree(t, dir, fmt.Sprintf("valid.tsv:.\na.zip:%d:%d\t8000\n", at[1], compressed.size))
	checkItems(t, open(t, filepath.Join(dir, "valid.tsv"), Options{}),
		fmt.Sprintf(`a.zip:%d:%d: bad-entry: valid.tsv line 2: member "two.wav" of a.zip is compressed…`, at[1], compressed.size))
}

// A member may be compressed to exactly its own length.
func TestZipMembersKnowTheMethod(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		f, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: method, CompressedSize64: 5, UncompressedSize64: 5})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("bytes")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.zip")
	writeFileAt(t, file, out.Bytes())
	members, err := zipMembers(file, int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, m := range members {
		if m.stored {
			stored++
		}
	}
	if len(members) != 2 || stored != 1 {
		t.Errorf("%d of %d members are stored", stored, len(members))
	}
}

// A label file that is a link must not bring in another file of the machine.
func TestFairseqLabelsStayInside(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "secret.txt:line\n", "man/train.tsv:.\na.wav\t1\n", "man/a.wav:")
	symlink(t, filepath.Join("..", "secret.txt"), filepath.Join(dir, "man", "train.wrd"))
	if _, err := Open("auto", filepath.Join(dir, "man", "train.tsv"), Options{}); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("labels outside the root: %v", err)
	}
}
