package finetune

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/train"
)

// A snapshot of a batch says what was masked in each row, up to its padding, and has the audio of the first.
func TestShow(t *testing.T) {
	store := corpus(t, 12, nil)
	view, _ := store.View()
	r := quick()
	r.Train.SnapshotEvery, r.Train.MaxUpdates = 2, 4
	p := task(t, r, store, view)
	w := p.NewWork()
	at := train.Position{Update: 0}
	if _, _, err := p.Prepare(context.Background(), at, w); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Show(at, w); err == nil || !strings.Contains(err.Error(), "not prepared to be shown") {
		t.Errorf("shown without being prepared: %v", err)
	}
	at.Update = 1
	if _, _, err := p.Prepare(context.Background(), at, w); err != nil {
		t.Fatal(err)
	}
	b, samples, err := p.Show(at, w)
	if err != nil {
		t.Fatal(err)
	}
	frames := len(w.mask) / w.shape.Rows
	if b.Rows != w.shape.Rows || b.Rows < 2 || len(b.Padded) != b.Rows || b.Width != 32 || b.Frames != int(w.frames[0]) || b.ID != w.utterances[0].ID ||
		b.Text == "" || len(samples) != w.utterances[0].Samples || b.Samples != len(samples) || !slices.Equal(b.Spans, b.Padded[0].Spans) {
		t.Fatalf("%+v of %d samples", b, len(samples))
	}
	masked := 0
	for i, row := range b.Padded {
		mask, channels := make([]uint8, frames), make([]uint8, b.Width)
		for _, s := range row.Spans {
			masked += s[1]
			for f := range s[1] {
				mask[s[0]+f] = 1
			}
		}
		for _, s := range row.Channels {
			for k := range s[1] {
				channels[s[0]+k] = 1
			}
		}
		if row.Frames != int(w.frames[i]) || !slices.Equal(mask, w.mask[i*frames:][:frames]) || !slices.Equal(channels, w.channels[i*b.Width:][:b.Width]) || len(row.Channels) == 0 {
			t.Errorf("row %d: %+v is not what was masked", i, row)
		}
	}
	if masked != w.masked || masked == 0 {
		t.Errorf("%d frames in spans, %d masked", masked, w.masked)
	}

	dir := filepath.Join(t.TempDir(), "run")
	run(t, p, dir, nil)
	raw, err := os.ReadFile(filepath.Join(dir, "snapshots.jsonl"))
	if err != nil || strings.Count(string(raw), `"padded":[{`) != 2 {
		t.Errorf("%v, snapshots %.300s", err, raw)
	}

	r.Mode = Frozen // sees everything
	p = task(t, r, store, view)
	w = p.NewWork()
	if _, _, err := p.Prepare(context.Background(), at, w); err != nil {
		t.Fatal(err)
	}
	if b, _, err := p.Show(at, w); err != nil || len(b.Spans) > 0 || len(b.Padded[1].Channels) > 0 {
		t.Errorf("masks of a frozen encoder: %+v, %v", b, err)
	}
}
