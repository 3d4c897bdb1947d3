package datasets

import (
	"context"
	"iter"
	"sync"
)

// convertAll converts the items of src with opt.Workers workers and yields them in the order of the source. At most twice
// as many items as there are workers are in memory. When the loop over it ends, all its goroutines have ended.
func convertAll(ctx context.Context, src Source, opt ImportOptions) iter.Seq2[converted, error] {
	return func(yield func(converted, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel(context.Canceled)

		// Each job travels twice: to whichever worker is free, and, in order, to the loop below, which waits on its done.
		type job struct {
			item Item
			done chan converted
		}
		work, ordered := make(chan job), make(chan job, 2*opt.Workers)
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			for item, err := range src.Items() {
				if err != nil {
					cancel(err)
					return
				}
				j := job{item, make(chan converted, 1)}
				if opt.Split != "" && item.Split != opt.Split {
					j.done <- converted{item: item} // counted, not decoded
				} else {
					select {
					case work <- j:
					case <-ctx.Done():
						return
					}
				}
				select {
				case ordered <- j:
				case <-ctx.Done():
					return
				}
			}
		})
		for range opt.Workers {
			running.Go(func() {
				c := converter{opt: opt}
				for j := range work {
					j.done <- c.convert(j.item)
				}
			})
		}
		for j := range ordered {
			select {
			case c := <-j.done:
				if !yield(c, nil) {
					return
				}
			case <-ctx.Done():
				yield(converted{}, context.Cause(ctx))
				return
			}
		}
		if ctx.Err() != nil {
			yield(converted{}, context.Cause(ctx))
		}
	}
}
