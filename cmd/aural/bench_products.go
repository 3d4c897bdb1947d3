package main

import (
	"errors"
	"fmt"
	"math"
	"time"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/rng"

	"github.com/spf13/cobra"
)

// productShapes are rows x inputs x outputs: the linear layers of base on two crops of 15 s, and of smaller models.
var productShapes = []string{"1500x768x3072", "1500x3072x768", "1500x768x768", "400x256x1024", "1500x128x512"}

func (a *app) benchProducts() *cobra.Command {
	var machine machineFlags
	seconds, asJSON, precision := 0.0, false, ""
	c := a.command(&cobra.Command{
		Use:   "products [MxKxN]...",
		Short: "Time matrix products: a linear layer and its gradients",
		Long: `Products times a linear layer of K inputs and N outputs on M rows: y = x·Wᵀ + b (NT), and its
gradients dx = dy·W (NN) and dw = dyᵀ·x (TN), and prints them beside the peak of multiply-adds,
measured just before. Without shapes it takes those of the models that there are recipes for.
In int8, which has no gradients, it times y with weights that were quantised before.`,
		Example: "  aural bench products\n  aural bench products 1500x768x3072 --threads 1 --kernels portable",
	}, func(args []string) error {
		if len(args) == 0 {
			args = productShapes
		}
		machine.precision = kernels.Precision(precision)
		return a.runBenchProducts(args, seconds, asJSON, machine)
	})
	c.Flags().Float64Var(&seconds, "seconds", 0.2, "time for each product, three calls at least")
	c.Flags().BoolVar(&asJSON, "json", false, "print the measurements as JSON")
	c.Flags().StringVar(&precision, "precision", string(kernels.PrecisionFloat32), "of the products: float32, int8, or high or bf16 where there is AMX")
	c.RegisterFlagCompletionFunc("precision", words("float32", "high", "bf16", "int8"))
	machineFlagsOf(c, &machine)
	return c
}

// productsReport is the outcome of bench products.
type productsReport struct {
	Machine    benchMachine `json:"machine"`
	PeakGFLOPs float64      `json:"peak_gflops"`
	Products   []productRow `json:"products"`
}

type productRow struct {
	Shape   string  `json:"shape"`
	Form    string  `json:"form"` // NT, NN or TN
	Variant string  `json:"kernel"`
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"` // median
	GFLOPs  float64 `json:"gflops_per_second"`
	Share   float64 `json:"share_of_peak"`
}

func (a *app) runBenchProducts(shapes []string, seconds float64, asJSON bool, m machineFlags) (err error) {
	each, err := benchTime(seconds)
	if err != nil {
		return err
	}
	var sizes [][3]int
	for _, shape := range shapes {
		s, err := parseProduct(shape)
		if err != nil {
			return err
		}
		sizes = append(sizes, s)
	}
	be, err := newCPU(m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	peak, err := be.ComputePeak(200 * time.Millisecond)
	if err != nil {
		return err
	}
	forms := []string{"NT", "NN", "TN"}
	if m.precision == kernels.PrecisionInt8 {
		forms = forms[:1]
	}
	r := productsReport{Machine: benchMachine{versionText(), be.Name(), be.Threads()}, PeakGFLOPs: peak.All / 1e9}
	for i, size := range sizes {
		for _, form := range forms {
			row, err := timeProduct(be, size, form, m.precision == kernels.PrecisionInt8, each)
			if err != nil {
				return err
			}
			row.Shape, row.Share = shapes[i], row.GFLOPs/r.PeakGFLOPs
			r.Products = append(r.Products, row)
		}
	}
	if asJSON {
		return writeJSON(a.out, r)
	}
	a.print("%s, %s, peak %.1f GFLOP/s\n", be.Name(), plural(be.Threads(), "thread"), r.PeakGFLOPs)
	rows := [][]string{{"rows x in x out", "form", ">ms", ">GFLOP/s", ">of peak"}}
	for _, p := range r.Products {
		rows = append(rows, []string{p.Shape, p.Form, milliseconds(time.Duration(p.Seconds * 1e9)), fmt.Sprintf("%.1f", p.GFLOPs), percent(p.Share)})
	}
	table(a.out, rows, nil)
	return nil
}

// parseProduct reads MxKxN.
func parseProduct(text string) (s [3]int, err error) {
	if n, err := fmt.Sscanf(text+"\n", "%dx%dx%d\n", &s[0], &s[1], &s[2]); n != 3 || err != nil || min(s[0], s[1], s[2]) < 1 || max(s[0], s[1], s[2]) > math.MaxInt16 {
		return s, usagef("%q is no product: want ROWSxINPUTSxOUTPUTS of numbers from 1 to %d, as 1500x768x3072", text, math.MaxInt16)
	}
	return s, nil
}

// timeProduct times one form of the product of m rows, k inputs and n outputs, with a weight that is prepared before or not.
func timeProduct(be *cpu.Backend, size [3]int, form string, freeze bool, each time.Duration) (row productRow, err error) {
	const f = kernels.Float32
	m, k, n := size[0], size[1], size[2]
	x, w, y := kernels.Of(f, m, k), kernels.Of(f, n, k), kernels.Of(f, m, n)
	var op kernels.Op
	var in []kernels.Desc
	switch form {
	case "NT":
		op, in = kernels.Linear{}, []kernels.Desc{x, w, kernels.Of(f, n)}
	case "NN":
		op, in = kernels.LinearGradInput{}, []kernels.Desc{y, w}
	case "TN":
		op, in = kernels.LinearGradWeight{}, []kernels.Desc{y, x}
	}
	out, err := op.Infer(in)
	if err != nil {
		return row, err
	}
	kernel, err := be.Compile(op, in, out)
	if err != nil {
		return row, err
	}
	var bufs []kernels.Buffer
	for i, d := range append(append(in, out...), kernels.Of(kernels.Uint8, kernel.Scratch)) {
		mem, err := be.Alloc(d.Bytes())
		if err != nil {
			return row, err
		}
		defer mem.Free()
		b, err := mem.Slice(d, 0)
		if err != nil {
			return row, err
		}
		if i < len(in) {
			r := rng.At(uint64(i), 0, rng.Site("bench.products"))
			for j := range b.F32() {
				b.F32()[j] = float32(r.NormFloat64())
			}
		}
		bufs = append(bufs, b)
	}
	ins, outs, scratch := bufs[:len(in)], bufs[len(in):len(bufs)-1], bufs[len(bufs)-1].HostBytes()
	if freeze {
		if err := be.Freeze(op, ins[1]); err != nil {
			return row, err
		}
	}
	var step kernels.Step
	kernel.Run(&step, ins, outs, scratch) // first touch of the memory
	times, err := exec.Repeat(each, func() error { kernel.Run(&step, ins, outs, scratch); return be.Sync() })
	if err != nil {
		return row, err
	}
	t := median(times).Seconds()
	return productRow{Form: form, Variant: kernel.Variant, Runs: len(times), Seconds: t, GFLOPs: perSecond(op.FLOPs(in, out), t) / 1e9}, nil
}
