package corpora

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"aural/datasets"
)

// tarShards are the tars of a tarred NeMo set by their number. A member is found by the audio_filepath of the line, or by
// that path with slashes and dots turned into underscores, which is how NeMo's converter flattens names. An ending "-sub1",
// "-sub2" …, which the converter gives to further parts of one file, does not count, nor does the extension, which it leaves
// wrong when it transcodes.
type tarShards struct {
	files   map[int]string        // real paths
	members map[int]*shardMembers // those listed so far
	doubled map[int][2]string     // numbers that two tars have
}

type shardMembers struct {
	byName map[string]tarMember // and by the name without extension
	err    error                // the tar cannot be read
}

var tarShardPattern = regexp.MustCompile(`^audio[^/]*_([0-9]{1,9})[^/]*\.tar$`)

// findTarShards looks for tars beside the manifests, in the folder above when the manifests have one of their own, as
// sharded_manifests, and in the root that the user names.
func findTarShards(rs roots) (*tarShards, error) {
	dirs := rs
	if filepath.Base(rs[0].real) == "sharded_manifests" {
		above, err := openRoot(filepath.Dir(rs[0].real))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs[:len(dirs):len(dirs)], above)
	}
	ts := &tarShards{files: map[int]string{}, members: map[int]*shardMembers{}, doubled: map[int][2]string{}}
	for _, r := range dirs {
		entries, err := os.ReadDir(r.real)
		if err != nil {
			return nil, fmt.Errorf("corpora: %w", err)
		}
		for _, entry := range entries {
			m := tarShardPattern.FindStringSubmatch(entry.Name())
			if m == nil {
				continue
			}
			number, err := strconv.Atoi(m[1])
			file, fault := r.resolve(entry.Name())
			if err != nil || fault != nil {
				continue // its entries find no tar
			}
			if other, twice := ts.files[number]; twice && other != file {
				ts.doubled[number] = [2]string{filepath.Base(other), entry.Name()}
			}
			ts.files[number] = file
		}
	}
	return ts, nil
}

func (ts *tarShards) has(number int) bool { return ts.files[number] != "" }

// locate finds the member of a shard that item.Name stands for.
func (ts *tarShards) locate(item *datasets.Item, number int) {
	file := ts.files[number]
	if file == "" {
		item.Fault = missing("there is no tar of shard %d, such as audio_%d.tar, beside the manifest or in the root", number, number)
		return
	}
	if both, twice := ts.doubled[number]; twice {
		item.Fault = badEntry("shard %d is %s or %s: keep the tars of one set in a folder and name it as the root", number, both[0], both[1])
		return
	}
	shard := ts.list(number, file)
	if shard.err != nil {
		item.Fault = faultf(datasets.FaultAudio, "%v", shard.err)
		return
	}
	for _, name := range memberNames(item.Name) {
		m, ok := shard.byName[name]
		switch {
		case !ok:
			continue
		case m.fault != nil:
			item.Fault = m.fault
		case m.size == 0:
			item.Fault = faultf(datasets.FaultAudio, "member %q of %s is empty", m.name, filepath.Base(file))
		default:
			item.Path, item.Offset, item.Size = file, m.offset, m.size
		}
		return
	}
	item.Fault = missing("%s has no member %q", filepath.Base(file), item.Name)
}

func (ts *tarShards) list(number int, file string) *shardMembers {
	if s := ts.members[number]; s != nil {
		return s
	}
	members, err := tarMembers(file)
	s := &shardMembers{byName: make(map[string]tarMember, 2*len(members)), err: err}
	for _, m := range members {
		s.byName[m.name] = m
		s.byName[stem(m.name)] = m
	}
	ts.members[number] = s
	return s
}

var subPattern = regexp.MustCompile(`-sub[0-9]+$`)

// memberNames returns what the audio of a line may be called in the tar, the likeliest first.
func memberNames(name string) []string {
	name = path.Clean(name)
	as := stem(name)
	without := subPattern.ReplaceAllString(as, "")
	flat := strings.NewReplacer("/", "_", ".", "_")
	return []string{name, as, without, flat.Replace(as), flat.Replace(without)}
}
