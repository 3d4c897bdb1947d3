package main

import (
	"path/filepath"
	"strings"
	"time"

	"aural/kernels/cpu"
	"aural/recipes"
	"aural/runlog"

	"github.com/spf13/cobra"
)

// trainFlags are what the commands that train have in common.
type trainFlags struct {
	target  targetFlags
	machine machineFlags
	data    string
	look    lookFlags
	dryRun  bool
}

// trainFlagsOf adds them.
func trainFlagsOf[R recipes.Recipe](a *app, c *cobra.Command, f *trainFlags, k recipes.Kind[R]) {
	p, t := c.Flags(), &f.target
	p.StringVar(&t.recipe, "recipe", "", "`NAME` of a recipe (see aural recipes), or a .yaml file; a resumed run has its own")
	p.StringVar(&f.data, "data", "", "`STORE` to train on (required)")
	setFlag(c, &t.sets, k.Paths())
	p.StringVar(&t.run, "run", "", "run directory `DIR`; a new one must not exist or be empty")
	p.StringVar(&t.root, "runs", "runs", "without --run: `FOLDER` in which <time>-<name> is made")
	p.StringVar(&t.name, "name", "", "without --run: `NAME` of the run (that of the recipe)")
	p.StringVar(&t.resume, "resume", "", "continue `FROM` auto (newest good checkpoint, if any), last, best, or a checkpoint folder")
	p.BoolVar(&t.force, "resume-force", false, "continue although the recipe or the data differ")
	machineFlagsOf(c, &f.machine)
	a.deviceFlagOf(c, &f.machine)
	lookFlagsOf(c, &f.look)
	p.BoolVar(&f.dryRun, "dry-run", false, "print what the run takes and stop")
	c.MarkFlagRequired("data")
	c.MarkFlagsMutuallyExclusive("run", "name")
	c.RegisterFlagCompletionFunc("recipe", words(k.Names()...))
	c.RegisterFlagCompletionFunc("resume", words("auto", "last", "best"))
}

// machineFlagsOf adds the flags that say what computes.
func machineFlagsOf(c *cobra.Command, m *machineFlags) {
	known := cpu.Known()
	last := len(known) - 1
	c.Flags().IntVar(&m.threads, "threads", 0, "worker threads, `N` (0: one for each CPU that the process may use)")
	c.Flags().StringVar(&m.kernels, "kernels", "auto", "instruction `SET`: auto, "+strings.Join(known[:last], ", ")+" or "+known[last]+"; "+kernelsVariable+" sets the default")
	c.RegisterFlagCompletionFunc("kernels", words(append([]string{"auto"}, known...)...))
}

// begin says what is about to be trained and trains it, unless it does not fit into memory or only that was wanted.
func (a *app) begin(s *session, t *target, root string, look lookFlags, dryRun bool) (err error) {
	for _, n := range s.store.Notes() {
		a.say("note: %s", n)
	}
	s.describe(a, t.title)
	if err := s.checkMemory(); err != nil || dryRun {
		return err
	}
	if err := t.checkData(s.store.Info().Fingerprint); err != nil {
		return err
	}
	if t.dir == "" {
		if t.dir, err = runlog.NewDir(root, t.name, time.Now()); err != nil {
			return err
		}
	}
	return a.train(s, t, look)
}

// nameOf is the name that a run of a recipe gets.
func nameOf(recipe string) string {
	base := filepath.Base(recipe)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
