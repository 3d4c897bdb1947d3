package main

import (
	"path/filepath"
	"strings"
	"time"

	"aural/recipes"
	"aural/runlog"

	"github.com/spf13/cobra"
)

type pretrainFlags struct {
	target  targetFlags
	machine machineFlags
	data    string
	look    lookFlags
	dryRun  bool
}

func (a *app) pretrain() *cobra.Command {
	var f pretrainFlags
	c := a.command(&cobra.Command{
		Use:   "pretrain --recipe RECIPE --data STORE",
		Short: "Pretrain wav2vec 2.0 on a store",
		Long: `Pretrain trains a recipe on a store and writes a run directory: the resolved recipe, logs,
TensorBoard events, figures, and checkpoints that transformers opens with
Wav2Vec2ForPreTraining.from_pretrained.

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
  aural pretrain --recipe large --data stores/mine --dry-run`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doPretrain(f) })
	p, t := c.Flags(), &f.target
	p.StringVar(&t.recipe, "recipe", "", "`NAME` of a recipe (see aural recipes), or a .yaml file; a resumed run has its own")
	p.StringVar(&f.data, "data", "", "`STORE` to train on (required)")
	setFlag(c, &t.sets)
	p.StringVar(&t.run, "run", "", "run directory `DIR`; a new one must not exist or be empty")
	p.StringVar(&t.root, "runs", "runs", "without --run: `FOLDER` in which <time>-<name> is made")
	p.StringVar(&t.name, "name", "", "without --run: `NAME` of the run (that of the recipe)")
	p.StringVar(&t.resume, "resume", "", "continue `FROM` auto (newest good checkpoint, if any), last, best, or a checkpoint folder")
	p.BoolVar(&t.force, "resume-force", false, "continue although the recipe or the data differ")
	machineFlagsOf(c, &f.machine)
	lookFlagsOf(c, &f.look)
	p.BoolVar(&f.dryRun, "dry-run", false, "print what the run takes and stop")
	c.MarkFlagRequired("data")
	c.MarkFlagsMutuallyExclusive("run", "name")
	c.RegisterFlagCompletionFunc("recipe", words(recipes.Names()...))
	c.RegisterFlagCompletionFunc("resume", words("auto", "last", "best"))
	return c
}

// machineFlagsOf adds the flags that say what computes.
func machineFlagsOf(c *cobra.Command, m *machineFlags) {
	c.Flags().IntVar(&m.threads, "threads", 0, "worker threads, `N` (0: one for each CPU that the process may use)")
	c.Flags().StringVar(&m.kernels, "kernels", "auto", "instruction `SET`: auto, portable, avx2, avx512 or amx; "+kernelsVariable+" sets the default")
	c.RegisterFlagCompletionFunc("kernels", words("auto", "portable", "avx2", "avx512", "amx"))
}

func (a *app) doPretrain(f pretrainFlags) error {
	t, err := findTarget(f.target)
	if err != nil {
		return err
	}
	s, err := open(t.recipe, f.data, f.machine)
	if err != nil {
		return err
	}
	defer s.close()
	for _, n := range s.store.Notes() {
		a.say("note: %s", n)
	}
	s.describe(a, t.title)
	if err := checkMemory(t.recipe, s.plan, availableMemory()); err != nil || f.dryRun {
		return err
	}
	if err := t.checkData(s.store.Info().Fingerprint); err != nil {
		return err
	}
	if t.dir == "" {
		if t.dir, err = runlog.NewDir(f.target.root, t.name, time.Now()); err != nil {
			return err
		}
	}
	return a.train(s, t, f.look)
}

// nameOf is the name that a run of a recipe gets.
func nameOf(recipe string) string {
	base := filepath.Base(recipe)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
