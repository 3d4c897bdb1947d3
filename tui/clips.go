package tui

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"aural/audio"
	"aural/features"
	"aural/tui/chart"

	tea "github.com/charmbracelet/bubbletea"
)

// sound is a recording as the screens need it.
type sound struct {
	samples []float32 // full scale is ±1
	rate    int
	levels  chart.Levels // log-mel spectrogram in dB; without frames when the recording is shorter than one
}

func (s *sound) seconds() float64 { return float64(len(s.samples)) / float64(max(s.rate, 1)) }

// The range of levels that is drawn, and the bounds of what is read.
const (
	soundRange      = 80 // dB
	soundMaxBytes   = 64 << 20
	soundMaxSeconds = 600
)

// newSound computes the spectrogram of samples: 80 mel bands of windows of 25 ms every 10 ms.
func newSound(samples []float32, rate int) *sound {
	s := &sound{samples: samples, rate: rate}
	c := features.Default()
	c.Rate, c.High = rate, math.Min(c.High, float64(rate)/2)
	c.Window, c.Hop = max(rate/40, 2), max(rate/100, 1)
	for c.FFT < c.Window {
		c.FFT *= 2
	}
	frames, err := features.LogMel(samples, c)
	if err != nil || len(frames) == 0 {
		return s // a rate too odd for a spectrogram still has a waveform
	}
	for _, f := range frames {
		for i := range f {
			f[i] *= 10 / math.Ln10 // nepers of power to dB
		}
	}
	s.levels = chart.Levels{Frames: frames, Hz: c.Centres(), Range: soundRange, Seconds: float64((len(frames)-1)*c.Hop+c.Window) / float64(rate)}
	return s
}

// readSound reads a recording of a run. name is a path within the run directory that came from a log, so it is not trusted
// to stay there.
func readSound(dir, name string) (*sound, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // reading a pipe may never end
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, soundMaxBytes+1))
	if err != nil {
		return nil, err
	}
	clip, err := audio.Decode(data, audio.Limits{MaxBytes: soundMaxBytes, MaxSeconds: soundMaxSeconds})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	mono, err := clip.Mono(audio.First())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return newSound(mono, clip.Rate), nil
}

// soundKey names a recording.
type soundKey struct{ dir, name string }

// soundMsg is a recording that was read.
type soundMsg struct {
	key   soundKey
	sound *sound
	err   error
}

func (msg soundMsg) apply(m *model) tea.Cmd {
	m.sounds.take(msg)
	return nil
}

// soundsKept is how many recordings stay in memory.
const soundsKept = 8

// sounds are the recordings that were read last.
type sounds struct {
	list    []soundMsg // the newest at the end
	reading soundKey
}

// errNoSound is the state of a recording that was not read yet.
var errNoSound = errors.New("reading the audio")

// find returns a recording. err says why there is none: it is still read, or could not be.
func (s *sounds) find(key soundKey) (*sound, error) {
	for _, m := range s.list {
		if m.key == key {
			return m.sound, m.err
		}
	}
	return nil, errNoSound
}

// take keeps a recording.
func (s *sounds) take(msg soundMsg) {
	if s.reading == msg.key {
		s.reading = soundKey{}
	}
	s.list = append(s.list, msg)
	if len(s.list) > soundsKept {
		s.list = s.list[1:]
	}
}

// listener is a screen that shows a recording: its name in the run directory of the current run, "" for none.
type listener interface{ sample(m *model) string }

// listen reads the recording that the present screen needs, unless it was or is being read. It is called after every message,
// since drawing must not read files.
func (m *model) listen() tea.Cmd {
	p := m.panes[m.view.screen]
	if t, ok := p.(*byTask); ok {
		p = t.of(m)
	}
	l, ok := p.(listener)
	if !ok {
		return nil
	}
	key := soundKey{m.run().dir, l.sample(m)}
	if _, err := m.sounds.find(key); key.name == "" || key == m.sounds.reading || err != errNoSound {
		return nil
	}
	m.sounds.reading = key
	return func() tea.Msg {
		s, err := readSound(key.dir, key.name)
		return soundMsg{key, s, err}
	}
}
