package audio

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seedFormats adds the small files in testdata/formats whose names end in one of the suffixes.
func seedFormats(f *testing.F, suffixes ...string) {
	files, err := os.ReadDir(filepath.Join("testdata", "formats"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, suffix := range suffixes {
			if strings.HasSuffix(file.Name(), suffix) {
				data, err := os.ReadFile(filepath.Join("testdata", "formats", file.Name()))
				if err != nil {
					f.Fatal(err)
				}
				f.Add(data)
			}
		}
	}
}

// FuzzDecode starts from a file of every format.
func FuzzDecode(f *testing.F) {
	for _, head := range []string{"", "ID3\x04\x00\x00\x00\x00\x00\x02..fLaC", "\xff\xfb\x90\x64", "<html>"} {
		f.Add([]byte(head))
	}
	f.Add(AppendWAV16(nil, 16000, make([]int16, 10)))
	f.Add(encodeFLAC(8000, 16, ramp(200, 16, 0)))
	seedFormats(f, "")
	f.Fuzz(checkDecode)
}

// FuzzAIFF, FuzzCAF, FuzzSPHERE, FuzzAU and FuzzW64 keep the magic of their format, so that no time goes into inputs that
// are refused at once.
func FuzzAIFF(f *testing.F)   { fuzzFormat(f, 12, ".aiff") }
func FuzzCAF(f *testing.F)    { fuzzFormat(f, 8, ".caf") }
func FuzzSPHERE(f *testing.F) { fuzzFormat(f, 8, ".sph") }
func FuzzAU(f *testing.F)     { fuzzFormat(f, 4, ".au") }
func FuzzW64(f *testing.F)    { fuzzFormat(f, 40, ".w64") }

func fuzzFormat(f *testing.F, magic int, suffix string) {
	seedFormats(f, suffix)
	var heads [][]byte
	files, err := filepath.Glob(filepath.Join("testdata", "formats", "*"+suffix))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		heads = append(heads, data[:magic])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode(t, data)
		if len(data) < magic {
			return
		}
		for _, head := range heads[:min(2, len(heads))] {
			checkDecode(t, append(bytes.Clone(head), data[magic:]...))
		}
	})
}

// FuzzOgg repairs the checksums of pages, which random changes would hardly ever pass.
func FuzzOgg(f *testing.F) {
	seedFormats(f, ".ogg", ".oga", ".opus")
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode(t, data)
		fixed := bytes.Clone(data)
		for at := 0; ; {
			next := bytes.Index(fixed[at:], []byte(oggMagic))
			if next < 0 {
				break
			}
			at += next
			_, size, _ := parseOggPage(fixed[at:])
			if size == 0 {
				at += len(oggMagic)
				continue
			}
			page := fixed[at : at+size]
			clear(page[22:26])
			binary.LittleEndian.PutUint32(page[22:], oggCRC(0, page))
			at += size
		}
		checkDecode(t, fixed)
	})
}
