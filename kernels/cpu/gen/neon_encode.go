package main

import "fmt"

// Go's assembler for arm64 lacks most floating-point instructions on vectors. These functions encode those that are needed, after the Arm Architecture
// Reference Manual (DDI 0487), section C7.2. In the text they stand as GNU as writes them: the destination first.

// word is an instruction of arm64, and what it means.
type word struct {
	code uint32
	text string
}

// shape is how a vector register is divided.
type shape struct {
	bit  uint32 // of the instruction: float32 is 0, float64 is 1, in bit 22
	name string
}

var (
	s4 = shape{0, "4s"}
	d2 = shape{1 << 22, "2d"}
)

// three are the instructions with three vectors, for float32; d = n op m, or d += n·m.
var three = map[string]uint32{
	"fadd": 0x4e20d400, "fsub": 0x4ea0d400, "fmul": 0x6e20dc00, "fdiv": 0x6e20fc00, "fmax": 0x4e20f400, "fmin": 0x4ea0f400,
	"faddp": 0x6e20d400, "fmaxp": 0x6e20f400, "fcmge": 0x6e20e400,
}

func threeSame(name string, s shape, d, n, m int) word {
	base, ok := three[name]
	if !ok {
		panic("gen: no instruction " + name)
	}
	return word{base | s.bit | registers(d, n, m), fmt.Sprintf("%s v%d.%[3]s, v%[4]d.%[3]s, v%[5]d.%[3]s", name, d, s.name, n, m)}
}

// two are the instructions with two vectors, for float32.
var two = map[string]uint32{"fneg": 0x6ea0f800, "fsqrt": 0x6ea1f800, "scvtf": 0x4e21d800}

func twoSame(name string, s shape, d, n int) word {
	base, ok := two[name]
	if !ok {
		panic("gen: no instruction " + name)
	}
	return word{base | s.bit | registers(d, n, 0), fmt.Sprintf("%s v%d.%[3]s, v%[4]d.%[3]s", name, d, s.name, n)}
}

// fmlaLane is d += n·m[lane] for float32.
func fmlaLane(d, n, m, lane int) word {
	return word{0x4f801000 | uint32(lane&1)<<21 | uint32(lane>>1)<<11 | registers(d, n, m), fmt.Sprintf("fmla v%d.4s, v%d.4s, v%d.s[%d]", d, n, m, lane)}
}

// fcvtl converts the lower two float32 values of a register to float64, fcvtl2 the upper two.
func fcvtl(d, n int) word {
	return word{0x0e617800 | registers(d, n, 0), fmt.Sprintf("fcvtl v%d.2d, v%d.2s", d, n)}
}

func fcvtl2(d, n int) word {
	return word{0x4e617800 | registers(d, n, 0), fmt.Sprintf("fcvtl2 v%d.2d, v%d.4s", d, n)}
}

// umull makes 64-bit products of the lower two 32-bit values of two registers, umull2 of the upper two.
func umull(d, n, m int) word {
	return word{0x2ea0c000 | registers(d, n, m), fmt.Sprintf("umull v%d.2d, v%d.2s, v%d.2s", d, n, m)}
}

func umull2(d, n, m int) word {
	return word{0x6ea0c000 | registers(d, n, m), fmt.Sprintf("umull2 v%d.2d, v%d.4s, v%d.4s", d, n, m)}
}

// sshr shifts signed 32-bit values right, by 1 to 32.
func sshr(d, n, by int) word {
	if by < 1 || by > 32 {
		panic(fmt.Sprintf("gen: SSHR by %d", by))
	}
	return word{0x4f000400 | uint32(64-by)<<16 | registers(d, n, 0), fmt.Sprintf("sshr v%d.4s, v%d.4s, #%d", d, n, by)}
}

// registers are the fields of the register numbers.
func registers(d, n, m int) uint32 {
	for _, r := range []int{d, n, m} {
		if r < 0 || r > 31 {
			panic(fmt.Sprintf("gen: no register V%d", r))
		}
	}
	return uint32(m<<16 | n<<5 | d)
}

// word writes an encoded instruction.
func (f *file) word(w word) { f.p("WORD $%#08x // %s", w.code, w.text) }
