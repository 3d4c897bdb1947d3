package plots

import "fmt"

// RenderView draws a view into the file path; see [Render] for its format. Width, Height, DPI and Theme of the options count, and
// the tables beside the figure.
func RenderView(path string, v View, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := v.check(); err != nil {
		return fmt.Errorf("plots: view: %w", err)
	}
	return fmt.Errorf("plots: view: %w", ErrNoData)
}

// check says what does not fit together.
func (v *View) check() error {
	if len(v.Panels) == 0 {
		return fmt.Errorf("it has no panel")
	}
	for i := range v.Panels {
		if err := v.Panels[i].check(); err != nil {
			return fmt.Errorf("panel %d (%s): %w", i+1, v.Panels[i].Title, err)
		}
	}
	return nil
}

func (p *ViewPanel) check() error {
	for _, c := range p.Curves {
		if len(c.Y) != len(c.X) || c.Smooth != nil && len(c.Smooth) != len(c.X) || c.Steps != nil && len(c.Steps) != len(c.X) {
			return fmt.Errorf("curve %s has %d x, %d y, %d smoothed values and %d steps: they must be as many", c.Label, len(c.X), len(c.Y), len(c.Smooth), len(c.Steps))
		}
	}
	for _, b := range p.Bands {
		if len(b.Low) != len(b.X) || len(b.High) != len(b.X) {
			return fmt.Errorf("band %s has %d x, %d low and %d high values: they must be as many", b.Label, len(b.X), len(b.Low), len(b.High))
		}
	}
	if h := p.Heat; h != nil {
		for _, row := range h.Values {
			if len(row) != len(h.Values[0]) {
				return fmt.Errorf("the rows of the heat map have %d and %d values: they must be as many", len(h.Values[0]), len(row))
			}
		}
	}
	if s := p.Spectrogram; s != nil {
		for _, frame := range s.LogMel {
			if len(frame) != len(s.Frequencies) {
				return fmt.Errorf("a frame of the spectrogram has %d bands, and there are %d frequencies: they must be as many", len(frame), len(s.Frequencies))
			}
		}
	}
	return nil
}
