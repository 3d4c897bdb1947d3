package cuda

import (
	"testing"

	"aural/internal/cudafake"
	"aural/kernels"
)

// The fake proves lifetimes, and that the streams are forked and joined: nothing is read while another stream writes it.
func TestTiming(t *testing.T) {
	fake := cudafake.New(cudafake.Options{})
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	f := func(shape ...int) kernels.Desc { return kernels.Of(kernels.Float32, shape...) }
	product := Call{kernels.Linear{}, []kernels.Desc{f(300, 64), f(96, 64), f(96)}}
	gradient := Call{kernels.LinearGradWeight{}, []kernels.Desc{f(3000, 96), f(3000, 64)}}
	begun := len(fake.Recording.Commands)
	x, err := b.NewTiming(Lanes{{product, product, product}, {gradient}})
	if err != nil {
		t.Fatal(err)
	}
	if ms, err := x.Run(2); err != nil || ms <= 0 {
		t.Errorf("%v ms, %v", ms, err)
	}
	kinds := map[cudafake.Kind]int{}
	for _, c := range fake.Recording.Commands[begun:] {
		kinds[c.Kind]++
	}
	if kinds[cudafake.Launch] < 3*5 || kinds[cudafake.Wait] != 3*2 || kinds[cudafake.Record] != 3*3 {
		t.Errorf("commands %v", kinds)
	}
	if ms, err := x.RunGraphs(2, 3); err != nil || ms <= 0 {
		t.Errorf("%v ms, %v", ms, err)
	}
	graphs := 0
	for _, c := range fake.Recording.Commands {
		if c.Kind == cudafake.Graph {
			graphs++
		}
	}
	if graphs != 3*3 {
		t.Errorf("%d launches of graphs", graphs)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.NewTiming(Lanes{{{kernels.Linear{}, []kernels.Desc{f(3, 4), f(5, 6), f(5)}}}}); err == nil {
		t.Error("shapes that do not fit")
	}
}
