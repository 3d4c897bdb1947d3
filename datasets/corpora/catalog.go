package corpora

import (
	"cmp"
	"fmt"
	"slices"

	"aural/datasets"
)

// place is where an item is listed. Faults begin with it.
type place struct {
	file string // as the user would look for it, relative to what was opened
	line int    // from 1; 0: the item is the file itself
}

func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s line %d", p.file, p.line)
}

// maxMalformed bounds the lines that are kept as faults: a file with more of them is no manifest, and a small compressed
// one must not become a list that fills the memory.
const maxMalformed = 1 << 20

// maxItems bounds what is listed, a few hundred bytes of memory each: three times MLS English.
const maxItems = 1 << 25

// catalog collects the items of a source in order. It gives every fault its place and finds ids that are given twice.
type catalog struct {
	items     []datasets.Item
	first     map[string]place // where an id was listed first
	malformed int
	stop      error // what made the list too long; nothing is added after it
}

// add appends an item that is listed at p.
func (c *catalog) add(item datasets.Item, p place) {
	if c.stop != nil {
		return
	}
	if len(c.items) == maxItems {
		c.stop = fmt.Errorf("%s is more than %d items: split it", p, maxItems)
		return
	}
	if item.Fault == nil {
		if c.first == nil {
			c.first = map[string]place{}
		}
		if first, twice := c.first[item.ID]; twice {
			item.Fault = faultf(datasets.FaultDuplicate, "the id %q is also that of %s", item.ID, first)
		} else {
			c.first[item.ID] = p
		}
	}
	if item.Fault != nil {
		if item.Fault.Kind == datasets.FaultEntry {
			if c.malformed++; c.malformed > maxMalformed {
				c.stop = fmt.Errorf("%s, after %d lines that cannot be used either: %s", p, maxMalformed, item.Fault.Reason)
				return
			}
		}
		if p.line > 0 {
			item.Fault = faultf(item.Fault.Kind, "%s: %s", p, item.Fault.Reason)
		}
		if item.Name == "" {
			item.Name = p.String()
		}
	}
	c.items = append(c.items, item)
}

// reject appends an item that is nothing but a fault.
func (c *catalog) reject(id string, p place, fault *datasets.Fault) {
	c.add(datasets.Item{ID: id, Fault: fault}, p)
}

// listing ends the catalog.
func (c *catalog) listing(description string, notes ...string) (*datasets.Listing, error) {
	if c.stop != nil {
		return nil, fmt.Errorf("corpora: %s: %w", description, c.stop)
	}
	return datasets.NewListing(description, c.items, notes...)
}

// regroup brings the items that are parts of one channel of a recording together, at the place of the first of them and in
// their order, so that the channel is decoded once.
func (c *catalog) regroup() {
	type audio struct {
		path    string
		offset  int64
		channel int
	}
	first := map[audio]int{}
	rank := make([]int, len(c.items))
	order := make([]int, len(c.items))
	for i, item := range c.items {
		order[i], rank[i] = i, i
		if item.Path == "" {
			continue
		}
		key := audio{item.Path, item.Offset, item.Channel}
		if at, ok := first[key]; ok {
			rank[i] = at
		} else {
			first[key] = i
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank[a], rank[b]) })
	sorted := make([]datasets.Item, len(order))
	for to, from := range order {
		sorted[to] = c.items[from]
	}
	c.items = sorted
}

func faultf(kind datasets.FaultKind, format string, args ...any) *datasets.Fault {
	return &datasets.Fault{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// badEntry is the fault of a line that is not what its format asks for.
func badEntry(format string, args ...any) *datasets.Fault {
	return faultf(datasets.FaultEntry, format, args...)
}

func missing(format string, args ...any) *datasets.Fault {
	return faultf(datasets.FaultMissing, format, args...)
}

// ofRecording is the fault of a recording, listed at p, as the fault of a part of it.
func ofRecording(fault *datasets.Fault, id string, p place) *datasets.Fault {
	return faultf(fault.Kind, "recording %q, %s: %s", id, p, fault.Reason)
}

// clip shortens a line for a message.
func clip(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// checkPart judges the part of a recording from start to end seconds; end 0 is the end of the recording.
func checkPart(start, end float64) *datasets.Fault {
	const longest = 1e7 // seconds; beyond that a number is no time
	switch {
	case !(start >= 0 && start < longest && end >= 0 && end < longest):
		return badEntry("the part is from %g to %g s: want times from 0 on", start, end)
	case end != 0 && end <= start:
		return badEntry("the part is from %g to %g s, which is empty", start, end)
	}
	return nil
}
