package amxemu

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// machine is a stopped thread of the program.
type machine struct {
	*tracer
	tid    int
	regs   unix.PtraceRegsAmd64
	tiles  *tiles
	loaded bool // xstate is this thread's, read at this stop
	dirty  bool // and was written to
}

// pageFault is an access of the program to memory that it has not.
type pageFault struct{ addr uint64 }

func (p *pageFault) Error() string { return fmt.Sprintf("page fault at %#x", p.addr) }

// execute does one instruction. Its error is errUD, errGP or a *pageFault, which belong to the program, or one of ptrace.
func (m *machine) execute(in *instruction) error {
	switch in.op {
	case opLDTILECFG:
		var cfg [64]byte
		addr := m.address(in) + m.index(in)
		if n, err := readMemory(m.tid, cfg[:], addr); err == unix.EFAULT || err == nil && n < len(cfg) {
			return &pageFault{addr + uint64(max(n, 0))}
		} else if err != nil {
			return err
		}
		return m.tiles.load(&cfg)
	case opTILERELEASE:
		m.tiles.release()
		return nil
	case opTILEZERO:
		return m.tiles.zero(in.dst)
	case opTILELOADD:
		return m.tileLoad(in)
	case opTILESTORED:
		return m.tileStore(in)
	case opTDPBF16PS:
		return m.tiles.dot(in.dst, in.src1, in.src2)
	default:
		return m.convert(in)
	}
}

// writeBack ends a stop at which instructions were executed.
func (m *machine) writeBack() error {
	if m.dirty {
		if err := m.xstate.write(m.tid); err != nil {
			return err
		}
	}
	return unix.PtraceSetRegsAmd64(m.tid, &m.regs)
}

// register returns a general register by its number in encodings.
func (m *machine) register(n int8) uint64 {
	r := &m.regs
	return [...]uint64{r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi,
		r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}[n]
}

// address returns base + disp of a memory operand.
func (m *machine) address(in *instruction) uint64 {
	addr := uint64(int64(in.disp))
	switch in.base {
	case regNone:
	case regRIP:
		addr += m.regs.Rip + uint64(in.length)
	default:
		addr += m.register(in.base)
	}
	return addr
}

// index returns index<<shift of a memory operand: for tiles the distance of rows in bytes.
func (m *machine) index(in *instruction) uint64 {
	if in.index == regNone {
		return 0
	}
	return m.register(in.index) << in.shift
}

// rowsOf lists the rows of a tile in memory, from the start row on.
func (m *machine) rowsOf(in *instruction, list *[maxRows]unix.RemoteIovec) []unix.RemoteIovec {
	base, stride := m.address(in), m.index(in)
	rows, colsb := m.tiles.rows[in.dst], m.tiles.colsb[in.dst]
	for i := range rows {
		list[i] = unix.RemoteIovec{Base: uintptr(base + uint64(i)*stride), Len: colsb}
	}
	return list[m.tiles.startRow:rows]
}

func (m *machine) tileLoad(in *instruction) error {
	if err := m.tiles.checkMemory(in.dst); err != nil {
		return err
	}
	var list [maxRows]unix.RemoteIovec
	var packed [maxRows * rowBytes]byte
	rows := m.rowsOf(in, &list)
	if err := transfer(unix.ProcessVMReadv, m.tid, packed[:len(rows)*rows[0].Len], rows); err != nil {
		return err
	}
	m.tiles.setRows(in.dst, packed[:])
	return nil
}

func (m *machine) tileStore(in *instruction) error {
	if err := m.tiles.checkMemory(in.dst); err != nil {
		return err
	}
	var list [maxRows]unix.RemoteIovec
	var packed [maxRows * rowBytes]byte
	rows := m.rowsOf(in, &list)
	n := 0
	for i := range rows {
		n += copy(packed[n:], m.tiles.data[in.dst][m.tiles.startRow+i][:rows[i].Len])
	}
	if err := transfer(unix.ProcessVMWritev, m.tid, packed[:n], rows); err != nil {
		return err
	}
	m.tiles.startRow = 0
	return nil
}

// convert does the conversions to bfloat16.
func (m *machine) convert(in *instruction) error {
	if !m.xstate.avx512 {
		return errUD
	}
	if !m.loaded {
		if err := m.xstate.read(m.tid); err != nil {
			return err
		}
		m.loaded = true
	}
	var result, src [64]byte // zero above what is written
	half := func(at int, reg uint8) {
		m.xstate.zmm(reg, &src)
		for i := range 16 {
			binary.LittleEndian.PutUint16(result[at+2*i:], bfloat16(binary.LittleEndian.Uint32(src[4*i:])))
		}
	}
	if in.op == opVCVTNEPS2BF16 {
		half(0, in.src1)
	} else {
		half(0, in.src2)
		half(32, in.src1)
	}
	m.xstate.setZMM(in.dst, &result)
	m.dirty = true
	return nil
}

// transfer moves all rows between the program and local, or returns a fault at the first row that could not be moved whole.
func transfer(move func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), tid int, local []byte, rows []unix.RemoteIovec) error {
	n, err := move(tid, []unix.Iovec{{Base: &local[0], Len: uint64(len(local))}}, rows, 0)
	if err != nil && err != unix.EFAULT {
		return err
	}
	if n = max(n, 0); n < len(local) {
		return &pageFault{uint64(rows[n/rows[0].Len].Base) + uint64(n%rows[0].Len)}
	}
	return nil
}

// readMemory reads from the program as far as there is memory.
func readMemory(tid int, dst []byte, addr uint64) (int, error) {
	return unix.ProcessVMReadv(tid, []unix.Iovec{{Base: &dst[0], Len: uint64(len(dst))}},
		[]unix.RemoteIovec{{Base: uintptr(addr), Len: len(dst)}}, 0)
}
