package main

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"aural/vocab"

	"github.com/spf13/cobra"
)

// decoderOf parses flags as a command does.
func decoderOf(t *testing.T, args ...string) *decoderFlags {
	t.Helper()
	var f decoderFlags
	c := &cobra.Command{Use: "test"}
	f.flags(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

// peaked are emissions in which each frame has one token with most of the mass, and a second one.
func peaked(v *vocab.Vocabulary, first, second string) (e []float32, frames int) {
	for i, r := range first {
		row := make([]float32, v.Len())
		for k := range row {
			row[k] = float32(math.Log(0.02 / float64(v.Len()-2)))
		}
		set := func(r byte, p float64) {
			tok := string(r)
			if r == '-' {
				tok = vocab.BlankToken
			}
			k, ok := v.Index(tok)
			if !ok {
				panic(tok)
			}
			row[k] = float32(math.Log(p))
		}
		set(second[i], 0.4)
		set(byte(r), 0.58)
		e = append(e, row...)
	}
	return e, len(first)
}

func TestDecoders(t *testing.T) {
	v, err := vocab.New(strings.Fields("<pad> <s> </s> <unk> | A C K T"))
	if err != nil {
		t.Fatal(err)
	}
	dir, ctx := t.TempDir(), context.Background()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, []byte(text))
		return path
	}
	arpa := file("lm.arpa", "\\data\\\nngram 1=6\n\n\\1-grams:\n-1 <unk>\n-99 <s>\n-0.7 </s>\n-0.5 CAT\n-3 KAT\n-2 É\n\n\\end\\\n")
	list := file("words", "CAT\nTAC\n")
	spelt := file("lexicon", "cat C A T |\ncat K A T |\n")
	e, frames := peaked(v, "K-A-T-|", "C-A-T-|")
	for _, c := range []struct {
		args string
		kind string
		want string
	}{
		{"", greedyDecoder, "KAT"}, {"--decoder prefix", prefixDecoder, "KAT"}, {"--nbest 2", prefixDecoder, "KAT,CAT"}, {"--lm " + arpa, prefixDecoder, "CAT"},
		{"--lm " + arpa + " --alpha 0", prefixDecoder, "KAT"}, {"--hotword CAT=3", prefixDecoder, "CAT"}, {"--hotword CAT=0.1", prefixDecoder, "KAT"},
		{"--hotword KAT=-4", prefixDecoder, "CAT"}, {"--hotword CAT", prefixDecoder, "CAT"}, {"--lexicon " + list, lexiconDecoder, "CAT"},
		{"--lexicon " + list + " --decoder prefix", prefixDecoder, "CAT"}, {"--lexicon " + spelt, lexiconDecoder, "cat"}, {"--lexicon lm --lm " + arpa, lexiconDecoder, "CAT"},
		{"--lexicon lm --alpha 0 --lm " + arpa, lexiconDecoder, "KAT"},
	} {
		f := decoderOf(t, strings.Fields(c.args)...)
		d, err := f.open(v)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		s, err := d.decoder(d.options.Alpha, d.options.Beta)
		if err != nil {
			t.Fatal(err)
		}
		if (s == nil) != (c.kind == greedyDecoder) || d.kind != c.kind {
			t.Errorf("%s: decoder %T of kind %s, want %s", c.args, s, d.kind, c.kind)
		}
		h, err := d.whole(ctx, s, e, frames)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
		var texts []string
		for _, h := range h {
			texts = append(texts, h.Text)
		}
		if got := strings.Join(texts, ","); got != c.want {
			t.Errorf("%s gives %q, want %q", c.args, got, c.want)
		}
		if h, err := d.whole(ctx, s, nil, 0); err != nil || len(h) != 1 || h[0].Text != "" {
			t.Errorf("%s: no frames give %v, %v", c.args, h, err)
		}
		if strings.Contains(c.args, "--lexicon lm") && d.unspelt != 1 {
			t.Errorf("%d words cannot be spelt, want 1: É", d.unspelt)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}
	for args, want := range map[string]string{
		"--decoder best": `--decoder is "best", want greedy, prefix or lexicon`, "--decoder greedy --nbest 2": "take prefix or lexicon", "--decoder lexicon": "needs --lexicon",
		"--lexicon lm": "which is missing", "--hotword CAT=x": `"x" behind the = is no number`, "--hotword =3": "has no word", "--hotword DOG": "is not in the vocabulary",
		"--lm " + filepath.Join(dir, "nothing"): "language model", "--lexicon " + filepath.Join(dir, "nothing"): "--lexicon", "--lexicon " + file("bad", "cat C A B |\n"): `token "B"`,
		"--beam 0 --nbest 2": "beam is 0", "--lexicon " + file("é", "É\n"): "is not in the vocabulary",
	} {
		if d, err := decoderOf(t, strings.Fields(args)...).open(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %s", args, d, err, want)
		}
	}
}
