package corpora

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aural/datasets"
)

const (
	// maxMembers bounds the index of one tar, about 100 bytes of memory each.
	maxMembers = 1 << 24
	// maxMemberName is PATH_MAX of Linux: a longer name could not have been a file.
	maxMemberName = 4096
)

// tarMember is one regular file of a tar: the bytes [offset, offset+size) of the tar are its content.
type tarMember struct {
	name         string // cleaned, with slashes
	offset, size int64
	fault        *datasets.Fault // why the content cannot be used; offset and size then mean nothing
}

// tarMembers lists the regular files of an uncompressed tar in order, without reading their content. Nothing is unpacked and
// no link is followed: links, devices and folders are passed over, a name that leads out of a folder, a sparse member and a
// member that the end of the tar cuts off come back with a fault. A header that is damaged ends the listing with an error,
// because nothing after it can be found.
func tarMembers(file string) ([]tarMember, error) {
	f, size, err := openTar(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var members []tarMember
	for m, err := range walkTar(f, size) {
		if err != nil {
			return nil, fmt.Errorf("corpora: tar %s: %w", file, err)
		}
		if len(members) == maxMembers {
			return nil, fmt.Errorf("corpora: tar %s: more than %d members: split it", file, maxMembers)
		}
		members = append(members, m)
	}
	return members, nil
}

func openTar(file string) (*os.File, int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, fmt.Errorf("corpora: %w", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe may never end
		return nil, 0, fmt.Errorf("corpora: tar %s is not a regular file (%s)", file, info.Mode().Type())
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, fmt.Errorf("corpora: %w", err)
	}
	return f, info.Size(), nil
}

// walkTar yields the members of a tar of size bytes.
func walkTar(file io.ReadSeeker, size int64) iter.Seq2[tarMember, error] {
	return func(yield func(tarMember, error) bool) {
		at := &position{ReadSeeker: file}
		reader := tar.NewReader(at)
		cut := false // the last member is, and has been yielded with its fault
		for number := 1; ; number++ {
			header, err := reader.Next()
			switch {
			case err == io.EOF || err != nil && cut:
				return
			case errors.Is(err, io.ErrUnexpectedEOF):
				yield(tarMember{name: fmt.Sprintf("member %d", number), fault: &datasets.Fault{Kind: datasets.FaultTruncated,
					Reason: fmt.Sprintf("the tar ends at byte %d, inside the header of member %d", size, number)}}, nil)
				return
			case err != nil && !errors.Is(err, tar.ErrInsecurePath):
				yield(tarMember{}, fmt.Errorf("header %d, before byte %d: %w: nothing after it can be found", number, at.pos, err))
				return
			}
			m, regular := member(header)
			if !regular {
				continue
			}
			m.offset, m.size = at.pos, header.Size
			if cut = m.fault == nil && m.size > size-m.offset; cut {
				m.fault = &datasets.Fault{Kind: datasets.FaultTruncated,
					Reason: fmt.Sprintf("the tar ends after %d of the %d bytes of %q", max(0, size-m.offset), m.size, m.name)}
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// member judges a header. The second result is false for what is not a file with content of its own.
func member(header *tar.Header) (m tarMember, regular bool) {
	switch header.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
	default:
		return tarMember{}, false
	}
	m.name = path.Clean(header.Name)
	switch {
	case len(header.Name) > maxMemberName:
		m.name = m.name[:64] + "…"
		m.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("a member has a name of %d bytes, at most %d are allowed", len(header.Name), maxMemberName)}
	case !filepath.IsLocal(filepath.FromSlash(m.name)) || strings.ContainsRune(m.name, 0):
		m.fault = &datasets.Fault{Kind: datasets.FaultOutside, Reason: fmt.Sprintf("the member %q of the tar has a name that leads out of a folder", header.Name)}
	case isSparse(header):
		m.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("the member %q is stored sparse: make the tar without --sparse", m.name)}
	}
	return m, true
}

// isSparse reports whether the content has holes, so that it does not lie in the tar as it is. Package archive/tar resolves
// the formats of GNU and keeps the records that tell.
func isSparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// position is a file that knows where it is, which tells the place of a member: a tar.Reader reads whole headers and no
// byte more.
type position struct {
	io.ReadSeeker
	pos int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.ReadSeeker.Read(b)
	p.pos += int64(n)
	return n, err
}

func (p *position) Seek(offset int64, whence int) (int64, error) {
	pos, err := p.ReadSeeker.Seek(offset, whence)
	if err == nil {
		p.pos = pos
	}
	return pos, err
}
