package amxemu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"aural/internal/amxemu/tileasm"
)

// childEnv names what the test binary does instead of testing.
const childEnv = "AURAL_AMXEMU_CHILD"

func TestMain(m *testing.M) {
	what := os.Getenv(childEnv)
	if what == "" {
		os.Exit(m.Run())
	}
	// Where the machine has AMX, Linux lets those use it who ask (ARCH_REQ_XCOMP_PERM for TILEDATA). Elsewhere this fails.
	_, _, _ = unix.Syscall(unix.SYS_ARCH_PRCTL, 0x1023, 18, 0)
	run, known := children[what]
	if !known {
		fmt.Println("no such child:", what)
		os.Exit(99)
	}
	run()
	os.Exit(0)
}

var children = map[string]func(){
	"products":     func() { products(4, 25) },
	"convert":      convert,
	"bad configs":  refusals,
	"unconfigured": tileasm.DotUnconfigured,
	"undefined":    tileasm.Undefined,
	"exit": func() {
		fmt.Fprint(os.Stdout, "out ")
		fmt.Fprint(os.Stderr, "err ")
		fmt.Fprint(os.Stdout, "out again, args ", os.Args[1:])
		os.Exit(7)
	},
	"panic":       func() { panic("boom") },
	"kill":        func() { _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} },
	"illegal":     func() { _ = unix.Kill(os.Getpid(), unix.SIGILL); time.Sleep(time.Minute) },
	"sleep":       func() { fmt.Println("asleep"); time.Sleep(time.Minute) },
	"signals":     signals,
	"group stop":  groupStop,
	"exec":        execAgain,
	"time of dot": timeOfDot,
}

// products multiplies tiles of random shapes and contents in goroutines that move between threads, while the collector runs
// and asks for preemption, and compares with the model.
func products(goroutines, each int) {
	stop := make(chan struct{})
	var collector, work sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				time.Sleep(time.Millisecond)
			}
		}
	})
	var wrong atomic.Int64
	for g := range goroutines {
		work.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 7))
			for i := range each {
				if what := product(r, i); what != "" {
					wrong.Add(1)
					fmt.Println(what)
				}
				runtime.Gosched()
			}
		})
	}
	work.Wait()
	close(stop)
	collector.Wait()
	fmt.Printf("%d wrong of %d\n", wrong.Load(), goroutines*each)
}

// guard is what memory around and between the rows holds.
const guard = 0xa5

// product multiplies once and says what is wrong.
func product(r *rand.Rand, i int) string {
	m, n, k := 1+r.IntN(16), 1+r.IntN(16), 1+r.IntN(16)
	if i%4 == 0 {
		m, n, k = 16, 16, 16
	}
	pad := 8 * r.IntN(4)
	sc, sa, sb := 64+pad, 64+pad, 64+pad
	area := func(stride int) []byte { return slices.Repeat([]byte{guard}, 16*stride) }
	c, a, b := area(sc), area(sa), area(sb)
	var model tiles
	cfg := config(m, n, k)
	if err := model.load(cfg); err != nil {
		return err.Error()
	}
	fill := func(tile, stride int, area []byte) {
		for row := range model.rows[tile] {
			for j := 0; j < model.colsb[tile]; j += 4 {
				binary.LittleEndian.PutUint32(area[row*stride+j:], arbitrary(r))
			}
			copy(model.data[tile][row][:model.colsb[tile]], area[row*stride:])
		}
	}
	fill(0, sc, c)
	fill(1, sa, a)
	fill(2, sb, b)
	dot := tileasm.Dot
	if i%2 == 1 {
		dot = tileasm.DotZero
		model.data[0] = tile{}
	}
	dot(&cfg[0], &c[0], &a[0], &b[0], sc, sa, sb)
	if err := model.dot(0, 1, 2); err != nil {
		return err.Error()
	}
	want := area(sc)
	for row := range m {
		copy(want[row*sc:], model.data[0][row][:4*n])
	}
	for at := range want {
		if c[at] != want[at] {
			return fmt.Sprintf("%dx%dx%d, variant %d: byte %d of row %d is %#x, want %#x", m, n, k, i%2, at%sc, at/sc, c[at], want[at])
		}
	}
	return ""
}

func convert() {
	if !cpu.X86.HasAVX512F {
		fmt.Println("no AVX-512")
		return
	}
	r := rand.New(rand.NewPCG(8, 9))
	wrong := 0
	for range 200 {
		var lo, hi, got, got2 [64]byte
		var want, want2 [64]byte
		for i := range 16 {
			x, y := arbitrary(r), arbitrary(r)
			binary.LittleEndian.PutUint32(lo[4*i:], x)
			binary.LittleEndian.PutUint32(hi[4*i:], y)
			binary.LittleEndian.PutUint16(want[2*i:], bfloat16(x))
			binary.LittleEndian.PutUint16(want2[2*i:], bfloat16(x))
			binary.LittleEndian.PutUint16(want2[32+2*i:], bfloat16(y))
		}
		tileasm.Convert(&got, &lo)
		tileasm.Convert2(&got2, &lo, &hi)
		if got != want || got2 != want2 {
			wrong++
			fmt.Printf("% x\nwant % x\n% x\nwant % x\n", got, want, got2, want2)
		}
	}
	fmt.Printf("%d wrong of 200\n", wrong)
}

// refusals runs into all faults that a Go program can recover from.
func refusals() {
	debug.SetPanicOnFault(true)
	var data [3][1024]byte
	try := func(what string, cfg, c, a, b *byte) {
		defer func() { fmt.Printf("%s: %v\n", what, recover()) }()
		tileasm.Dot(cfg, c, a, b, 64, 64, 64)
	}
	for _, bad := range badConfigs {
		cfg := config(16, 16, 16)
		bad.set(cfg)
		try(bad.what, &cfg[0], &data[0][0], &data[1][0], &data[2][0])
	}
	cfg := config(16, 16, 16)
	try("no configuration", nil, &data[0][0], &data[1][0], &data[2][0])
	try("load from nothing", &cfg[0], &data[0][0], nil, &data[2][0])
	// The third row of c lies on a page that may be read only.
	page, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		err = unix.Mprotect(page[4096:], unix.PROT_READ)
	}
	fmt.Println("pages:", err)
	try("store to what is read only", &cfg[0], &page[4096-128], &data[1][0], &data[2][0])
	try("good", &cfg[0], &data[0][0], &data[1][0], &data[2][0])
}

// signals works on tiles under two storms of signals, of which it counts one.
func signals() {
	got := make(chan os.Signal, 1000)
	signal.Notify(got, unix.SIGUSR1)
	pid := os.Getpid()
	var received, handled int
	var storm sync.WaitGroup
	stop := make(chan struct{})
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			tasks, _ := os.ReadDir("/proc/self/task")
			for _, task := range tasks {
				var tid int
				_, _ = fmt.Sscan(task.Name(), &tid)
				_ = unix.Tgkill(pid, tid, unix.SIGURG)
			}
			time.Sleep(50 * time.Microsecond)
		}
	})
	storm.Go(func() {
		for range 50 { // one after another, for the kernel merges those that wait
			_ = unix.Kill(pid, unix.SIGUSR1)
			<-got
			received++
		}
	})
	products(2, 20)
	close(stop)
	storm.Wait()
	handled = received
	fmt.Println(handled, "SIGUSR1")
}

// groupStop stops all threads by a signal that another process ends.
func groupStop() {
	stopped := exec.Command("sh", "-c", `i=0
while ! grep -q '^State:.[tT]' /proc/$PPID/status; do i=$((i+1)); [ $i -gt 2000 ] && exit 1; done
sleep 0.05
grep '^State:' /proc/$PPID/status; kill -CONT $PPID`)
	var out strings.Builder
	stopped.Stdout = &out
	if err := stopped.Start(); err != nil {
		fmt.Println(err)
		return
	}
	_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	err := stopped.Wait()
	fmt.Println("continued", err, out.String())
	products(1, 3)
}

// execAgain becomes another program, from a thread that need not be the first.
func execAgain() {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		env := append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, childEnv+"=") }), childEnv+"=products")
		done <- syscall.Exec("/proc/self/exe", os.Args, env)
	}()
	fmt.Println(<-done)
}

func timeOfDot() {
	cfg := config(16, 16, 16)
	var data [3][1024]byte
	const n = 1000
	begin := time.Now()
	for range n {
		tileasm.Dot(&cfg[0], &data[0][0], &data[1][0], &data[2][0], 64, 64, 64)
	}
	fmt.Print(time.Since(begin).Nanoseconds() / n)
}
