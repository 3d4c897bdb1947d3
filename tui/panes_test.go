package tui

func lookSound(m *model) {
	for _, s := range m.run().shots.batches {
		m.Update(soundMsg{key: soundKey{m.run().dir, s.Batch.Sample}, sound: fixtureSound()})
	}
	for _, s := range m.run().shots.alignments {
		m.Update(soundMsg{key: soundKey{m.run().dir, s.Alignment.Sample}, sound: fixtureSound()})
	}
}
