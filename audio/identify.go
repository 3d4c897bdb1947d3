package audio

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// kind is what the first bytes of a file say it is. The text is used in refusals.
type kind string

const (
	kindWAV     kind = "WAV"
	kindW64     kind = "Sony Wave64"
	kindAIFF    kind = "AIFF"
	kindAIFC    kind = "AIFF-C"
	kindAU      kind = "Sun AU"
	kindSPHERE  kind = "NIST SPHERE"
	kindCAF     kind = "Apple CAF"
	kindFLAC    kind = "FLAC"
	kindMP3     kind = "MP3"
	kindOgg     kind = "Ogg"
	kindUnknown kind = "no known audio signature"
	kindText    kind = "plain text"
	kindHTML    kind = "an HTML or XML page"
	kindPointer kind = "a Git LFS pointer"
	kindDouble  kind = "a macOS AppleDouble file"
	kindAAC     kind = "AAC (ADTS)"
)

// decoder returns what decodes a kind, or nil.
func (k kind) decoder() func(data []byte, lim Limits) (*Clip, error) {
	switch k {
	case kindWAV:
		return decodeWAV
	case kindW64:
		return decodeW64
	case kindAIFF, kindAIFC:
		return decodeAIFF
	case kindAU:
		return decodeAU
	case kindSPHERE:
		return decodeSPHERE
	case kindCAF:
		return decodeCAF
	case kindFLAC:
		return decodeFLAC
	case kindMP3:
		return decodeMP3File
	case kindOgg:
		return decodeOgg
	}
	return nil
}

// decoded lists the formats of decoder for refusals.
const decoded = "WAV, Wave64, AIFF, AU, SPHERE, CAF, FLAC, MP3 and Ogg (Vorbis, Opus, FLAC) are decoded"

// refusal is the error for a kind that is not decoded. It says what to do next, which depends on the kind.
func (k kind) refusal() error {
	advice := "convert it first, for example: ffmpeg -i IN -ac 1 -ar 16000 OUT.flac"
	switch k {
	case kindUnknown:
		advice = decoded + "; samples without a header need one first, for example: ffmpeg -f s16le -ar 16000 -ac 1 -i IN OUT.wav"
	case kindText:
		advice = decoded
	case kindHTML:
		advice = "a download probably failed: fetch the file again"
	case kindPointer:
		advice = "fetch the audio itself with: git lfs pull"
	case kindDouble:
		advice = "it holds Finder metadata and no audio: delete it or skip names that begin with ._"
	}
	return fmt.Errorf("the file is %s; %s: %w", k, advice, ErrUnsupportedFormat)
}

// isAudio reports whether a kind holds audio or may hold it, as containers of video do.
func (k kind) isAudio() bool {
	if k.decoder() != nil || k == kindAAC {
		return true
	}
	for _, s := range signatures {
		if s.kind == k {
			return s.audio
		}
	}
	return false
}

// Identify names the format of a file by its content: "WAV", "FLAC", "Ogg", "MP4 or M4A", "a Git LFS pointer". It needs
// no more than the first kilobyte, but an ID3v2 tag in front has to be whole.
func Identify(data []byte) string {
	kind, _ := identify(data)
	return string(kind)
}

// LooksLikeAudio reports whether a file that begins with head is audio, or a container that often holds it: also when
// [Decode] does not decode it and will say so. A few hundred bytes are enough.
func LooksLikeAudio(head []byte) bool {
	kind, _ := identify(head)
	return kind.isAudio() || hasAt(head, 0, "ID3") // the tag may be longer than head
}

// signature is a fixed byte string at a fixed place. An empty second string is not looked at.
type signature struct {
	kind   kind
	at     int
	magic  string
	at2    int
	magic2 string
	audio  bool // audio or a container of it
}

// signatures lists the formats in the order in which they are tried: a longer match comes before its prefix.
var signatures = [...]signature{
	{kindWAV, 0, "RIFF", 8, "WAVE", true}, {kindWAV, 0, "RIFX", 8, "WAVE", true},
	{kindWAV, 0, "RF64", 8, "WAVE", true}, {kindWAV, 0, "BW64", 8, "WAVE", true},
	{kindFLAC, 0, "fLaC", 0, "", true},
	{"AVI video", 0, "RIFF", 8, "AVI ", true},
	{"a RIFF file of another type", 0, "RIFF", 0, "", false},
	{kindW64, 0, "riff\x2e\x91\xcf\x11", 0, "", true},
	{kindAIFF, 0, "FORM", 8, "AIFF", true}, {kindAIFC, 0, "FORM", 8, "AIFC", true},
	{kindAU, 0, ".snd", 0, "", true}, {kindAU, 0, "dns.", 0, "", true},
	{kindAU, 0, ".sd\x00", 0, "", true}, {kindAU, 0, "\x00ds.", 0, "", true},
	{kindSPHERE, 0, sphereMagic, 0, "", true},
	{kindCAF, 0, "caff", 0, "", true},
	{kindOgg, 0, oggMagic, 0, "", true},
	{"Matroska or WebM", 0, "\x1a\x45\xdf\xa3", 0, "", true},
	{"MP4 or M4A", 4, "ftyp", 0, "", true},
	{"WMA or ASF", 0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, "", true},
	{"AMR", 0, "#!AMR", 0, "", true}, {"WavPack", 0, "wvpk", 0, "", true}, {"Monkey's Audio", 0, "MAC ", 0, "", true},
	{"Shorten", 0, "ajkg", 0, "", true}, {"True Audio", 0, "TTA1", 0, "", true}, {"Musepack", 0, "MPCK", 0, "", true},
	{"DSD", 0, "DSD ", 0, "", true}, {"MIDI", 0, "MThd", 0, "", false}, {"AAC (ADIF)", 0, "ADIF", 0, "", true},
	{"a zip archive", 0, "PK\x03\x04", 0, "", false}, {"gzip data", 0, "\x1f\x8b", 0, "", false},
	{"xz data", 0, "\xfd7zXZ", 0, "", false}, {"zstd data", 0, "\x28\xb5\x2f\xfd", 0, "", false},
	{"bzip2 data", 0, "BZh", 0, "", false}, {"a Parquet table", 0, "PAR1", 0, "", false}, {"an Arrow file", 0, "ARROW1", 0, "", false},
	{kindDouble, 0, "\x00\x05\x16\x07", 0, "", false},
	{kindPointer, 0, "version https://git-lfs.github.com/spec/", 0, "", false},
}

// identify names the format of data, which is not empty, and returns it without the ID3v2 tags before it.
func identify(data []byte) (kind, []byte) {
	body := skipID3v2(data)
	for _, s := range signatures {
		if hasAt(body, s.at, s.magic) && hasAt(body, s.at2, s.magic2) {
			return s.kind, body
		}
	}
	switch {
	case isADTS(body):
		return kindAAC, body
	case findMPEG(body), len(body) < len(data):
		return kindMP3, body
	case isMarkup(body):
		return kindHTML, body
	case isText(body):
		return kindText, body
	}
	return kindUnknown, body
}

func hasAt(data []byte, at int, magic string) bool {
	return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
}

// skipID3v2 returns data without the ID3v2 tags in front (id3.org, ID3v2.4 section 3.1): a 10-byte header whose size is
// four 7-bit digits, and a 10-byte footer when flag 0x10 is set. A tag that claims more bytes than there are is kept.
func skipID3v2(data []byte) []byte {
	for len(data) >= 10 && string(data[:3]) == "ID3" && data[6]|data[7]|data[8]|data[9] < 0x80 {
		size := 10 + int(data[6])<<21 + int(data[7])<<14 + int(data[8])<<7 + int(data[9])
		if data[5]&0x10 != 0 {
			size += 10
		}
		if size > len(data) {
			break
		}
		data = data[size:]
	}
	return data
}

// isMarkup reports whether data begins like a web page, as a failed download does.
func isMarkup(data []byte) bool {
	head := bytes.TrimLeft(bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\xef\xbb\xbf")), " \t\r\n")
	head = bytes.ToLower(head)
	for _, tag := range []string{"<!doctype", "<html", "<?xml", "<head", "<body"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}
	return false
}

// isText reports whether the first 512 bytes are printable UTF-8.
func isText(data []byte) bool {
	head := data[:min(len(data), 512)]
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		switch {
		case r == utf8.RuneError && size <= 1:
			return len(head) < utf8.UTFMax && len(data) > 512 // a rune cut at the end of the window
		case !unicode.IsPrint(r) && !unicode.IsSpace(r) && r != '\ufeff':
			return false
		}
		head = head[size:]
	}
	return true
}
