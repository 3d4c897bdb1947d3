package infer

import (
	"context"
	"math"
	"strings"
	"testing"

	"aural/hf"
	"aural/hf/hftest"
	"aural/internal/testkit"
)

// The codebook entries of the codes, through project_q, are the targets of transformers' pretraining model. The convolutional features, through the projection of the
// encoder, are hidden state 0 before the positions: here only their norm is held against what it is, mean 0 and variance 1 before its gain.
func TestCodesGolden(t *testing.T) {
	g := hftest.Load(t)
	ctx := context.Background()
	for _, name := range []string{"base-pretraining", "large-pretraining"} {
		m := open(t, name, Options{Backend: backend(t)}, false)
		f, err := hf.Open(hftest.Folder(name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		tensor := func(name string) []float32 {
			x, err := f.Float32(name)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		book, weight, bias := tensor("quantizer.codevectors"), tensor("project_q.weight"), tensor("project_q.bias")
		groups, entries := m.Quantizer()
		size, used := len(book)/(groups*entries), map[int32]bool{}
		var got []float64
		for row := range g.Samples {
			x := wave(g, row)
			if !m.masks() {
				x = append(x, make([]float32, g.Samples[0]-len(x))...)
			}
			list, err := m.CodesBatch(ctx, [][]float32{x[:3], x})
			if err != nil {
				t.Fatal(err)
			}
			c := list[1]
			if list[0].Rows != 0 || c.Rows != m.Frames(len(x)) || c.Groups != groups || len(c.Data) != c.Rows*groups {
				t.Fatalf("%+v", list)
			}
			for _, frame := range g.Masked[row] {
				q := make([]float64, 0, groups*size)
				for k := range groups {
					code := c.Data[frame*groups+k]
					used[code] = true
					q = append(q, wide(book[(k*entries+int(code))*size:][:size])...)
				}
				for o, b := range bias {
					sum := float64(b)
					for i, v := range q {
						sum += v * float64(weight[o*len(q)+i])
					}
					got = append(got, sum)
				}
			}
			h, err := m.Hidden(ctx, x, []int{1, Conv})
			if err != nil {
				t.Fatal(err)
			}
			gain, shift := tensor("wav2vec2.feature_projection.layer_norm.weight"), tensor("wav2vec2.feature_projection.layer_norm.bias")
			conv := h[1]
			if conv.Rows != c.Rows || conv.Cols != len(gain) || h[0].Cols != m.Encoder().Width {
				t.Fatalf("%d x %d", conv.Rows, conv.Cols)
			}
			for r := range conv.Rows {
				sum, squares := 0.0, 0.0
				for i, v := range conv.Data[r*conv.Cols:][:conv.Cols] {
					n := (float64(v) - float64(shift[i])) / float64(gain[i])
					sum, squares = sum+n, squares+n*n
				}
				if n := float64(conv.Cols); math.Abs(sum/n) > 1e-3 || math.Abs(squares/n-1) > 1e-2 {
					t.Fatalf("frame %d has mean %v and mean square %v", r, sum/n, squares/n)
				}
			}
		}
		if len(used) < 2 {
			t.Errorf("%s: only the codes %v", name, used)
		}
		testkit.Close(t, name, got, g.Cases[name].Pretraining.Target, testkit.Tol{Abs: 2e-5, Rel: 2e-5})
	}
	m := open(t, "base-ctc", Options{Backend: backend(t)}, false)
	if _, err := m.CodesBatch(ctx, nil); err == nil || !strings.Contains(err.Error(), "no quantizer") {
		t.Errorf("codes of a recogniser: %v", err)
	}
}
