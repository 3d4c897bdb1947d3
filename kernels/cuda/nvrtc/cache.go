package nvrtc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"aural/internal/atomicfile"
)

// cache keeps compiled kernels: a file per key, with a checksum in front. A file that is damaged, or of another layout, counts as missing and is written
// again.
type cache struct{ folder string }

// cacheMagic names the layout: magic, SHA-256 of what follows, length of the log (8 bytes, little-endian), log, image.
const cacheMagic = "aural cuda image 1\n"

// cacheKey depends on everything that the result depends on. Each part is preceded by its length, so that no two lists of parts look alike.
func cacheKey(text string, flags []string, version, arch string, driver int) string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	for _, s := range append([]string{text, version, arch, fmt.Sprint(driver)}, flags...) {
		part(s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c cache) file(key string) string { return filepath.Join(c.folder, key+".bin") }

// load reads and verifies.
func (c cache) load(key string) (image []byte, log string, ok bool) {
	if c.folder == "" {
		return nil, "", false
	}
	raw, err := os.ReadFile(c.file(key))
	if err != nil {
		return nil, "", false
	}
	return decodeImage(raw)
}

// store writes a file in the folder. The error is for tests.
func (c cache) store(key string, image []byte, log string) error {
	if c.folder == "" {
		return nil
	}
	if err := os.MkdirAll(c.folder, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(c.file(key), encodeImage(image, log), 0o644)
}

func encodeImage(image []byte, log string) []byte {
	body := binary.LittleEndian.AppendUint64(nil, uint64(len(log)))
	body = append(append(body, log...), image...)
	sum := sha256.Sum256(body)
	return append(append([]byte(cacheMagic), sum[:]...), body...)
}

func decodeImage(raw []byte) (image []byte, log string, ok bool) {
	raw, ok = bytes.CutPrefix(raw, []byte(cacheMagic))
	if !ok || len(raw) < sha256.Size+8 {
		return nil, "", false
	}
	body := raw[sha256.Size:]
	if sha256.Sum256(body) != [sha256.Size]byte(raw[:sha256.Size]) {
		return nil, "", false
	}
	n := binary.LittleEndian.Uint64(body)
	if body = body[8:]; n > uint64(len(body)) {
		return nil, "", false
	}
	return body[n:], string(body[:n]), true
}
