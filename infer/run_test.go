package infer

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aural/hf/hftest"
	"aural/internal/testkit"
	"aural/rng"
)

// noise is audio of some samples.
func noise(seed uint64, n int) []float32 {
	s := rng.At(seed, 0, rng.Site("test"))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(s.NormFloat64())
	}
	return x
}

// Cuts take every frame once, lie inside of the utterance, begin at whole frames, have the length of a chunk, and keep half an overlap on each side of a seam.
func TestCuts(t *testing.T) {
	m := open(t, "large-ctc", Options{Backend: backend(t), ChunkSeconds: 0.05, OverlapSeconds: 0.01}, true)
	size := m.Frames(m.chunk)
	rapid.Check(t, func(r *rapid.T) {
		samples := rapid.IntRange(0, 30*m.chunk).Draw(r, "samples")
		m.overlap = rapid.IntRange(0, size/2).Draw(r, "overlap")
		cuts, frame := m.appendCuts(nil, 3, samples), 0
		for i, c := range cuts {
			if c.utterance != 3 || c.keep != frame || c.keepEnd <= c.keep || c.start != c.first*m.hop || c.start+c.samples > samples {
				r.Fatalf("cut %d of %d samples is %+v at frame %d", i, samples, c, frame)
			}
			if c.keep < c.first || c.keepEnd > c.first+m.Frames(c.samples) {
				r.Fatalf("cut %d keeps frames it does not have: %+v", i, c)
			}
			if len(cuts) > 1 && c.samples != m.chunk {
				r.Fatalf("cut %d has %d samples, not %d", i, c.samples, m.chunk)
			}
			if i > 0 && c.keep-c.first < m.overlap/2 || i+1 < len(cuts) && c.first+size-c.keepEnd < m.overlap/2 {
				r.Fatalf("cut %d of overlap %d: %+v", i, m.overlap, c)
			}
			frame = c.keepEnd
		}
		if frame != m.Frames(samples) {
			r.Fatalf("%d of %d frames", frame, m.Frames(samples))
		}
	})
}

// Far from seams, chunks give what the whole gives: attention sees less, so it is switched off here by zero queries and keys, whose attention is a mean, and zero values.
func TestChunksAreTheWholeWhereContextIsLocal(t *testing.T) {
	ctx := context.Background()
	be := backend(t)
	whole := open(t, "large-ctc", Options{Backend: be}, true)
	parts := open(t, "large-ctc", Options{Backend: be, ChunkSeconds: 0.1, OverlapSeconds: 0.02}, true)
	for _, m := range []*Model{whole, parts} {
		for _, s := range m.weights.Specs() {
			if strings.Contains(s.Name, "attention.v_proj") {
				b, _ := m.weights.Param(s.Name)
				clear(b.F32())
			}
		}
	}
	x := noise(1, 16000)
	if n := len(parts.appendCuts(nil, 0, len(x))); n < 10 {
		t.Fatalf("%d chunks only", n)
	}
	want, frames, err := whole.Emissions(ctx, x, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, n, err := parts.Emissions(ctx, x, nil)
	if err != nil || n != frames {
		t.Fatalf("%d frames, want %d; %v", n, frames, err)
	}
	testkit.Close(t, "emissions", wide(got), wide(want), exact)
	h1, err1 := whole.Hidden(ctx, x, []int{0, 2})
	h2, err2 := parts.Hidden(ctx, x, []int{0, 2})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for i := range h1 {
		testkit.Close(t, "hidden states", wide(h2[i].Data), wide(h1[i].Data), exact)
	}
}

// A batch gives what single calls give, bit for bit, whatever the lengths.
func TestBatchIsSingles(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"large-ctc", "base-ctc"} {
		m := open(t, name, Options{Backend: backend(t), ChunkSeconds: 0.1, OverlapSeconds: 0.02, BatchSeconds: 0.4}, true)
		var audio [][]float32
		for i, n := range []int{700, 5000, 0, 701, 700, 630, 12, 2000, 640, 1600, 5000} {
			audio = append(audio, noise(uint64(i), n))
		}
		out, err := m.EmissionsBatch(ctx, audio)
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := m.HiddenBatch(ctx, audio, []int{1, 0})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range audio {
			want, frames, err := m.Emissions(ctx, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			if out[i].Rows != frames || out[i].Cols != m.Classes() || frames != m.Frames(len(x)) {
				t.Fatalf("%s, %d samples: %d x %d, want %d frames", name, len(x), out[i].Rows, out[i].Cols, frames)
			}
			h, err := m.Hidden(ctx, x, []int{1, 0})
			if err != nil {
				t.Fatal(err)
			}
			if frames == 0 {
				continue
			}
			testkit.Close(t, name, wide(out[i].Data), wide(want), exact)
			for k := range h {
				testkit.Close(t, name+" hidden", wide(hidden[i][k].Data), wide(h[k].Data), exact)
			}
		}
	}
}

// The mean and the scale of an utterance do not matter to models that normalise.
func TestNormalizes(t *testing.T) {
	ctx := context.Background()
	x := noise(5, 4000)
	for i := range x {
		x[i] *= 3 // far above ε
	}
	y := slices.Clone(x)
	for i := range y {
		y[i] = 0.25*y[i] + 1
	}
	for _, normalize := range []bool{true, false} {
		m := open(t, "large-ctc", Options{Backend: backend(t), ChunkSeconds: 0.1, OverlapSeconds: 0.02}, normalize)
		a, _, err1 := m.Emissions(ctx, x, nil)
		b, _, err2 := m.Emissions(ctx, y, nil)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		differ := 0.0
		for i := range a {
			differ = max(differ, math.Abs(float64(a[i]-b[i])))
		}
		if normalize != (differ < 1e-3) {
			t.Errorf("normalize %v: outputs differ by %v", normalize, differ)
		}
	}
}

func TestRefuses(t *testing.T) {
	ctx := context.Background()
	be := backend(t)
	m := open(t, "base-ctc", Options{Backend: be}, true)
	bad := noise(1, 1000)
	bad[7] = float32(math.Inf(1))
	stopped, stop := context.WithCancel(ctx)
	stop()
	for what, f := range map[string]func() error{
		"not finite":      func() error { _, _, err := m.Emissions(ctx, bad, nil); return err },
		"outside 0 to 2":  func() error { _, err := m.Hidden(ctx, bad[:5], []int{3}); return err },
		"asked for twice": func() error { _, err := m.Hidden(ctx, bad[:5], []int{1, 1}); return err },
		"canceled":        func() error { _, _, err := m.Emissions(stopped, noise(1, 1000), nil); return err },
		"first frame": func() error {
			_, err := Open(hftest.Folder("base-ctc"), Options{Backend: be, ChunkSeconds: 1e-4})
			return err
		},
		"more than half": func() error {
			_, err := Open(hftest.Folder("base-ctc"), Options{Backend: be, ChunkSeconds: 1, OverlapSeconds: 0.6})
			return err
		},
		"nothing can compute": func() error { _, err := Open(hftest.Folder("base-ctc"), Options{}); return err },
		"config.json":         func() error { _, err := Open(t.TempDir(), Options{Backend: be}); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want an error with %q, got %v", what, err)
		}
	}
}

// Shapes without end do not fill the memory, and a call like the last one allocates nothing.
func TestPrograms(t *testing.T) {
	ctx := context.Background()
	m := open(t, "base-ctc", Options{Backend: backend(t)}, true)
	x := noise(1, 3000)
	var dst []float32
	for n := range 3 * mostPrograms {
		var err error
		if dst, _, err = m.Emissions(ctx, x[:2000+n], dst); err != nil {
			t.Fatal(err)
		}
	}
	if n := m.programs.Len(); n > mostPrograms {
		t.Errorf("%d programs are kept", n)
	}
	if n := testing.AllocsPerRun(5, func() { dst, _, _ = m.Emissions(ctx, x, dst) }); n != 0 {
		t.Errorf("a repeated call allocates %v times", n)
	}
}
