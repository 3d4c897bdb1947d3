package mp3

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// positions returns where the frames of a file start; the info tag is one of them.
func positions(t testing.TB, data []byte) []int {
	t.Helper()
	var at []int
	walk := newFrames(data)
	for {
		f, ok, err := walk.next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return at
		}
		at = append(at, f.offset)
	}
}

func mustDecode(t testing.TB, data []byte) *Audio {
	t.Helper()
	a, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sameSound says whether x and y are equal up to sample before and from sample after on.
func sameSound(x, y []float32, before, after int) bool {
	return len(x) == len(y) && slices.Equal(x[:before], y[:before]) && slices.Equal(x[after:], y[after:])
}

func id3v2(n int) []byte {
	b := append([]byte("ID3\x04\x00\x00"), byte(n>>21&127), byte(n>>14&127), byte(n>>7&127), byte(n&127))
	return append(b, bytes.Repeat([]byte{0xff, 0xfb, 0x90, 0x64}, n/4)...)
}

func apeTag(header bool) []byte {
	items := bytes.Repeat([]byte{0xff, 0xf3, 0x40, 0xc4}, 25)
	part := func(flags uint32) []byte {
		b := append([]byte("APETAGEX"), 0xd0, 7, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(items)+32))
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, flags)
		return append(b, make([]byte, 8)...)
	}
	if !header {
		return append(items, part(0)...)
	}
	return slices.Concat(part(0xa0000000), items, part(0x80000000))
}

// TestTags: tags change nothing, wherever they stand. Behind the info tag they are smaller than a sixteenth of the file,
// beyond which ffmpeg, and so do we, would take it for concatenated.
func TestTags(t *testing.T) {
	id3v1 := append([]byte("TAG"), make([]byte, 125)...)
	lyrics := []byte("LYRICSBEGIN" + "IND0000200" + "000021" + "LYRICS200")
	footer := append(id3v2(64), []byte("3DI\x04\x00\x10\x00\x00\x00\x40")...)
	footer[5] = 0x10
	for _, name := range []string{"mpeg1-44k-joint-vbr", "mpeg2-16k-mono-untagged", "mpeg1-32k-free-format"} {
		plain := readTestdata(t, name)
		want := mustDecode(t, plain)
		at := positions(t, plain)
		middle := at[len(at)/2]
		for what, data := range map[string][]byte{
			"ID3v2":                  slices.Concat(id3v2(1000), plain),
			"several ID3v2":          slices.Concat(id3v2(64), id3v2(4000), footer, plain),
			"ID3v2 in the middle":    slices.Concat(plain[:middle], id3v2(200), plain[middle:]),
			"ID3v1":                  slices.Concat(plain, id3v1),
			"ID3v1 in the middle":    slices.Concat(plain[:middle], id3v1, plain[middle:]),
			"APEv2 and ID3v1":        slices.Concat(plain, apeTag(false), id3v1),
			"APEv2 with header":      slices.Concat(plain, apeTag(true)),
			"APEv2 at the start":     slices.Concat(apeTag(true), plain),
			"Lyrics3v2 and ID3v1":    slices.Concat(plain, lyrics, id3v1),
			"zeros before and after": slices.Concat(make([]byte, 5000), plain, make([]byte, 300)),
		} {
			got, err := Decode(data, Limits{})
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			if !slices.Equal(got.Channels[0], want.Channels[0]) || got.BadFrames != 0 || len(got.Warnings) != 0 {
				t.Errorf("%s, %s: %d samples, want the same %d; %d bad frames, warnings %q",
					name, what, len(got.Channels[0]), len(want.Channels[0]), got.BadFrames, got.Warnings)
			}
		}
	}
}

// TestLostFrame destroys one frame in several ways: the length stays, the sound around stays, and the loss is counted.
func TestLostFrame(t *testing.T) {
	plain := readTestdata(t, "mpeg1-44k-no-reservoir") // CBR, so that a frame has its length even when it is gone
	want := mustDecode(t, plain).Channels[0]
	at := positions(t, plain)
	const n = 6
	start, end := at[n], at[n+1]
	// Frame n makes samples n·1152 on; the filter banks look back over a granule and 481 samples.
	before, after := n*1152, (n+1)*1152+576+481
	for what, damage := range map[string]func(b []byte) []byte{
		"sync word":      func(b []byte) []byte { b[start] = 0; return b },
		"reserved layer": func(b []byte) []byte { b[start+1] &^= 6; return b },
		"double bitrate": func(b []byte) []byte { b[start+2] ^= 0x40; return b },
		"higher bitrate": func(b []byte) []byte { b[start+2] ^= 0x80; return b },
		"lower bitrate":  func(b []byte) []byte { b[start+2] ^= 0x10; return b },
		"all of it":      func(b []byte) []byte { clear(b[start:end]); return b },
		"noise":          func(b []byte) []byte { copy(b[start:end], bytes.Repeat([]byte{0x55, 0xaa}, 1000)); return b },
		"cut short":      func(b []byte) []byte { return slices.Delete(b, start+80, end) },
		"big_values":     func(b []byte) []byte { b[start+4+4] |= 0xff; b[start+4+5] |= 0xff; return b },
		"part2_3_length": func(b []byte) []byte { b[start+4+2] |= 0x3f; b[start+4+3] |= 0xff; return b },
	} {
		got, err := Decode(damage(bytes.Clone(plain)), Limits{})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !sameSound(got.Channels[0], want, before, after) {
			t.Errorf("%s: %d samples, want %d with changes only in [%d, %d)", what, len(got.Channels[0]), len(want), before, after)
		}
		if got.BadFrames != 1 || len(got.Warnings) == 0 {
			t.Errorf("%s: %d bad frames, warnings %q; want one bad frame and a warning", what, got.BadFrames, got.Warnings)
		}
	}
}

// TestFragment: the start of a frame that stands before another one is not a frame.
func TestFragment(t *testing.T) {
	plain := readTestdata(t, "mpeg1-44k-no-reservoir")
	want := mustDecode(t, plain).Channels[0]
	at := positions(t, plain)
	got := mustDecode(t, slices.Concat(plain[:at[5]], plain[at[5]:at[5]+60], plain[at[5]:]))
	if !slices.Equal(got.Channels[0], want) || got.BadFrames != 0 || len(got.Warnings) != 1 {
		t.Errorf("%d samples, want the same %d; %d bad frames, warnings %q",
			len(got.Channels[0]), len(want), got.BadFrames, got.Warnings)
	}
}

// TestOversizedGranule: a granule that claims more main data than there is, is damage, although decoding would not fail.
func TestOversizedGranule(t *testing.T) {
	b := bytes.Clone(readTestdata(t, "mpeg25-8k-mono-cbr16"))
	at := positions(t, b)[0]
	b[at+5] |= 0x7f // part2_3_length is bits 9 to 20 of the side information
	b[at+6] |= 0xf8
	if a := mustDecode(t, b); a.BadFrames != 1 {
		t.Errorf("%d bad frames, want 1", a.BadFrames)
	}
}

// TestLostReservoir: when a frame is gone, those that began their main data in it are silent too, and counted.
func TestLostReservoir(t *testing.T) {
	plain := readTestdata(t, "mpeg2-16k-mono-vbr")
	at := positions(t, plain)
	b := bytes.Clone(plain)
	clear(b[at[4]:at[5]])
	got, want := mustDecode(t, b), mustDecode(t, plain)
	if len(got.Channels[0]) != len(want.Channels[0]) || got.BadFrames < 2 {
		t.Errorf("%d samples, %d bad frames; want %d samples and more than one bad frame",
			len(got.Channels[0]), got.BadFrames, len(want.Channels[0]))
	}
}

// TestCutStart: a piece out of the middle of a stream starts with frames whose main data is missing. ffmpeg makes silence
// of them and keeps the length; so do we.
func TestCutStart(t *testing.T) {
	plain := readTestdata(t, "mpeg2-16k-mono-untagged")
	want := mustDecode(t, plain).Channels[0]
	at := positions(t, plain)
	got := mustDecode(t, plain[at[3]:])
	if n := len(want) - 3*576; len(got.Channels[0]) != n {
		t.Errorf("%d samples, want %d", len(got.Channels[0]), n)
	}
	if got.BadFrames == 0 || !strings.Contains(strings.Join(got.Warnings, "; "), "silent") {
		t.Errorf("%d bad frames, warnings %q", got.BadFrames, got.Warnings)
	}
	if silent := got.BadFrames * 576; energy(got.Channels[0][:silent]) != 0 {
		t.Errorf("the first %d samples are not silent", silent)
	}
	if tail := 2000; !slices.Equal(got.Channels[0][len(got.Channels[0])-tail:], want[len(want)-tail:]) {
		t.Error("the end differs")
	}
}

func TestTruncated(t *testing.T) {
	for _, name := range []string{"mpeg2-16k-mono-vbr", "mpeg2-16k-mono-untagged", "mpeg25-11k-free-format"} {
		plain := readTestdata(t, name)
		tagged := name != "mpeg2-16k-mono-untagged"
		want := mustDecode(t, plain).Channels[0]
		at := positions(t, plain)
		cut := at[len(at)-3]
		for _, more := range []int{0, 5, 40} {
			a := mustDecode(t, plain[:cut+more])
			if a.Truncated != (more > 0 || tagged) || a.Truncated != (len(a.Warnings) > 0) {
				t.Errorf("%s, %d bytes of the last frame: truncated %v, warnings %q", name, more, a.Truncated, a.Warnings)
			}
			got := a.Channels[0]
			if len(got) >= len(want) || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("%s, %d bytes of the last frame: %d samples are not the start of %d", name, more, len(got), len(want))
			}
		}
	}
}

func TestChecksum(t *testing.T) {
	plain := readTestdata(t, "mpeg2-16k-joint-crc")
	at := positions(t, plain)
	b := bytes.Clone(plain)
	b[at[5]+6] ^= 1 // main_data_begin, which would be believed
	if a := mustDecode(t, b); a.BadFrames != 1 {
		t.Errorf("%d bad frames, want 1", a.BadFrames)
	}
	for _, p := range at { // an encoder that gets the CRC wrong
		b[p+4] ^= 0x40
	}
	b[at[5]+6] ^= 1
	a := mustDecode(t, b)
	if a.BadFrames != 0 || !strings.Contains(strings.Join(a.Warnings, "; "), "CRC") {
		t.Errorf("%d bad frames, warnings %q; want none and a warning", a.BadFrames, a.Warnings)
	}
	if !slices.Equal(a.Channels[0], mustDecode(t, plain).Channels[0]) {
		t.Error("the sound differs")
	}
}

func TestRefusals(t *testing.T) {
	mono16, stereo16 := readTestdata(t, "mpeg2-16k-mono-untagged"), readTestdata(t, "mpeg2-16k-stereo-cbr64")
	tagged, mono44 := readTestdata(t, "mpeg2-16k-mono-vbr"), readTestdata(t, "mpeg1-44k-mono-cbr32")
	at := positions(t, mono16)
	damaged := bytes.Clone(mono16)
	for _, p := range at[:len(at)*2/3] {
		damaged[p+6] |= 0x0f // big_values
		damaged[p+7] |= 0xff
	}
	layer2 := bytes.Repeat(append([]byte{0xff, 0xfd, 0x84, 0xc0}, make([]byte, 380)...), 4) // 48 kHz mono, 128 kbit/s
	random := make([]byte, 100000)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(random)
	for _, c := range []struct {
		what string
		data []byte
		lim  Limits
		want error
		text string
	}{
		{"nothing", nil, Limits{}, ErrEmpty, "no bytes"},
		{"zeros", make([]byte, 5000), Limits{}, ErrEmpty, "zeros"},
		{"only a tag", id3v2(1000), Limits{}, ErrEmpty, "only tags"},
		{"only an info tag", tagged[:positions(t, tagged)[1]], Limits{}, ErrEmpty, "no sound"},
		{"noise", random, Limits{}, ErrCorrupt, "no frame"},
		{"half a frame", mono16[:at[1]/2], Limits{}, ErrCorrupt, ""},
		{"two thirds damaged", damaged, Limits{}, ErrCorrupt, "cannot be decoded"},
		{"mostly noise", slices.Concat(random, mono16), Limits{}, ErrCorrupt, "only"},
		{"Layer II", layer2, Limits{}, ErrUnsupported, "Layer 2"},
		{"rate changes", slices.Concat(mono16, mono44), Limits{}, ErrUnsupported, "16000 Hz, 1 channels to 44100 Hz"},
		{"channels change", slices.Concat(mono16, stereo16), Limits{}, ErrUnsupported, "2 channels"},
		{"layer changes", slices.Concat(mono44, layer2), Limits{}, ErrUnsupported, "Layer 3 to Layer 2"},
		{"too long", mono16, Limits{MaxFrames: 6000}, ErrTooLarge, "6000"},
		{"too long in all", stereo16, Limits{MaxFrames: 6400, MaxSamples: 12000}, ErrTooLarge, "12000"},
	} {
		a, err := Decode(c.data, c.lim)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || a != nil {
			t.Errorf("%s: %v, want %v with %q", c.what, err, c.want, c.text)
		}
	}
	for _, lim := range []Limits{{}, {MaxFrames: 6400}, {MaxSamples: 12800}} {
		if _, err := Decode(stereo16, lim); err != nil {
			t.Errorf("%+v: %v", lim, err)
		}
	}
}

// TestConcatenated: the info tag of a second file is a frame of silence, and the first one's padding stays, as in ffmpeg.
func TestConcatenated(t *testing.T) {
	plain := readTestdata(t, "mpeg2-16k-mono-vbr")
	frames := len(positions(t, plain)) - 1
	a := mustDecode(t, slices.Concat(plain, plain))
	if want := (2*frames+1)*576 - 1105; len(a.Channels[0]) != want || a.BadFrames != 0 {
		t.Errorf("%d samples, want %d; %d bad frames", len(a.Channels[0]), want, a.BadFrames)
	}
}

// TestCorruption flips bits all over valid files. Whatever happens, nothing panics, samples are in proportion to bytes, and
// most files that lost little keep their length.
func TestCorruption(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	decoded, kept := 0, 0
	for _, g := range loadGoldens(t) {
		plain := readTestdata(t, g.Name)
		for n := range 60 {
			b := bytes.Clone(plain)
			for range 1 + rng.IntN(1+n) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			if rng.IntN(4) == 0 {
				at := rng.IntN(len(b))
				b = slices.Delete(b, at, min(at+rng.IntN(300), len(b)))
			}
			a, err := Decode(b, Limits{})
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrEmpty) {
					t.Fatalf("%s: %v", g.Name, err)
				}
				continue
			}
			decoded++
			if len(a.Channels[0])*len(a.Channels) > 64*len(b) {
				t.Fatalf("%s: %d samples from %d bytes", g.Name, len(a.Channels[0]), len(b))
			}
			if n == 0 && len(a.Channels[0]) == g.Frames {
				kept++
			}
		}
	}
	if decoded < 1000 || kept < 20 {
		t.Errorf("%d decoded, %d of 26 kept their length", decoded, kept)
	}
}

// TestHostile: headers without end, which look like the shortest of frames or like none, are refused or give no more samples
// than such frames hold.
func TestHostile(t *testing.T) {
	for _, unit := range [][]byte{
		{0xff}, {0xff, 0xfb}, // nothing
		{0xff, 0xfb, 0x00, 0x64}, {0xff, 0xe3, 0x00, 0xc4}, // free format
		{0xff, 0xfb, 0x90, 0x64}, {0xff, 0xfb, 0x90, 0x64, 0, 0, 0}, // frames that do not chain
		{0xff, 0xf3, 0x18, 0xc4}, {0xff, 0xfb, 0x14, 0xc4}, // frames that do
		[]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), []byte("APETAGEX"), []byte("TAG"),
	} {
		data := bytes.Repeat(unit, 1<<17/len(unit))
		a, err := Decode(data, Limits{})
		if err == nil && len(a.Channels)*len(a.Channels[0]) > 64*len(data) {
			t.Errorf("% x: %d samples from %d bytes", unit, len(a.Channels)*len(a.Channels[0]), len(data))
		}
	}
}

// TestAllocations: beside the output, a file costs a fixed number of allocations, however many frames it has.
func TestAllocations(t *testing.T) {
	plain := readTestdata(t, "mpeg2-16k-mono-untagged")
	sharedTables()
	count := func(data []byte) float64 {
		return testing.AllocsPerRun(10, func() {
			if _, err := Decode(data, Limits{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	one, many := count(plain), count(bytes.Repeat(plain, 20))
	if many > one+2 { // the warnings about the seams
		t.Errorf("%v allocations for one file, %v for twenty in a row", one, many)
	}
}
