package plots

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aural/runlog"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// The tolerance of a golden picture: processors differ in the last bits of a coordinate, which moves the shade of a pixel
// at an edge. No channel of a pixel may differ by more than 96 of 255, and on the average of all pixels by 0.3.
const (
	worstPixel = 96
	meanPixel  = 0.3
)

// compareGolden compares a picture with testdata/name, or writes that.
func compareGolden(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := near(golden, data); err != nil {
		failed := filepath.Join(os.TempDir(), "aural-"+name)
		if err := os.WriteFile(failed, data, 0o644); err != nil {
			t.Error(err)
		}
		t.Errorf("%s: %v; the new picture is %s; look at it, and if it is right run go test ./plots -run Golden -update", path, err, failed)
	}
}

func near(want, got []byte) error {
	a, err := png.Decode(bytes.NewReader(want))
	if err != nil {
		return err
	}
	b, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		return err
	}
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("it is %v and not %v", b.Bounds().Size(), a.Bounds().Size())
	}
	sum, worst, where := 0.0, 0.0, image.Point{}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p, q := color.NRGBAModel.Convert(a.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(b.At(x, y)).(color.NRGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				d := math.Abs(float64(d))
				sum += d
				if d > worst {
					worst, where = d, image.Pt(x, y)
				}
			}
		}
	}
	if mean := sum / float64(3*a.Bounds().Dx()*a.Bounds().Dy()); worst > worstPixel || mean > meanPixel {
		return fmt.Errorf("pixel %v differs by %.0f (at most %d), all on the average by %.2f (at most %.1f)", where, worst, worstPixel, mean, meanPixel)
	}
	return nil
}

// The pictures are as they were when somebody looked at them.
func TestGoldenFigures(t *testing.T) {
	root := t.TempDir()
	good, spoiled := small("good", false).make(t, root), small("spoiled", true).make(t, root)
	other := synthetic{name: "other", seed: 5, updates: 16000, every: 100, speed: 7}.make(t, root)
	for _, c := range []struct {
		name, figure string
		logs         []runlog.Curves
		options      Options
	}{
		{"losses", "losses", []runlog.Curves{spoiled}, Options{Smoothing: 0.8}},
		{"accuracy", "accuracy", []runlog.Curves{good, other, spoiled}, Options{Smoothing: 0.8, Reference: true, Groups: []string{"seeds", "seeds", ""}}},
		{"codebook", "codebook", []runlog.Curves{good}, Options{}},
		{"spectrogram", "spectrogram", []runlog.Curves{good}, Options{Theme: Dark}},
		{"masks", "masks", []runlog.Curves{good, other}, Options{Legend: Right, Smoothing: 0.9}},
		{"time", "time", []runlog.Curves{good}, Options{Width: 85, FontSize: 8}},
		{"metric", "metric", []runlog.Curves{good}, Options{Metrics: []string{"gradient_norm", "valid/wer"}, LogX: true, LogY: true, Legend: Below, WithoutTitle: true}},
	} {
		c.options.DPI = 60
		compareGolden(t, c.name+".png", render(t, "f.png", c.logs, c.figure, c.options))
	}
}

func TestGoldenView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "view.png")
	if err := RenderView(path, someView(), Options{DPI: 60}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "view.png", data)
}

// The comparison sees a change that an eye sees.
func TestNear(t *testing.T) {
	picture := func(change func(m *image.NRGBA)) []byte {
		m := image.NewNRGBA(image.Rect(0, 0, 100, 50))
		for i := range m.Pix {
			m.Pix[i] = 0xFF
		}
		change(m)
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	white := picture(func(*image.NRGBA) {})
	if err := near(white, picture(func(m *image.NRGBA) { m.Pix[400] = 200 })); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]byte{
		"a dot": picture(func(m *image.NRGBA) { m.Pix[400] = 100 }),
		"a shade": picture(func(m *image.NRGBA) {
			for i := range m.Pix {
				m.Pix[i] = 0xFE
			}
		}),
		"nothing": nil,
	} {
		if near(white, bad) == nil {
			t.Errorf("%s is not seen", name)
		}
	}
}
