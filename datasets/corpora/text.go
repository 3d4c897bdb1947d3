package corpora

import (
	"fmt"
	"iter"
	"os"
	"strings"
)

// maxManifest bounds what is read into memory as a list of files: about ten million lines.
const maxManifest = 1 << 30

func readManifest(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("corpora: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxManifest {
		return "", fmt.Errorf("corpora: %s is no manifest: not a regular file, or larger than %d bytes", path, maxManifest)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("corpora: %w", err)
	}
	return string(data), nil
}

// textLines yields the lines of text, numbered from 1, without line ends, carriage returns and a byte order mark. The part
// after the last line end is a line when it is not empty.
func textLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text = strings.TrimPrefix(text, "\ufeff")
		for number := 1; text != ""; number++ {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if !yield(number, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}
