package tui
type sound struct{}
func newSound([]float32,int) *sound { return nil }
