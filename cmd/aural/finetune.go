package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"aural/datasets"
	"aural/finetune"
	"aural/recipes"
	"aural/runlog"
	"aural/train"
	"aural/vocab"

	"github.com/spf13/cobra"
)

type finetuneFlags struct {
	trainFlags
	init, mode string
}

func (a *app) finetune() *cobra.Command {
	var f finetuneFlags
	c := a.command(&cobra.Command{
		Use:   "finetune --recipe RECIPE --data STORE --init MODEL",
		Short: "Fine-tune a pretrained model on transcripts",
		Long: `Finetune trains a pretrained model to transcribe: a linear layer to characters, phones, word pieces
("aural vocab train") or the tokens of a file is put on top of the encoder and trained with the CTC
loss on the store's transcripts. The run directory is that of pretrain; its checkpoints open in
transformers with Wav2Vec2ForCTC.from_pretrained.

MODEL is a model folder: a checkpoint of pretrain (RUN/last) or a folder of Hugging Face. The
architecture and the normalisation of the input come from it; dropout and masks from the recipe.

Modes, to see what pretraining is worth:
  full      the head, and after freeze.updates the transformer too
  frozen    the head alone, on the features of the encoder
  scratch   everything, from random weights; of MODEL, which may be left out, only the architecture

Validation transcribes held-out utterances by the most probable path and logs word and label errors
(wer, cer); with decode.lm, an n-gram model, also by beam search with it (wer_lm). The best
checkpoint is that with the least wer. "aural top" shows the transcripts. Stopping and resuming are
as in pretrain.

` + viewHelp + "\n\n" + exitHelp,
		Example: `  aural finetune --recipe ft-tiny --data stores/digits --init runs/20260101-1200-tiny/last
  aural finetune --recipe ft-10min --data stores/clean100 --init wav2vec2-base
  aural finetune --recipe ft-tiny --data stores/digits --init runs/mine/last --mode frozen
  aural finetune --recipe ft-1h --data stores/timit --init wav2vec2-base \
      --set labels.vocabulary=phones
  aural finetune --recipe ft-10min --data stores/clean100 --init wav2vec2-base \
      --set decode.lm=4gram.trie --set decode.beam=50`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doFinetune(f) })
	trainFlagsOf(a, c, &f.trainFlags, recipes.Finetune)
	c.Flags().StringVar(&f.init, "init", "", "`MODEL` folder that the encoder comes from; a resumed run has its own")
	c.Flags().StringVar(&f.mode, "mode", "", "full, frozen or scratch (that of the recipe: full)")
	c.RegisterFlagCompletionFunc("mode", words(string(finetune.Full), string(finetune.Frozen), string(finetune.Scratch)))
	return c
}

func (a *app) doFinetune(f finetuneFlags) error {
	if f.mode != "" {
		f.target.sets = append(f.target.sets, "mode="+f.mode)
	}
	t, r, err := findTarget(recipes.Finetune, f.target)
	if err != nil {
		return err
	}
	if f.init != "" {
		dir, err := filepath.Abs(f.init)
		if err != nil {
			return err
		}
		if err := r.Adopt(dir); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
	}
	files := []*string{&r.Decode.LM, &r.Decode.Lexicon}
	if v := r.Labels.Vocabulary; v != finetune.Characters && v != finetune.Phones {
		files = append(files, &r.Labels.Vocabulary)
	}
	for _, path := range files { // a resume may be from another folder
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return err
			}
		}
	}
	if r.Init == "" && r.Mode != finetune.Scratch {
		return usagef("mode %s needs --init, the model folder to begin from; --mode scratch begins from random weights", r.Mode)
	}
	if err := compare(t, recipes.Finetune, r); err != nil {
		return err
	}
	s, err := openFinetune(r, t.from != nil, f.data, f.machine)
	if err != nil {
		return err
	}
	defer s.close()
	return a.begin(s, t, f.target.root, f.look, f.dryRun)
}

// openFinetune opens a store and plans fine-tuning on it. A run that is continued has the weights of its checkpoint, so that it does not need the folder that it began from.
func openFinetune(r finetune.Recipe, continued bool, storeDir string, m machineFlags) (*session, error) {
	s := &session{}
	if err := s.openFinetune(r, continued, storeDir, m); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) openFinetune(r finetune.Recipe, continued bool, storeDir string, m machineFlags) (err error) {
	if s.store, err = openLocation(storeDir); err != nil {
		return err
	}
	rows, err := s.store.View()
	if err != nil {
		return err
	}
	if s.held, err = split(rows, r.Valid); err != nil {
		return err
	}
	if r.Subset.Seconds > 0 {
		c := datasets.SubsetConfig{Seconds: r.Subset.Seconds, Seed: r.Subset.Seed, By: r.Subset.By}
		if s.held.Train, err = datasets.Subset(s.held.Train, c); err != nil {
			return fmt.Errorf("%w (change subset.seconds; 0 takes everything)", err)
		}
	}
	var v *vocab.Vocabulary
	if v, err = r.Vocabulary(s.store); err != nil {
		return err
	}
	m.precision, m.fromRecipe = r.Precision, true
	if s.backend, err = newBackend(m); err != nil {
		return err
	}
	begin := r
	if continued {
		begin.Init = ""
	}
	task, err := finetune.New(begin, v, s.store, s.held.Train, s.held.Valid, s.backend)
	if err != nil {
		return err
	}
	loop := r.TrainConfig()
	s.fill(task, r, r.Seed, r.Valid, r.Data, loop, r.Encoder.Frames)
	s.run = func(ctx context.Context, w *runlog.Writer, opt train.Options) error {
		return train.Run(ctx, task, s.backend, loop, w, opt)
	}
	s.plan, err = s.planFor(r.Data)
	return err
}
