package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aural/lm"

	"github.com/spf13/cobra"
)

func (a *app) lm() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "lm",
		Short: "Estimate, look at and convert n-gram language models for decoding",
		Long: `An n-gram model says how likely a word is after the words before it. Decoding adds it to what the
acoustic model hears. Its words must be spelled as the transcripts are: usually upper case, no dots.

Models are read by content: ARPA files, plain or gzip, KenLM's binary files, and .trie files, which
are small and open at once.`,
	}, a.lmTrain(), a.lmQuery(), a.lmPerplexity(), a.lmConvert())
}

// memoryFlag is an amount of memory such as 500M, in powers of 1024 as lmplz has them.
type memoryFlag int64

func (m *memoryFlag) Type() string { return "SIZE" }

func (m *memoryFlag) String() string {
	n, unit := int64(*m), ""
	for _, u := range []string{"K", "M", "G"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, u
	}
	return fmt.Sprintf("%d%s", n, unit)
}

func (m *memoryFlag) Set(s string) error {
	number, shift := s, 0
	if i := strings.IndexAny("KMGT", strings.ToUpper(s[max(0, len(s)-1):])); i >= 0 && s != "" {
		number, shift = s[:len(s)-1], 10*(i+1)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return fmt.Errorf("%q is no amount of memory: want a number with K, M, G or T, as in 500M", s)
	}
	*m = memoryFlag(n << shift)
	return nil
}

// interrupted turns the end of a context into the exit code of an interrupt.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return coded{exitAborted, errors.New("interrupted: nothing was written")}
	}
	return err
}

// lmOutput checks the name of a model to write before any work is done.
func lmOutput(path string) (lm.Format, error) {
	form, err := lm.FormatOf(path)
	return form, usage(err)
}
