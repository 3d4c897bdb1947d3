package corpora

import (
	"aural/datasets"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listed describes the items of a source, one string each: id|speaker|transcript|split|name, or name and kind of fault.
func listed(t testing.TB, src datasets.Source) string {
	t.Helper()
	var out []string
	for item, err := range src.Items() {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case item.Fault != nil:
			out = append(out, item.Name+" "+string(item.Fault.Kind))
		case item.Path == "":
			out = append(out, item.Name+" without a path")
		default:
			out = append(out, strings.Join([]string{item.ID, item.Speaker, item.Transcript, item.Split, item.Name}, "|"))
		}
	}
	if src.Total() != len(out) {
		t.Errorf("Total is %d, there are %d items", src.Total(), len(out))
	}
	return strings.Join(out, "\n")
}

func checkListed(t *testing.T, src datasets.Source, err error, describe string, want ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, src); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if !strings.HasPrefix(src.Describe(), describe) {
		t.Errorf("described as %q, want %q", src.Describe(), describe)
	}
}

// tree writes empty files, except those with text after a colon.
func tree(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name, text, _ := strings.Cut(name, ":")
		writeFileAt(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "corpus")
	tree(t, dir, "top.wav", "anna/b.FLAC", "anna/a.mp3", "anna/a.txt:x", "anna/._a.mp3", "anna/notes.md", ".git/c.wav", "bob/deep/d.ogg")
	src, err := Open("auto", dir, Options{})
	checkListed(t, src, err, "folder "+dir+": 4 recordings, 1 other files ignored",
		"anna/a|anna|||anna/a.mp3", "anna/b|anna|||anna/b.FLAC", "bob/deep/d|deep|||bob/deep/d.ogg", "top|corpus|||top.wav")
	for item := range src.Items() {
		if item.Name == "anna/a.mp3" && filepath.Base(item.Sidecar) != "a.txt" || item.Name != "anna/a.mp3" && item.Sidecar != "" {
			t.Errorf("sidecar of %s is %q", item.Name, item.Sidecar)
		}
	}
}

func TestLinksStayInsideTheRoot(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "in")
	tree(t, parent, "in/a/x.wav", "out/secret.wav", "out/secret.txt:hidden", "in/a/y.wav")
	symlink(t, "..", filepath.Join(dir, "a", "loop"))
	symlink(t, dir, filepath.Join(dir, "self"))
	symlink(t, filepath.Join("a", "x.wav"), filepath.Join(dir, "alias.wav"))
	symlink(t, filepath.Join("..", "out"), filepath.Join(dir, "escape"))
	symlink(t, filepath.Join("..", "out", "secret.wav"), filepath.Join(dir, "secret.wav"))
	symlink(t, filepath.Join("..", "..", "out", "secret.txt"), filepath.Join(dir, "a", "y.txt"))
	symlink(t, "nowhere.wav", filepath.Join(dir, "dangling.wav"))
	src, err := Folder(dir)
	checkListed(t, src, err, "folder", "a/x|a|||a/x.wav", "a/y.txt outside", "a/y|a|||a/y.wav", "alias|in|||alias.wav", "dangling.wav missing",
		"escape outside", "secret.wav outside")
	for item := range src.Items() {
		if item.Sidecar != "" {
			t.Errorf("%s has a sidecar outside the root: %s", item.Name, item.Sidecar)
		}
	}
	// The root itself may be a link.
	link := filepath.Join(parent, "link")
	symlink(t, dir, link)
	if src, err := Folder(link); err != nil || src.Total() != 7 {
		t.Errorf("through a link: %v, %v", src, err)
	}
}

func TestLibriSpeech(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "train/19/198/19-198-0000.flac", "train/19/198/19-198-0001.flac", "train/19/198/._19-198.trans.txt:junk",
		"train/19/198/19-198.trans.txt:19-198-0000 NORTHANGER ABBEY\r\n\n19-198-0001\n19-198-0009 GONE\n",
		"dev/7/8/7-8-0000.flac", "dev/7/9/7-8-0001.flac", "README.TXT:x")
	src, err := Open("auto", dir, Options{})
	checkListed(t, src, err, "LibriSpeech tree", "7-8-0000|7||dev|dev/7/8/7-8-0000.flac", "dev/7/9/7-8-0001.flac bad-entry",
		"19-198-0000|19|NORTHANGER ABBEY|train|train/19/198/19-198-0000.flac", "19-198-0001|19||train|train/19/198/19-198-0001.flac",
		"train/19/198/19-198.trans.txt missing")
	// A part of the tree is one too.
	src, err = Open("auto", filepath.Join(dir, "train", "19", "198"), Options{})
	checkListed(t, src, err, "LibriSpeech tree", "19-198-0000|19|NORTHANGER ABBEY||19-198-0000.flac", "19-198-0001|19|||19-198-0001.flac",
		"19-198.trans.txt missing")
}

func TestFairseq(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "audio/a/1.flac", "audio/2.wav", "secret.wav", "man/train.ltr:H I | Y O U |\nA |\n\n\n\n",
		"man/train.tsv:"+filepath.Join(dir, "audio")+"\na/1.flac\t16000\n2.wav\t5\n../secret.wav\t3\nx.zip:3:4\t3\ngone.wav\tmany\n")
	src, err := Open("auto", filepath.Join(dir, "man", "train.tsv"), Options{})
	checkListed(t, src, err, "fairseq manifest", "a/1||HI YOU|train|a/1.flac", "2||A|train|2.wav", "../secret.wav outside", "x.zip:3:4 missing",
		"gone.wav bad-entry")
	tree(t, dir, "man/train.wrd:one\ntwo\n")
	if _, err := Fairseq(filepath.Join(dir, "man", "train.tsv"), ""); err == nil || !strings.Contains(err.Error(), "2 lines") {
		t.Errorf("labels of another length: %v", err)
	}
	tree(t, dir, "man/valid.tsv:/no/such/root\n2.wav\t5\n")
	if _, err := Open("auto", filepath.Join(dir, "man", "valid.tsv"), Options{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/no/such/root") {
		t.Errorf("missing root: %v", err)
	}
	src, err = Fairseq(filepath.Join(dir, "man", "valid.tsv"), filepath.Join(dir, "audio"))
	checkListed(t, src, err, "fairseq manifest", "2|||valid|2.wav")
}

func TestTable(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "d/1.wav", "d/2.wav", "x.tsv:\ufeffPath\tsentence\tclient_id\tsplit\tage\r\nd/1.wav\t\"quoted\" text\tc1\ttrain\t3\r\n"+
		"d/2.wav\t\t\t\t\r\n\r\n/etc/passwd\t\t\t\t\nd/../../up.wav\t\t\t\t\nd/3.wav\t\t\t\t\nshort\trow\n\tx\t\t\t\n"+filepath.Join(dir, "d", "2.wav")+"\tabs\t\t\t\n")
	src, err := Open("auto", filepath.Join(dir, "x.tsv"), Options{})
	checkListed(t, src, err, "table", `d/1|c1|"quoted" text|train|d/1.wav`, "d/2||||d/2.wav", "/etc/passwd outside", "d/../../up.wav outside",
		"d/3.wav missing", "short bad-entry", "x.tsv line 9 bad-entry", "d/2.wav duplicate")
}

func TestDetectSourceRefuses(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "list.txt:just\nwords\n", "empty.tsv", "text/readme.md")
	store := t.TempDir()
	writeFileAt(t, filepath.Join(store, datasets.InfoFile), nil)
	for path, want := range map[string]string{filepath.Join(dir, "list.txt"): "no layout", filepath.Join(dir, "empty.tsv"): "no layout",
		filepath.Join(dir, "text"): "no recordings", filepath.Join(dir, "gone"): "no such file", store: "is a store already"} {
		if _, err := Open("auto", path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func writeFileAt(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
