package tui

import (
	"io"
	"os"
)

// The marks of synchronized output (DEC private mode 2026): a terminal that knows them shows what lies between at once, so
// that no half-drawn frame is seen; others ignore them.
const beginFrame, endFrame = "\x1b[?2026h", "\x1b[?2026l"

// synchronizedFile writes every piece as one frame. It is still a file, which Bubble Tea needs to find the terminal's size.
type synchronizedFile struct{ *os.File }

// Write writes p between the marks, in one piece.
func (s synchronizedFile) Write(p []byte) (int, error) {
	if len(p) < len(beginFrame) {
		return s.File.Write(p)
	}
	out := make([]byte, 0, len(p)+len(beginFrame)+len(endFrame))
	out = append(append(append(out, beginFrame...), p...), endFrame...)
	if n, err := s.File.Write(out); err != nil {
		return min(max(n-len(beginFrame), 0), len(p)), err
	}
	return len(p), nil
}

// synchronized wraps an output that is a terminal.
func synchronized(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		return synchronizedFile{f}
	}
	return w
}
