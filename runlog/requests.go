package runlog

// Requests takes the waiting requests, oldest first. It looks at nothing but memory, so it may be called at every step.
func (w *Writer) Requests() []Request {
	w.mu.Lock()
	defer w.unlock()
	taken := w.requests
	w.requests = nil
	for _, r := range taken {
		w.event(Event{Step: w.state.Step, Kind: Controlled, Data: map[string]string{"command": string(r.Command), "by": r.By}})
	}
	return taken
}
