package main

import (
	"fmt"
	"path/filepath"

	"aural/recipes"

	"github.com/spf13/cobra"
)

type pretrainFlags struct {
	trainFlags
	init      string
	freshHead bool
}

func (a *app) pretrain() *cobra.Command {
	var f pretrainFlags
	c := a.command(&cobra.Command{
		Use:   "pretrain --recipe RECIPE --data STORE",
		Short: "Pretrain wav2vec 2.0 on a store",
		Long: `Pretrain trains a recipe on a store and writes a run directory: the resolved recipe, logs,
TensorBoard events, figures, and checkpoints that transformers opens with
Wav2Vec2ForPreTraining.from_pretrained.

With --init it begins with the weights of MODEL instead of random ones, to go on with other speech:
a checkpoint of pretrain (RUN/last), or a folder of Hugging Face. The architecture and the
normalisation of the input come from it, dropout, masks, schedule and losses from the recipe; a low
peak learning rate keeps what was learnt. A folder without quantizer, such as a fine-tuned model,
needs --fresh-head, which begins with a new quantizer and new projections.

Before training it prints what the run takes, and refuses one that does not fit into memory;
--dry-run stops there.

The first SIGINT (Ctrl-C), SIGTERM or SIGUSR1 finishes the update, saves and stops with exit code
75; a second one aborts at once. Closing the terminal, or losing the line to it, ends the view
only. Continue with --resume: the result is, bit for bit, that of a run that never stopped.
--resume auto begins anew when there is nothing to continue, so that one command line serves a
batch job that is queued again and again. A resumed run keeps its recipe; one that differs is
refused unless --resume-force is given.

` + viewHelp + "\n\n" + exitHelp,
		Example: `  aural pretrain --recipe tiny --data stores/mine
  aural pretrain --recipe mine.yaml --data stores/mine --set train.schedule.peak=3e-4 \
      --set 'train.optimizer.betas=[0.9, 0.95]'
  aural pretrain --recipe base --data stores/ls960 --run runs/base --resume auto   # batch job
  aural pretrain --run runs/20260101-1200-tiny --data stores/mine --resume best
  aural pretrain --recipe large --data stores/mine --dry-run
  aural pretrain --recipe base --data stores/calls --init wav2vec2-base \
      --set train.schedule.peak=5e-5`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doPretrain(f) })
	trainFlagsOf(a, c, &f.trainFlags, recipes.Pretrain)
	c.Flags().StringVar(&f.init, "init", "", "`MODEL` folder to begin from; a resumed run has its own weights")
	c.Flags().BoolVar(&f.freshHead, "fresh-head", false, "take the encoder alone from --init, and begin with a new quantizer")
	return c
}

func (a *app) doPretrain(f pretrainFlags) error {
	if f.freshHead && f.init == "" {
		return usagef("--fresh-head needs --init, the model folder whose encoder is taken")
	}
	t, r, err := findTarget(recipes.Pretrain, f.target)
	if err == nil && f.init != "" {
		r.FreshHead = f.freshHead
		var dir string
		if dir, err = filepath.Abs(f.init); err == nil { // a resume may be from another folder
			err = r.Adopt(dir)
		}
		if err != nil {
			err = fmt.Errorf("--init: %w", err)
		}
	}
	if err == nil {
		err = compare(t, recipes.Pretrain, r)
	}
	if err != nil {
		return err
	}
	s, err := open(r, t.from != nil, f.data, f.machine)
	if err != nil {
		return err
	}
	defer s.close()
	return a.begin(&s.session, t, f.target.root, f.look, f.dryRun)
}
