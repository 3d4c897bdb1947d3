package tui

import (
	"testing"

	"aural/tui/screen"
)

// BenchmarkPanes draws the screens of snapshots as they are near the end of a long run: 1024 codebooks, audio of 3 s.
func BenchmarkPanes(b *testing.B) {
	shots := pretraining()
	shots.codebooks = fixtureCodebook(1024, 2, 320)
	for _, c := range []struct {
		name  string
		shots snapshots
		keys  []string
	}{
		{"codebook", shots, []string{"3"}}, {"over-time", shots, []string{"3", "v"}}, {"masks", shots, []string{"4"}}, {"audio", shots, []string{"5"}},
		{"transcripts", fineTuning(), []string{"3"}}, {"alignment", fineTuning(), []string{"4"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := fixtureRun(screen.Terminal{Colors: screen.TrueColor}, c.shots)
			m.width, m.height = 200, 60
			loadSounds(m, fixtureSound())
			press(m, c.keys...)
			for b.Loop() {
				_ = m.View()
			}
		})
	}
}
