package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// assembled holds what GNU as 2.40 makes of the instructions in the generated file.
var assembled = map[string]string{
	"LDTILECFG (AX)":                "c4 e2 78 49 00",
	"TILELOADD (R9)(R10*1), T0":     "c4 82 7b 4b 04 11",
	"TILELOADD 64(R9)(R10*1), T1":   "c4 82 7b 4b 4c 11 40",
	"TILELOADD (R13)(R10*1), T2":    "c4 82 7b 4b 54 15 00",
	"TILELOADD 64(R13)(R10*1), T3":  "c4 82 7b 4b 5c 15 40",
	"TILEZERO T0":                   "c4 e2 7b 49 c0",
	"TILEZERO T1":                   "c4 e2 7b 49 c8",
	"TILEZERO T2":                   "c4 e2 7b 49 d0",
	"TILEZERO T3":                   "c4 e2 7b 49 d8",
	"TILELOADD (SI)(R11*1), T4":     "c4 a2 7b 4b 24 1e",
	"TILELOADD (DI)(R11*1), T6":     "c4 a2 7b 4b 34 1f",
	"TDPBF16PS T6, T4, T0":          "c4 e2 4a 5c c4",
	"TILELOADD 1024(DI)(R11*1), T7": "c4 a2 7b 4b bc 1f 00 04 00 00",
	"TDPBF16PS T7, T4, T1":          "c4 e2 42 5c cc",
	"TILELOADD 1024(SI)(R11*1), T5": "c4 a2 7b 4b ac 1e 00 04 00 00",
	"TDPBF16PS T6, T5, T2":          "c4 e2 4a 5c d5",
	"TDPBF16PS T7, T5, T3":          "c4 e2 42 5c dd",
	"TILESTORED T0, (DX)(R8*1)":     "c4 a2 7a 4b 04 02",
	"TILESTORED T1, 64(DX)(R8*1)":   "c4 a2 7a 4b 4c 02 40",
	"TILESTORED T2, (R13)(R8*1)":    "c4 82 7a 4b 54 05 00",
	"TILESTORED T3, 64(R13)(R8*1)":  "c4 82 7a 4b 5c 05 40",
	"TILERELEASE":                   "c4 e2 78 49 c0",
	"VCVTNE2PS2BF16 Z0, Z1, Z2":     "62 f2 77 48 72 d0",
	"TILELOADD 2048(DI)(R11*1), T6": "c4 a2 7b 4b b4 1f 00 08 00 00",
	"TILELOADD 3072(DI)(R11*1), T7": "c4 a2 7b 4b bc 1f 00 0c 00 00",
	"TILELOADD 2048(SI)(R11*1), T4": "c4 a2 7b 4b a4 1e 00 08 00 00",
	"TILELOADD 3072(SI)(R11*1), T5": "c4 a2 7b 4b ac 1e 00 0c 00 00",
	"VCVTNE2PS2BF16 Z0, Z1, Z4":     "62 f2 77 48 72 e0",
}

// Every instruction that is written as bytes must be what an assembler makes of the mnemonic in its comment.
func TestBytesAreTheInstructionsTheyClaim(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	hex, seen := regexp.MustCompile(`BYTE \$0x(..)`), map[string]bool{}
	for name, text := range files {
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "BYTE") {
				continue
			}
			code, mnemonic, ok := strings.Cut(strings.TrimSpace(line), " // ")
			want, known := assembled[mnemonic]
			if !ok || !known {
				t.Errorf("%s: no assembler has seen %s", name, line)
				continue
			}
			var got []string
			for _, m := range hex.FindAllStringSubmatch(code, -1) {
				got = append(got, m[1])
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%s: %s is %s, want %s", name, mnemonic, s, want)
			}
			seen[mnemonic] = true
		}
	}
	if len(seen) != len(assembled) {
		t.Errorf("%d instructions were found, %d were assembled", len(seen), len(assembled))
	}
}

// Other registers and offsets, as GNU as 2.40 encodes them.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		in         instruction
		text, want string
	}{
		{ldtilecfg("R9"), "LDTILECFG (R9)", "c4 c2 78 49 01"},
		{tilezero(7), "TILEZERO T7", "c4 e2 7b 49 f8"},
		{tileload(3, "AX", "CX", 127), "TILELOADD 127(AX)(CX*1), T3", "c4 e2 7b 4b 5c 08 7f"},
		{tileload(3, "AX", "CX", 128), "TILELOADD 128(AX)(CX*1), T3", "c4 e2 7b 4b 9c 08 80 00 00 00"},
		{tileload(5, "R12", "R15", -128), "TILELOADD -128(R12)(R15*1), T5", "c4 82 7b 4b 6c 3c 80"},
		{tileload(1, "BP", "BX", 0), "TILELOADD (BP)(BX*1), T1", "c4 e2 7b 4b 4c 1d 00"},
		{tilestore(6, "R13", "R12", -4096), "TILESTORED T6, -4096(R13)(R12*1)", "c4 82 7a 4b b4 25 00 f0 ff ff"},
		{dot(5, 7, 3), "TDPBF16PS T3, T7, T5", "c4 e2 62 5c ef"},
		{toBF16(5, 3, 7), "VCVTNE2PS2BF16 Z7, Z3, Z5", "62 f2 67 48 72 ef"},
	} {
		if got := fmt.Sprintf("% x", c.in.code); got != c.want || c.in.text != c.text {
			t.Errorf("%s is %s, want %s %s", c.in.text, got, c.text, c.want)
		}
	}
}
