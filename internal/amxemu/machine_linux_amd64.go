package amxemu

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// machine is a stopped thread of the program.
type machine struct {
	tid    int
	regs   unix.PtraceRegsAmd64
	tiles  *tiles
	xstate *xstate
	loaded bool // xstate is this thread's, read at this stop
	dirty  bool // and was written to
	mem    tileMemory
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

// tileMemory is where a tile lies in the program's memory, from the start row on: packed is its rows without gaps.
type tileMemory struct {
	packed [maxRows * rowBytes]byte
	bytes  int
	areas  [maxRows]unix.RemoteIovec // adjacent rows are one area, which the kernel copies much faster
	count  int
}

// locate fills in mem but for what is in the rows.
func (m *machine) locate(in *instruction) {
	mem := &m.mem
	mem.bytes, mem.count = 0, 0
	base, stride := m.address(in), m.index(in)
	colsb := m.tiles.colsb[in.dst]
	for i := m.tiles.startRow; i < m.tiles.rows[in.dst]; i++ {
		addr := uintptr(base + uint64(i)*stride)
		if last := mem.count - 1; last >= 0 && mem.areas[last].Base+uintptr(mem.areas[last].Len) == addr {
			mem.areas[last].Len += colsb
		} else {
			mem.areas[mem.count] = unix.RemoteIovec{Base: addr, Len: colsb}
			mem.count++
		}
		mem.bytes += colsb
	}
}

// transfer moves all rows by move, or returns a fault at the first byte that could not be moved.
func (mem *tileMemory) transfer(move func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), tid int) error {
	n, err := move(tid, []unix.Iovec{{Base: &mem.packed[0], Len: uint64(mem.bytes)}}, mem.areas[:mem.count], 0)
	if err != nil && err != unix.EFAULT {
		return err
	}
	n = max(n, 0)
	for _, area := range mem.areas[:mem.count] {
		if n < area.Len {
			return &pageFault{uint64(area.Base) + uint64(n)}
		}
		n -= area.Len
	}
	return nil
}

func (m *machine) tileLoad(in *instruction) error {
	if err := m.tiles.checkMemory(in.dst); err != nil {
		return err
	}
	m.locate(in)
	if err := m.mem.transfer(unix.ProcessVMReadv, m.tid); err != nil {
		return err
	}
	m.tiles.setRows(in.dst, m.mem.packed[:])
	return nil
}

func (m *machine) tileStore(in *instruction) error {
	if err := m.tiles.checkMemory(in.dst); err != nil {
		return err
	}
	m.locate(in)
	n := 0
	for i := m.tiles.startRow; i < m.tiles.rows[in.dst]; i++ {
		n += copy(m.mem.packed[n:], m.tiles.data[in.dst][i][:m.tiles.colsb[in.dst]])
	}
	if err := m.mem.transfer(unix.ProcessVMWritev, m.tid); err != nil {
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

// readMemory reads from the program as far as there is memory.
func readMemory(tid int, dst []byte, addr uint64) (int, error) {
	return unix.ProcessVMReadv(tid, []unix.Iovec{{Base: &dst[0], Len: uint64(len(dst))}},
		[]unix.RemoteIovec{{Base: uintptr(addr), Len: len(dst)}}, 0)
}
