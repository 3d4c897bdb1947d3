package vorbis

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// readPackets returns the packets of an Ogg file of one stream, without looking at checksums.
func readPackets(t testing.TB, name string) (packets [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "formats", name))
	if err != nil {
		t.Fatal(err)
	}
	var packet []byte
	for len(data) > 27 {
		lacing := data[27 : 27+int(data[26])]
		data = data[27+len(lacing):]
		for _, n := range lacing {
			packet, data = append(packet, data[:n]...), data[n:]
			if n < 255 {
				packets, packet = append(packets, packet), nil
			}
		}
	}
	if len(packets) < 4 {
		t.Fatalf("%s has %d packets", name, len(packets))
	}
	return packets
}

var files = []string{"mono_vorbis.ogg", "stereo_vorbis.ogg", "six_vorbis.ogg"}

// TestGoldens compares streams with what libvorbis makes of them: ../testdata/gen_formats.py wrote every 97th of its
// interleaved 16-bit samples. The files have coupled channels, submaps, pauses, and blocks of both sizes.
func TestGoldens(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "formats.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens map[string]struct {
		Rate, Channels, Frames int
		Samples                []float64
	}
	if err := json.Unmarshal(b, &goldens); err != nil {
		t.Fatal(err)
	}
	order := map[int][]int{1: {0}, 2: {0, 1}, 6: {0, 2, 1, 5, 3, 4}} // of the goldens, by stored channel
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			golden, packets := goldens[name], readPackets(t, name)
			d, err := NewDecoder(packets[0], packets[2])
			if err != nil {
				t.Fatal(err)
			}
			if i := d.Info(); i.Rate != golden.Rate || i.Channels != golden.Channels {
				t.Fatalf("%+v, want %d Hz and %d channels", i, golden.Rate, golden.Channels)
			}
			var got []float64
			lengths := map[int]int{}
			for i, packet := range packets[3:] {
				out, err := d.Decode(packet)
				if err != nil || (len(out[0]) == 0) != (i == 0) {
					t.Fatalf("packet %d gives %d samples, %v", i, len(out[0]), err)
				}
				lengths[len(out[0])]++
				for k := range out[0] {
					for _, c := range order[golden.Channels] {
						got = append(got, float64(out[c][k]))
					}
				}
			}
			if have := len(got) / golden.Channels; have < golden.Frames {
				t.Fatalf("%d samples, want at least %d", have, golden.Frames)
			}
			if len(lengths) < 4 && name != "six_vorbis.ogg" {
				t.Errorf("the file does not switch between block sizes: %v", lengths)
			}
			sum := 0.0
			for i, want := range golden.Samples {
				sum += (got[97*i] - want) * (got[97*i] - want)
			}
			if rms := math.Sqrt(sum / float64(len(golden.Samples))); !(rms < 1.3e-5) { // rounding to 16 bits makes 0.9e-5
				t.Errorf("RMS error %.3g", rms)
			}
		})
	}
}

// TestReset: after a reset the next packet gives nothing and those behind it what they gave without.
func TestReset(t *testing.T) {
	packets := readPackets(t, files[1])
	decode := func(reset int) (out [][]float32) {
		d, err := NewDecoder(packets[0], packets[2])
		if err != nil {
			t.Fatal(err)
		}
		for i, packet := range packets[3:] {
			if i == reset {
				d.Reset()
			}
			planes, err := d.Decode(packet)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, append([]float32(nil), planes[1]...))
		}
		return out
	}
	whole, parts := decode(-1), decode(5)
	for i := range whole {
		want := whole[i]
		if i == 5 {
			want = nil
		}
		if !equal(parts[i], want) {
			t.Errorf("packet %d differs", i)
		}
	}
}

func equal(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestShortPackets: a packet cut anywhere decodes to as many samples as the whole one, except when its mode is missing.
func TestShortPackets(t *testing.T) {
	packets := readPackets(t, files[0])
	for n := range packets[6] {
		d, err := NewDecoder(packets[0], packets[2])
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range [][]byte{packets[4], packets[5], packets[6][:n]} {
			_, err = d.Decode(p)
		}
		if n == 0 {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("an empty packet gives %v", err)
			}
			continue
		}
		out, err2 := d.Decode(packets[7])
		if err != nil || err2 != nil || len(out[0]) == 0 {
			t.Errorf("packet cut to %d bytes: %v, then %d samples, %v", n, err, len(out[0]), err2)
		}
	}
}

func TestHeaderErrors(t *testing.T) {
	packets := readPackets(t, files[0])
	id, setupHeader := packets[0], packets[2]
	change := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		b[at] = v
		return b
	}
	for name, id := range map[string][]byte{
		"short": id[:29], "other packet": packets[1], "version 1": change(id, 7, 1), "no channels": change(id, 11, 0),
		"rate 0": append(append(bytes.Clone(id[:12]), 0, 0, 0, 0), id[16:]...), "blocks of 32": change(id, 28, 0xB5),
		"blocks of 16384": change(id, 28, 0xE8), "short above long": change(id, 28, 0x89), "no framing bit": change(id, 29, 0),
	} {
		if d, err := NewDecoder(id, setupHeader); !errors.Is(err, ErrCorrupt) || d != nil {
			t.Errorf("identification with %s: %v", name, err)
		}
	}
	for n := range setupHeader {
		if d, err := NewDecoder(id, setupHeader[:n]); !errors.Is(err, ErrCorrupt) || d != nil {
			t.Fatalf("setup header cut to %d of %d bytes: %v", n, len(setupHeader), err)
		}
	}
	if _, err := NewDecoder(id, packets[1]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a comment header as setup: %v", err)
	}
}

// FuzzDecoder: any headers and packets give samples of equal lengths or one of the errors.
func FuzzDecoder(f *testing.F) {
	for _, name := range files {
		p := readPackets(f, name)
		f.Add(p[0], p[2], p[3], p[4])
		f.Add(p[0], p[2], p[len(p)-1], p[6])
	}
	f.Fuzz(func(t *testing.T, id, setupHeader, first, second []byte) {
		d, err := NewDecoder(id, setupHeader)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		for _, p := range [][]byte{first, second, first} {
			out, err := d.Decode(p)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
				continue
			}
			for _, plane := range out {
				if len(out) != d.info.Channels || len(plane) != len(out[0]) || len(plane) > d.info.Blocks[1]/2 {
					t.Fatalf("%d channels, %d samples", len(out), len(plane))
				}
			}
		}
	})
}

// BenchmarkDecode reports how many seconds of sound one second decodes.
func BenchmarkDecode(b *testing.B) {
	for _, name := range files {
		b.Run(name, func(b *testing.B) {
			packets := readPackets(b, name)
			d, err := NewDecoder(packets[0], packets[2])
			if err != nil {
				b.Fatal(err)
			}
			frames := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, packet := range packets[3:] {
					out, err := d.Decode(packet)
					if err != nil {
						b.Fatal(err)
					}
					frames += len(out[0])
				}
			}
			b.ReportMetric(float64(frames)/float64(d.Info().Rate)/b.Elapsed().Seconds(), "audio-s/s")
		})
	}
}
