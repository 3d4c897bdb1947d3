package corpora

import (
	"path"
	"regexp"
	"strings"

	"aural/datasets"
)

// VCTK lists a corpus in the form of CSTR VCTK (Yamagishi and others 2019): WAVS/SPK/ID.wav, WAVS being wav48 or
// wav48_silence_trimmed, and txt/SPK/ID.txt. From release 0.92 on two microphones have recorded each sentence, ID_mic1.flac
// and ID_mic2.flac: both are listed, with the same speaker and text.
func VCTK(dir string) (*datasets.Listing, error) {
	_, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{} // by SPK/ID
	for _, f := range files {
		if speaker, id, ok := vctkName(f.name, "txt"); ok && path.Ext(f.name) == ".txt" && f.fault == nil {
			texts[path.Join(speaker, id)] = f.path
		}
	}
	var c catalog
	for _, f := range files {
		if !isAudioName(f.name) && f.fault == nil {
			continue
		}
		item := datasets.Item{ID: stem(path.Base(f.name)), Name: f.name, Path: f.path, Fault: f.fault}
		speaker, id, ok := vctkName(f.name, "wav")
		if !ok && f.fault == nil {
			item.Fault = badEntry("not in a folder wav48/SPEAKER: import it as a plain folder")
		}
		item.Speaker = speaker
		item.Sidecar = texts[path.Join(speaker, vctkMicrophone.ReplaceAllString(id, ""))]
		c.add(item, place{file: f.name})
	}
	return c.listing("VCTK tree " + dir)
}

var vctkMicrophone = regexp.MustCompile(`_mic[0-9]$`)

// vctkName splits the name KIND…/SPK/ID.EXT.
func vctkName(name, kind string) (speaker, id string, ok bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || !strings.HasPrefix(parts[0], kind) {
		return "", "", false
	}
	return parts[1], stem(parts[2]), true
}

func looksLikeVCTK(p *probe) bool {
	return p.mostAudio(func(_ root, name string) bool {
		speaker, id, ok := vctkName(name, "wav")
		return ok && strings.HasPrefix(id, speaker+"_")
	})
}
