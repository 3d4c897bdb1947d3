package main

import (
	"os"

	"aural/lm"

	"github.com/spf13/cobra"
)

func (a *app) lmConvert() *cobra.Command {
	var bits int
	c := a.command(&cobra.Command{
		Use:   "convert MODEL OUT",
		Short: "Write a model as ARPA or as a trie, exact or quantized",
		Long: `Convert reads a model of any format and writes OUT: .arpa, .arpa.gz or .trie. A trie is
memory-mapped when it is used. --bits quantizes probabilities and backoffs of all n-grams but
unigrams to so many bits each; the error is printed.

KenLM's probing files hold hashes of n-grams and cannot be converted.`,
		Example: "  aural lm convert lm.arpa.gz lm.trie\n  aural lm convert 4-gram.arpa.gz small.trie --bits 8",
		Args:    cobra.ExactArgs(2),
	}, func(args []string) error {
		form, err := lmOutput(args[1])
		if err != nil {
			return err
		}
		if bits != 0 && (form != lm.Trie || bits < lm.MinQuantBits || bits > lm.MaxQuantBits) {
			return usagef("--bits %d: want %d to %d, and a .trie file", bits, lm.MinQuantBits, lm.MaxQuantBits)
		}
		m, err := lm.Open(args[0])
		if err != nil {
			return err
		}
		defer m.Close()
		q, err := m.Save(args[1], bits)
		if err != nil {
			return err
		}
		st, err := os.Stat(args[1])
		if err != nil {
			return err
		}
		a.print("%s: %s, %d-gram model of %s words", args[1], bytesText(st.Size()), m.Order(), grouped(m.Words()))
		for k, n := range m.Counts() {
			a.print("  %d-grams  %s", k+1, grouped(n))
		}
		if bits != 0 {
			a.print("quantized to %d bits: log10 probabilities off by %.2g RMS, %.2g at most; backoffs %.2g, %.2g", q.Bits, q.ProbRMS, q.ProbMax, q.BackoffRMS, q.BackoffMax)
		}
		return nil
	})
	c.Flags().IntVar(&bits, "bits", 0, "quantize to so many bits a value, 2 to 16 (default: exact)")
	return c
}
