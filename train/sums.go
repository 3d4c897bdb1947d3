package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sumsFile lists the checksums of the other files of a checkpoint, as sha256sum(1) writes and checks them.
const sumsFile = "SHA256SUMS"

// writeSums brings every file of dir to the disk and lists them in sumsFile.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file; a checkpoint holds nothing else", e.Name())
		}
		sum, err := syncAndSum(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sum, e.Name())
	}
	return writeSynced(filepath.Join(dir, sumsFile), list.Bytes())
}

// syncAndSum hashes what the file holds after it was brought to the disk.
func syncAndSum(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return sum, err
	}
	return sumOf(f)
}

func sumOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, r, make([]byte, 1<<20)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// verifySums checks every file that sumsFile of dir lists, and that it lists those that must be there. The error names all bad files.
func verifySums(dir string, must ...string) error {
	data, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return err
	}
	sums, err := parseSums(data)
	if err != nil {
		return fmt.Errorf("%s: %w", sumsFile, err)
	}
	var bad []error
	for _, name := range must {
		if _, ok := sums[name]; !ok {
			bad = append(bad, fmt.Errorf("%s does not list %s", sumsFile, name))
		}
	}
	for _, name := range sortedKeys(sums) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			bad = append(bad, err)
			continue
		}
		sum, err := sumOf(f)
		f.Close()
		if err == nil && sum != sums[name] {
			err = fmt.Errorf("%s is damaged: its checksum is not the one in %s", name, sumsFile)
		}
		if err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// parseSums reads lines of a checksum in hexadecimal, two characters (blanks, or a blank and the * of binary mode) and a file name.
func parseSums(data []byte) (map[string][sha256.Size]byte, error) {
	sums := make(map[string][sha256.Size]byte)
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		const digits = 2 * sha256.Size
		if len(line) < digits+3 || line[digits] != ' ' || line[digits+1] != ' ' && line[digits+1] != '*' {
			return nil, fmt.Errorf("line %d is not a checksum and a file name", n)
		}
		name := line[digits+2:]
		if name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
			return nil, fmt.Errorf("line %d names %q, which is not a file of this folder", n, name)
		}
		if _, twice := sums[name]; twice {
			return nil, fmt.Errorf("line %d names %q again", n, name)
		}
		raw, err := hex.DecodeString(line[:digits])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		sums[name] = [sha256.Size]byte(raw)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(sums) == 0 {
		return nil, errors.New("it lists no file")
	}
	return sums, nil
}
