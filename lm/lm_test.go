package lm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const small = `\data\
ngram 1=5
ngram 2=3
ngram 3=1

\1-grams:
-1.5	<unk>
-99	<s>	-0.25
-0.75	</s>
-0.5	a	-0.125
-1	b	0

\2-grams:
-0.25	<s> a	-0.5
-0.375	a b
-0.625	b </s>

\3-grams:
-0.0625	<s> a b

\end\
`

func readSmall(t testing.TB) *Model {
	t.Helper()
	m, err := ReadARPA(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Scores by hand: what matches, what backs off, and which states are the same.
func TestScore(t *testing.T) {
	m := readSmall(t)
	id := func(w string) WordID {
		id, ok := m.Word(w)
		if !ok {
			t.Fatalf("%s is no word", w)
		}
		return id
	}
	expect := func(s State, w string, want float32) State {
		t.Helper()
		got, next := m.Score(s, id(w))
		if got != want {
			t.Errorf("%s: %v, want %v", w, got, want)
		}
		return next
	}
	a := expect(m.Start(), "a", -0.25)
	ab := expect(a, "b", -0.0625)
	expect(ab, "</s>", -0.625)
	expect(a, "a", -0.5-0.125-0.5)       // backoffs of a and of <s> a
	b := expect(m.Start(), "b", -1-0.25) // backoff of <s>
	if b != ab {
		t.Error("the states after <s> a b and after b differ, but nothing continues a b")
	}
	if s := expect(m.Start(), "<unk>", -1.5-0.25); s != m.Empty() {
		t.Error("the state after <unk> is not empty")
	}
	if p, s := m.Score(m.Empty(), 99); p != -1.5 || s != m.Empty() {
		t.Errorf("a word beyond the vocabulary: %v", p)
	}
	if w, ok := m.Word("c"); ok || w != Unknown {
		t.Errorf("c is the word %d", w)
	}
	if m.Order() != 3 || m.Words() != 5 || m.Spelling(m.End()) != "</s>" || fmt.Sprint(m.Counts()) != "[5 3 1]" {
		t.Errorf("order %d, %d words, end %q, %v", m.Order(), m.Words(), m.Spelling(m.End()), m.Counts())
	}
}

func TestARPARefused(t *testing.T) {
	for _, c := range []struct{ old, with, want string }{
		{`\data\`, "x", "line 1: \"x\" where \\data\\"},
		{"ngram 2=3", "ngram 3=3", "line 3: the count of 3-grams where that of 2-grams"},
		{"ngram 2=3", "ngram 2=-3", "line 3"},
		{"ngram 1=5", "ngram 1=99999999999", "more than the"},
		{"ngram 1=5", "ngram 1=6", `line 13: 5 1-grams end here, but \data\ says 6`},
		{"ngram 1=5", "ngram 1=4", "line 11: more 1-grams than the 4"},
		{`\2-grams:`, `\3-grams:`, `where \2-grams: must begin`},
		{`\end\`, "", "cut short"},
		{`\end\`, `\4-grams:`, `where \end\ must be`},
		{"-0.375\ta b", "-0.375\ta c", `the word "c" is no unigram`},
		{"-0.375\ta b", "-0.375\ta", "2 fields"},
		{"-0.375\ta b", "-0.375\t<s> a", "there twice"},
		{"-1\tb", "-1\ta", `the word "a" is there twice`},
		{"-1\tb", "1\tb", "above 0"},
		{"-1\tb", "nan\tb", "no finite number"},
		{"-1\tb", "-inf\tb", "no finite number"},
		{"-1\tb", "-0x1p3\tb", "no finite number"},
		{"b\t0", "b\tInf", "backoff"},
		{"<s> a b", "b a b", `its context "b a" is no 2-gram`},
		{"-0.0625\t<s> a b", "-0.0625\t<s> a b\t0", "5 fields"},
		{"-0.75\t</s>", "-0.75\tend", "</s>"},
	} {
		text := strings.Replace(small, c.old, c.with, 1)
		if _, err := ReadARPA(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, want %q", c.with, c.old, err, c.want)
		}
	}
	if _, err := ReadARPA(strings.NewReader(`\data\` + strings.Repeat("x", maxLine+1))); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long line: %v", err)
	}
	for magic, want := range map[string]string{"": "is empty", "BZh9": "not with gzip", "\x1f\x8bxx": "gzip", trieMagic: "cut short", kenMagic: "version"} {
		path := filepath.Join(t.TempDir(), "m")
		if err := os.WriteFile(path, []byte(magic), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("a file %q: %v, want %q", magic, err, want)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
}

// Windows line ends, a byte order mark, blanks for tabs and a missing <unk> are read.
func TestARPALenient(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(small, "\n", "\r\n"), "\t", "  ")
	text = strings.Replace(strings.Replace(text, "-1.5  <unk>\r\n", "", 1), "1=5", "1=4", 1)
	m, err := ReadARPA(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := m.Score(m.Empty(), Unknown); p != missingUnknown {
		t.Errorf("<unk> has %v", p)
	}
}

// A model survives all formats: same text again, same scores along random walks.
func TestRoundTrips(t *testing.T) {
	for _, name := range []string{"full.arpa.gz", "pruned.arpa.gz"} {
		m, err := Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, ending := range []string{"x.arpa", "x.arpa.gz", "x.trie"} {
			path := filepath.Join(t.TempDir(), ending)
			if _, err := m.Save(path, 0); err != nil {
				t.Fatal(err)
			}
			n, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			var one, two bytes.Buffer
			if err := errorsOf(m.WriteARPA(&one), n.WriteARPA(&two)); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
				t.Errorf("%s as %s: another text, %v", name, ending, err)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// The error of quantizing is the one reported, and falls with the bits; enough bits are exact.
func TestQuantize(t *testing.T) {
	m, err := Open("testdata/full.arpa.gz")
	if err != nil {
		t.Fatal(err)
	}
	last := math.Inf(1)
	for _, bits := range []int{4, 8, 16} {
		q, report, err := m.Quantize(bits)
		if err != nil {
			t.Fatal(err)
		}
		from, to := m.grams.(*trie), q.grams.(*trie)
		worst := 0.0
		for k := range from.levels {
			for i := range from.levels[k].n {
				worst = max(worst, math.Abs(float64(from.levels[k].probability(i)-to.levels[k].probability(i))))
				if k+1 < len(from.levels) && from.levels[k].backoff(i) == 0 != (to.levels[k].backoff(i) == 0) {
					t.Fatalf("%d bits: a backoff of 0 changed", bits)
				}
			}
		}
		if worst != report.ProbMax || worst >= last || bits == 16 && worst != 0 {
			t.Errorf("%d bits: off by %v, reported %v, before %v", bits, worst, report.ProbMax, last)
		}
		last = worst
		path := filepath.Join(t.TempDir(), "q.trie")
		if _, err := m.Save(path, bits); err != nil {
			t.Fatal(err)
		}
		back, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		walk(t, q, back, 0)
		walk(t, m, back, 20*worst)
	}
	if _, _, err := m.Quantize(1); err == nil {
		t.Error("1 bit was taken")
	}
}

// walk compares two models along random words.
func walk(t *testing.T, m, n *Model, tolerance float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	s, u := m.Start(), n.Start()
	for range 5000 {
		w := WordID(r.IntN(m.Words()))
		var p, q float32
		p, s = m.Score(s, w)
		q, u = n.Score(u, w)
		if math.Abs(float64(p-q)) > tolerance {
			t.Fatalf("%v and %v", p, q)
		}
	}
}

// Any damaged byte of a trie file is found.
func TestTrieDamage(t *testing.T) {
	var file bytes.Buffer
	if err := readSmall(t).WriteTrie(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := parseTrie(file.Bytes()); err != nil {
		t.Fatal(err)
	}
	for i := range file.Len() {
		bad := bytes.Clone(file.Bytes())
		bad[i] ^= 1
		if _, err := parseTrie(bad); err == nil {
			t.Errorf("byte %d was changed unseen", i)
		}
		if _, err := parseTrie(file.Bytes()[:i]); err == nil {
			t.Errorf("cut to %d bytes unseen", i)
		}
	}
}

// A little memory, many runs and merges of runs: the same file, byte for byte.
func TestExternalSort(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var text [][]string
	for range 6000 {
		s := make([]string, 1+r.IntN(12))
		for i := range s {
			s[i] = fmt.Sprint("w", int(math.Exp(r.Float64()*7)))
		}
		text = append(text, s)
	}
	var files [2][]byte
	for i, memory := range []int64{minMemory, DefaultMemory} {
		dir := t.TempDir()
		if _, err := estimate(dir, text, "m.arpa", Options{Order: 3, Prune: []uint64{0, 1}, Memory: memory}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "m.arpa"))
		if err != nil {
			t.Fatal(err)
		}
		files[i] = data
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the model depends on the memory")
	}
}

func TestSorter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "aural-sorter-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s := newSorter(dir, 2, bySuffix, true, 0)
		s.limit = rapid.IntRange(2, 9).Draw(t, "limit")
		want := map[[2]WordID]uint64{}
		for range rapid.IntRange(0, 900).Draw(t, "n") {
			var g gram
			g.words[0], g.words[1], g.a = WordID(rapid.IntRange(0, 15).Draw(t, "w")), WordID(rapid.IntRange(0, 15).Draw(t, "v")), 1
			want[[2]WordID(g.words[:2])]++
			if err := s.add(&g); err != nil {
				t.Fatal(err)
			}
		}
		m, err := s.sorted()
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		var last gram
		n := 0
		for g, err := m.next(); err == nil; g, err = m.next() {
			if n > 0 && bySuffix.compare(&last, g, 2) >= 0 || want[[2]WordID(g.words[:2])] != g.a {
				t.Fatalf("%v after %v, want %d", g, last, want[[2]WordID(g.words[:2])])
			}
			last = *g
			n++
		}
		if n != len(want) {
			t.Fatalf("%d of %d", n, len(want))
		}
	})
}

func TestEstimateRefuses(t *testing.T) {
	dir := t.TempDir()
	good := [][]string{{"a", "b"}}
	for _, c := range []struct {
		text [][]string
		name string
		o    Options
		want string
	}{
		{good, "m.bin", Options{Order: 2}, "must end in .arpa"},
		{good, "m.arpa", Options{Order: 7}, "want 1 to 6"},
		{good, "m.arpa", Options{Order: 2, Prune: []uint64{1}}, "must be 0"},
		{good, "m.arpa", Options{Order: 3, Prune: []uint64{0, 2, 1}}, "fall"},
		{good, "m.arpa", Options{Order: 2, Memory: 5}, "want at least"},
		{[][]string{{"a", "<s>"}}, "m.arpa", Options{Order: 2}, "text:1: the text has the word <s>"},
		{nil, "m.arpa", Options{Order: 2}, "no words"},
	} {
		if _, err := estimate(dir, c.text, c.name, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.o, err, c.want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	out := filepath.Join(dir, "never.arpa")
	if _, err := Estimate(ctx, []string{"testdata/train.txt"}, out, Options{Order: 2, TempDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a cancelled estimation wrote a model")
	}
}

func TestConcurrentScores(t *testing.T) {
	m, err := Open("testdata/full.arpa.gz")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { walk(t, m, m, 0) })
	}
	wg.Wait()
}

func TestScoreAllocatesNothing(t *testing.T) {
	probing, err := parseKenLM(unzip(t, "full.probing.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{readSmall(t), probing} {
		s := m.Start()
		if n := testing.AllocsPerRun(100, func() { _, s = m.Score(s, 3) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func FuzzARPA(f *testing.F) {
	f.Add([]byte(small))
	f.Add(unzip(f, "pruned.arpa.gz")[:3000])
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ReadARPA(bytes.NewReader(data)); err == nil {
			tryModel(t, m)
		}
	})
}

// FuzzTrie mends the checksum, so that what is behind it is reached.
func FuzzTrie(f *testing.F) {
	for _, bits := range []int{0, 2} {
		m := readSmall(f)
		if bits != 0 {
			m, _, _ = m.Quantize(bits)
		}
		var file bytes.Buffer
		if err := m.WriteTrie(&file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseTrie(mended(data)); err == nil {
			tryModel(t, m)
		}
	})
}

func FuzzProbing(f *testing.F) {
	f.Add(unzip(f, "full.probing.gz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte(kenMagic)) {
			return
		}
		if m, err := parseKenLM(data); err == nil {
			tryModel(t, m)
		}
	})
}

func mended(data []byte) []byte {
	if len(data) < 4 {
		return data
	}
	out := bytes.Clone(data)
	binary.LittleEndian.PutUint32(out[len(out)-4:], crc32.Checksum(out[:len(out)-4], castagnoli))
	return out
}

// tryModel asks a model many things; it must end, and not leave its records.
func tryModel(t *testing.T, m *Model) {
	s := m.Start()
	for i := range min(m.Words(), 50) * 4 {
		_, s = m.Score(s, WordID(i*7%m.Words()))
	}
	m.Score(s, m.End())
}

func BenchmarkScore(b *testing.B) {
	for _, path := range append([]string{"testdata/full.arpa.gz"}, strings.Fields(os.Getenv("AURAL_LM"))...) {
		m, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		var words []WordID
		text := "testdata/heldout.txt"
		if given := os.Getenv("AURAL_LM_TEXT"); given != "" {
			text = given
		}
		EachSentence(context.Background(), []string{text}, func(line [][]byte) error {
			for _, w := range line {
				id, _ := m.Word(string(w))
				words = append(words, id)
			}
			words = append(words, m.End())
			return nil
		})
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.ReportAllocs()
			s := m.Start()
			i := 0
			for b.Loop() {
				_, s = m.Score(s, words[i])
				if words[i] == m.End() {
					s = m.Start()
				}
				if i++; i == len(words) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
		})
		m.Close()
	}
}
