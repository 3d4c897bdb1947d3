package plots

import (
	"encoding/json"
	"fmt"
)

// numbers are written as JSON numbers, and what is not finite as null.
type numbers []float64

// MarshalJSON implements json.Marshaler.
func (n numbers) MarshalJSON() ([]byte, error) {
	list := make([]*float64, len(n))
	for i := range n {
		if finite(n[i]) {
			list[i] = &n[i]
		}
	}
	return json.Marshal(list)
}

// The figure as JSON: what is drawn, in the units of the figure and not thinned.
type (
	jsonFigure struct {
		Title  string      `json:"title,omitempty"`
		Note   string      `json:"note,omitempty"`
		Panels []jsonPanel `json:"panels"`
	}
	jsonPanel struct {
		Title       string           `json:"title"`
		X           string           `json:"x_axis"`
		Y           string           `json:"y_axis"`
		Curves      []jsonCurve      `json:"curves,omitempty"`
		Lines       []jsonLine       `json:"lines,omitempty"`
		Bands       []jsonBand       `json:"bands,omitempty"`
		Bars        []jsonBar        `json:"bars,omitempty"`
		Heat        *jsonHeat        `json:"heat_map,omitempty"`
		Spectrogram *jsonSpectrogram `json:"spectrogram,omitempty"`
	}
	jsonCurve struct {
		Label    string  `json:"label"`
		Run      string  `json:"run,omitempty"`
		Series   string  `json:"series,omitempty"`
		Updates  []int64 `json:"updates,omitempty"`
		X        numbers `json:"x"`
		Values   numbers `json:"values"`
		Smoothed numbers `json:"smoothed,omitempty"`
		Low      numbers `json:"low,omitempty"`
		High     numbers `json:"high,omitempty"`
	}
	jsonLine struct {
		Label string  `json:"label"`
		Value float64 `json:"value"`
	}
	jsonBand struct {
		Label string  `json:"label"`
		X     numbers `json:"x"`
		Low   numbers `json:"low"`
		High  numbers `json:"high"`
	}
	jsonBar struct {
		Name  string  `json:"name,omitempty"`
		Left  float64 `json:"left"`
		Right float64 `json:"right"`
		Value float64 `json:"value"`
	}
	jsonHeat struct {
		Left   float64   `json:"left"`
		Right  float64   `json:"right"`
		Rows   []string  `json:"rows"`
		Unit   string    `json:"unit"`
		Values []numbers `json:"values"`
	}
	jsonSpectrogram struct {
		Start       float64      `json:"start_seconds"`
		Lead        float64      `json:"lead_seconds"`
		Hop         float64      `json:"hop_seconds"`
		Frequencies numbers      `json:"frequencies_hz"`
		LogMel      []numbers    `json:"log_mel"`
		Masked      []Span       `json:"masked"`
		Codes       []FrameCodes `json:"codes"`
	}
)

// encodeJSON writes what the panels draw.
func encodeJSON(panels []panel, f frame) ([]byte, error) {
	figure := jsonFigure{Title: f.title, Note: f.note}
	for _, p := range panels {
		figure.Panels = append(figure.Panels, p.json(f.labelX))
	}
	data, err := json.Marshal(figure)
	if err != nil {
		return nil, fmt.Errorf("encode figure: %w", err)
	}
	return append(data, '\n'), nil
}

func (p *panel) json(labelX string) jsonPanel {
	j := jsonPanel{Title: p.title, X: labelX, Y: p.unit}
	if p.labelX != "" {
		j.X = p.labelX
	}
	for _, c := range p.curves {
		j.Curves = append(j.Curves, jsonCurve{c.label, c.run, c.series, c.steps, c.x, c.raw, c.smooth, c.low, c.high})
	}
	for _, l := range p.lines {
		if finite(l.value) {
			j.Lines = append(j.Lines, jsonLine{l.label, l.value})
		}
	}
	for _, b := range p.bands {
		j.Bands = append(j.Bands, jsonBand{b.Label, b.X, b.Low, b.High})
	}
	for i, b := range p.boxes {
		bar := jsonBar{"", b.left, b.right, b.height}
		if i < len(p.names) {
			bar.Name = p.names[i].Label
		}
		j.Bars = append(j.Bars, bar)
	}
	if h := p.heat; h != nil && !h.empty() {
		j.Heat = &jsonHeat{Unit: h.Unit}
		j.Heat.Left, j.Heat.Right = h.edges()
		for i, row := range h.Values {
			j.Heat.Rows, j.Heat.Values = append(j.Heat.Rows, h.rowName(i)), append(j.Heat.Values, row)
		}
	}
	if a := p.audio; a != nil && !a.empty() {
		j.Spectrogram = &jsonSpectrogram{Start: a.Start, Lead: a.Lead, Hop: a.Hop, Frequencies: a.Frequencies, Masked: a.Spans, Codes: a.Codes}
		for _, frame := range a.LogMel {
			row := make(numbers, len(frame))
			for i, v := range frame {
				row[i] = float64(v)
			}
			j.Spectrogram.LogMel = append(j.Spectrogram.LogMel, row)
		}
	}
	return j
}
