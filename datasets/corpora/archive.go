package corpora

import (
	"archive/zip"
	"aural/datasets"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// archives are the archives that the entries of a manifest have named so far, by their real path.
type archives map[string]*archive

// archive is a file that holds recordings.
type archive struct {
	size    int64
	members map[int64]zipMember // of a zip, by the offset of the data; nil for another kind of file
	fault   *datasets.Fault     // it cannot be read
}

// zipMember is a file in a zip.
type zipMember struct {
	name   string
	size   int64
	stored bool // its bytes lie in the archive as they are, neither compressed nor encrypted
}

// locate turns an entry "FILE:OFFSET:LENGTH" into a range of bytes of a file in r.
func (as archives) locate(r root, item *datasets.Item, e fairseqEntry) {
	file, fault := r.resolve(e.archive)
	if fault != nil {
		item.Fault = fault
		return
	}
	a, known := as[file]
	if !known {
		a = openArchive(file)
		as[file] = a
	}
	member := fmt.Sprint(e.offset)
	switch m, listed := a.members[e.offset]; {
	case a.fault != nil:
		item.Fault = a.fault
		return
	case e.offset > a.size || e.size > a.size-e.offset:
		item.Fault = badEntry("bytes %d to %d lie behind the end of %s, which has %d", e.offset, e.offset+e.size, e.archive, a.size)
		return
	case a.members == nil:
	case !listed || m.size != e.size:
		item.Fault = badEntry("no member of %s is %d bytes at offset %d: make the manifest anew for this archive", e.archive, e.size, e.offset)
		return
	case !m.stored:
		item.Fault = badEntry("member %q of %s is compressed or encrypted: make the archive again with zip -0", m.name, e.archive)
		return
	default:
		member = stem(m.name)
	}
	item.ID = filepath.ToSlash(stem(e.archive)) + "/" + member
	item.Path, item.Offset, item.Size = file, e.offset, e.size
}

func openArchive(file string) *archive {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return &archive{fault: missing("%v", err)}
	case !info.Mode().IsRegular():
		return &archive{fault: badEntry("%s is not a regular file", file)}
	}
	a := &archive{size: info.Size()}
	if !strings.EqualFold(filepath.Ext(file), ".zip") {
		return a
	}
	if a.members, err = zipMembers(file, a.size); err != nil {
		a.fault = faultf(datasets.FaultAudio, "the archive cannot be read: %v", err)
	}
	return a
}

// zipMembers returns the members of a zip whose data lie inside it, by the offset of the data.
func zipMembers(file string, size int64) (map[int64]zipMember, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	const encrypted = 1 // bit of the flags (APPNOTE 4.4.4)
	members := make(map[int64]zipMember, len(z.File))
	for _, f := range z.File {
		offset, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > uint64(size) || offset > size-int64(f.CompressedSize64) {
			continue // an entry for it finds no member
		}
		members[offset] = zipMember{name: f.Name, size: int64(f.CompressedSize64),
			stored: f.Method == zip.Store && f.Flags&encrypted == 0 && f.UncompressedSize64 == f.CompressedSize64}
	}
	return members, nil
}
