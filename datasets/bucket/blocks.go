package bucket

import (
	"container/list"
	"context"
	"sync"
)

// blocks are the blocks in memory: those being fetched, so that all who want one wait for the same request, and the latest
// ones that came, up to a bound. A disk that takes no more blocks would otherwise turn each small sequential read into a request
// for a whole block.
type blocks struct {
	mu      sync.Mutex
	byKey   map[string]*block
	settled list.List // of *block, the most recently used first
	bytes   int64     // of the settled ones
	bound   int64
}

// block is one block in memory. data and err are set once, before ready is closed, and never change after.
type block struct {
	key   string
	ready chan struct{}
	data  []byte
	err   error
	place *list.Element // nil until settled
}

func (s *blocks) init(bound int64) { s.byKey, s.bound = map[string]*block{}, max(0, bound) }

// wait returns the data when it is there. The caller must not write to it.
func (k *block) wait(ctx context.Context) ([]byte, error) {
	select {
	case <-k.ready:
		return k.data, k.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// find returns the block with key, which may still be on its way, or nil.
func (s *blocks) find(key string) *block {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.byKey[key]
	if k != nil && k.place != nil {
		s.settled.MoveToFront(k.place)
	}
	return k
}

// join returns the block with key. If mine, there was none: the caller has to deliver and settle it, or to fail it.
func (s *blocks) join(key string) (k *block, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.byKey[key]; k != nil {
		return k, false
	}
	k = &block{key: key, ready: make(chan struct{})}
	s.byKey[key] = k
	return k, true
}

// deliver hands the data to all who wait.
func (s *blocks) deliver(k *block, data []byte) {
	k.data = data
	close(k.ready)
}

// fail hands err to all who wait. Whoever comes next tries anew.
func (s *blocks) fail(k *block, err error) {
	s.mu.Lock()
	delete(s.byKey, k.key)
	s.mu.Unlock()
	k.err = err
	close(k.ready)
}

// settle counts a delivered block against the bound, and forgets the least recently used ones beyond it.
func (s *blocks) settle(k *block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.place = s.settled.PushFront(k)
	s.bytes += int64(len(k.data))
	for s.bytes > s.bound {
		oldest := s.settled.Remove(s.settled.Back()).(*block)
		s.bytes -= int64(len(oldest.data))
		delete(s.byKey, oldest.key)
	}
}
