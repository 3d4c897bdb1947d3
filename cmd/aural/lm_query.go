package main

import (
	"errors"
	"fmt"
	"strings"

	"aural/lm"

	"github.com/spf13/cobra"
)

func (a *app) lmQuery() *cobra.Command {
	c := a.command(&cobra.Command{
		Use:   "query MODEL [TEXT...]",
		Short: "Print the log10 probability of every word of a text",
		Long: `Query scores texts with a sentence a line, or standard input, and prints for each sentence its words
with their log10 probabilities, the end of the sentence, the total, and the number of words that the
model does not have, which are marked with a question mark.`,
		Example: "  echo 'THE CAT SAT' | aural lm query lm.trie\n  aural lm query lm.arpa.gz dev.txt",
		Args:    cobra.MinimumNArgs(1),
	}, func(args []string) error {
		m, err := lm.Open(args[0])
		if err != nil {
			return err
		}
		defer m.Close()
		return a.scoreText(args[1:], func(f *lm.Figures, words [][]byte) {
			var line strings.Builder
			oov := f.OOV
			total := f.Add(m, words, func(word string, known bool, log10 float32) {
				mark := ""
				if !known {
					mark = "?"
				}
				fmt.Fprintf(&line, "%s%s %.4f\t", printable(word), mark, log10)
			})
			a.print("%stotal %.4f\toov %d", line.String(), total, f.OOV-oov)
		})
	})
	return c
}

func (a *app) lmPerplexity() *cobra.Command {
	var asJSON bool
	c := a.command(&cobra.Command{
		Use:   "perplexity MODEL [TEXT...]",
		Short: "How well a model foresees a text",
		Long: `Perplexity scores texts with a sentence a line, or standard input, and prints 10 to the power of the
mean negative log10 probability of a token, with and without the words that the model does not have
(OOV). Ends of sentences count as tokens, as in KenLM.`,
		Example: "  aural lm perplexity lm.arpa.gz dev.txt\n  aural lm perplexity lm.trie dev.txt.gz --json | jq .perplexity",
		Args:    cobra.MinimumNArgs(1),
	}, func(args []string) error {
		m, err := lm.Open(args[0])
		if err != nil {
			return err
		}
		defer m.Close()
		var sum lm.Figures
		err = a.scoreText(args[1:], func(f *lm.Figures, words [][]byte) {
			f.Add(m, words, nil)
			sum = *f
		})
		if err != nil {
			return err
		}
		if sum.Tokens == 0 {
			return errors.New("the text has no words: give a file with a sentence a line")
		}
		all, known := sum.Perplexity()
		if asJSON {
			return writeJSON(a.out, map[string]any{"perplexity": all, "perplexity_without_oov": known, "oov": sum.OOV, "tokens": sum.Tokens,
				"sentences": sum.Sentences, "log10": sum.Log10})
		}
		a.print("Perplexity including OOVs:\t%.4f", all)
		a.print("Perplexity excluding OOVs:\t%.4f", known)
		a.print("OOVs:\t%d\nTokens:\t%d\nSentences:\t%d", sum.OOV, sum.Tokens, sum.Sentences)
		if share := float64(sum.OOV) / float64(sum.Tokens-sum.Sentences); share > 0.5 {
			a.say("warning: the model does not have %s of the words: is the text spelled as the model's words are (upper case)?", percent(share))
		}
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print the figures as JSON")
	return c
}

// scoreText reads sentences of files, or of standard input.
func (a *app) scoreText(paths []string, do func(f *lm.Figures, words [][]byte)) error {
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	ctx, stop := interruptible()
	defer stop()
	var f lm.Figures
	return interrupted(lm.EachSentence(ctx, paths, func(words [][]byte) error {
		do(&f, words)
		return nil
	}))
}
