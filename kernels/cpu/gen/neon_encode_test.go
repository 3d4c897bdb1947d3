package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every form of instruction, with the registers 0, 31 and others, as GNU as 2.40 encodes it:
//
//	aarch64-linux-gnu-as -o a.o a.s && aarch64-linux-gnu-objdump -d a.o
var encodedNEON = []struct {
	w    word
	text string
	want uint32
}{
	{threeSame("fadd", s4, 0, 31, 1), "fadd v0.4s, v31.4s, v1.4s", 0x4e21d7e0},
	{threeSame("fadd", s4, 29, 2, 31), "fadd v29.4s, v2.4s, v31.4s", 0x4e3fd45d},
	{threeSame("fadd", d2, 0, 31, 1), "fadd v0.2d, v31.2d, v1.2d", 0x4e61d7e0},
	{threeSame("fadd", d2, 29, 2, 31), "fadd v29.2d, v2.2d, v31.2d", 0x4e7fd45d},
	{threeSame("fsub", s4, 0, 31, 1), "fsub v0.4s, v31.4s, v1.4s", 0x4ea1d7e0},
	{threeSame("fsub", s4, 29, 2, 31), "fsub v29.4s, v2.4s, v31.4s", 0x4ebfd45d},
	{threeSame("fsub", d2, 0, 31, 1), "fsub v0.2d, v31.2d, v1.2d", 0x4ee1d7e0},
	{threeSame("fsub", d2, 29, 2, 31), "fsub v29.2d, v2.2d, v31.2d", 0x4effd45d},
	{threeSame("fmul", s4, 0, 31, 1), "fmul v0.4s, v31.4s, v1.4s", 0x6e21dfe0},
	{threeSame("fmul", s4, 29, 2, 31), "fmul v29.4s, v2.4s, v31.4s", 0x6e3fdc5d},
	{threeSame("fmul", d2, 0, 31, 1), "fmul v0.2d, v31.2d, v1.2d", 0x6e61dfe0},
	{threeSame("fmul", d2, 29, 2, 31), "fmul v29.2d, v2.2d, v31.2d", 0x6e7fdc5d},
	{threeSame("fdiv", s4, 0, 31, 1), "fdiv v0.4s, v31.4s, v1.4s", 0x6e21ffe0},
	{threeSame("fdiv", s4, 29, 2, 31), "fdiv v29.4s, v2.4s, v31.4s", 0x6e3ffc5d},
	{threeSame("fdiv", d2, 0, 31, 1), "fdiv v0.2d, v31.2d, v1.2d", 0x6e61ffe0},
	{threeSame("fdiv", d2, 29, 2, 31), "fdiv v29.2d, v2.2d, v31.2d", 0x6e7ffc5d},
	{threeSame("fmax", s4, 0, 31, 1), "fmax v0.4s, v31.4s, v1.4s", 0x4e21f7e0},
	{threeSame("fmax", s4, 29, 2, 31), "fmax v29.4s, v2.4s, v31.4s", 0x4e3ff45d},
	{threeSame("fmax", d2, 0, 31, 1), "fmax v0.2d, v31.2d, v1.2d", 0x4e61f7e0},
	{threeSame("fmax", d2, 29, 2, 31), "fmax v29.2d, v2.2d, v31.2d", 0x4e7ff45d},
	{threeSame("fmin", s4, 0, 31, 1), "fmin v0.4s, v31.4s, v1.4s", 0x4ea1f7e0},
	{threeSame("fmin", s4, 29, 2, 31), "fmin v29.4s, v2.4s, v31.4s", 0x4ebff45d},
	{threeSame("fmin", d2, 0, 31, 1), "fmin v0.2d, v31.2d, v1.2d", 0x4ee1f7e0},
	{threeSame("fmin", d2, 29, 2, 31), "fmin v29.2d, v2.2d, v31.2d", 0x4efff45d},
	{threeSame("faddp", s4, 0, 31, 1), "faddp v0.4s, v31.4s, v1.4s", 0x6e21d7e0},
	{threeSame("faddp", s4, 29, 2, 31), "faddp v29.4s, v2.4s, v31.4s", 0x6e3fd45d},
	{threeSame("faddp", d2, 0, 31, 1), "faddp v0.2d, v31.2d, v1.2d", 0x6e61d7e0},
	{threeSame("faddp", d2, 29, 2, 31), "faddp v29.2d, v2.2d, v31.2d", 0x6e7fd45d},
	{threeSame("fmaxp", s4, 0, 31, 1), "fmaxp v0.4s, v31.4s, v1.4s", 0x6e21f7e0},
	{threeSame("fmaxp", s4, 29, 2, 31), "fmaxp v29.4s, v2.4s, v31.4s", 0x6e3ff45d},
	{threeSame("fmaxp", d2, 0, 31, 1), "fmaxp v0.2d, v31.2d, v1.2d", 0x6e61f7e0},
	{threeSame("fmaxp", d2, 29, 2, 31), "fmaxp v29.2d, v2.2d, v31.2d", 0x6e7ff45d},
	{threeSame("fcmge", s4, 0, 31, 1), "fcmge v0.4s, v31.4s, v1.4s", 0x6e21e7e0},
	{threeSame("fcmge", s4, 29, 2, 31), "fcmge v29.4s, v2.4s, v31.4s", 0x6e3fe45d},
	{threeSame("fcmge", d2, 0, 31, 1), "fcmge v0.2d, v31.2d, v1.2d", 0x6e61e7e0},
	{threeSame("fcmge", d2, 29, 2, 31), "fcmge v29.2d, v2.2d, v31.2d", 0x6e7fe45d},
	{twoSame("fneg", s4, 30, 17), "fneg v30.4s, v17.4s", 0x6ea0fa3e},
	{twoSame("fneg", d2, 30, 17), "fneg v30.2d, v17.2d", 0x6ee0fa3e},
	{twoSame("fsqrt", s4, 30, 17), "fsqrt v30.4s, v17.4s", 0x6ea1fa3e},
	{twoSame("fsqrt", d2, 30, 17), "fsqrt v30.2d, v17.2d", 0x6ee1fa3e},
	{twoSame("scvtf", s4, 30, 17), "scvtf v30.4s, v17.4s", 0x4e21da3e},
	{twoSame("scvtf", d2, 30, 17), "scvtf v30.2d, v17.2d", 0x4e61da3e},
	{fmlaLane(0, 31, 16, 0), "fmla v0.4s, v31.4s, v16.s[0]", 0x4f9013e0},
	{fmlaLane(23, 24, 26, 1), "fmla v23.4s, v24.4s, v26.s[1]", 0x4fba1317},
	{fmlaLane(8, 25, 15, 2), "fmla v8.4s, v25.4s, v15.s[2]", 0x4f8f1b28},
	{fmlaLane(31, 0, 31, 3), "fmla v31.4s, v0.4s, v31.s[3]", 0x4fbf181f},
	{fcvtl(0, 31), "fcvtl v0.2d, v31.2s", 0x0e617be0},
	{fcvtl2(0, 31), "fcvtl2 v0.2d, v31.4s", 0x4e617be0},
	{fcvtl(30, 5), "fcvtl v30.2d, v5.2s", 0x0e6178be},
	{fcvtl2(30, 5), "fcvtl2 v30.2d, v5.4s", 0x4e6178be},
	{umull(0, 31, 1), "umull v0.2d, v31.2s, v1.2s", 0x2ea1c3e0},
	{umull2(0, 31, 1), "umull2 v0.2d, v31.4s, v1.4s", 0x6ea1c3e0},
	{umull(29, 2, 31), "umull v29.2d, v2.2s, v31.2s", 0x2ebfc05d},
	{umull2(29, 2, 31), "umull2 v29.2d, v2.4s, v31.4s", 0x6ebfc05d},
	{sshr(1, 0, 23), "sshr v1.4s, v0.4s, #23", 0x4f290401},
	{sshr(31, 30, 1), "sshr v31.4s, v30.4s, #1", 0x4f3f07df},
	{sshr(7, 8, 32), "sshr v7.4s, v8.4s, #32", 0x4f200507},
}

func TestEncodeNEON(t *testing.T) {
	for _, c := range encodedNEON {
		if c.w.code != c.want || c.w.text != c.text {
			t.Errorf("%s is %#08x, want %s %#08x", c.w.text, c.w.code, c.text, c.want)
		}
	}
}

// wordsNEON are the encoded instructions in the generated files: what their comments say, and the code.
func wordsNEON(t *testing.T) (texts []string, codes map[string]uint32) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^\tWORD \$(0x[0-9a-f]+) // (.+)$`)
	codes = map[string]uint32{}
	for name, text := range files {
		found := line.FindAllStringSubmatch(string(text), -1)
		if len(found) != bytes.Count(text, []byte("WORD $")) {
			t.Errorf("%s: an encoded instruction without its meaning", name)
		}
		for _, m := range found {
			var code uint32
			fmt.Sscanf(m[1], "0x%x", &code)
			if old, ok := codes[m[2]]; ok && old != code {
				t.Errorf("%s: %s is %#x and %#x", name, m[2], old, code)
			} else if !ok {
				texts = append(texts, m[2])
			}
			codes[m[2]] = code
		}
	}
	return texts, codes
}

// Each mnemonic in use must be among those above: the fields of its registers are the same for all.
func TestEveryMnemonicOfNEONIsChecked(t *testing.T) {
	form := regexp.MustCompile(`v\d+|\[\d\]|#\d+`)
	known := map[string]bool{}
	for _, c := range encodedNEON {
		known[form.ReplaceAllString(c.text, "")] = true
	}
	texts, _ := wordsNEON(t)
	if len(texts) == 0 {
		t.Fatal("no encoded instructions")
	}
	for _, text := range texts {
		if !known[form.ReplaceAllString(text, "")] {
			t.Errorf("no assembler has seen an instruction like %s", text)
		}
	}
}

// All encoded instructions through an assembler, where there is one.
func TestAssemblerAgrees(t *testing.T) {
	as, err := exec.LookPath("aarch64-linux-gnu-as")
	if err != nil {
		t.Skip("SKIPPED: no aarch64-linux-gnu-as (Debian: binutils-aarch64-linux-gnu); TestEncodeNEON has some of each form")
	}
	texts, codes := wordsNEON(t)
	dir := t.TempDir()
	source, object, raw := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o"), filepath.Join(dir, "a.bin")
	if err := os.WriteFile(source, []byte(strings.Join(texts, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{{as, "-o", object, source}, {strings.TrimSuffix(as, "as") + "objcopy", "-O", "binary", "-j", ".text", object, raw}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	code, err := os.ReadFile(raw)
	if err != nil || len(code) != 4*len(texts) {
		t.Fatalf("%d bytes for %d instructions: %v", len(code), len(texts), err)
	}
	for i, text := range texts {
		if want := binary.LittleEndian.Uint32(code[4*i:]); codes[text] != want {
			t.Errorf("%s is %#08x, want %#08x", text, codes[text], want)
		}
	}
}
