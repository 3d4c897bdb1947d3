package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"aural/finetune"
	"aural/internal/atomicfile"
	"aural/lm"
	"aural/vocab"

	"github.com/spf13/cobra"
)

func (a *app) vocab() *cobra.Command {
	return a.group(&cobra.Command{
		Use:   "vocab",
		Short: "Make vocabularies of word pieces for fine-tuning",
		Long: `What a fine-tuned model writes is labels: characters or phones, which finetune takes from the
transcripts, or word pieces, which this makes.`,
	}, a.vocabTrain())
}

func (a *app) vocabTrain() *cobra.Command {
	var out, data string
	var size int
	labels := finetune.Default().Labels
	letters := string(labels.Case)
	c := a.command(&cobra.Command{
		Use:   "train {TEXT[.gz]... | --data STORE}",
		Short: "Learn word pieces from text by byte-pair encoding",
		Long: `Train reads texts, plain or gzip, - for standard input, or the transcripts of a store, and writes a
SentencePiece model: the characters of the text and its most frequent sequences within words, learnt
by byte-pair encoding. It equals that of spm_train --model_type=bpe without normalisation, and the
SentencePiece library reads it. Unigram models, which spm_train makes by default, are not learnt
here, but labels.vocabulary takes them too. Words are what white space separates; nothing is
changed but by --case and --drop, which must be those that fine-tuning has as labels.case and
labels.drop.

Pieces make shorter targets than characters: small models need less time for them, and a piece must
fit into a frame of 20 ms with its neighbours. Ten minutes of labels teach characters better.`,
		Example: `  aural vocab train --data stores/clean100 --size 500 --out pieces.model
  aural vocab train books.txt.gz --case upper --size 1000 --out pieces.model
  aural finetune --recipe ft-10h --data stores/clean100 --init wav2vec2-base \
      --set labels.vocabulary=pieces.model`,
	}, func(args []string) error {
		labels.Case = finetune.Case(letters)
		if err := labels.Validate(); err != nil {
			return usage(err)
		}
		if (data == "") == (len(args) == 0) {
			return usagef("want either texts or --data STORE")
		}
		if filepath.Ext(out) != vocab.ModelExt {
			return usagef("--out %s: the name must end in %s", out, vocab.ModelExt)
		}
		return a.trainPieces(args, data, out, size, labels)
	})
	p := c.Flags()
	p.StringVar(&data, "data", "", "learn from the transcripts of `STORE`")
	p.IntVar(&size, "size", 500, "pieces, with <unk>, <s>, </s> and all characters (spm_train: --vocab_size)")
	p.StringVar(&letters, "case", letters, "as-is, lower or upper")
	p.StringVar(&labels.Drop, "drop", "", "`CHARACTERS` that are left out")
	p.StringVar(&out, "out", "", "the model, `FILE`.model")
	c.MarkFlagRequired("out")
	c.RegisterFlagCompletionFunc("case", words(string(finetune.AsIs), string(finetune.Lower), string(finetune.Upper)))
	return c
}

func (a *app) trainPieces(texts []string, data, out string, size int, labels finetune.LabelConfig) error {
	ctx, stop := interruptible()
	defer stop()
	var failed error
	model, err := vocab.TrainPieces(func(yield func(string) bool) {
		if failed = eachTranscript(ctx, texts, data, func(line string) error {
			if !yield(labels.Normalize(line)) {
				return errEnough
			}
			return nil
		}); errors.Is(failed, errEnough) {
			failed = nil
		}
	}, size)
	if failed != nil {
		return interrupted(failed)
	}
	if err != nil {
		return err
	}
	v, err := vocab.ParsePieces(model)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(out, model, 0o644); err != nil {
		return err
	}
	a.print("%s: %s labels, the blank and %s pieces among them", out, grouped(v.Len()), grouped(v.Len()-specialLabels))
	if have := v.Len() - 1; have < size {
		a.say("warning: no other pair of pieces comes twice: %s pieces instead of %s; more text gives more", grouped(have), grouped(size))
	}
	return nil
}

// specialLabels are those that stand for no text: <pad>, <s>, </s> and <unk>.
const specialLabels = 4

// errEnough ends a walk that has no more to find.
var errEnough = errors.New("enough")

// eachTranscript calls do with the lines of texts, or the transcripts of a store.
func eachTranscript(ctx context.Context, texts []string, data string, do func(line string) error) error {
	if data == "" {
		return lm.EachSentence(ctx, texts, func(words [][]byte) error { return do(string(bytes.Join(words, []byte(" ")))) })
	}
	s, err := openLocation(data)
	if err != nil {
		return err
	}
	defer s.Close()
	for row := range s.Len() {
		u, err := s.Utterance(row)
		if err == nil {
			err = do(u.Transcript)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("row %d of %s: %w", row, data, err)
		}
	}
	return nil
}
