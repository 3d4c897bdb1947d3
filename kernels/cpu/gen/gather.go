package main

import "fmt"

// gather writes the functions on rows of a matrix that a list names. Both convert half a register of float32 values to a register of float64.
//
// Registers: DI output, SI first operand, R8 rows, R9 list, CX its length, R11 bytes of a row.
func gather(f *file) {
	gatherDots(f)
	addGathered(f)
}

// gatherParts has what both functions do alike.
type gatherParts struct {
	*loop
	step int    // values in a register of float64
	half string // prefix of the registers with half the size
}

func newGatherParts(f *file) *gatherParts {
	return &gatherParts{loop: &loop{file: f}, step: f.lanes / 2, half: map[isa]string{avx512: "Y", avx2: "X"}[f.isa]}
}

// begin loads the arguments; first is the name of the one in SI. The mask is that of the last width%step values.
func (g *gatherParts) begin(first string) {
	g.load("width", "R11")
	g.p("MOVQ R11, BX")
	g.p("ANDQ $%d, BX", g.step-1)
	g.setMask()
	for _, a := range [][2]string{{"out", "DI"}, {first, "SI"}, {"rows", "R8"}, {"index", "R9"}, {"n", "CX"}} {
		g.load(a[0], a[1])
	}
}

// wide loads float32 values as float64.
func (g *gatherParts) wide(at string, r int) {
	switch {
	case !g.masked:
		g.op("VCVTPS2PD", at, r)
	case g.isa == avx512:
		g.op("VCVTPS2PD.Z", at, "K1", r)
	default:
		g.p("VMASKMOVPS %s, X%d, X%d", at, restMask, r)
		g.op("VCVTPS2PD", fmt.Sprintf("X%d", r), r)
	}
}

// gatherDots takes four rows at a time, so that the conversion of x serves four products and four sums hide each other's latency: 5
// conversions and 4 multiply-adds for a register of each. The sum of a product does not depend on which of the four rows it is.
func gatherDots(f *file) {
	g := newGatherParts(f)
	f.floating("gatherDots"+f.name, "is out[j] = Σ x·rows[index[j]] in float64.", nil, []arg{{"out", "*float64"}}, ptrs("x", "rows"),
		[]arg{{"index", "*int32"}}, ints("n", "width"))
	f.entries.WriteString("gatherDots: func(out []float64, x, rows []float32, index []int32) {\nwithin(rows, len(x), index)\ngatherDots" + f.name +
		"(first(index, out), unsafe.SliceData(x), unsafe.SliceData(rows), unsafe.SliceData(index), int64(len(index)), int64(len(x)))\n},\n")
	if f.isa == neon {
		gatherDotsNEON(f)
		return
	}
	g.begin("x")
	f.p("MOVQ R11, R12")
	f.p("ANDQ $~%d, R12", g.step-1)
	f.p("SHLQ $2, R12")
	f.p("SHLQ $2, R11")
	f.comment("DX is the byte offset in a row, R12 the end of its whole registers")
	rows := []string{"AX", "BX", "R10", "R13"}
	block := func(label string, count int) {
		f.label(label)
		f.p("CMPQ CX, $%d", count)
		f.p("JLT %sEnd", label)
		for i := range count {
			f.p("MOVLQSX %d(R9), %s", 4*i, rows[i])
			f.p("IMULQ R11, %s", rows[i])
			f.p("ADDQ R8, %s", rows[i])
			g.zero(i)
		}
		f.p("XORQ DX, DX")
		products := func() {
			g.wide("(SI)(DX*1)", 4)
			for i := range count {
				g.wide("("+rows[i]+")(DX*1)", 5+i)
				g.op("VFMADD231PD", 5+i, 4, i)
			}
		}
		f.p("JMP %sCheck", label)
		f.p("PCALIGN $32")
		f.label(label + "Columns")
		products()
		f.p("ADDQ $%d, DX", 4*g.step)
		f.label(label + "Check")
		f.p("CMPQ DX, R12")
		f.p("JLT %sColumns", label)
		f.p("CMPQ DX, R11")
		f.p("JEQ %sSum", label)
		g.masked = true
		products()
		g.masked = false
		f.label(label + "Sum")
		if f.isa == avx512 {
			for i := range count {
				f.p("VEXTRACTF64X4 $1, Z%d, Y%d", i, 5+i)
				f.p("VADDPD Y%[2]d, Y%[1]d, Y%[1]d", i, 5+i)
			}
		}
		if count == 4 {
			f.p("VHADDPD Y1, Y0, Y0")
			f.p("VHADDPD Y3, Y2, Y2")
			f.p("VPERM2F128 $0x21, Y2, Y0, Y4")
			f.p("VBLENDPD $0xc, Y2, Y0, Y0")
			f.p("VADDPD Y4, Y0, Y0")
			f.p("VMOVUPD Y0, (DI)")
		} else {
			f.p("VHADDPD Y0, Y0, Y0")
			f.p("VEXTRACTF128 $1, Y0, X4")
			f.p("VADDSD X4, X0, X0")
			f.p("VMOVSD X0, (DI)")
		}
		f.p("ADDQ $%d, DI", 8*count)
		f.p("ADDQ $%d, R9", 4*count)
		f.p("SUBQ $%d, CX", count)
		f.p("JMP %s", label)
		f.label(label + "End")
	}
	block("four", 4)
	block("one", 1)
	f.ret()
}

// addGathered keeps columns of the sum in registers while it goes through the list: a conversion and a multiply-add for a register of each row.
func addGathered(f *file) {
	g := newGatherParts(f)
	f.floating("addGathered"+f.name, "is out += Σ weights[j]·rows[index[j]] in float64, in the order of j.", nil,
		[]arg{{"out", "*float64"}, {"weights", "*float64"}}, ptrs("rows"), []arg{{"index", "*int32"}}, ints("n", "width"))
	f.entries.WriteString("addGathered: func(out, weights []float64, rows []float32, index []int32) {\nwithin(rows, len(out), index)\naddGathered" +
		f.name + "(unsafe.SliceData(out), first(index, weights), unsafe.SliceData(rows), unsafe.SliceData(index), int64(len(index)), int64(len(out)))\n},\n")
	if f.isa == neon {
		addGatheredNEON(f)
		return
	}
	g.begin("weights")
	f.p("MOVQ R11, R12")
	f.p("SHLQ $2, R11")
	f.p("TESTQ CX, CX")
	f.p("JZ done")
	f.comment("R12 is the number of columns that are left, DX the place in the list")
	const weight, value, wideMask = 8, 9, 14
	move := func(store bool, i int) {
		at := fmt.Sprintf("%d(DI)", 8*g.step*i)
		operands := []any{at, i}
		if store {
			operands = []any{i, at}
		}
		switch {
		case !g.masked:
			g.op("VMOVUPD", operands...)
		case f.isa == avx2:
			g.op("VMASKMOVPD", operands[0], wideMask, operands[1])
		case store:
			g.op("VMOVUPD", operands[0], "K1", operands[1])
		default:
			g.op("VMOVUPD.Z", operands[0], "K1", operands[1])
		}
	}
	sum := func(label string, registers int) {
		for i := range registers {
			move(false, i)
		}
		f.p("XORQ DX, DX")
		f.p("PCALIGN $32")
		f.label(label + "List")
		f.p("MOVLQSX (R9)(DX*4), AX")
		f.p("IMULQ R11, AX")
		g.op("VBROADCASTSD", "(SI)(DX*8)", weight)
		for i := range registers {
			g.wide(fmt.Sprintf("%d(R8)(AX*1)", 4*g.step*i), value+i%4)
			g.op("VFMADD231PD", value+i%4, weight, i)
		}
		f.p("INCQ DX")
		f.p("CMPQ DX, CX")
		f.p("JLT %sList", label)
		for i := range registers {
			move(true, i)
		}
	}
	for i, registers := range []int{8, 4, 1} {
		label := []string{"eight", "four", "one"}[i]
		columns := registers * g.step
		f.label(label)
		f.p("CMPQ R12, $%d", columns)
		f.p("JLT %sEnd", label)
		sum(label, registers)
		f.p("ADDQ $%d, DI", 8*columns)
		f.p("ADDQ $%d, R8", 4*columns)
		f.p("SUBQ $%d, R12", columns)
		f.p("JMP %s", label)
		f.label(label + "End")
	}
	f.p("TESTQ R12, R12")
	f.p("JZ done")
	if f.isa == avx2 {
		g.op("VPMOVSXDQ", fmt.Sprintf("X%d", restMask), wideMask)
	}
	g.masked = true
	sum("rest", 1)
	f.label("done")
	f.ret()
}
