package cudafake

import (
	"fmt"
	"maps"

	"aural/kernels/cuda/driver"
)

// A clock says for each stream how many of its commands have certainly happened.
type clock map[driver.Stream]int

func (c clock) join(d clock) {
	for s, n := range d {
		c[s] = max(c[s], n)
	}
}

// done is a command that touched memory, with its place in its stream.
type done struct {
	Command
	place int
}

// Races lists pairs of commands that touch the same memory, one of them writing, without an order between them. Commands of a stream are in order; an
// event orders what was queued before its record with what its waiter queues later; the host's wait for a stream orders that with everything that the
// host queues afterwards. (Mattern's vector clocks: command a happens before b if b's clock counts a.)
func (r Recording) Races() (found []string) {
	streams := map[driver.Stream]clock{} // what each stream has seen, itself included
	events := map[driver.Event]clock{}
	host := clock{}
	var past []done
	of := func(s driver.Stream) clock {
		if streams[s] == nil {
			streams[s] = clock{}
		}
		return streams[s]
	}
	for _, c := range r.Commands {
		seen := of(c.Stream)
		seen.join(host) // the host queued it after all that it has waited for
		switch c.Kind {
		case Record:
			events[c.Event] = maps.Clone(seen)
			continue
		case Wait:
			seen.join(events[c.Event])
			continue
		case Sync:
			host.join(seen)
			continue
		}
		for _, d := range past {
			if seen[d.Stream] >= d.place {
				continue
			}
			if s, clash := clash(d.Command, c); clash {
				found = append(found, fmt.Sprintf("%v and %v both touch %d bytes at %#x, and nothing says which comes first", d.Command, c, s.Bytes, uintptr(s.At)))
			}
		}
		seen[c.Stream]++
		past = append(past, done{c, seen[c.Stream]})
	}
	if found == nil {
		found = graphRaces(r.Commands)
	}
	return found
}

// graphRaces looks inside of the graphs that were launched: within one the rules are the same.
func graphRaces(commands []Command) (found []string) {
	for _, c := range commands {
		if c.Kind == Graph {
			for _, race := range (Recording{Commands: c.Graph}).Races() {
				found = append(found, "in a graph: "+race)
			}
		}
	}
	return found
}

// clash finds memory that both touch and one writes.
func clash(a, b Command) (Span, bool) {
	for _, pair := range [][2][]Span{{a.Writes, b.Writes}, {a.Writes, b.Reads}, {a.Reads, b.Writes}} {
		for _, x := range pair[0] {
			for _, y := range pair[1] {
				from, to := max(x.At, y.At), min(x.At+driver.Ptr(x.Bytes), y.At+driver.Ptr(y.Bytes))
				if from < to {
					return Span{from, int(to - from)}, true
				}
			}
		}
	}
	return Span{}, false
}
