package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aural/audio"

	tea "github.com/charmbracelet/bubbletea"
)

// sound returns a recording of the current run. err says why there is none.
func (m *model) sound(name string) (*sound, error) {
	if name == "" {
		return nil, errors.New("the audio of this snapshot is not kept: that of the newest ones is")
	}
	return m.sounds.find(soundKey{m.run().dir, name})
}

// saveSound writes a recording of the current run, which name tells from others of the run, into the current directory.
func (m *model) saveSound(sample, name string) tea.Cmd {
	s, err := m.sound(sample)
	if err != nil {
		m.tell("", fmt.Errorf("nothing to save: %w", err))
		return nil
	}
	name = fileName(m.run().name + "-" + name)
	return func() tea.Msg {
		path, err := writeSound(".", name, s)
		return doneMsg{"wrote " + path, err}
	}
}

// fileName keeps of a name what all file systems take.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	return strings.TrimLeft(name[:min(len(name), 160)], ".-")
}

// writeSound writes a WAV file beside those that are there: name.wav, name-2.wav and so on.
func writeSound(dir, name string, s *sound) (string, error) {
	samples := make([]int16, len(s.samples))
	audio.ToInt16(samples, s.samples)
	data := audio.AppendWAV16(nil, s.rate, samples)
	for i := 1; ; i++ {
		path := filepath.Join(dir, name+".wav")
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.wav", name, i))
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("save the audio: %w", err)
		}
		_, err = file.Write(data)
		if err = errors.Join(err, file.Close()); err != nil {
			os.Remove(path) // a part is of no use
			return "", fmt.Errorf("save the audio: %w", err)
		}
		return path, nil
	}
}
