package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"
	"unicode/utf8"

	"aural/datasets"
	"aural/features"
	"aural/tui"

	"github.com/spf13/cobra"
)

// shownRow is a row as JSON.
type shownRow struct {
	Row        int     `json:"row"`
	ID         string  `json:"id"`
	Speaker    string  `json:"speaker"`
	Split      string  `json:"split"`
	Transcript string  `json:"transcript"`
	Path       string  `json:"path"`
	Start      float64 `json:"start"` // seconds
	Samples    int     `json:"samples"`
	PeakDB     float64 `json:"peak_db"` // of full scale; -200 for silence
	RMSDB      float64 `json:"rms_db"`
}

func (a *app) dataShow() *cobra.Command {
	var byID, asJSON bool
	var o tui.Options
	c := a.command(&cobra.Command{
		Use:   "show STORE ID|ROW",
		Short: "Look at one utterance: what is known of it, and its spectrogram",
		Long: `Show prints what a store knows of an utterance and draws its log-mel spectrogram: time to the right,
80 mel bands upwards, 80 dB from dark to light. The utterance is named by its id or by the number of
its row, from 0; an id that is a number needs --id.

The picture fills the terminal. It has colours on terminals with 256 colours or more and is made of
letters elsewhere, with NO_COLOR, and with --ascii.`,
		Example: "  aural data show stores/mine 0\n  aural data show stores/mine 84-121123-0001 --width 120 --height 40\n  aural data show stores/mine 17 --json | jq .peak_db",
		Args:    cobra.ExactArgs(2),
	}, func(args []string) error {
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		row, err := findRow(s, args[1], byID)
		if err != nil {
			return err
		}
		return a.showRow(s, row, o, asJSON)
	})
	p := c.Flags()
	p.BoolVar(&byID, "id", false, "the utterance is named by its id, even if that is a number")
	p.IntVar(&o.Width, "width", 0, "width of the picture in `COLUMNS` (that of the terminal, or 80)")
	p.IntVar(&o.Height, "height", 0, "height of the picture in `LINES` (what the terminal has left, or 18)")
	p.BoolVar(&o.ASCII, "ascii", false, "use no characters beyond ASCII")
	p.BoolVar(&o.NoColor, "no-color", false, "use no colours, as with NO_COLOR")
	p.BoolVar(&asJSON, "json", false, "print what is known as JSON, without a picture")
	return c
}

// findRow returns the row that a user means.
func findRow(s *datasets.Store, name string, byID bool) (int, error) {
	if n, err := strconv.Atoi(name); err == nil && !byID {
		if n < 0 || n >= s.Len() {
			return 0, fmt.Errorf("there is no row %d in %s, which has rows 0 to %d (--id if that is an id)", n, s.Where(), s.Len()-1)
		}
		return n, nil
	}
	for row := range s.Len() {
		u, err := s.Utterance(row)
		if err != nil {
			return 0, err
		}
		if u.ID == name {
			return row, nil
		}
	}
	return 0, fmt.Errorf("there is no utterance with the id %q in %s", name, s.Where())
}

func (a *app) showRow(s *datasets.Store, row int, o tui.Options, asJSON bool) error {
	u, err := s.Utterance(row)
	if err != nil {
		return err
	}
	samples := make([]float32, u.Samples)
	if err := s.Read(samples, row, 0); err != nil {
		return err
	}
	peak, rms := loudness(samples)
	if asJSON {
		return writeJSON(a.out, shownRow{row, u.ID, u.Speaker, u.Split, u.Transcript, u.Path, u.Start, u.Samples, peak, rms})
	}
	known := [][]string{{"id", u.ID}, {"row", fmt.Sprintf("%s of %s", grouped(row), grouped(s.Len()))}, {"length", fmt.Sprintf("%.2f s", u.Seconds())},
		{"level", fmt.Sprintf("peak %.1f dB, mean %.1f dB of full scale", peak, rms)}}
	for _, part := range [][]string{{"speaker", u.Speaker}, {"split", u.Split}, {"transcript", u.Transcript}, {"recording", recordingText(u)}} {
		if part[1] != "" {
			known = append(known, part)
		}
	}
	table(a.out, known, nil)
	return a.drawSpectrogram(samples, o, known)
}

// recordingText says where an utterance comes from.
func recordingText(u datasets.Utterance) string {
	if u.Start == 0 {
		return u.Path
	}
	return fmt.Sprintf("%s, from %.2f s", u.Path, u.Start)
}

// quietest stands for silence, which has no level in dB. The smallest level of 16 bits is -90 dB.
const quietest = -200

// loudness returns the largest and the root mean square amplitude in dB of full scale.
func loudness(samples []float32) (peak, rms float64) {
	most, sum := 0.0, 0.0
	for _, v := range samples {
		most = max(most, math.Abs(float64(v)))
		sum += float64(v) * float64(v)
	}
	db := func(x float64) float64 { return max(quietest, 20*math.Log10(x)) }
	return db(most), db(math.Sqrt(sum / float64(max(len(samples), 1))))
}

// The picture has 18 lines where the size of the terminal is not known, so that all fits 24.
const (
	usualPicture = 18
	leastPicture = 12
)

// drawSpectrogram draws below the table of what is known.
func (a *app) drawSpectrogram(samples []float32, o tui.Options, known [][]string) error {
	c := features.Default()
	frames, err := features.LogMel(samples, c)
	if err != nil {
		return err
	}
	if len(frames) == 0 {
		a.say("its %s are fewer than the %d of one frame: there is nothing to draw", plural(len(samples), "sample"), c.Window)
		return nil
	}
	for _, frame := range frames {
		for m := range frame {
			frame[m] *= 10 / math.Ln10 // nepers of power to dB
		}
	}
	o.Output = a.out
	if f, ok := a.out.(*os.File); ok {
		if columns, lines, ok := terminalSize(f); ok {
			o.Width = cmp.Or(o.Width, columns)
			o.Height = cmp.Or(o.Height, max(lines-linesOf(known, columns)-1, leastPicture)) // a line for the prompt
		}
	}
	o.Height = cmp.Or(o.Height, usualPicture)
	seconds := float64((len(frames)-1)*c.Hop+c.Window) / float64(c.Rate)
	text, err := tui.Spectrogram(tui.Levels{Frames: frames, Hz: c.Centres(), Seconds: seconds, Range: 80}, o)
	if err != nil {
		return usage(err)
	}
	fmt.Fprint(a.out, text)
	return nil
}

// linesOf is how many lines a terminal needs for a table of names and texts, of which long ones go on in the next line.
func linesOf(known [][]string, columns int) int {
	n, widest := 0, 0
	for _, row := range known {
		widest = max(widest, utf8.RuneCountInString(row[0]))
	}
	for _, row := range known {
		n += 1 + (widest+2+utf8.RuneCountInString(row[1])-1)/max(columns, 1)
	}
	return n
}
