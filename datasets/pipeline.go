package datasets

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
)

// outcome is what became of one item: pieces of audio, or none because it is of another split.
type outcome struct {
	item       Item
	first      int // pieces before this one are in the store already
	pieces     []converted
	otherSplit bool
}

// maxJobItems bounds the parts of one recording that a worker converts in one go, and with them the memory of a job.
const maxJobItems = 64

// job is some neighbouring items of one recording. It travels twice: to whichever worker is free, and, in order, to the loop
// that waits on its done.
type job struct {
	items []Item
	first int // pieces of the first item that are in the store already
	done  chan []outcome
}

// convertAll converts the items of src behind the position from with opt.Workers workers and yields them in the order of the
// source. At most twice as many jobs as there are workers are in memory. When the loop over it ends, all its goroutines
// have ended.
func convertAll(ctx context.Context, src Source, opt ImportOptions, from position) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel(context.Canceled)

		work, ordered := make(chan job), make(chan job, opt.Workers)
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			if err := feed(ctx, src, opt, from, work, ordered); err != nil {
				cancel(err)
			}
		})
		for range opt.Workers {
			c, err := newConverter(opt)
			if err != nil {
				cancel(err)
			}
			running.Go(func() {
				for j := range work {
					out := make([]outcome, len(j.items))
					for i, item := range j.items {
						out[i] = outcome{item: item, pieces: c.convert(item)}
					}
					out[0].first = j.first
					j.done <- out
				}
			})
		}
		for j := range ordered {
			select {
			case out := <-j.done:
				for _, o := range out {
					if !yield(o, nil) {
						return
					}
				}
			case <-ctx.Done():
				yield(outcome{}, context.Cause(ctx))
				return
			}
		}
		if ctx.Err() != nil {
			yield(outcome{}, context.Cause(ctx))
		}
	}
}

// feed makes jobs of the items of src.
func feed(ctx context.Context, src Source, opt ImportOptions, from position, work, ordered chan<- job) error {
	var next job
	send := func() bool {
		if len(next.items) == 0 {
			return true
		}
		next.done = make(chan []outcome, 1)
		if opt.Split != "" && next.items[0].Split != opt.Split { // counted, not decoded
			out := make([]outcome, len(next.items))
			for i, item := range next.items {
				out[i] = outcome{item: item, otherSplit: true}
			}
			next.done <- out
		} else {
			select {
			case work <- next:
			case <-ctx.Done():
				return false
			}
		}
		select {
		case ordered <- next:
		case <-ctx.Done():
			return false
		}
		next = job{}
		return true
	}
	at, recordings, last := position{}, -1, Item{}
	first := from.Pieces // of the first job; only that one can go on inside an item
	for item, err := range src.Items() {
		if err != nil {
			return err
		}
		if recordings < 0 || !item.sameRecording(last) {
			recordings++
		}
		last = item
		if !opt.Share.has(recordings) {
			continue
		}
		if at.Items < from.Items {
			if at = at.after(item); at.Items == from.Items && at.Digest != from.Digest {
				return errSourceChanged
			}
			continue
		}
		n := len(next.items)
		if n > 0 && (n == maxJobItems || !item.sameRecording(next.items[n-1]) || item.Split != next.items[0].Split) && !send() {
			return nil
		}
		if len(next.items) == 0 {
			next.first, first = first, 0
		}
		next.items = append(next.items, item)
	}
	if at.Items < from.Items {
		return errSourceChanged
	}
	send()
	return nil
}

// errSourceChanged stops an import that goes on with a corpus which is not the one it began with.
var errSourceChanged = errors.New("the source lists other items than when this import began: begin anew")

// sameRecording reports whether two items are parts of one file, which is then decoded once.
func (i Item) sameRecording(o Item) bool {
	return i.Path != "" && i.Path == o.Path && i.Offset == o.Offset && i.Size == o.Size
}

// Share is a part of an import, for several machines that import one corpus: number Index, counted from 0, of Of. The zero
// value is all of it. The parts take turns recording by recording, so they are about equally large.
type Share struct{ Index, Of int }

func (p Share) has(recording int) bool { return p.Of == 0 || recording%p.Of == p.Index }

// String is "2/8" for the second of eight parts, and "" for the whole.
func (p Share) String() string {
	if p.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Index+1, p.Of)
}

// ParseShare reads what String writes.
func ParseShare(s string) (p Share, err error) {
	if s == "" {
		return p, nil
	}
	index, of, _ := strings.Cut(s, "/")
	p.Index, err = strconv.Atoi(index)
	if err == nil {
		p.Of, err = strconv.Atoi(of)
	}
	if p.Index--; err != nil || p.Index < 0 || p.Index >= p.Of {
		return Share{}, fmt.Errorf("datasets: part %q of an import: want I/N with I from 1 to N, such as 2/8", s)
	}
	return p, nil
}
