package corpora

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"aural/datasets"
)

// kaldiSpace is what separates fields. Other spaces of Unicode are part of words.
const kaldiSpace = " \t\v\f\r"

func kaldiFields(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(kaldiSpace, c) })
}

// cutKaldi splits a line into its first field and the rest.
func cutKaldi(line string) (key, value string) {
	line = strings.Trim(line, kaldiSpace)
	end := strings.IndexAny(line, kaldiSpace)
	if end < 0 {
		return line, ""
	}
	return line[:end], strings.Trim(line[end:], kaldiSpace)
}

// kaldiSegment is the value of a line of segments: "RECORDING START END", in seconds, and perhaps a channel from 0. The end
// -1 is that of the recording.
type kaldiSegment struct {
	recording  string
	start, end float64 // end 0: that of the recording
	channel    int     // from 1; 0: none is given
}

func parseSegment(value string) (kaldiSegment, *datasets.Fault) {
	fields := kaldiFields(value)
	bad := func() (kaldiSegment, *datasets.Fault) {
		return kaldiSegment{}, badEntry("%q: want a recording, its start and end in seconds, and perhaps a channel from 0", clip(value))
	}
	if len(fields) != 3 && len(fields) != 4 {
		return bad()
	}
	s := kaldiSegment{recording: fields[0]}
	var err1, err2 error
	s.start, err1 = strconv.ParseFloat(fields[1], 64)
	s.end, err2 = strconv.ParseFloat(fields[2], 64)
	if err1 != nil || err2 != nil {
		return bad()
	}
	if len(fields) == 4 {
		channel, err := strconv.Atoi(fields[3])
		if err != nil || channel < 0 || channel > math.MaxUint16 {
			return bad()
		}
		s.channel = channel + 1
	}
	switch s.end {
	case -1:
		s.end = 0
	case 0:
		return kaldiSegment{}, badEntry("the part is from %g to 0 s, which is empty", s.start)
	}
	if fault := checkPart(s.start, s.end); fault != nil {
		return kaldiSegment{}, fault
	}
	return s, nil
}

// parseScp reads the value of a line of wav.scp: a file, or "FILE:OFFSET" (offset -1 when there is none).
func parseScp(value string) (file string, offset int64, fault *datasets.Fault) {
	switch {
	case strings.HasSuffix(value, "|") || strings.HasPrefix(value, "|"):
		return "", -1, badEntry("%q is a command, and commands of a corpus are never run: run it yourself into files, "+
			"for example with wav-copy scp:wav.scp ark,scp:wavs.ark,new.scp, and use the new list as wav.scp", clip(value))
	case value == "-":
		return "", -1, badEntry("it reads the standard input: name a file")
	}
	if fault := notAFile(value); fault != nil {
		return "", -1, fault
	}
	colon := strings.LastIndexByte(value, ':')
	if colon < 0 || colon == len(value)-1 || strings.Trim(value[colon+1:], "0123456789") != "" {
		return value, -1, nil
	}
	offset, err := strconv.ParseInt(value[colon+1:], 10, 64)
	if err != nil || colon == 0 {
		return "", -1, badEntry("%q: want a file, a colon and the place of a byte", clip(value))
	}
	return value[:colon], offset, nil
}

// kaldiAudio returns an item with nothing but the place of the audio.
func kaldiAudio(within roots, value string) datasets.Item {
	file, offset, fault := parseScp(value)
	item := datasets.Item{Name: filepath.ToSlash(file), Fault: fault}
	if fault != nil {
		return item
	}
	if within.locate(&item); item.Fault != nil || offset < 0 {
		return item
	}
	size, fault := riffSize(item.Path, offset)
	item.Name = fmt.Sprintf("%s:%d", item.Name, offset)
	if fault != nil {
		return datasets.Item{Name: item.Name, Fault: fault}
	}
	item.Offset, item.Size = offset, size
	return item
}

// riffSize returns the length of the WAV file that begins at a byte of an archive, from its header.
func riffSize(file string, offset int64) (int64, *datasets.Fault) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, missing("%v", err)
	}
	if !info.Mode().IsRegular() {
		return 0, badEntry("%s is not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, missing("%v", err)
	}
	defer f.Close()
	var header [12]byte
	if _, err := f.ReadAt(header[:], offset); err != nil || string(header[:4]) != "RIFF" || string(header[8:]) != "WAVE" {
		return 0, badEntry("there is no WAV file (RIFF … WAVE) at byte %d of %s: make the list again for this archive", offset, file)
	}
	size := int64(binary.LittleEndian.Uint32(header[4:]))
	if size < 4 || size == math.MaxUint32 { // a program that writes to a pipe cannot know
		return 0, badEntry("the WAV file at byte %d of %s does not say how long it is: copy it with a program that does", offset, file)
	}
	if size += 8; size > info.Size()-offset {
		return 0, faultf(datasets.FaultTruncated, "the WAV file at byte %d of %s has %d bytes, the archive ends after %d",
			offset, file, size, info.Size()-offset)
	}
	return size, nil
}
