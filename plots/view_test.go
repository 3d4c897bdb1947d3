package plots

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// someView has one panel of each kind.
func someView() View {
	var x, wave, line []float64
	for i := range 600 {
		x, line = append(x, float64(i)), append(line, float64(i)/100)
		wave = append(wave, math.Sin(float64(i)/60)+0.2*math.Sin(float64(i*i)))
	}
	for i := 200; i < 230; i++ {
		wave[i] = math.NaN()
	}
	heat := &HeatMap{Rows: "code", Unit: "choices", Log: true, MarkZero: true, Zero: "dead", Breaks: []int{4}}
	for i := range 8 {
		var row []float64
		for j := range 40 {
			row = append(row, float64(i*j*7%97))
		}
		heat.Values = append(heat.Values, row)
	}
	audio := &Spectrogram{Hop: 0.01, Spans: []Span{{0.2, 0.5}}, Words: []Word{{Span{0.1, 0.4}, "HELLO", false}, {Span{0.4, 0.9}, "WORLD", false}}}
	for i := range 40 {
		audio.Frequencies = append(audio.Frequencies, 100+float64(4*i*i))
	}
	for i := range 100 {
		frame := make([]float32, 40)
		for j := range frame {
			frame[j] = float32(5 * math.Sin(float64(i*j)/50))
		}
		audio.LogMel = append(audio.LogMel, frame)
	}
	for i := range 15 {
		at := 0.2 + 0.02*float64(i)
		audio.Codes = append(audio.Codes, FrameCodes{Span{at, at + 0.02}, []int{20 * i, 7}, i%2 == 0})
	}
	return View{Title: "Metrics", Note: "run  |  updates 100 to 500", Panels: []ViewPanel{
		{Title: "Loss", X: Axis{Label: "update", Min: 100, Max: 500}, Y: Axis{Label: "nats", Min: -1, Max: 1.5},
			Curves: []ViewCurve{{Label: "train", X: x, Y: wave, Smooth: smooth(wave, 0.8), Series: "train/loss", Run: "r"}, {Label: "valid", X: x, Y: line, Colour: 8, Dash: -3}},
			Lines:  []ViewLine{{"chance", 1.2}}, Marks: []ViewMark{{"alert: NaN", 200}}, Bands: []ViewBand{{"published", []float64{0, 300, 900}, []float64{-0.5, 0, 0.2}, []float64{0, 0.5, 0.9}, Grey}}},
		{Title: "Logarithmic", X: Axis{Label: "update", Log: true}, Y: Axis{Label: "norm", Log: true}, Curves: []ViewCurve{{Label: "train", X: x, Y: line}}},
		{Title: "Codes", X: Axis{Label: "entry"}, Heat: heat},
		{Title: "Batch", X: Axis{Label: "seconds"}, Spectrogram: audio},
		{Title: "Logits", X: Axis{Label: "rank"}, Y: Axis{Label: "logit"}, Bars: []Bar{{"target", 3}, {"first", 2}, {"second", 1}}},
		{Title: "Nothing <&> \"of\" it"},
		{Title: "Clock", X: Axis{Label: "time (UTC)", Clock: true}, Curves: []ViewCurve{{Label: "x", X: []float64{1.7e9, 1.7e9 + 4000, 1.7e9 + 90000}, Y: []float64{1, 2, 3}, Points: true}}},
	}}
}

// The tables beside a view have what it shows, and JSON null for what is not finite.
func TestViewTables(t *testing.T) {
	dir := t.TempDir()
	if err := RenderView(filepath.Join(dir, "v.svg"), someView(), Options{CSV: true, JSON: true}); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(dir, "v.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Loss,r,train/loss,,200,update,NaN,NaN,nats,,\n", "Loss,,published,,300,update,,,nats,0,0.5\n", "Codes,,7,,39.5,entry,68,,choices,,\n", "Logits,,target,,1,rank,3,,logit,,\n"} {
		if !strings.Contains(string(table), line) {
			t.Errorf("the table has no line %q", line)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "v.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figure struct {
		Title  string
		Panels []struct {
			Title  string
			X      string `json:"x_axis"`
			Curves []struct {
				Label     string
				X, Values []*float64
			}
			Heat        *struct{ Values [][]float64 } `json:"heat_map"`
			Spectrogram *struct {
				Codes []struct {
					From, To float64
					Codes    []int
					Correct  bool
				}
			}
		}
	}
	if err := json.Unmarshal(data, &figure); err != nil {
		t.Fatal(err)
	}
	loss := figure.Panels[0].Curves[0]
	if figure.Title != "Metrics" || figure.Panels[0].X != "update" || loss.Label != "train" || len(loss.Values) != 600 || loss.Values[210] != nil || *loss.Values[100] != someView().Panels[0].Curves[0].Y[100] {
		t.Errorf("curve %+v", loss.Label)
	}
	if h := figure.Panels[2].Heat; h == nil || len(h.Values) != 8 || h.Values[7][39] != float64(7*39*7%97) {
		t.Errorf("heat map %+v", h)
	}
	if a := figure.Panels[3].Spectrogram; a == nil || len(a.Codes) != 15 || a.Codes[1].From != 0.22 || a.Codes[1].Codes[0] != 20 || a.Codes[1].Correct {
		t.Errorf("spectrogram %+v", a)
	}
}

func TestViewRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.svg")
	for says, p := range map[string]ViewPanel{
		"as many":                {Curves: []ViewCurve{{X: []float64{1}, Y: nil}}},
		"0 low":                  {Bands: []ViewBand{{X: []float64{1}}}},
		"rows of the heat map":   {Heat: &HeatMap{Values: [][]float64{{1, 2}, {1}}}},
		"a heat map from":        {Heat: &HeatMap{Values: [][]float64{{1}}, Left: 2, Right: 1}},
		"colours from":           {Heat: &HeatMap{Values: [][]float64{{1}}, Low: 2, High: 1}},
		"bands, and there are 0": {Spectrogram: &Spectrogram{LogMel: [][]float32{{1}}, Hop: 1}},
		"seconds apart":          {Spectrogram: &Spectrogram{LogMel: [][]float32{{1}}, Frequencies: []float64{1}}},
		"must be finite":         {Spectrogram: &Spectrogram{Start: math.NaN()}},
		"frequency of +Inf":      {Spectrogram: &Spectrogram{Spans: []Span{{0, math.Inf(1)}}}},
		"an axis from":           {X: Axis{Min: 1, Max: 1}},
		"at least 0":             {Bars: []Bar{{"a", -1}}},
		"more than one of":       {Bars: []Bar{{"a", 1}}, Heat: &HeatMap{}},
	} {
		if err := RenderView(path, View{Panels: []ViewPanel{p}}, Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if err := RenderView(path, View{}, Options{}); err == nil {
		t.Error("a view without panels is drawn")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a refused view left a file")
	}
}

// Any view that is not refused is drawn, with finite coordinates.
func TestAnyView(t *testing.T) {
	dir := t.TempDir()
	tried, drawn := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		tried++
		number := rapid.OneOf(rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 5e-324, 1e9}))
		numbers := func(n int, name string) []float64 { return rapid.SliceOfN(number, n, n).Draw(rt, name) }
		axis := func(name string) Axis {
			a := Axis{Label: "x", Log: rapid.Bool().Draw(rt, name+" log"), Clock: rapid.Bool().Draw(rt, name+" clock")}
			if rapid.Bool().Draw(rt, name+" set") {
				a.Min = rapid.SampledFrom([]float64{-1e300, -5, 0, 1e-3, 1, 1e9}).Draw(rt, name+" min")
				a.Max = a.Min + rapid.SampledFrom([]float64{1e-3, 1, 1e9, 1e299}).Draw(rt, name+" span")
			}
			return a
		}
		var v View
		for range rapid.IntRange(1, 3).Draw(rt, "panels") {
			p := ViewPanel{Title: rapid.StringN(0, 20, 60).Draw(rt, "title"), X: axis("x"), Y: axis("y")}
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				n := rapid.IntRange(0, 20).Draw(rt, "points")
				x := numbers(n, "x")
				p.Curves = []ViewCurve{{Label: "a", X: x, Y: numbers(n, "y"), Smooth: numbers(n, "smooth"), Colour: rapid.IntRange(-20, 20).Draw(rt, "colour"), Points: n < 4}}
				p.Lines = []ViewLine{{"line", number.Draw(rt, "line")}}
				p.Marks = []ViewMark{{"mark", number.Draw(rt, "mark")}}
				p.Bands = []ViewBand{{"band", x, numbers(n, "low"), numbers(n, "high"), Grey}}
			case 1:
				rows, columns := rapid.IntRange(0, 5).Draw(rt, "rows"), rapid.IntRange(0, 5).Draw(rt, "columns")
				p.Heat = &HeatMap{Log: rapid.Bool().Draw(rt, "log"), MarkZero: rapid.Bool().Draw(rt, "zero"), Zero: "zero", Breaks: []int{1}, Unit: "unit", RowNames: []string{strings.Repeat("long ", 30)}}
				for range rows {
					p.Heat.Values = append(p.Heat.Values, numbers(columns, "row"))
				}
				if rapid.Bool().Draw(rt, "ends") {
					p.Heat.Low, p.Heat.High = rapid.Float64Range(-2, 1).Draw(rt, "low"), rapid.Float64Range(1, 5).Draw(rt, "high")
				}
			case 2:
				p.Spectrogram = &Spectrogram{Hop: 0.01, Frequencies: []float64{100, 1000, 4000}, Rate: rapid.IntRange(-1, 20).Draw(rt, "rate"), Waveform: []float32{0, 1, -1, float32(math.NaN())},
					Spans: []Span{{rapid.Float64Range(-9, 9).Draw(rt, "from"), rapid.Float64Range(-1e9, 1e9).Draw(rt, "to")}}, Words: []Word{{Span{0, 0.01}, "word", false}}}
				for range rapid.IntRange(0, 4).Draw(rt, "frames") {
					p.Spectrogram.LogMel = append(p.Spectrogram.LogMel, []float32{float32(number.Draw(rt, "bin")), 1, 2})
				}
				p.Spectrogram.Codes = []FrameCodes{{Span{0, rapid.Float64Range(-1, 9).Draw(rt, "code end")}, rapid.SliceOfN(rapid.IntRange(-5, 1000), 0, 3).Draw(rt, "codes"), true}, {Span{0, 1}, []int{1}, false}}
			case 3:
				for range rapid.IntRange(0, 4).Draw(rt, "bars") {
					p.Bars = append(p.Bars, Bar{"bar", math.Abs(number.Draw(rt, "bar"))})
				}
			}
			v.Panels = append(v.Panels, p)
		}
		ext := rapid.SampledFrom([]string{".svg", ".svg", ".eps", ".tex"}).Draw(rt, "format")
		path := filepath.Join(dir, "v"+ext)
		os.Remove(path)
		o := Options{Legend: Legend(rapid.IntRange(0, 3).Draw(rt, "legend")), CSV: true, JSON: true, Width: rapid.SampledFrom([]float64{0, 60, 300}).Draw(rt, "width")}
		if err := RenderView(path, v, o); err != nil {
			return
		}
		drawn++
		data, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		switch ext {
		case ".svg":
			checkXML(rt, "view", data)
		case ".eps":
			checkEPS(rt, "view", data)
		case ".tex":
			checkTeX(rt, "view", data)
		}
	})
	if drawn < tried*3/10 {
		t.Errorf("only %d of %d views were drawn", drawn, tried)
	}
}
