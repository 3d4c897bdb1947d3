package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"aural/internal/atomicfile"
)

// saved is a checkpoint in the run directory.
type saved struct {
	update uint64
	score  *Score // nil without a validation at that update
}

// keeper knows the checkpoints of a run directory, decides which of them stay, and keeps the links last and best.
type keeper struct {
	dir  string
	keep Keep
	all  []saved // by update
}

// newKeeper lists the checkpoints that are there.
func newKeeper(dir string, keep Keep) (*keeper, error) {
	updates, err := updatesIn(dir)
	if err != nil {
		return nil, err
	}
	k := &keeper{dir: dir, keep: keep}
	for _, u := range updates {
		c := saved{update: u}
		// A state that cannot be read is that of a damaged checkpoint, which is never among the best.
		if s, err := readState(filepath.Join(dir, CheckpointName(u))); err == nil {
			c.score = s.Score
		}
		k.all = append(k.all, c)
	}
	return k, nil
}

// updatesIn lists the checkpoints in dir, oldest first.
func updatesIn(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("train: list checkpoints: %w", err)
	}
	var updates []uint64
	for _, e := range entries {
		if u, ok := updateOf(e.Name()); ok && e.IsDir() {
			updates = append(updates, u)
		}
	}
	sort.Slice(updates, func(i, j int) bool { return updates[i] < updates[j] })
	return updates, nil
}

// newest is the update of the newest checkpoint.
func (k *keeper) newest() (update uint64, ok bool) {
	if len(k.all) == 0 {
		return 0, false
	}
	return k.all[len(k.all)-1].update, true
}

// ranked lists the checkpoints that have a score, best first; of equal ones the older is better.
func (k *keeper) ranked() []saved {
	var out []saved
	for _, c := range k.all {
		if c.score != nil {
			out = append(out, c)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].score.beats(*out[j].score) })
	return out
}

// wants reports whether a checkpoint with this score would be among the best that are kept.
func (k *keeper) wants(s Score) bool {
	ranked := k.ranked()
	return k.keep.Best > 0 && (len(ranked) < k.keep.Best || s.beats(*ranked[k.keep.Best-1].score))
}

// doomed lists the checkpoints that no rule keeps.
func (k *keeper) doomed() []uint64 {
	stays := make(map[uint64]bool)
	for _, c := range k.all[max(0, len(k.all)-k.keep.Last):] {
		stays[c.update] = true
	}
	for i, c := range k.ranked() {
		if i < k.keep.Best {
			stays[c.update] = true
		}
	}
	var out []uint64
	for _, c := range k.all {
		if !stays[c.update] && (k.keep.Every == 0 || c.update%k.keep.Every != 0) {
			out = append(out, c.update)
		}
	}
	return out
}

// added takes note of a new checkpoint, moves the links and then removes those that are not kept any more.
func (k *keeper) added(c saved) error {
	k.all = append(k.all, c)
	if err := k.relink(); err != nil {
		return err
	}
	for _, u := range k.doomed() {
		if err := remove(filepath.Join(k.dir, CheckpointName(u))); err != nil {
			return fmt.Errorf("train: remove old checkpoint: %w", err)
		}
		k.forget(u)
	}
	return nil
}

func (k *keeper) forget(update uint64) {
	for i, c := range k.all {
		if c.update == update {
			k.all = append(k.all[:i], k.all[i+1:]...)
			return
		}
	}
}

// relink points last to the newest and best to the best checkpoint, and removes a link that has nothing to point to.
func (k *keeper) relink() error {
	last, best := "", ""
	if newest, ok := k.newest(); ok {
		last = CheckpointName(newest)
	}
	if ranked := k.ranked(); len(ranked) > 0 {
		best = CheckpointName(ranked[0].update)
	}
	err := errors.Join(link(k.dir, lastLink, last), link(k.dir, bestLink, best), atomicfile.SyncDir(k.dir))
	if err != nil {
		return fmt.Errorf("train: link checkpoints: %w", err)
	}
	return nil
}

// rewind takes the checkpoints after update out of the run that goes on from there. They may be good, so they are renamed, not removed. It returns
// the new names.
func (k *keeper) rewind(update uint64) (aside []string, err error) {
	for {
		newest, ok := k.newest()
		if !ok || newest <= update {
			return aside, k.relink()
		}
		old := CheckpointName(newest)
		name := "superseded-" + old
		for i := 2; ; i++ {
			if _, err := os.Lstat(filepath.Join(k.dir, name)); err != nil {
				break
			}
			name = fmt.Sprintf("superseded-%s-%d", old, i)
		}
		if err := os.Rename(filepath.Join(k.dir, old), filepath.Join(k.dir, name)); err != nil {
			return aside, fmt.Errorf("train: set checkpoint aside: %w", err)
		}
		aside = append(aside, name)
		k.forget(newest)
	}
}
