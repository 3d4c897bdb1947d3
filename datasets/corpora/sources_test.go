package corpora

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
	"aural/datasets"
)

// speech returns the samples of a recording that no other number gives: a ramp, so that parts can be told apart too.
func speech(number, samples int) []int16 {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(number*1000 + i%997)
	}
	return pcm
}

// wav returns a WAV file of half a second of 16 kHz.
func wav(number int) []byte {
	return audio.AppendWAV16(nil, datasets.Rate, speech(number, datasets.Rate/2))
}

// stereo returns a WAV file with a recording in each of two channels.
func stereo(left, right int) []byte {
	l, r := speech(left, datasets.Rate/2), speech(right, datasets.Rate/2)
	both := make([]int16, 0, 2*len(l))
	for i := range l {
		both = append(both, l[i], r[i])
	}
	file := audio.AppendWAV16(nil, datasets.Rate, both)
	binary.LittleEndian.PutUint16(file[22:], 2)               // channels
	binary.LittleEndian.PutUint32(file[28:], 4*datasets.Rate) // bytes a second
	binary.LittleEndian.PutUint16(file[32:], 4)               // bytes a frame
	return file
}

// recordings writes WAV files, numbered from 1.
func recordings(t testing.TB, dir string, names ...string) {
	t.Helper()
	for i, name := range names {
		writeFileAt(t, filepath.Join(dir, filepath.FromSlash(name)), wav(i+1))
	}
}

// open opens a source as the user does, without naming the layout.
func open(t testing.TB, path string, opt Options) datasets.Source {
	t.Helper()
	src, err := Open("auto", path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// describe writes an item as id|speaker|transcript|split|name, then what there is of bytes, seconds and channel, or as a
// fault: name, kind and reason.
func describe(item datasets.Item) string {
	if item.Fault != nil {
		return fmt.Sprintf("%s: %s: %s", item.Name, item.Fault.Kind, item.Fault.Reason)
	}
	out := strings.Join([]string{item.ID, item.Speaker, item.Transcript, item.Split, item.Name}, "|")
	if item.Size > 0 {
		out += fmt.Sprintf(" bytes %d+%d", item.Offset, item.Size)
	}
	if item.Start != 0 || item.End != 0 {
		out += fmt.Sprintf(" seconds %g-%g", item.Start, item.End)
	}
	if item.Channel != 0 {
		out += fmt.Sprintf(" channel %d", item.Channel)
	}
	return out
}

// checkItems compares the items of a source with what describe makes of them. Of a reason only the beginning is compared
// when want ends in "…".
func checkItems(t *testing.T, src datasets.Source, want ...string) {
	t.Helper()
	var got []string
	for item, err := range src.Items() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, describe(item))
	}
	same := func(got, want string) bool {
		begin, open := strings.CutSuffix(want, "…")
		return got == want || open && strings.HasPrefix(got, begin)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// row is what a store knows of a recording: what it was written with, and the part of it in samples.
type row struct {
	id, speaker, transcript string
	number                  int
	from, to                int // to 0: to the end
}

func whole(id, speaker, transcript string, number int) row {
	return row{id: id, speaker: speaker, transcript: transcript, number: number}
}

// checkImport imports src and compares all rows and samples.
func checkImport(t *testing.T, src datasets.Source, want ...row) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "store")
	summary, err := datasets.Import(context.Background(), src, target, datasets.ImportOptions{KeepDuplicates: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := datasets.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Len() != len(want) {
		t.Fatalf("%d rows, want %d; rejected: %+v", s.Len(), len(want), summary.Rejects)
	}
	for i, w := range want {
		u, err := s.Utterance(i)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := s.PCM(i)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]int16, len(pcm)/2)
		for j := range got {
			got[j] = int16(binary.LittleEndian.Uint16(pcm[2*j:]))
		}
		samples := speech(w.number, datasets.Rate/2)
		if w.to == 0 {
			w.to = len(samples)
		}
		if u.ID != w.id || u.Speaker != w.speaker || u.Transcript != w.transcript || !slices.Equal(got, samples[w.from:w.to]) {
			t.Errorf("row %d is %+v, want %+v", i, u, w)
		}
	}
}
