package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	ogg := "OggS" + strings.Repeat("\x00", 24)
	for _, c := range []struct{ data, want string }{
		{"FORM\x00\x00\x00\x00AIFFCOMM", "AIFF"}, {"FORM\x00\x00\x00\x00AIFCFVER", "AIFF-C"}, {".snd\x00\x00\x00\x20", "Sun AU"},
		{"dns.\x20\x00\x00\x00", "Sun AU"}, {".sd\x00\x00\x00\x00\x20", "Sun AU"}, {"\x00ds.\x20\x00\x00\x00", "Sun AU"},
		{"NIST_1A\n   1024\n", "NIST SPHERE"}, {"caff\x00\x01", "Apple CAF"}, {ogg + "OpusHead", "Ogg"},
		{ogg + "\x01vorbis", "Ogg"}, {ogg + "\x7fFLAC", "Ogg"}, {ogg, "Ogg"}, {"OggS", "Ogg"},
		{"\x1a\x45\xdf\xa3....webm", "Matroska or WebM"}, {"\x00\x00\x00\x20ftypM4A ", "MP4 or M4A"},
		{"\xff\xfb\x90\x64....", "MP3"}, {"\xff\xf1\x50\x80....", "AAC (ADTS)"},
		{"ID3\x04\x00\x00\x00\x00\x00\x02..\xff\xf3\x40\xc0", "MP3"}, {"ID3\x04\x00\x00\x00\x00\x00\x02..fLaC", "FLAC"},
		{"ID3\x04\x00\x00\x00\x00\x7f\x7f..\xff\xf3", "no known audio signature"},
		{"riff\x2e\x91\xcf\x11", "Sony Wave64"}, {"RIFF....AVI LIST", "AVI video"}, {"RIFF....WEBP", "a RIFF file of another type"},
		{"\ufeff <!DOCTYPE HTML>", "an HTML or XML page"}, {"\n<html>", "an HTML or XML page"},
		{"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"}, {"19-198-0000 NORTHANGER ABBEY\n", "plain text"},
		{"žluťoučký kůň", "plain text"}, {strings.Repeat("x", 511) + "ž", "plain text"}, {"\x00\x01\x02\x03", "no known audio signature"},
		{"\x00\x05\x16\x07\x00\x02", "a macOS AppleDouble file"}, {"PK\x03\x04", "a zip archive"}, {"RI", "plain text"}, {"\xff", "no known audio signature"},
	} {
		got, _ := identify([]byte(c.data))
		if string(got) != c.want {
			t.Errorf("%q is %q, want %q", c.data, got, c.want)
		}
		switch got {
		case kindWAV, kindFLAC:
			continue
		case "AIFF", "AIFF-C", "Sun AU", "NIST SPHERE", "Apple CAF", "Ogg", "MP3", "Sony Wave64": // decoded, but these are no whole files
			if _, err := Decode([]byte(c.data), Limits{}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%q: %v, want it to be corrupt", c.data, err)
			}
			continue
		}
		if _, err := Decode([]byte(c.data), Limits{}); !errors.Is(err, ErrUnsupportedFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want a refusal that names %q", c.data, err, c.want)
		}
	}
}

func TestDecodeFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "named.flac") // a WAV file: the name must not matter
	if err := os.WriteFile(path, AppendWAV16(nil, 8000, []int16{1, 2, 3}), 0o644); err != nil {
		t.Fatal(err)
	}
	clip, err := DecodeFile(path, Limits{})
	if err != nil || clip.Frames() != 3 || clip.Format != "wav/pcm" || clip.Seconds() != 3.0/8000 {
		t.Fatalf("%+v, %v", clip, err)
	}
	if _, err := DecodeFile(path, Limits{MaxBytes: 49}); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file over MaxBytes: %v", err)
	}
	if _, err := DecodeFile(dir, Limits{}); !errors.Is(err, ErrUnsupportedFormat) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := DecodeFile(path+".missing", Limits{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestMono(t *testing.T) {
	stereo := &Clip{Rate: 8000, Channels: [][]float32{{1, 0.5}, {0, -0.5}}}
	mono := &Clip{Rate: 8000, Channels: [][]float32{{1, 0.5}}}
	for _, c := range []struct {
		clip   *Clip
		policy string
		want   []float32 // nil for an error
	}{
		{stereo, "average", []float32{0.5, 0}}, {stereo, "first", []float32{1, 0.5}}, {stereo, "left", []float32{1, 0.5}},
		{stereo, "1", []float32{0, -0.5}}, {stereo, "2", nil}, {stereo, "refuse", nil},
		{mono, "average", []float32{1, 0.5}}, {mono, "refuse", []float32{1, 0.5}}, {mono, "1", nil}, {&Clip{}, "average", nil},
	} {
		policy, err := ParseChannelPolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseChannelPolicy(policy.String()); err != nil || again != policy {
			t.Errorf("%q prints as %q, which reads as %+v, %v", c.policy, policy, again, err)
		}
		got, err := c.clip.Mono(policy)
		if (err == nil) != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%d channels, %s: %v, %v; want %v", len(c.clip.Channels), c.policy, got, err, c.want)
		}
	}
	if _, err := ParseChannelPolicy("-1"); err == nil {
		t.Error("channel policy -1 was accepted")
	}
	if (ChannelPolicy{}) != Average() {
		t.Error("the zero policy is not Average")
	}
}

func TestChannelWarnings(t *testing.T) {
	x := sine(200, 16000, 4000)
	minus, other := make([]float32, len(x)), sine(333, 16000, 4000)
	for i, v := range x {
		minus[i] = -v
	}
	for _, c := range []struct {
		name     string
		channels [][]float32
		want     string // "" for no warning
	}{
		{"mono", [][]float32{x}, ""}, {"same", [][]float32{x, x}, ""}, {"different", [][]float32{x, other}, ""},
		{"one silent", [][]float32{x, make([]float32, len(x))}, "lowers the level by 6.0 dB"},
		{"opposite", [][]float32{x, minus}, "cancel"}, {"all silent", [][]float32{make([]float32, 9), make([]float32, 9)}, ""},
	} {
		got := strings.Join(channelWarnings(c.channels), "; ")
		if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// checkDecode is the property behind the fuzz targets: every input gives a well-formed clip within the limits, or an error
// that wraps one of the package's reasons.
func checkDecode(t *testing.T, data []byte) {
	const most = 1 << 18
	clip, err := Decode(data, Limits{MaxSamples: most})
	if err != nil {
		for _, reason := range []error{ErrUnsupportedFormat, ErrEmpty, ErrCorrupt, ErrNonFinite, ErrTooLarge} {
			if errors.Is(err, reason) {
				return
			}
		}
		t.Fatalf("error without a reason: %v", err)
	}
	if clip.Rate <= 0 || clip.Bits < 0 || clip.Format == "" || clip.Frames() == 0 || clip.Frames()*len(clip.Channels) > most {
		t.Fatalf("clip of %d Hz, %d bits, format %q, %d frames, %d channels", clip.Rate, clip.Bits, clip.Format, clip.Frames(), len(clip.Channels))
	}
	for c, plane := range clip.Channels {
		if len(plane) != clip.Frames() {
			t.Fatalf("channel %d has %d frames, channel 0 has %d", c, len(plane), clip.Frames())
		}
		for i, v := range plane {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("sample %d of channel %d is %v", i, c, v)
			}
		}
	}
}

func FuzzWAV(f *testing.F) {
	for _, order := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, c := range []struct{ tag, bits int }{{tagPCM, 8}, {tagPCM, 16}, {tagPCM, 24}, {tagFloat, 32}, {tagFloat, 64}, {tagALaw, 8}, {tagMuLaw, 8}} {
			data := chunk(order, "data", make([]byte, 48))
			f.Add(order == byteOrder(binary.BigEndian), bytes.Join([][]byte{chunk(order, "fmt ", fmtBody(order, c.tag, 2, 16000, c.bits)), data}, nil))
			f.Add(order == byteOrder(binary.BigEndian), bytes.Join([][]byte{chunk(order, "LIST", []byte("x")),
				chunk(order, "fmt ", extensible(order, c.tag, 1, 16000, c.bits, 0)), data}, nil))
		}
	}
	f.Fuzz(func(t *testing.T, bigEndian bool, chunks []byte) {
		if bigEndian {
			checkDecode(t, riff(binary.BigEndian, "RIFX", chunks))
			return
		}
		checkDecode(t, riff(binary.LittleEndian, "RIFF", chunks))
		checkDecode(t, riff(binary.LittleEndian, "RF64", chunks))
	})
}

// FuzzFLAC lets the fuzzer write the blocks and repairs the checksums of the first block's header, which random changes
// would hardly ever pass.
func FuzzFLAC(f *testing.F) {
	for _, bits := range []int{8, 16, 24} {
		f.Add(encodeFLAC(16000, bits, ramp(250, bits, 0))[4:])
		f.Add(encodeFLAC(16000, bits, ramp(250, bits, 0), ramp(250, bits, 1))[4:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append([]byte("fLaC"), body...)
		checkDecode(t, data)
		if len(data) > flacStart+8 {
			block := data[flacStart:]
			for _, headerLen := range []int{6, 7, 8} {
				was := block[headerLen-1]
				block[headerLen-1] = byte(crcBits(block[:headerLen-1], 8, 0x07))
				sum := crcBits(block[:len(block)-2], 16, 0x8005)
				block[len(block)-2], block[len(block)-1] = byte(sum>>8), byte(sum)
				checkDecode(t, data)
				block[headerLen-1] = was
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	samples := make([]int16, 10*16000)
	for i, v := range sine(440, 16000, len(samples)) {
		samples[i] = int16(20000 * v)
	}
	whole := make([]int32, len(samples))
	for i, v := range samples {
		whole[i] = int32(v)
	}
	for _, c := range []struct {
		name string
		data []byte
	}{{"wav16", AppendWAV16(nil, 16000, samples)}, {"flac16", encodeFLAC(16000, 16, whole)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(c.data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}
